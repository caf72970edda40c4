"""Expected false pages by running the detector over traffic in which nothing happens, and the threshold that keeps a budget.

Law: measured, with the exact Poisson interval of what was counted; nothing is claimed below what the simulated weeks can show.
"""

from collections.abc import Sequence
from dataclasses import replace

from rulesd.core.plan import Plan, Rule
from rulesd.model.instant import DAY, Instant
from rulesd.runners.calibrate_kinds import (
    Method,
    hit_of,
    kind_of,
    learns_for,
    measured,
    value_of,
    with_value,
)
from rulesd.runners.calibrate_null import Timed, shuffled, simulated
from rulesd.runners.calibrate_scan import poisson_interval
from rulesd.runners.calibrate_watch import Matched, watch

LEAST_EVENTS = 50
_WORK = 60_000
"Events of all nulls together: what one evaluation of a threshold costs."

_MOST_WEEKS = 52
_STEPS = 9


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
        self._nulls: list[Sequence[Timed]] = []
        self._known: dict[float | None, tuple[float, float, float]] = {}

    def refusals(self) -> tuple[str, ...]:
        """Why nothing can be said."""
        if len(self.events) < LEAST_EVENTS:
            return (
                f"not enough data: {len(self.events)} matching events, at least {LEAST_EVENTS} are needed",
            )
        learns = learns_for(self.rule.detector)
        if self._each * 7 < 1:
            return (
                f"not enough data: {(self.ended - self.began) / DAY:.1f} days recorded, of which {self.rule.detector.name} learns for {learns / DAY:g}; record at least a day more",
            )
        return ()

    @property
    def weeks(self) -> float:
        """Weeks in which the detector could fire, of all nulls together."""
        return self._each * len(self._made())

    def _made(self) -> list[Sequence[Timed]]:
        if not self._nulls:
            most = min(_WORK // max(len(self.events), 1), int(_MOST_WEEKS / self._each) + 1)
            for seed in range(max(2, most)):
                made = (
                    shuffled(self.rule, self.events, seed)
                    if self.kind.method is Method.SHUFFLED
                    else simulated(self.rule, self.events, self.began, self.ended, seed)
                )
                self._nulls.append(made)
        return self._nulls

    def measure(self, value: float | None) -> tuple[float, float, float]:
        """False pages a week at a threshold: the mean, and the interval it lies in (90 %)."""
        if value not in self._known:
            rule = self.rule
            if value is not None and self.kind.parameter:
                rule = replace(rule, detector=with_value(rule.detector, self.kind, value))
            fired = sum(len(watch(self.plan, rule, null)) for null in self._made())
            low, high = poisson_interval(fired)
            self._known[value] = (fired / self.weeks, low / self.weeks, high / self.weeks)
        return self._known[value]

    def span(self) -> tuple[float, float]:
        """Between which values a threshold may lie."""
        now = value_of(self.rule.detector, self.kind) or 1.0
        hit, read = hit_of(self.rule.detector), measured(self.rule.detector)
        if hit is not None:
            said = [hit(e.document) for e, _ in self.events]
            share = sum(s is True for s in said) / max(sum(s is not None for s in said), 1)
            return (share * 0.05, share) if self.kind.down else (share, 0.99)
        if read is not None:
            numbers = sorted(
                v
                for e, _ in self.events
                if isinstance(v := read.get(e.document), int | float) and not isinstance(v, bool)
            )
            if numbers:
                return min(numbers[0], now / 4), max(numbers[-1], now * 4)
        return now / 8, now * 8


def search(null: Null, budget: float) -> float | None:
    """The threshold nearest to where the traffic lies whose measured false pages keep the budget, ``None`` when none does.

    Rounded to three digits; what is promised is then measured at the rounded value.
    """
    near, far = null.span()
    if null.kind.down:
        near, far = far, near
    if null.measure(far)[0] > budget:
        return None
    for _ in range(_STEPS):
        middle = (near * far) ** 0.5 if near > 0 and far > 0 else (near + far) / 2
        if null.measure(middle)[0] <= budget:
            far = middle
        else:
            near = middle
    return float(f"{far:.3g}")
