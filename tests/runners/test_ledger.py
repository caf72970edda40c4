"""Every decision is written down once, numbered without a gap, counted, and owes what it owes."""

from dataclasses import replace

import pytest

from rulesd.core.plan import Plan
from rulesd.model.decision import AlertChanged, Kind, LimitReached, NoticeDue, NotificationDue
from rulesd.model.reasons import AlertState, Reason
from rulesd.ports.meter import Meter
from rulesd.ports.store import OutboxRow
from rulesd.runners import ledger as module
from rulesd.runners.ledger import Ledger
from tests.core.plans import T0, plan, rule
from tests.model.test_alert import alert
from tests.notify.samples import due
from tests.runners.room import one_row


def resolved(number: int) -> AlertChanged:
    one = alert(alert=f"a{number}", state=AlertState.RESOLVED)
    return AlertChanged(kind=Kind.RESOLVED, at=T0, reason=Reason.CONDITION_CLEARED, alert=one)


def notice(until: int | None) -> NoticeDue:
    return NoticeDue(
        at=T0, reason=Reason.HAND_OVER, receiver="r", owner="o", title="t", lines=(), until=until
    )


def test_they_are_numbered_counted_and_the_latest_resolved_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RESOLVED_KEPT", 2)
    meter = Meter()
    made = Ledger(meter, one_row, 41)
    firing = replace(resolved(9), kind=Kind.FIRING)
    limit = LimitReached(at=T0, reason=Reason.GROUP_LIMIT, rule="", limit=1, detail="")
    rows, owed = made.write([firing, *map(resolved, range(4)), limit], plan(rule()), T0)
    assert [row.seq for row in rows] == [42, 43, 44, 45, 46, 47]
    assert (owed, made.seq) == ([], 47)
    assert list(made.resolved) == ["a2", "a3"]
    counted = meter.decisions.labels("alert.resolved", str(Reason.CONDITION_CLEARED))
    assert counted._value.get() == 4


def test_a_page_is_owed_and_a_notice_as_long_as_somebody_needs_it() -> None:
    def compose(
        decision: NotificationDue | NoticeDue, in_force: Plan, number: int
    ) -> list[OutboxRow]:
        return one_row(decision, in_force, number)

    made = Ledger(Meter(), compose, 0)
    notices = [notice(None), notice(T0 + 1), notice(T0)]
    rows, owed = made.write([due(), *notices], plan(rule()), T0)
    assert len(rows) == 4
    assert [row.id for row in owed] == ["msg-1", "msg-2", "msg-3"]
