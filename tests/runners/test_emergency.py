import asyncio
from types import SimpleNamespace
from typing import Any

from rulesd.model.errors import StoreError
from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.compose import NoLinks
from rulesd.runners.emergency import AGAIN, PATIENCE, Emergency, due_for, pages
from tests.core.plans import T0, plan, rule
from tests.scenarios.story import shipped


class Courier:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def try_once(self, receiver: str, channel: str, page: Any) -> tuple[Delivery, float]:
        self.sent.append((receiver, channel, page))
        return Delivery(outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK), 0.0


def test_a_store_that_fails_is_told_once_then_hourly_and_not_when_it_works_again() -> None:
    writer, courier = SimpleNamespace(failing=None, committing_since=None), Courier()
    parts = SimpleNamespace(writer=writer, courier=courier, links=NoLinks())
    emergency = Emergency(SimpleNamespace(plan=shipped()), parts)  # type: ignore[arg-type]

    def look(at: int) -> int:
        before = len(courier.sent)
        if emergency.look(at):
            asyncio.run(emergency.tell(at))
        return len(courier.sent) - before

    assert look(T0) == 0
    writer.failing = StoreError("the disk is full")
    assert look(T0) == 0  # perhaps it is over in a moment
    told = look(T0 + PATIENCE)
    assert told > 0
    assert look(T0 + PATIENCE + 1_000) == 0
    assert look(T0 + PATIENCE + AGAIN) == told
    writer.failing = None
    assert look(T0 + PATIENCE + AGAIN + 1) == 0
    writer.failing = StoreError("again")
    assert look(T0 + 2 * AGAIN) == 0


def test_the_page_says_what_is_wrong_and_what_to_do() -> None:
    due = due_for(shipped(), T0, T0 + 10_000)
    (_, _, page), *_ = pages(due, shipped(), NoLinks())
    (alert,) = page.alerts
    assert (alert.severity, alert.rule) == ("critical", "rulesd.disk_full")
    assert alert.first_five_minutes
    assert not page.test


def test_without_the_built_in_rule_it_still_finds_somebody() -> None:
    due = due_for(plan(rule()), T0, T0)
    assert due.receiver == "default"
    assert due.alerts[0].alert.owner == "safety"
