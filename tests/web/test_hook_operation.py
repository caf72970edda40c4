"""What a call may do, and how its body becomes an act or an event."""

import asyncio

import orjson

from tests.web.fakes import FakeDaemon, alert
from tests.web.hooking import FEED, SECRETS, call, hooked


def test_only_what_the_hook_may() -> None:
    async def story() -> None:
        daemon = FakeDaemon()
        daemon.shown = [alert("a1")]
        async with hooked(daemon) as world:

            async def pager(name: str, **event: str) -> tuple[int, dict[str, str]]:
                return (await call(world, "pager", {"event": event}, name=name))[:2]

            assert (await pager("1", kind="submit_event"))[0] == 403
            assert (await pager("2", alert="a1"))[1]["error"] == "missing_field"
            assert await pager("3", kind="resolve") == (200, {"result": "nothing_to_do"})
            assert await pager("4", kind="resolve", alert="a9") == (
                200,
                {"result": "unknown_alert"},
            )
            assert await pager("5", kind="resolve", alert="a1") == (200, {"result": "done"})
            assert await pager("6", kind="acknowledge", alert="a1") == (
                200,
                {"result": "not_active"},
            )
            assert daemon.acts == [("resolve", "a1", "hook pager", "")]
            assert (await call(world, "later", {}))[1]["error"] == "missing_field"

    asyncio.run(story())


def test_an_event_through_a_mapping() -> None:
    async def story() -> None:
        async with hooked() as world:
            headers = {"Authorization": f"Bearer {FEED}", "webhook-id": "note-7"}
            body = {"where": "support", "tenant": "acme", "other": "is left out"}
            async with world.nobody.post("/hooks/feed", json=body, headers=headers) as answer:
                assert answer.status == 200
            event = world.daemon.intake.events[0].document
            assert event == {
                "specversion": "1.0",
                "source": "hook/feed",
                "id": "note-7",
                "type": "user.feedback",
                "tenant": "acme",
                "data": {"kind": "report", "surface": "support"},
            }

    asyncio.run(story())


def test_a_call_by_token_needs_no_id_and_each_is_an_event_of_its_own() -> None:
    async def story() -> None:
        async with hooked() as world:
            headers = {"Authorization": f"Bearer {FEED}"}
            for _ in range(2):
                body = {"where": "support", "tenant": "acme"}
                async with world.nobody.post("/hooks/feed", json=body, headers=headers) as answer:
                    assert (answer.status, await answer.json()) == (200, {"result": "done"})
            ids = [event.document["id"] for event in world.daemon.intake.events]
            assert len(set(ids)) == 2

    asyncio.run(story())


def test_an_event_as_it_is_and_one_that_is_bad() -> None:
    async def story() -> None:
        async with hooked() as world:
            status, _, _ = await call(
                world, "raw", {"type": "user.feedback", "data": {"kind": "report"}}
            )
            assert status == 200
            assert world.daemon.intake.events[0].document["id"] == "msg_1"
            status, body, _ = await call(world, "raw", {"id": "", "type": "x"}, name="m2")
            assert (status, body["error"], body["pointer"]) == (400, "invalid_value", "/id")
            assert len(world.daemon.intake.rejected) == 1

    asyncio.run(story())


def test_a_mapping_that_cannot_be_computed() -> None:
    async def story() -> None:
        async with hooked() as world:
            from types import SimpleNamespace

            logic = {"merge": [{"throw": "boom"}]}
            world.daemon.plan = SimpleNamespace(
                hooks={
                    "x": {
                        "secret": [{"env": "PAGER"}],
                        "may": ["resolve"],
                        "mapping": {"alert": logic},
                    }
                }
            )
            status, body, _ = await call(world, "x", {"secret": "hunter2"}, secret=SECRETS["PAGER"])
            assert (status, body["error"]) == (400, "mapping_failed")
            assert "hunter2" not in orjson.dumps(body).decode()

    asyncio.run(story())
