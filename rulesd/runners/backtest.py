"""Backtest: what a set of rules would have decided about recorded traffic, gathered for people instead of logged for programs.

Law: the decisions are the engine's own, the same as ``replay`` prints; nothing here decides. The same recording and rules give the same
result, byte for byte. One pass over the recording serves several rule sets, so a difference is never one of input.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rulesd.core.engine import Engine
from rulesd.core.plan import Maturity, Plan
from rulesd.model.alert import Alert, severity_rank
from rulesd.model.decision import (
    AlertChanged,
    Audience,
    Decision,
    Kind,
    LimitReached,
    NotificationDue,
    Status,
)
from rulesd.model.event import Event
from rulesd.model.inputs import EventRefused
from rulesd.model.instant import DAY, Instant
from rulesd.model.reasons import Reason
from rulesd.runners.backtest_events import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert began to fire."""

    at: Instant
    rule: str
    owner: str
    severity: str
    labels: Mapping[str, str]
    value: float
    shadow: bool
    "Decided by a shadow rule: nobody was told."


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One alert inside a page."""

    at: Instant
    receiver: str
    rule: str
    owner: str
    severity: str
    labels: Mapping[str, str]

    @property
    def subject(self) -> tuple[str, str, str]:
        """What makes two tellings of two runs the same one: rule, labels, receiver."""
        return self.rule, key_text(self.labels), self.receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Somebody was woken, or got a ticket: one message that asks for attention."""

    at: Instant
    receiver: str
    reason: str
    told: tuple[Telling, ...]
    "Worst first; never empty."

    @property
    def first(self) -> Telling:
        """The alert the page is about."""
        return self.told[0]


@dataclass(slots=True)
class Outcome:
    """What one rule set would have done."""

    name: str
    rules: tuple[str, ...] = ()
    events: int = 0
    rejected: int = 0
    began: Instant = 0
    ended: Instant = 0
    firings: list[Firing] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    "Messages with something new."

    reminders: list[Page] = field(default_factory=list)
    "Messages that only repeat what is still firing (``repeat_interval``)."

    limits: int = 0
    "Limits that took effect."

    stated: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    "What the rule files say (``backtest_rules.stated``); empty where they are not at hand."

    @property
    def weeks(self) -> float:
        """Length of the recording, at least one hour."""
        return max(self.ended - self.began, DAY / 24) / (7 * DAY)

    @property
    def tellings(self) -> list[Telling]:
        """Every alert of every page."""
        return [t for page in self.pages for t in page.told]


def key_text(labels: Mapping[str, str]) -> str:
    """Labels as a person reads them: ``tenant=acme tool=shell``, in order of name."""
    return " ".join(f"{k}={v}" for k, v in sorted(labels.items()))


def promoted(plan: Plan) -> Plan:
    """The plan with its shadow rules paging."""
    rules = tuple(
        replace(r, maturity=Maturity.STABLE) if r.maturity is Maturity.SHADOW else r
        for r in plan.rules
    )
    return replace(plan, rules=rules)


def backtest(
    recorded: Iterable[Recorded], plans: Sequence[tuple[str, Plan]], *, until: Instant | None = None
) -> list[Outcome]:
    """Run every plan over the recording, in one pass."""
    runs = [(Engine(plan), _Gathered(name, plan)) for name, plan in plans]
    for item, now in recorded:
        if until is not None and now > until:
            break
        taken = item if isinstance(item, Event) else EventRefused(source="recording", rejected=item)
        for engine, gathered in runs:
            gathered.saw(now, refused=not isinstance(item, Event))
            decided = engine.receive(taken, now)
            if decided:
                gathered.take(decided)
    for engine, gathered in runs:
        end = gathered.outcome.ended if until is None else max(until, gathered.outcome.ended)
        gathered.outcome.ended = end
        gathered.take(engine.handle_timer(end))
    return [gathered.outcome for _, gathered in runs]


class _Gathered:
    """Turns the decisions of one engine into an outcome."""

    def __init__(self, name: str, plan: Plan) -> None:
        self.plan = plan
        self.outcome = Outcome(name=name, rules=tuple(r.id for r in plan.rules))
        self._shadow = {r.id for r in plan.rules if r.maturity is Maturity.SHADOW}

    def saw(self, now: Instant, *, refused: bool) -> None:
        out = self.outcome
        if not out.events:
            out.began = now
        out.ended = now
        out.events += 1
        out.rejected += refused

    def take(self, decided: Iterable[Decision]) -> None:
        for decision in decided:
            if isinstance(decision, AlertChanged):
                if decision.kind is Kind.FIRING:
                    self.outcome.firings.append(self._firing(decision.at, decision.alert))
            elif isinstance(decision, NotificationDue):
                self._page(decision)
            elif isinstance(decision, LimitReached):
                self.outcome.limits += 1

    def _firing(self, at: Instant, alert: Alert) -> Firing:
        return Firing(
            at=at,
            rule=alert.rule,
            owner=alert.owner,
            severity=alert.severity,
            labels=dict(alert.labels),
            value=alert.value,
            shadow=alert.rule in self._shadow,
        )

    def _page(self, due: NotificationDue) -> None:
        if not due.page or due.status is not Status.FIRING or due.audience is Audience.MACHINES:
            return
        if due.reason in (Reason.ESCALATED, Reason.NOBODY):
            # A recording holds nobody's acknowledgements, so every page would climb to its end.
            return
        firing = [t for t in due.alerts if t.status is Status.FIRING]
        told = [t.alert for t in firing if t.changed] or [t.alert for t in firing]
        told.sort(key=lambda a: (severity_rank(a.severity), a.started_at, a.alert))
        repeats = due.reason is Reason.REPEAT
        if told:
            (self.outcome.reminders if repeats else self.outcome.pages).append(
                Page(
                    at=due.at,
                    receiver=due.receiver,
                    reason=str(due.reason),
                    told=tuple(self._telling(due, alert) for alert in told),
                )
            )

    @staticmethod
    def _telling(due: NotificationDue, alert: Alert) -> Telling:
        return Telling(
            at=due.at,
            receiver=due.receiver,
            rule=alert.rule,
            owner=alert.owner,
            severity=alert.severity,
            labels=dict(alert.labels),
        )
