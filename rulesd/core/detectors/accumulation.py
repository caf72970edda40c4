"""``accumulation``: small things pile up over days.

Law: each event adds its weight; the score halves every ``half_life`` of event time. Exact for late events: one counts with what has decayed since, and
every moment after it is looked at again.

Formula: S(t) = sum of w_i * 2 ** -((t - t_i) / half_life) over the events with t_i <= t (a leaky bucket with exponential leak). S only grows with an
event, so it is enough to look at event times. It falls below the threshold at t + half_life * log2(S(t) / threshold), which is when the condition ends.

Kept are the newest 64 events; older ones live on as one sum. An event older than all of them is added to that sum.
Memory per key: 16 bytes an event, 1.2 kB at most. Cost per observation: 1.5 us in order, O(64) late.
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from math import ceil, exp2, log2
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.plain import real, rows, whole, wholes
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

_KEPT = 64
_ROUNDING = 1e-9


class Pile:
    """State of one key."""

    __slots__ = ("at", "base", "base_at", "score", "weights")

    def __init__(self) -> None:
        """Nothing piled up."""
        self.at: array[int] = array("q")
        self.weights: array[int] = array("q")
        self.base = 0.0
        "The score of everything older than what is kept, at ``base_at``."
        self.base_at: Instant = 0
        self.score = 0.0
        "The score at the newest event."


@dataclass(frozen=True, slots=True)
class Accumulation(Apart):
    """Fires when the decaying score reaches ``threshold``."""

    half_life: Milliseconds
    threshold: float

    name: ClassVar[str] = "accumulation"

    @property
    def hold(self) -> Milliseconds:
        """One half-life."""
        return self.half_life

    def start(self, key: tuple[str, ...], at: Instant) -> Pile:
        """Nothing piled up."""
        return Pile()

    def _left(self, length: Milliseconds) -> float:
        """What is left of 1 after ``length``."""
        return exp2(-length / self.half_life)

    def observe(self, state: Pile, pool: object, seen: Observation) -> Reading | None:
        """Add the event and look at every moment from it on."""
        stamps, at, weight = state.at, seen.at, seen.weight
        if not stamps or at >= stamps[-1]:
            before = stamps[-1] if stamps else at
            state.score = state.score * self._left(at - before) + weight
            stamps.append(at)
            state.weights.append(weight)
            peak, when = state.score, at
        else:
            peak, when = self._late(state, at, weight)
        if len(stamps) > _KEPT:
            state.base = state.base * self._left(stamps[0] - state.base_at) + state.weights[0]
            state.base_at = stamps[0]
            del stamps[0], state.weights[0]
        if peak < self.threshold - _ROUNDING:
            return None
        lasts = ceil(self.half_life * max(0.0, log2(peak / self.threshold)))
        return Reading(when, True, round(peak, 6), self.threshold, until=when + lasts)

    def _late(self, state: Pile, at: Instant, weight: int) -> tuple[float, Instant]:
        """Put a late event in its place; the highest score from there on and when it was."""
        if at < state.base_at:
            state.base += weight * self._left(state.base_at - at)
        else:
            place = bisect_right(state.at, at)
            state.at.insert(place, at)
            state.weights.insert(place, weight)
        score, last = state.base, state.base_at
        peak, when = 0.0, at
        for stamp, each in zip(state.at, state.weights, strict=True):
            score = score * self._left(stamp - last) + each
            last = stamp
            if stamp >= at and score > peak:
                peak, when = score, stamp
        state.score = score
        return peak, when

    def current(self, state: Pile, at: Instant) -> float:
        """The score at ``at``."""
        score, last = state.base, state.base_at
        for stamp, each in zip(state.at, state.weights, strict=True):
            if stamp > at:
                break
            score, last = score * self._left(stamp - last) + each, stamp
        return round(score * self._left(max(0, at - last)), 6)

    def forgettable(self, state: Pile, watermark: Instant) -> bool:
        """When what is left of the score is below a thousandth of the threshold."""
        newest = state.at[-1] if state.at else 0
        left = state.score * self._left(max(0, watermark - newest))
        return watermark >= newest + HOUR and left < self.threshold / 1000

    def dump(self, state: Pile) -> Json:
        """Stamps, weights, and the sum of what is older."""
        return [list(state.at), list(state.weights), state.base, state.base_at, state.score]

    def load(self, data: Json) -> Pile:
        """From what ``dump`` gave."""
        at, weights, base, base_at, score = rows(data)
        out = Pile()
        out.at, out.weights = array("q", wholes(at)), array("q", wholes(weights))
        out.base, out.base_at, out.score = real(base), whole(base_at), real(score)
        return out
