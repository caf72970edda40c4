"""The stage sends what was planted, by the way it says, and keeps its clock."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from rulesd.demo import stage as module
from rulesd.demo.forge import Event, Forge
from rulesd.demo.planted import PLANTED
from rulesd.demo.score import Trace
from rulesd.demo.stage import Stage
from rulesd.demo.traffic import BY_TENANT


class Record:
    """A sender that confirms at once."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.calls = 0

    async def send(self, events: Sequence[Event]) -> None:
        self.calls += 1
        self.events += events


def stage() -> tuple[Stage, dict[str, Record], Record]:
    mqtt, http = {tenant: Record() for tenant in BY_TENANT}, Record()
    return Stage(Forge(1), mqtt, http), mqtt, http


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)


def test_everything_planted_leaves_as_it_says() -> None:
    async def run() -> None:
        made, mqtt, http = stage()
        before = time.time()
        total = 0
        for planted in PLANTED:
            trace = Trace(planted=planted)
            await made.plant(planted, trace)
            assert trace.events
            assert before <= trace.sent_at <= time.time()
            total += sum(len(s.events) for s in planted.make(Forge(2), before))
        sent = [e for r in (*mqtt.values(), http) for e in r.events]
        assert len(sent) == total == made.sent
        for tenant, record in mqtt.items():
            assert {e["tenant"] for e in record.events} <= {tenant}
            assert record.calls == len(record.events)

    asyncio.run(run())


def test_the_clock_of_an_incident_runs_from_its_first_time() -> None:
    async def run() -> None:
        made, _, _ = stage()
        (planted,) = (p for p in PLANTED if p.id == "confirmed-leak")
        trace = Trace(planted=planted)
        await made.plant(planted, trace)
        first, known = trace.sent_at, set(trace.events)
        await asyncio.sleep(0.002)
        await made.plant(planted, trace)
        assert trace.sent_at == first
        assert known < trace.events

    asyncio.run(run())


def test_ordinary_traffic_uses_both_ways_and_stops() -> None:
    async def run() -> None:
        made, mqtt, http = stage()
        made.start()
        async with asyncio.timeout(30):
            while not (http.events and all(r.events for r in mqtt.values())):
                await asyncio.sleep(0.01)
        await made.hush(10)
        over_mqtt = sum(len(r.events) for r in mqtt.values())
        assert made.sent == over_mqtt + len(http.events)
        assert over_mqtt > 0
        assert len(http.events) > 0
        assert all(r.events for r in mqtt.values())
        await asyncio.sleep(0.15)
        assert made.sent == over_mqtt + len(http.events)
        await made.stop()

    asyncio.run(run())


def test_a_sender_that_never_confirms_is_not_waited_for_long() -> None:
    async def run() -> None:
        class Stuck(Record):
            async def send(self, events: Sequence[Event]) -> None:
                await asyncio.Event().wait()

        made = Stage(Forge(1), {tenant: Stuck() for tenant in BY_TENANT}, Stuck())
        made.start()
        await asyncio.sleep(0.12)
        started = time.monotonic()
        await made.hush(0.2)
        assert time.monotonic() - started < 20  # it would be waited for for ever
        await made.stop()

    asyncio.run(run())
