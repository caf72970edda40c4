"""A dead-man's switch on loopback hears the daemon, and hears nothing when it should not."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rulesd.ports.meter import Meter
from rulesd.runners import heartbeat
from rulesd.runners.heartbeat import Heartbeat, Vitals


class Switch:
    """The dead-man's switch: remembers what it heard, answers as told."""

    def __init__(self) -> None:
        self.heard: list[dict[str, object]] = []
        self.status = 200
        self.hang = False
        self.answered = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append(json.loads(await request.read()))
        self.answered.set()
        if self.hang:
            await asyncio.sleep(60)
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.005)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the heart waits between beats, without waiting so long."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)
        await asyncio.sleep(0.001)

    monkeypatch.setattr(heartbeat, "asyncio", SimpleNamespace(sleep=sleep))
    return asked


def vitals(*, healthy: bool = True) -> Vitals:
    return Vitals(
        version="1.2.3",
        healthy=healthy,
        oldest_undelivered_page_seconds=0.5,
        last_commit_age_seconds=None,
    )


def count(meter: Meter, outcome: str) -> float:
    return meter.registry.get_sample_value("rulesd_heartbeats_total", {"outcome": outcome}) or 0.0


def with_switch(story: Callable[[Switch, str], Awaitable[None]]) -> None:
    async def run() -> None:
        switch = Switch()
        app = web.Application()
        app.router.add_post("/key-4711", switch.answer)
        async with TestServer(app) as server:
            await story(switch, str(server.make_url("/key-4711")))

    asyncio.run(run())


async def beating(heart: Heartbeat, until: Awaitable[None]) -> None:
    task = asyncio.create_task(heart.run())
    await until
    assert not task.done()  # whatever happened, it goes on
    task.cancel()
    await asyncio.wait([task])


def test_it_says_how_the_daemon_is_again_and_again(pauses: list[float]) -> None:
    async def story(switch: Switch, url: str) -> None:
        meter = Meter()
        heart = Heartbeat(url=url, every_s=60, vitals=vitals, meter=meter)
        await beating(heart, switch.until(lambda: count(meter, "sent") >= 3))
        assert switch.heard[0] == {
            "version": "1.2.3",
            "healthy": True,
            "oldest_undelivered_page_seconds": 0.5,
            "last_commit_age_seconds": None,
        }
        assert set(pauses) == {60}

    with_switch(story)


@pytest.mark.usefixtures("pauses")
def test_an_unhealthy_daemon_is_silent_and_speaks_again_when_well() -> None:
    async def story(switch: Switch, url: str) -> None:
        meter, well = Meter(), [False]
        heart = Heartbeat(url=url, every_s=60, vitals=lambda: vitals(healthy=well[0]), meter=meter)

        async def recovery() -> None:
            await switch.until(lambda: count(meter, "withheld") >= 3)
            assert switch.heard == []
            well[0] = True
            await switch.until(lambda: len(switch.heard) >= 1)

        await beating(heart, recovery())

    with_switch(story)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_refusal_is_counted_and_tried_again_sooner(
    status: int, caplog: pytest.LogCaptureFixture, pauses: list[float]
) -> None:
    async def story(switch: Switch, url: str) -> None:
        meter = Meter()
        switch.status = status
        heart = Heartbeat(url=url, every_s=60, vitals=vitals, meter=meter)
        await beating(heart, switch.until(lambda: count(meter, "failed") >= 3))
        assert count(meter, "sent") == 0
        assert set(pauses) == {15}

    with_switch(story)
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert said == [f"heartbeat outcome=failed reason=http_{status}"]  # once, and without the URL


def test_a_switch_that_hangs_costs_one_timeout() -> None:
    async def story(switch: Switch, url: str) -> None:
        meter = Meter()
        switch.hang = True
        heart = Heartbeat(url=url, every_s=0.05, vitals=vitals, meter=meter)
        await beating(heart, switch.until(lambda: count(meter, "failed") >= 2))

    with_switch(story)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "nonsense", "http://[bad"])
def test_a_switch_that_is_not_there_is_never_fatal(url: str) -> None:
    async def story(switch: Switch, _: str) -> None:
        meter = Meter()
        heart = Heartbeat(url=url, every_s=0.05, vitals=vitals, meter=meter)
        await beating(heart, switch.until(lambda: count(meter, "failed") >= 2))

    with_switch(story)
