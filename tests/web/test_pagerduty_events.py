"""``POST /integrations/pagerduty``, called as PagerDuty calls it."""

import asyncio
from typing import Any

import orjson
import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.daemon import Done
from rulesd.web.application import DOOR
from rulesd.web.pagerduty_events import PagerDutyEvents
from tests.web.fakes import World, alert
from tests.web.integrating import NEWER, PAGERDUTY, Daemon, channel, integrated, pagerduty_headers
from tests.web.test_pagerduty_sync import body
from tests.web.test_slack_actions import _Request


def with_alert() -> Daemon:
    daemon = Daemon()
    daemon.shown = [alert("a1")]
    return daemon


async def send(
    world: World, said: Any, *secrets: str, call: str = "call-1"
) -> tuple[int, dict[str, Any]]:
    raw = said if isinstance(said, bytes) else orjson.dumps(said)
    headers = pagerduty_headers(raw, *(secrets or (PAGERDUTY,)), call=call)
    async with world.nobody.post("/integrations/pagerduty", data=raw, headers=headers) as answer:
        return answer.status, await answer.json()


def test_authentic_calls_are_202_whatever_they_say() -> None:
    async def story() -> None:
        daemon = with_alert()
        async with integrated(daemon) as world:
            said = body("acknowledged", 1)
            assert await send(world, said, "old", NEWER) == (202, {"result": "done"})
            assert await send(world, said) == (202, {"result": "already"})
            other = body("resolved", 2, key="theirs", id="Q2")
            assert await send(world, other) == (202, {"result": "unknown_incident"})
            for raw in (b"", b"[]", b"{", b'{"event":{"event_type":"pagey.ping"}}'):
                assert await send(world, raw) == (202, {"result": "nothing_to_do"})
            assert daemon.acts == [("ack", "a1", "Jane (in PagerDuty)", "")]

    asyncio.run(story())


def test_a_repeat_is_told_by_what_is_signed() -> None:
    """One header for all calls, or none, makes no two events one; another header makes no event two."""

    async def story() -> None:
        daemon = with_alert()
        async with integrated(daemon) as world:
            first, then = body("acknowledged", 1), body("unacknowledged", 2)
            assert (await send(world, first, call=""))[1] == {"result": "done"}
            assert (await send(world, then, call=""))[1] == {"result": "done"}
            assert (await send(world, then, call="another"))[1] == {"result": "already"}
        assert [act[0] for act in daemon.acts] == ["ack", "unack"]

    asyncio.run(story())


def test_who_is_not_pagerduty_is_401_and_without_effect() -> None:
    async def story() -> None:
        daemon = with_alert()
        async with integrated(daemon) as world:
            status, said = await send(world, body("resolved"), "guess")
            assert (status, said["error"]) == (401, "bad_signature")
            assert (await send(world, body("resolved"), "another-apps"))[0] == 401
        async with integrated(Daemon([channel("pagerduty", None)])) as world:
            assert (await send(world, body("resolved")))[0] == 404
        assert daemon.acts == []

    asyncio.run(story())


class Broken(Daemon):
    """A disk that hangs, then fails, then works."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = [alert("a1")]
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def acknowledge(self, alert: str, by: str, note: str) -> Done:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return await super().acknowledge(alert, by, note)


def test_what_cannot_be_made_durable_in_time_is_asked_for_again() -> None:
    async def story() -> None:
        daemon = Broken()
        async with integrated(daemon) as world:
            events = PagerDutyEvents(world.app[DOOR], answer_s=0.05)
            raw = orjson.dumps(body("acknowledged", 1))

            async def call() -> int:
                from rulesd.web.answers import Refused

                request: Any = _Request(raw, pagerduty_headers(raw, PAGERDUTY))
                try:
                    return (await events.call(request)).status
                except Refused as refused:
                    return refused.status if refused.headers["Retry-After"] else 0

            assert await call() == 503
            daemon.gate.set()
            await asyncio.sleep(0.01)
            assert await call() == 202
            assert len(daemon.acts) == 1
            await events.close()

    asyncio.run(story())


def test_a_disk_that_fails_is_503(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        daemon = Broken()
        daemon.gate.set()
        daemon.error = StoreError("the disk is full")
        async with integrated(daemon) as world:
            assert (await send(world, body("acknowledged", 1)))[0] == 503
            daemon.error = None
            assert (await send(world, body("acknowledged", 1)))[0] == 202

    asyncio.run(story())


def test_calls_that_come_together_are_judged_one_after_the_other() -> None:
    async def story() -> None:
        daemon = with_alert()
        async with integrated(daemon) as world:
            calls = [send(world, body("acknowledged", 1)) for _ in range(5)]
            results = [said["result"] for _, said in await asyncio.gather(*calls)]
            assert sorted(results) == ["already"] * 4 + ["done"]

    asyncio.run(story())
