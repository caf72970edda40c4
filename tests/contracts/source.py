"""What every source that fetches events promises (contract 2.8), run over all adapters by ``test_sources.py``.

A ``Bench`` puts the adapter between a scripted peer and a scripted intake; a story says what happens and looks at both.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import orjson

from rulesd.ports.intake import Overloaded
from tests.sources.intake import ScriptedIntake


class Bench(Protocol):
    """A source at work."""

    intake: ScriptedIntake

    def send(self, payload: bytes) -> int:
        """Hand the source one delivery; the answer names it."""
        ...

    def acknowledged(self) -> list[int]:
        """The deliveries the source has acknowledged so far, in order."""
        ...

    async def until_acknowledged(self, count: int) -> None:
        """Wait until so many are acknowledged."""
        ...

    async def reconnect(self) -> None:
        """Break the connection, and wait until the source is back."""
        ...

    async def stop(self) -> None:
        """Stop the source."""
        ...


Open = Callable[[], AbstractAsyncContextManager[Bench]]
Story = Callable[[Bench], Awaitable[None]]


def play(open_bench: Open, story: Story) -> None:
    """Run one story."""

    async def run() -> None:
        async with asyncio.timeout(60), open_bench() as bench:
            await story(bench)

    asyncio.run(run())


def event(number: int) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/svc/a",
            "type": "tool.call",
            "time": "2026-01-05T09:00:00.000Z",
            "data": {"tool": "shell"},
        }
    )


async def acknowledges_only_what_is_committed(bench: Bench) -> None:
    bench.intake.gate.clear()
    first = bench.send(event(1))
    await bench.intake.until(calls=1)
    second = bench.send(event(2))
    await asyncio.sleep(0.1)
    assert bench.acknowledged() == []
    bench.intake.gate.set()
    await bench.until_acknowledged(2)
    assert bench.acknowledged() == [first, second]
    assert bench.intake.ids == ["e-1", "e-2"]


async def keeps_order_and_takes_batches(bench: Bench) -> None:
    bench.intake.gate.clear()
    sent = [bench.send(event(0))]
    await bench.intake.until(calls=1)
    sent += [bench.send(event(n)) for n in range(1, 200)]
    await asyncio.sleep(0.3)
    bench.intake.gate.set()
    await bench.until_acknowledged(200)
    assert bench.acknowledged() == sent
    assert bench.intake.ids == [f"e-{n}" for n in range(200)]
    assert len(bench.intake.batches) < 20


async def withholds_while_the_daemon_is_full(bench: Bench) -> None:
    bench.intake.refusals = [Overloaded("full", 0), Overloaded("full", 0)]
    first, second = bench.send(event(1)), bench.send(event(2))
    await bench.until_acknowledged(2)
    assert bench.intake.calls >= 3
    assert bench.intake.ids == ["e-1", "e-2"]
    assert bench.acknowledged() == [first, second]


async def hands_over_what_it_cannot_read_and_goes_on(bench: Bench) -> None:
    bench.send(b"c4n4ry text")
    bench.send(event(1) + b"\n{bad\n" + event(2))
    bench.send(b"[" + event(3) + b",5]")
    await bench.until_acknowledged(3)
    assert bench.intake.ids == ["e-1", "e-2", "e-3"]
    found = [(bad.position, bad.code) for bad in bench.intake.rejected]
    assert found == [(0, "invalid_json"), (1, "invalid_json"), (1, "not_an_object")]
    assert "c4n4ry" not in repr(bench.intake.rejected)


async def gets_again_what_it_did_not_acknowledge(bench: Bench) -> None:
    bench.intake.gate.clear()
    bench.send(event(1))
    await bench.intake.until(calls=1)
    await bench.reconnect()
    bench.intake.gate.set()
    await bench.until_acknowledged(1)
    assert set(bench.intake.ids) == {"e-1"}


async def finishes_what_it_has_in_hand_before_it_stops(bench: Bench) -> None:
    bench.intake.gate.clear()
    sent = bench.send(event(1))
    await bench.intake.until(calls=1)
    stopping = asyncio.create_task(bench.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    bench.intake.gate.set()
    await stopping
    await bench.until_acknowledged(1)
    assert bench.acknowledged() == [sent]


async def stops_at_once_when_nothing_is_in_hand(bench: Bench) -> None:
    async with asyncio.timeout(15):
        await bench.stop()


async def leaves_to_the_peer_what_a_full_daemon_does_not_take(bench: Bench) -> None:
    bench.intake.refusals = [Overloaded("full", 60)]
    bench.send(event(1))
    await bench.intake.until(calls=1)
    async with asyncio.timeout(15):  # a full daemon said 60 s
        await bench.stop()
    assert bench.acknowledged() == []
    assert bench.intake.ids == []


STORIES: list[Story] = [
    acknowledges_only_what_is_committed,
    keeps_order_and_takes_batches,
    withholds_while_the_daemon_is_full,
    hands_over_what_it_cannot_read_and_goes_on,
    gets_again_what_it_did_not_acknowledge,
    finishes_what_it_has_in_hand_before_it_stops,
    stops_at_once_when_nothing_is_in_hand,
    leaves_to_the_peer_what_a_full_daemon_does_not_take,
]
