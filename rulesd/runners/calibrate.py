"""Calibration: thresholds for a budget of false pages a week, from recorded traffic, with what they cost in time to detect.

Law: every figure says where it comes from (``method``) and how sure it is (``low`` to ``high``, 90 %); what cannot be promised is refused with
its reason. The same recording gives the same answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from rulesd.core.detectors.protocol import Detector
from rulesd.core.plan import Plan, Rule
from rulesd.model.event import Event
from rulesd.model.instant import DAY, Instant
from rulesd.runners import calibrate_count as count
from rulesd.runners.backtest_events import Recorded, distinct_events
from rulesd.runners.calibrate_inject import Detected, times_to_detect
from rulesd.runners.calibrate_kinds import (
    Kind,
    Method,
    count_of,
    kind_of,
    parameter_of,
    value_of,
    with_value,
)
from rulesd.runners.calibrate_search import Null, own_budget, search
from rulesd.runners.calibrate_traffic import Stretch, Traffic
from rulesd.runners.calibrate_watch import Fired, Matched, watch

BUDGET = 0.25
FACTORS = (0.25, 1.0, 4.0)
"The budget asked for, and what a stricter and a looser one would mean."
NEAR = 1.5
"A bound on a share within this factor of the usual one is told to be so."


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One threshold."""

    label: str
    "``now``, ``proposed``, ``x0.25`` or ``x4`` (of the budget)."

    value: float
    false_pages: float | None
    "Expected a week by chance alone; ``None``: not known."

    low: float = 0.0
    high: float = 0.0
    past: int = 0
    "Alerts it would have fired on the recording."


@dataclass(slots=True)
class Calibration:
    """What calibrate found."""

    rule: Rule
    kind: Kind
    budget: float
    began: Instant
    ended: Instant
    matched: int
    traffic: Traffic | None = None
    dispersion: float | None = None
    refusals: tuple[str, ...] = ()
    incidents: tuple[Stretch, ...] = ()
    left_out: bool = False
    distinct: str = ""
    options: list[Option] = field(default_factory=list)
    detected: list[Detected] = field(default_factory=list)
    past: list[Fired] = field(default_factory=list)
    "Alerts of the proposed threshold, or of the one in force, on the recording."

    notes: list[str] = field(default_factory=list)

    @property
    def proposed(self) -> Option | None:
        """The threshold for the budget asked for."""
        return next((o for o in self.options if o.label == "proposed"), None)

    @property
    def weeks(self) -> float:
        """Length of the recording."""
        return (self.ended - self.began) / (7 * DAY)


def matching(
    recorded: Iterable[Recorded], plan: Plan, rule: Rule
) -> tuple[list[tuple[Event, Instant]], Instant, Instant]:
    """The events a rule matches, and when the recording begins and ends (by arrival)."""
    position = plan.by_id[rule.id]
    types = frozenset(rule.on)
    out: list[tuple[Event, Instant]] = []
    began = ended = 0
    for event, now in distinct_events(recorded):
        began = began or now
        ended = max(ended, now)
        if (not types or event.type in types) and position in plan.match(event.document)[0]:
            out.append((event, now))
    return out, began, ended


def calibrate(
    plan: Plan,
    rule: Rule,
    events: Matched,
    began: Instant,
    ended: Instant,
    *,
    budget: float = BUDGET,
    exclude_incidents: bool = False,
    brief: bool = False,
) -> Calibration:
    """Propose, or say why not. ``brief``: only the threshold for the budget, nothing about others, past alerts and times to detect."""
    kind = kind_of(rule.detector)
    out = Calibration(
        rule=rule, kind=kind, budget=budget, began=began, ended=ended, matched=len(events)
    )
    out.left_out = exclude_incidents
    if kind.method is Method.FORMULA:
        _by_formula(out, events, exclude_incidents)
    elif kind.method is not Method.REPLAY:
        _by_null(out, plan, events, brief=brief)
    else:
        out.notes.append(
            f"{rule.detector.name} has no threshold that traffic could set; the recording was only replayed"
        )
    if brief:
        return out
    _past(out, plan, events)
    if not out.refusals:
        out.detected = times_to_detect(rule, _chosen(out), events, began, ended)
    return out


def _chosen(out: Calibration) -> "Detector[Any]":
    proposed = out.proposed
    value = proposed.value if proposed is not None else None
    return out.rule.detector if value is None else with_threshold(out.rule, out.kind, value)


def with_threshold(rule: Rule, kind: Kind, value: float) -> "Detector[Any]":
    """The rule's detector with another threshold."""
    return with_value(rule.detector, kind, value)


