"""Decisions as they are written down, with what they owe: log rows and outbox rows, numbered and counted.

Law: every decision gets one row and one number, in order; the numbers have no gap. What nobody needs any more is on record and owes
nothing.
"""

from collections.abc import Callable, Sequence

from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import (
    AlertChanged,
    Decision,
    Kind,
    NoticeDue,
    NotificationDue,
    RolloutChanged,
    SwitchChanged,
)
from rulesd.model.instant import Instant
from rulesd.model.reasons import Reason
from rulesd.notify.action_rows import rollout_rows, switch_rows
from rulesd.ports.meter import Meter
from rulesd.ports.store import DecisionRow, OutboxRow
from rulesd.runners import codec

RESOLVED_KEPT = 1_000
"Resolved alerts that ``alerts`` still shows."

Compose = Callable[[NotificationDue | NoticeDue, Plan, int], list[OutboxRow]]


class Ledger:
    """Numbers decisions and writes them down."""

    def __init__(self, meter: Meter, compose: Compose, seq: int) -> None:
        """``seq``: the number of the last decision so far. ``compose``: what a notification owes to its channels."""
        self.seq = seq
        self.resolved: dict[str, Alert] = {}
        "The latest alerts that were resolved, by episode id."

        self.switched = False
        "Whether a switch changed since this was last set back."

        self.compose = compose
        self._meter = meter

    def write(
        self, decisions: Sequence[Decision], plan: Plan, now: Instant
    ) -> tuple[list[DecisionRow], list[OutboxRow]]:
        """Rows of the decision log, and of the outbox."""
        logged: list[DecisionRow] = []
        outbox: list[OutboxRow] = []
        counts: dict[tuple[str, Reason], int] = {}
        for decision in decisions:
            self.seq += 1
            row = codec.decision_row(self.seq, decision)
            logged.append(row)
            counts[row.kind, decision.reason] = counts.get((row.kind, decision.reason), 0) + 1
            outbox += self._owed(decision, plan, now)
        for (kind, reason), number in counts.items():
            self._meter.decisions.labels(kind, str(reason)).inc(number)
        return logged, outbox

    def _owed(self, decision: Decision, plan: Plan, now: Instant) -> Sequence[OutboxRow]:
        if isinstance(decision, AlertChanged):
            if decision.kind is Kind.RESOLVED:
                self._remember(decision.alert)
            return ()
        if isinstance(decision, NotificationDue | NoticeDue):
            return () if _too_late(decision, now) else self.compose(decision, plan, self.seq)
        if isinstance(decision, SwitchChanged):
            self.switched = True
            return switch_rows(decision, plan)
        return rollout_rows(decision, plan) if isinstance(decision, RolloutChanged) else ()

    def _remember(self, alert: Alert) -> None:
        self.resolved[alert.alert] = alert
        while len(self.resolved) > RESOLVED_KEPT:
            del self.resolved[next(iter(self.resolved))]


def _too_late(decision: NotificationDue | NoticeDue, now: Instant) -> bool:
    """Whether nobody needs this any more: after a long stop, the hand-overs of shifts that are over."""
    return isinstance(decision, NoticeDue) and decision.until is not None and decision.until <= now
