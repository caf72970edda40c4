"""Proposing a count: the population of keys, whether chance explains it, and the counts that keep a budget.

Law: refuse rather than promise. A proposal stands on one claim, that what is counted comes independently at rates that follow the hour;
where the traffic contradicts it, the reason is given and, where there is one, the field to count instead.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from rulesd.config.fields import field
from rulesd.core.detectors.protocol import Detector
from rulesd.core.plan import Rule
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds
from rulesd.runners.calibrate_kinds import same_in, texts, values_in
from rulesd.runners.calibrate_scan import Curve, smallest
from rulesd.runners.calibrate_traffic import (
    CLUMPED,
    Counts,
    Dispersion,
    Key,
    Stretch,
    Traffic,
    dispersion,
    stretches,
    traffic,
    without,
)
from rulesd.runners.calibrate_watch import Matched, by_key

CANDIDATES = (
    "session_id",
    "conversation_id",
    "user_ref",
    "request_id",
    "trace_id",
    "correlationid",
    "api_key_ref",
)
"Fields that may be counted instead of events, most specific first."

LEAST_EVENTS = 50
LEAST_LENGTH: Milliseconds = 2 * DAY
MOST = 1_000_000
DRIFTS = 0.1
"The second half of a recording may be so much busier than the rhythm of the week says."
MOVES = 0.04
"The same, where nothing but the bound is known of how false pages follow the level."
WRONG = 1.5
"A promise that is wrong by this factor on the day it is made is none."
_DRAWS = 200
_FEW = 3
"So many incidents, and two a week more, are incidents; more of them are how the traffic is."


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What is counted, and what is wrong with it."""

    traffic: Traffic
    spread: Dispersion
    refusals: tuple[str, ...]
    incidents: tuple[Stretch, ...]
    "Found in the recording; left out when that was asked for."

    distinct: str = ""
    "A field to count instead that chance explains."


def counted(rule: Rule, detector: "Detector[Any]", events: Matched, window: Milliseconds) -> Counts:
    """By key (for ``repeat``: key and combination): how many in each window, different values once."""
    out: dict[Key, Counter[int]] = {}
    for key, mine in by_key(rule, events).items():
        seen: defaultdict[Key, set[tuple[int, str]]] = defaultdict(set)
        for event, _ in mine:
            combination = same_in(detector, event.document)
            if combination is None:
                continue
            whole = (*key, *combination)
            number = event.at // window
            values = values_in(detector, event.document)
            counter = out.setdefault(whole, Counter())
            if values is None:
                counter[number] += event.weight
                continue
            for value in values:
                if (number, value) not in seen[whole]:
                    seen[whole].add((number, value))
                    counter[number] += 1
    return {key: c for key, c in sorted(out.items()) if c}


def population(
    rule: Rule,
    detector: "Detector[Any]",
    events: Matched,
    began: Instant,
    ended: Instant,
    *,
    leave_out: bool = False,
) -> Population:
    """Fit the traffic and say what speaks against a formula. ``leave_out``: take incidents out of the baseline."""
    window = int(getattr(detector, "within", 0))
    counts = counted(rule, detector, events, window)
    hours = counted(rule, detector, events, HOUR) if window > HOUR else None
    fitted = traffic(counts, window, began, ended, hours)
    refusals = _too_little(fitted)
    if refusals:
        return Population(
            traffic=fitted, spread=dispersion(fitted), refusals=refusals, incidents=()
        )
    found = stretches(fitted)
    cleaned = fitted
    if found:
        cleaned = traffic(without(counts, found, window), window, began, ended, hours)
    few = len(found) <= _FEW + 2 * fitted.length / (7 * DAY)
    incidents: tuple[Stretch, ...] = ()
    if found and few and not dispersion(cleaned).clumped:
        incidents = tuple(found)
        if leave_out:
            fitted = cleaned
        else:
            refusals = (
                f"incidents in the baseline: {len(found)} stretches hold more than chance explains. Look at them, then leave them out with --exclude-incidents",
            )
    spread = dispersion(fitted)
    if refusals:
        return Population(traffic=fitted, spread=spread, refusals=refusals, incidents=incidents)
    refusals = _clumped(fitted, spread) + moving(fitted)
    instead = _instead(rule, detector, events, began, ended) if refusals else ""
    return Population(
        traffic=fitted, spread=spread, refusals=refusals, incidents=incidents, distinct=instead
    )


def _too_little(fitted: Traffic) -> tuple[str, ...]:
    if fitted.length < LEAST_LENGTH:
        return (
            f"not enough data: {fitted.length / DAY:.1f} days recorded, at least 2 are needed (2 weeks show the rhythm of a week)",
        )
    if fitted.total < LEAST_EVENTS:
        return (
            f"not enough data: {fitted.total} matching events, at least {LEAST_EVENTS} are needed",
        )
    return ()


def _clumped(fitted: Traffic, spread: Dispersion) -> tuple[str, ...]:
    if spread.clumped:
        return (
            f"dispersion {spread.value:.2f} is above {CLUMPED}: events come in clumps, and any formula for chance would promise far too few pages",
        )
    for key, c in fitted.counts.items():
        if sum(c.values()) >= LEAST_EVENTS:
            one = dispersion(fitted, [key])
            if one.value > CLUMPED and one.value - 1 > 6 * one.error:
                named = ", ".join(key) or "(no labels)"
                return (
                    f"dispersion {one.value:.2f} of the key {named} is above {CLUMPED}: its events come in clumps",
                )
    return ()