def _by_formula(out: Calibration, events: Matched, exclude: bool) -> None:
    detector = out.rule.detector
    found = count.population(out.rule, detector, events, out.began, out.ended, leave_out=exclude)
    fitted = out.traffic = found.traffic
    out.dispersion, out.refusals = found.spread.value, found.refusals
    out.incidents, out.distinct = found.incidents, found.distinct
    if out.refusals:
        return
    if out.weeks < 0.98:
        out.notes.append(
            "less than a week was recorded: nights and weekends are taken to be like the rest"
        )
    _, _, off = count.halves(fitted)
    if off:
        out.notes.append(
            f"the second half of the recording is {off:+.0%} off its rhythm: figures hold for the level recorded, and false pages change several times as fast as the level. Calibrate again now and then"
        )
    counts: list[tuple[str, int]] = []
    now = value_of(detector, out.kind)
    if now is not None:
        counts.append(("now", count_of(detector, now)))
    for factor in FACTORS:
        k = count.propose(fitted, out.budget * factor)
        if k is None:
            out.notes.append(f"no count keeps {out.budget * factor:g} false pages a week")
        else:
            counts.append((_label(factor), k))
    proposed = dict(counts).get("proposed")
    if proposed is not None and (refused := count.outgrown(fitted, proposed)):
        out.refusals = refused
        return
    means = count.expected(fitted, [k for _, k in counts])
    for label, k in counts:
        low, high = count.interval(fitted, found.spread, k)
        out.options.append(
            Option(
                label=label,
                value=parameter_of(detector, k),
                false_pages=means[k],
                low=min(low, means[k]),
                high=max(high, means[k]),
            )
        )


def _label(factor: float) -> str:
    return "proposed" if factor == 1 else f"x{factor:g}"


def _by_null(out: Calibration, plan: Plan, events: Matched, *, brief: bool) -> None:
    null = Null(plan, out.rule, events, out.began, out.ended)
    out.refusals = null.refusals()
    out.dispersion = null.dispersion
    if out.refusals:
        return
    if null.note:
        out.notes.append(null.note)
    if null.slope:
        moves = "grows" if null.slope > 0 else "falls"
        out.notes.append(
            f"the traffic {moves} by {abs(null.slope) * 7 * DAY:.1%} a week: false pages are the mean of a year in which it goes on so"
        )
    now = value_of(out.rule.detector, out.kind)
    out.notes.append(
        f"expected false pages: {null.weeks:.0f} weeks of {out.kind.method} traffic through the detector"
    )
    if not brief or not out.kind.parameter:
        out.options.append(_option("now", now if now is not None else 0.0, null.measure(now)))
    if not out.kind.parameter:
        return
    for factor in (1.0,) if brief else FACTORS:
        wanted = out.budget * factor
        value = own_budget(null, wanted) if out.kind.budget else search(null, wanted)
        if value is not None:
            out.options.append(_option(_label(factor), value, null.measure(value)))
            if factor == 1 and (usual := null.usual()) and usual / NEAR < value < usual * NEAR:
                out.notes.append(
                    f"{value:g} is next to what is usual ({usual:.3g}): chance is kept out by the detector's own guard, not by the bound. Who wants to hear of large changes only takes a bound further off"
                )
            if factor == 1 and out.kind.budget and value < wanted:
                out.notes.append(
                    f"here chance costs more than {out.rule.detector.name}'s own budget says (events come in clumps, say): budget: {value:g} keeps {wanted:g} false pages a week"
                )
        else:
            out.notes.append(
                f"no threshold could be shown to keep {wanted:g} false pages a week; {'fewer labels in by (of shift: a larger tolerance) may' if out.kind.budget else 'a longer recording may'}"
            )


def _option(label: str, value: float, measured: tuple[float, float, float]) -> Option:
    mean, low, high = measured
    return Option(label=label, value=value, false_pages=mean, low=low, high=high)


def _past(out: Calibration, plan: Plan, events: Matched) -> None:
    """What each threshold would have paged."""
    done: dict[float, list[Fired]] = {}
    for i, option in enumerate(out.options):
        if option.value not in done:
            rule = out.rule
            if out.kind.parameter:
                rule = replace(rule, detector=with_threshold(rule, out.kind, option.value))
            done[option.value] = watch(plan, rule, events)
        out.options[i] = replace(option, past=len(done[option.value]))
    if "alert.state" in out.rule.on:
        out.notes.append("it watches other rules' alerts, which only rulesd backtest replays")
        return
    chosen = out.proposed
    out.past = done[chosen.value] if chosen is not None else watch(plan, out.rule, events)
