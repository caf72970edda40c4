"""Expected false pages by running the detector over traffic in which nothing happens, and the threshold that keeps a budget.

Law: measured, with the exact Poisson interval of what was counted; nothing is claimed below what the simulated weeks can show. What is promised is measured
on other traffic than the threshold was found on: the one that happens to look best there is no measure of itself.
"""

from collections.abc import Sequence
from dataclasses import replace

from rulesd.core.plan import Plan, Rule
from rulesd.model.duration import format_duration
from rulesd.model.instant import DAY, Instant, Milliseconds
from rulesd.runners.calibrate_clumps import (
    GAPS,
    Timed,
    arriving,
    clump_gap,
    mark_dispersion,
    mark_halves,
)
from rulesd.runners.calibrate_count import MOVES, halves, moving
from rulesd.runners.calibrate_kinds import (
    Method,
    hit_of,
    kind_of,
    learns_for,
    measured,
    value_of,
    with_value,
)
from rulesd.runners.calibrate_null import FLAT, Trend, shuffled, simulated
from rulesd.runners.calibrate_scan import poisson_interval
from rulesd.runners.calibrate_traffic import CLUMPED, dispersion
from rulesd.runners.calibrate_watch import Matched, by_key, watch

LEAST_EVENTS = 50
_WORK = 60_000
"Events of all nulls together: what one evaluation of a threshold costs."

_MOST_WEEKS = 52
_COMING: Milliseconds = 52 * 7 * DAY
"How far a trend is followed for a detector that follows the traffic: what is promised is the mean of the year that comes."

_STEPS = 9
_CUTS = (1.5, 1.5, 1.5, 1.5, 1.5, 3.0, 3.0, 5.0, 10.0)
"What one cut after the other divides such a budget by: the chance of clumps falls with a root of it only."
_NEARLY = 1.25
"Chance may take a few weeks of null traffic a little over a budget that is kept."

_KEPT = 0.8
"So much of the dispersion beyond chance must be left in shuffled traffic."
_FOLLOW = ("shift", "drift", "spike")
"Detectors that follow the traffic, or have a budget that does."


