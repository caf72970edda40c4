"""Running one rule's detector over chosen events: what calibrate's replays, nulls and injected incidents have in common.

Law: the detection machine is the daemon's own, with holds, lateness and key limits; only matching is left out, because the events given
have matched already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rulesd.core.detection import Detection
from rulesd.core.labels import key_of
from rulesd.core.plan import Maturity, Plan, Rule
from rulesd.model.decision import AlertChanged, Decision, Kind
from rulesd.model.event import Document, Event
from rulesd.model.instant import DAY, Instant

Key = tuple[str, ...]
Matched = Sequence[tuple[Event, Instant]]
"Events that matched the rule, each with its arrival, in order of arrival."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """One alert of a replay."""

    at: Instant
    labels: dict[str, str]
    value: float


def watch(plan: Plan, rule: Rule, events: Iterable[tuple[Event, Instant]]) -> list[Fired]:
    """Every alert the rule fires on these events."""
    alone = replace(rule, maturity=Maturity.STABLE)
    machine = Detection(
        replace(plan, rules=(alone,), match=_always, by_id={rule.id: 0}, naive=None)
    )
    out: list[Decision] = []
    last: Instant = 0
    for event, now in events:
        last = max(last, now)
        _timers(machine, last, out)
        machine.observe(event, last, out)
    _timers(machine, last + DAY, out)
    return [
        Fired(at=d.at, labels=dict(d.alert.labels), value=d.alert.value)
        for d in out
        if isinstance(d, AlertChanged) and d.kind is Kind.FIRING and not d.alert.could_not_evaluate
    ]


def _timers(machine: Detection, now: Instant, out: list[Decision]) -> None:
    while (due := machine.next_timer()) is not None and due <= now:
        machine.handle_timer(due, out)


def _always(_: Document) -> tuple[Sequence[int], Sequence[int]]:
    return (0,), ()


def by_key(rule: Rule, events: Matched) -> dict[Key, list[tuple[Event, Instant]]]:
    """The events of each key, in order of arrival."""
    getters = tuple(f.get for f in rule.by)
    out: dict[Key, list[tuple[Event, Instant]]] = {}
    for event, now in events:
        out.setdefault(key_of(getters, event.document), []).append((event, now))
    return dict(sorted(out.items()))