def halves(fitted: Traffic) -> tuple[int, int, float]:
    """Counted in the first and in the second half, and how far the second is from its part by the rhythm (0 where chance explains it)."""
    middle = (fitted.began + fitted.length // 2) // fitted.window
    if fitted.length < 4 * DAY:
        return 0, 0, 0.0
    usual = [0.0, 0.0]
    seen = [0, 0]
    for w in range(fitted.began // fitted.window, fitted.ended // fitted.window + 1):
        usual[w >= middle] += fitted.mean(1.0, w)
    for c in fitted.counts.values():
        for w, n in c.items():
            seen[w >= middle] += n
    expected_ = sum(seen) * usual[1] / sum(usual)
    noise = (expected_ * usual[0] / sum(usual)) ** 0.5
    off = seen[1] - expected_
    return seen[0], seen[1], off / expected_ if expected_ and abs(off) > 5 * noise else 0.0


def moving(fitted: Traffic, bound: float = DRIFTS) -> tuple[str, ...]:
    """Whether the level moves so much that the past says little about what comes."""
    first, second, off = halves(fitted)
    if abs(off) <= bound:
        return ()
    said = "rose" if off > 0 else "fell"
    again = "Record again"
    if fitted.length < 14 * DAY - 2 * HOUR:
        again = "It may be the weekend: record two weeks"
    return (
        f"the traffic {said} over the recording ({first} counted in its first half, {second} in its second): a threshold for the past would not fit what comes. {again}, or use spike, which follows the level",
    )


def _instead(
    rule: Rule, detector: "Detector[Any]", events: Matched, began: Instant, ended: Instant
) -> str:
    """The field whose different values chance explains, the busiest first."""
    if detector.name != "burst" or getattr(detector, "distinct", None) is not None:
        return ""
    labels = {f.name for f in rule.by}
    for name in CANDIDATES:
        if name in labels:
            continue
        one = field(name)
        if sum(bool(texts(one.get(e.document))) for e, _ in events) < 0.9 * len(events):
            continue
        other: Detector[Any] = replace(detector, distinct=one)  # type: ignore[type-var]
        window = int(getattr(detector, "within", 0))
        fitted = traffic(counted(rule, other, events, window), window, began, ended)
        spread = dispersion(fitted)
        # Counting as many values as events changes nothing: an id of each event is no remedy.
        if fitted.total < 0.95 * len(events) and not _clumped(fitted, spread):
            return name
    return ""


def expected(fitted: Traffic, counts: Sequence[int]) -> dict[int, float]:
    """Matches a week that chance gives, for some counts."""
    rates = list(fitted.rates.values())
    hours, peaks = fitted.hours(), fitted.peaks()
    out: dict[int, float] = {}
    for k in counts:
        curve = Curve(k, fitted.window, hours, min(rates), max(rates), peaks)
        out[k] = sum(map(curve, rates))
    return out


def outgrown(fitted: Traffic, k: int) -> tuple[str, ...]:
    """Whether the level has moved so far while it was recorded that the promise for ``k`` is wrong at its end."""
    _, _, off = halves(fitted)
    if not off:
        return ()
    # From the middle of the recording to its end is as far as from the middle of one half to that of the other.
    level = 1.0 + 2.0 * off
    hours, rates = fitted.hours(), list(fitted.rates.values())
    here = Curve(k, fitted.window, hours, min(rates), max(rates), fitted.peaks())
    there = sum(here(r * level) for r in rates)
    usual = sum(map(here, rates))
    if 1.0 / WRONG <= there / max(usual, 1e-300) <= WRONG:
        return ()
    return (
        f"the traffic moves: its second half is {off:+.0%} off its rhythm, and at its end chance fills the window {there / max(usual, 1e-300):.1f} times as often as over the whole recording. Record again when it is steady, or use spike, which follows the level",
    )


def interval(fitted: Traffic, spread: Dispersion, k: int, seed: int = 0) -> tuple[float, float]:
    """Where the expected matches lie (90 %), rates being known from so many events only.

    The upper end also allows for the dispersion measured: clumps of D events are D times fewer, and k / D of them fill a window.
    """
    rates = list(fitted.rates.values())
    hours, draw = fitted.hours(), Random(seed)  # noqa: S311 - a bootstrap, not a secret
    peaks = fitted.peaks()
    curve = Curve(k, fitted.window, hours, min(rates), max(rates), peaks)
    events = [r * fitted.length for r in rates]
    draws = max(20, min(_DRAWS, 400_000 // max(len(rates), 1)))
    totals = sorted(
        sum(curve(poisson_draw(n, draw) / fitted.length) for n in events) for _ in range(draws)
    )
    low, high = totals[int(0.05 * draws)], totals[min(draws - 1, int(0.95 * draws))]
    d = min(max(spread.value, 1.0), CLUMPED)
    if d > 1.02:
        loose = Curve(k / d, fitted.window, hours, min(rates) / d, max(rates) / d, peaks)
        high = max(high, sum(loose(r / d) for r in rates))
    return low, high


def poisson_draw(mean: float, draw: Random) -> int:
    """A Poisson number; by the normal curve where that is as good."""
    if mean > 50:
        return max(0, round(draw.gauss(mean, mean**0.5)))
    left, n = draw.expovariate(1.0), 0
    while left < mean:
        left += draw.expovariate(1.0)
        n += 1
    return n


def propose(fitted: Traffic, budget: float) -> int | None:
    """The smallest count within a budget of matches a week."""
    rates = fitted.rates
    busiest = max(rates.values()) * max(fitted.profile) * fitted.window
    least = max(2, int(busiest) + 2)
    return smallest(lambda k: expected(fitted, [k])[k], budget, least, MOST)
