"""``POST /integrations/slack``, called as Slack calls it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web

from rulesd.model.errors import StoreError
from rulesd.ports.daemon import Done
from rulesd.web.slack_actions import _allowed
from tests.web.fakes import alert
from tests.web.integrating import Daemon, channel, click, form, integrated, slack, slack_headers


def with_alert(**given: Any) -> Daemon:
    daemon = Daemon()
    daemon.shown = [alert("a1", **given)]
    return daemon


@asynccontextmanager
async def answers() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Slack's side of ``response_url``."""
    said: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        said.append(orjson.loads(await request.read()))
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/actions/{rest}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", said
    finally:
        await runner.cleanup()


async def until(said: list[Any], count: int) -> None:
    async with asyncio.timeout(3):
        while len(said) < count:
            await asyncio.sleep(0.01)


def test_a_click_acts_once_under_the_persons_name_and_is_answered_to_them_alone() -> None:
    async def story() -> None:
        daemon = with_alert()
        async with answers() as (origin, said):
            url = f"{origin}/actions/T1"
            async with integrated(daemon, slack_answers=(origin,)) as world:
                first = click("rulesd_ack", "a1", "kim", url)
                assert await slack(world, first) == 200
                # Durable before the answer.
                assert daemon.acts == [("ack", "a1", "kim (UKIM, Slack)", "")]
                await until(said, 1)
                assert await slack(world, first) == 200  # the same call again: a copy
                assert await slack(world, click("rulesd_ack", "a1", "lee", url)) == 200
                assert await slack(world, click("rulesd_ack", "a1", "kim", url, "2")) == 200
                await until(said, 3)
        assert len(daemon.acts) == 1
        assert [one["text"] for one in said] == [
            "You have it: no more pages unless it gets worse.",
            "kim (UKIM, Slack) already has it.",
            "You have it: no more pages unless it gets worse.",
        ]
        assert {(one["response_type"], one["replace_original"]) for one in said} == {
            ("ephemeral", False)
        }

    asyncio.run(story())


def test_a_copied_call_has_no_effect_after_a_restart() -> None:
    async def story() -> None:
        daemon = with_alert()
        async with integrated(daemon) as world:
            assert await slack(world, click("rulesd_ack", "a1")) == 200
        await daemon.unacknowledge("a1", "test")
        async with integrated(daemon) as world:
            assert await slack(world, click("rulesd_ack", "a1")) == 200
            assert [one[0] for one in daemon.acts] == ["ack", "unack"]

    asyncio.run(story())


def test_who_is_not_slack_is_401_and_without_effect() -> None:
    async def story() -> None:
        daemon = with_alert()
        one = click("rulesd_ack", "a1")
        async with integrated(daemon) as world:
            assert await slack(world, one, secret="guess") == 401
            assert await slack(world, one, secret="another-apps") == 401  # another channel's
            assert await slack(world, one, at_ms=world.daemon.clock - 301_000) == 401
            async with world.nobody.post("/integrations/slack", data=form(one)) as response:
                assert response.status == 401
            raw, other = form(one), form(click("rulesd_ack", "a2"))
            headers = slack_headers(raw, world.daemon.clock)
            async with world.nobody.post(
                "/integrations/slack", data=other, headers=headers
            ) as response:
                assert response.status == 401
                assert "signing_secret" in (await response.json())["message"]
        assert daemon.acts == []

    asyncio.run(story())


def test_without_a_signing_secret_there_is_no_such_integration() -> None:
    async def story() -> None:
        async with integrated(Daemon([channel("slack", None)])) as world:
            assert await slack(world, click("rulesd_ack", "a1")) == 404
        async with integrated(Daemon([channel("slack", {"env": "GONE"})])) as world:
            assert await slack(world, click("rulesd_ack", "a1")) == 503

    asyncio.run(story())


class Slow(Daemon):
    """A disk that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = [alert("a1")]
        self.gate = asyncio.Event()
        self.fails = False

    async def acknowledge(self, alert: str, by: str, note: str) -> Done:
        await self.gate.wait()
        if self.fails:
            raise StoreError("the disk is full")
        return await super().acknowledge(alert, by, note)


def test_a_slow_disk_does_not_keep_slack_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.web.slack_actions.ANSWER_S", 0.05)

    async def story(*, fails: bool) -> list[str]:
        daemon = Slow()
        daemon.fails = fails
        async with answers() as (origin, said):
            async with integrated(daemon, slack_answers=(origin,)) as world:
                from rulesd.web.application import DOOR
                from rulesd.web.slack_actions import SlackActions

                door = SlackActions(world.app[DOOR], answer_s=0.05)
                work = asyncio.ensure_future(_called(door, world, f"{origin}/actions/T1"))
                assert (await asyncio.wait_for(work, 2)).status == 200
                assert daemon.acts == []
                await until(said, 1)
                daemon.gate.set()
                await until(said, 2)
                await door.close()
            return [one["text"] for one in said]

    async def _called(door: Any, world: Any, url: str) -> web.Response:
        raw = form(click("rulesd_ack", "a1", url=url))
        request = _Request(raw, slack_headers(raw, world.daemon.clock))
        return await door.call(request)

    first, last = asyncio.run(story(fails=False))
    assert "cannot make this durable right now" in first
    assert last.startswith("You have it")
    assert asyncio.run(story(fails=True))[1].startswith("That did not work")


class _Request:
    """As much of a request as the endpoint reads."""

    def __init__(self, raw: bytes, headers: dict[str, str]) -> None:
        self.headers, self.content_length = headers, len(raw)
        self.content = _Content(raw)


class _Content:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def at_eof(self) -> bool:
        return not self.raw

    async def readany(self) -> bytes:
        out, self.raw = self.raw, b""
        return out


def test_only_slacks_own_addresses_are_called_back() -> None:
    hosts = ("https://hooks.slack.com",)
    assert _allowed("https://hooks.slack.com/actions/T1/2/3", hosts)
    for url in (
        "http://hooks.slack.com/actions/T1",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://hooks.slack.com:8443/x",
        "https://169.254.169.254/latest",
        "//hooks.slack.com/x",
        "https://[",
        "",
    ):
        assert not _allowed(url, hosts), url


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"payload=%7Bnot",
        b"payload=[]",
        b"\xff\xfe",
        b"{}",
        b"payload=%7B%22type%22%3A%22view_submission%22%7D",
        b'{"type":"block_actions","actions":[1,{"action_id":"open_runbook"}],"user":7}',
    ],
)
def test_what_is_no_click_of_ours_is_taken_and_does_nothing(raw: bytes) -> None:
    async def story() -> None:
        daemon = with_alert()
        async with integrated(daemon) as world:
            headers = slack_headers(raw, world.daemon.clock)
            async with world.nobody.post(
                "/integrations/slack", data=raw, headers=headers
            ) as response:
                assert (response.status, await response.json()) == (200, {})
        assert daemon.acts == []

    asyncio.run(story())


def test_the_challenge_of_an_event_subscription_is_answered() -> None:
    async def story() -> None:
        async with integrated(Daemon()) as world:
            raw = b'{"type": "url_verification", "challenge": "c-1"}'
            headers = slack_headers(raw, world.daemon.clock)
            async with world.nobody.post(
                "/integrations/slack", data=raw, headers=headers
            ) as response:
                assert await response.json() == {"challenge": "c-1"}

    asyncio.run(story())