class Null:
    """Traffic without incidents for one rule, made once and used for every threshold."""

    def __init__(
        self, plan: Plan, rule: Rule, events: Matched, began: Instant, ended: Instant
    ) -> None:
        """Prepare as many weeks as the work allows."""
        self.plan, self.rule, self.events = plan, rule, events
        self.began, self.ended = began, ended
        self.kind = kind_of(rule.detector)
        self._each = max((ended - began - learns_for(rule.detector)) / (7 * DAY), 0.0)
        self._nulls: dict[bool, list[Sequence[Timed]]] = {}
        self._known: dict[float | None, tuple[float, float, float]] = {}
        self._gap: Milliseconds | None = 0
        "What parts the runs of events that are moved, or drawn, as one; 0: each is for itself."
        self.dispersion: float | None = None
        "Of what the detector reads: marks, or arrivals."
        self.note = ""
        "How clumps were kept, if there are any."

        self.slope = 0.0
        "How fast the traffic moves, for a detector that follows it."

    def refusals(self) -> tuple[str, ...]:
        """Why nothing can be said."""
        if len(self.events) < LEAST_EVENTS:
            return (
                f"not enough data: {len(self.events)} matching events, at least {LEAST_EVENTS} are needed",
            )
        learns = learns_for(self.rule.detector)
        if self._each * 7 < 1:
            return (
                f"not enough data: {(self.ended - self.began) / DAY:.1f} days recorded, of which {self.rule.detector.name} learns for {learns / DAY:g}. Record at least {learns / DAY + 1:g}, better {learns / DAY + 7:g}",
            )
        if self.kind.method is Method.SHUFFLED:
            return self._marks() or self._level()
        return self._arrivals() or self._level()

    def _marks(self) -> tuple[str, ...]:
        """Whether what is read of the events stays the same, and how far it clumps."""
        found = mark_dispersion(self.rule, self.events)
        self.dispersion = found.value
        halves = mark_halves(self.rule, self.events, self.began, self.ended, found.value)
        if halves.sure:
            return (
                f"what the rule watches changed over the recording ({halves.first:.3g} on the mean in its first half, {halves.second:.3g} in its second): that is an incident or a new normal, and no chance. Record again",
            )
        if found.clumped:
            self._gap = self._parting(found.value)
            if self._gap is None:
                return (
                    f"dispersion {found.value:.2f} of what the rule watches is above {CLUMPED}: it comes in clumps longer than {format_duration(GAPS[-1])}, which no shuffling keeps",
                )
            self.note = f"what the rule watches comes in clumps (dispersion {found.value:.2f}): shuffled run by run, parted by {format_duration(self._gap)}"
        return ()

    def _parting(self, dispersion: float) -> Milliseconds | None:
        """The shortest gap whose runs keep the dispersion."""
        wanted = 1.0 + _KEPT * (dispersion - 1.0)
        for gap in GAPS:
            null = shuffled(self.rule, self.events, 0, gap)
            if mark_dispersion(self.rule, null).value >= wanted:
                return gap
        return None

    def _arrivals(self) -> tuple[str, ...]:
        """Whether events, or clumps of them, come independently, and whether they become more."""
        self._gap = clump_gap(self.rule, self.events, self.began, self.ended)
        first = arriving(self.rule, self.events, self.began, self.ended, 0)
        self.dispersion = dispersion(first).value
        if self._gap is None:
            return (
                f"dispersion {self.dispersion:.2f} is above {CLUMPED}: events come in clumps longer than {format_duration(GAPS[-1])}, which no simulation keeps",
            )
        if self._gap:
            self.note = f"events come in clumps (dispersion {self.dispersion:.2f}): simulated run by run, parted by {format_duration(self._gap)}"
        if self.rule.detector.name in _FOLLOW:
            fitted = arriving(self.rule, self.events, self.began, self.ended, self._gap)
            _, _, off = halves(fitted)
            # The middles of the halves are half a recording apart, each a quarter from the whole one's.
            self.slope = 4.0 * off / fitted.length if abs(off) > MOVES else 0.0
        return ()

    def _level(self) -> tuple[str, ...]:
        """Whether there was as much traffic at the end as at the beginning, for a bound that would not follow."""
        if self.rule.detector.name in _FOLLOW:
            return ()
        gap = clump_gap(self.rule, self.events, self.began, self.ended)
        gap = GAPS[-1] if gap is None else gap
        return moving(arriving(self.rule, self.events, self.began, self.ended, gap), MOVES)

    @property
    def weeks(self) -> float:
        """Weeks in which the detector could fire, of all nulls together."""
        return self._each * len(self._made(fresh=True))

    def _made(self, *, fresh: bool) -> list[Sequence[Timed]]:
        """Traffic to search on, or ``fresh``: twice as much to measure on."""
        if fresh not in self._nulls:
            most = min(_WORK // max(len(self.events), 1), int(_MOST_WEEKS / self._each) + 1)
            first, many = (1_000, 2 * max(2, most)) if fresh else (0, max(2, most))
            self._nulls[fresh] = [self._one(first + n, n / many) for n in range(many)]
        return self._nulls[fresh]

    def _one(self, seed: int, part: float) -> Sequence[Timed]:
        if self.kind.method is Method.SHUFFLED:
            return shuffled(self.rule, self.events, seed, self._gap or 0)
        length = self.ended - self.began
        ahead = round(length + part * max(_COMING - length, 0))
        trend = Trend(slope=self.slope, ahead=ahead) if self.slope else FLAT
        return simulated(
            self.rule, self.events, self.began, self.ended, seed, self._gap or 0, trend
        )

    def measure(self, value: float | None) -> tuple[float, float, float]:
        """False pages a week at a threshold: the mean, and the interval it lies in (90 %)."""
        if value not in self._known:
            made = self._made(fresh=True)
            fired = sum(self._fired(value, null) for null in made)
            low, high = poisson_interval(fired)
            weeks = self._each * len(made)
            self._known[value] = (fired / weeks, low / weeks, high / weeks)
        return self._known[value]

    def keeps(self, value: float, budget: float) -> bool:
        """Whether a threshold keeps a budget on the traffic it is looked for on; over as soon as it does not."""
        made = self._made(fresh=False)
        left = budget * self._each * len(made)
        for null in made:
            left -= self._fired(value, null)
            if left < 0:
                return False
        return True

    def _fired(self, value: float | None, null: Sequence[Timed]) -> int:
        """Pages of one null; what it says while it still learns is no part of what it costs."""
        rule = self.rule
        if value is not None and self.kind.parameter:
            rule = replace(rule, detector=with_value(rule.detector, self.kind, value))
        since = self.began + learns_for(rule.detector)
        return sum(page.at >= since for page in watch(self.plan, rule, null))

    def span(self) -> tuple[float, float]:
        """Between which values a threshold may lie."""
        now = value_of(self.rule.detector, self.kind) or 1.0
        hit, read = hit_of(self.rule.detector), measured(self.rule.detector)
        numbers = self._numbers()
        if read is not None and numbers:
            near = self._usual(numbers)
            return (min(numbers[0], now / 4), near) if self.kind.down else (near, self._far(near))
        if hit is not None:
            said = [hit(e.document) for e, _ in self.events]
            share = sum(s is True for s in said) / max(sum(s is not None for s in said), 1)
            return (share * 0.05, share) if self.kind.down else (share, 0.99)
        return now / 8, now * 8

    def usual(self) -> float | None:
        """The share that a bound on a share is held against; ``None`` for other bounds."""
        if self.kind.budget or hit_of(self.rule.detector) is None:
            return None
        return max(self.span()) if self.kind.down else self.span()[0]

    def _numbers(self) -> list[float]:
        """What the detector reads, in order of size."""
        read = measured(self.rule.detector)
        values = [] if read is None else [read.get(e.document) for e, _ in self.events]
        return sorted(
            float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)
        )

    def _usual(self, numbers: list[float]) -> float:
        """Where the measure itself lies: a bound there would always fire."""
        detector = self.rule.detector
        fn, mean = getattr(detector, "fn", ""), sum(numbers) / len(numbers)
        if detector.name == "quantile":
            # The detector holds the share that may be above: 1 - q.
            allowed = float(getattr(detector, "above", 0.5))
            return numbers[min(len(numbers) - 1, int((1.0 - allowed) * len(numbers)))]
        if fn == "sum":
            keys = len(by_key(self.rule, self.events))
            return (
                mean
                * len(numbers)
                * getattr(detector, "within", 0)
                / (self.ended - self.began)
                / keys
            )
        return mean if fn == "avg" else numbers[len(numbers) // 2]

    def _far(self, near: float) -> float:
        """A bound that nothing passes."""
        now, largest = value_of(self.rule.detector, self.kind) or 1.0, self._numbers()[-1]
        return max(
            largest, now * 4, near * (50 if getattr(self.rule.detector, "fn", "") == "sum" else 1)
        )


def own_budget(null: Null, wanted: float) -> float | None:
    """What a detector with a budget of its own must be told so that it costs no more than wanted, ``None`` when nothing was found.

    Where events come in clumps chance costs more than such a budget says.
    """
    value = wanted
    for cut in _CUTS:
        if null.keeps(value, wanted * _NEARLY):
            return value
        value = float(f"{value / cut:.2g}")
    return value if null.keeps(value, wanted * _NEARLY) else None


def search(null: Null, budget: float) -> float | None:
    """The threshold nearest to where the traffic lies whose measured false pages keep the budget, ``None`` when none does.

    Rounded to three digits; what is promised is then measured at the rounded value.
    """
    near, far = null.span()
    if null.kind.down:
        near, far = far, near
    if not null.keeps(far, budget):
        return None
    for _ in range(_STEPS):
        middle = (near * far) ** 0.5 if near > 0 and far > 0 else (near + far) / 2
        if null.keeps(middle, budget):
            far = middle
        else:
            near = middle
    return float(f"{far:.3g}")
