"""Reports of deliveries: gathered for a moment, in order, none left out."""

import asyncio
from collections.abc import Sequence

from rulesd.model.inputs import Delivered
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.ports.store import OutboxDone
from rulesd.runners.reports import Report, Reports


def report(name: str) -> Report:
    place = {"receiver": "r", "channel": "c", "attempts": 1}
    done = OutboxDone(id=name, state="delivered", next_at=0, detail="", at=0, **place)  # type: ignore[arg-type]
    over = Delivered(
        notification=name, outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK, **place
    )  # type: ignore[arg-type]
    return Report(done=done, delivered=over)


def test_those_that_come_together_are_taken_together_and_in_order() -> None:
    taken: list[list[str]] = []

    def take(reports: Sequence[Report]) -> None:
        taken.append([r.done.id for r in reports])

    async def story() -> None:
        reports = Reports(lambda: True, take)
        for name in "abc":
            reports.add(report(name))
        assert taken == []
        while not taken:
            await asyncio.sleep(0.001)
        reports.add(report("d"))
        reports.flush()
        await asyncio.sleep(0.01)  # Its own turn finds nothing left.

    asyncio.run(story())
    assert taken == [["a", "b", "c"], ["d"]]


def test_they_wait_until_there_is_time() -> None:
    taken: list[str] = []
    asked = iter([False, False, True])

    async def story() -> None:
        reports = Reports(lambda: next(asked), lambda rs: taken.extend(r.done.id for r in rs))
        reports.add(report("a"))
        reports.flush()
        assert taken == []
        reports.add(report("b"))
        while not taken:
            await asyncio.sleep(0)

    asyncio.run(story())
    assert taken == ["a", "b"]
