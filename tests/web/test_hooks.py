"""``POST /hooks/{name}``, called by the standard's own sender."""

import asyncio
import logging

import pytest

from rulesd.ports.intake import Overloaded
from rulesd.web.hooks import BURST
from tests.web.fakes import FakeDaemon, alert
from tests.web.hooking import FEED, SECRETS, call, hooked

ACK = {"event": {"kind": "acknowledge", "alert": "a1", "user": "jane"}}


def with_alert() -> FakeDaemon:
    daemon = FakeDaemon()
    daemon.shown = [alert("a1")]
    return daemon


def test_a_signed_call_acts_once() -> None:
    async def story() -> None:
        daemon = with_alert()
        async with hooked(daemon) as world:
            assert (await call(world, "pager", ACK))[:2] == (200, {"result": "done"})
            assert (await call(world, "pager", ACK))[:2] == (200, {"result": "already"})
            assert daemon.acts == [("ack", "a1", "jane (hook pager)", "")]
        async with hooked(daemon) as world:  # a restart: the copy has still no effect
            await daemon.unacknowledge("a1", "test")
            assert (await call(world, "pager", ACK))[:2] == (200, {"result": "already"})
            assert len(daemon.acts) == 2

    asyncio.run(story())


@pytest.mark.parametrize(
    "tamper",
    [
        {"webhook-id": "msg_9"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "0"},
    ],
)
def test_a_tampered_call_is_401_and_without_effect(tamper: dict[str, str]) -> None:
    async def story() -> None:
        daemon = with_alert()
        async with hooked(daemon) as world:
            status, body, _ = await call(world, "pager", ACK, tamper=tamper)
            assert (status, body["error"]) == (401, "bad_signature")
            assert daemon.acts == []
            assert (await call(world, "pager", ACK, secret=SECRETS["OLD"]))[0] == 401

    asyncio.run(story())


def test_an_old_call_is_401_and_says_that_it_is_the_clock() -> None:
    async def story() -> None:
        daemon = with_alert()
        async with hooked(daemon) as world:
            from tests.web.test_hook_signature import signed

            text = '{"event": {"kind": "acknowledge", "alert": "a1"}}'
            headers = signed(SECRETS["PAGER"], text, seconds=-301)
            async with world.nobody.post(
                "/hooks/pager", data=text.encode(), headers=headers
            ) as answer:
                assert (answer.status, (await answer.json())["error"]) == (401, "stale_timestamp")
            assert daemon.acts == []

    asyncio.run(story())


def test_secrets_rotate() -> None:
    async def story() -> None:
        async with hooked(with_alert()) as world:
            for name in ("OLD", "NEW"):
                status, _, _ = await call(
                    world, "two", {"alert": "a1"}, secret=SECRETS[name], name=name
                )
                assert status == 200

    asyncio.run(story())


def test_hooks_that_are_not_there_or_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> None:
        async with hooked() as world:
            status, body, _ = await call(world, "nobody", {})
            assert (status, body["error"]) == (404, "unknown_hook")
            status, body, headers = await call(world, "broken", {})
            assert (status, body["error"], headers["Retry-After"]) == (
                503,
                "hook_unavailable",
                "60",
            )
            assert "MISSING" not in str(body)

    asyncio.run(story())
    assert "hook broken cannot be used: the environment variable MISSING is not set" in caplog.text


def test_the_token_mode() -> None:
    async def story() -> None:
        async with hooked() as world:
            body = {"where": "support", "tenant": "acme"}
            async with world.nobody.post("/hooks/feed", json=body) as answer:
                assert answer.status == 401
            headers = {"Authorization": f"Bearer {FEED}", "webhook-id": "n1"}
            async with world.nobody.post("/hooks/feed", json=body, headers=headers) as answer:
                assert (answer.status, await answer.json()) == (200, {"result": "done"})
            assert world.daemon.intake.sources == ["hook:feed"]

    asyncio.run(story())


def test_too_often_is_429() -> None:
    async def story() -> None:
        async with hooked(with_alert()) as world:
            for n in range(int(BURST)):
                assert (
                    await call(world, "two", {"alert": "a1"}, secret=SECRETS["OLD"], name=str(n))
                )[0] == 200
            status, body, headers = await call(
                world, "two", {"alert": "a1"}, secret=SECRETS["OLD"], name="x"
            )
            assert (status, body["error"], headers["Retry-After"]) == (
                429,
                "too_many_requests",
                "10",
            )
            # Calls that are not proven cost the true sender nothing; other hooks are not concerned.
            assert (await call(world, "pager", ACK))[0] == 200
            world.daemon.clock += 1_000
            assert (await call(world, "two", {"alert": "a1"}, secret=SECRETS["OLD"], name="x"))[
                0
            ] == 200

    asyncio.run(story())


def test_a_call_that_could_not_be_done_may_come_again() -> None:
    async def story() -> None:
        async with hooked() as world:
            world.daemon.intake.error = Overloaded("full", 3)
            event = {"type": "user.feedback", "data": {}}
            status, _, headers = await call(world, "raw", event)
            assert (status, headers["Retry-After"]) == (503, "3")
            world.daemon.intake.error = None
            assert (await call(world, "raw", event))[:2] == (200, {"result": "done"})
            assert (await call(world, "raw", event))[:2] == (200, {"result": "already"})
            assert len(world.daemon.intake.events) == 1

    asyncio.run(story())


def test_the_same_call_twice_at_once_acts_once() -> None:
    async def story() -> None:
        async with hooked() as world:
            world.daemon.intake.gate = asyncio.Event()
            event = {"type": "user.feedback", "data": {}}
            first = asyncio.create_task(call(world, "raw", event))
            async with asyncio.timeout(30):
                while not world.daemon.intake.waiting:
                    await asyncio.sleep(0.005)
                status, _, headers = await call(world, "raw", event)
            assert (status, headers["Retry-After"]) == (429, "1")
            world.daemon.intake.gate.set()
            assert (await first)[0] == 200
            assert len(world.daemon.intake.events) == 1

    asyncio.run(story())


def test_large_and_unreadable_bodies() -> None:
    async def story() -> None:
        async with hooked() as world:
            async with world.nobody.post("/hooks/pager", data=b"x" * 300_000) as answer:
                assert answer.status == 413
            for text in ("{", "[]", "3"):
                status, body, _ = await call(world, "pager", text)
                assert (status, body["error"] in ("invalid_json", "not_an_object")) == (400, True)

    asyncio.run(story())
