"""``cardinality``: one key touches too many, or too few, different values.

Law: strictly above ``above``, strictly below ``below``; the window is (t - within, t] of event time. A list counts each of its elements. What has no
value, or one that is no label, counts nothing. No builtin ``hash()``: the same values give the same answer everywhere.

Method: (time, 64-bit digest of the value) pairs in two sorted arrays. Of three sightings of one value within a window the middle one changes no window
and is dropped when room is needed, so exactness survives any number of repetitions. Too many fires with the event that makes it so: a late one
completes every window that holds it. Too few is judged at every twentieth of a window once the watermark has passed it and the key is a window old.
Exact up to 112 values. For larger bounds the values whose digest falls in a fixed share of all digests stand for the rest (Gibbons' distinct
sampling): the standard error of the number is about 1/sqrt(112) = 9 %.

Memory per key: 16 bytes a pair, at most 4 x count + 32 of them (8 kB). Cost per observation: 2 us; 0.03 us for each pair of a window that may be
full, for all that was counted since it was last looked at; O(pairs) when late.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.alert import INVALID
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

_EXACT = 112
_STEPS = 20
_ELEMENTS = 1_000
"How many elements of one list are looked at."

_EMPTY = blake2b(digest_size=7)
"A copy is cheaper than a new one."


class Sightings:
    """State of one key."""

    __slots__ = ("at", "first", "ids", "judged", "low", "most")

    def __init__(self) -> None:
        """Nothing seen."""
        self.at: array[int] = array("q")
        self.ids: array[int] = array("q")
        self.first: Instant | None = None
        "The first event's time: before a window has passed since, too few means nothing."
        self.judged: Instant = 0
        "The last step that has been judged for too few."
        self.low = False
        self.most = 0
        "At most so many different values are in the window that ends with the newest pair: as last counted, and one for each pair since."


@lru_cache(maxsize=1024)
def _sizes(count: int) -> tuple[int, int]:
    """One value in how many is looked at, and how many of those have to be told from fewer."""
    sample = -(-count // _EXACT)
    return sample, -(-count // sample)


@lru_cache(maxsize=1024)
def _count(above: float | None, below: float | None) -> int:
    """Every event asks for it."""
    return max(1, *(int(b) + 1 for b in (above, below) if b is not None))


@dataclass(frozen=True, slots=True)
class Cardinality(Apart):
    """Fires when the number of different values of ``field`` within ``within`` leaves its bounds."""

    field: Field
    within: Milliseconds
    above: float | None = None
    below: float | None = None

    name: ClassVar[str] = "cardinality"

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    @property
    def count(self) -> int:
        """The number of values that has to be told from fewer."""
        return _count(self.above, self.below)

    @property
    def sample(self) -> int:
        """One value in so many is looked at."""
        return _sizes(self.count)[0]

    @property
    def step(self) -> Milliseconds:
        """How often too few is judged."""
        return max(1, self.within // _STEPS)

    def start(self, key: tuple[str, ...], at: Instant) -> Sightings:
        """Nothing seen."""
        return Sightings()

    def observe(self, state: Sightings, pool: object, seen: Observation) -> Reading | None:
        """Add the values of the event and say whether a window that holds it has too many."""
        raw = self.field.get(seen.document)
        values = raw[:_ELEMENTS] if isinstance(raw, list) else [raw]
        (sample, kept), taken = _sizes(_count(self.above, self.below)), False
        for value in values:
            text = label_text(value)
            if text and text != INVALID:
                digest = _EMPTY.copy()
                digest.update(text.encode())
                id_ = int.from_bytes(digest.digest())
                if id_ % sample == 0:
                    taken = True
                    self._add(state, seen.at, id_, kept)
        if self.below is not None and (state.first is None or seen.at < state.first):
            state.first = seen.at
        if not taken or self.above is None:
            return None
        return self._above(state, seen.at, self.above, sample)

    def current(self, state: Sightings, at: Instant) -> float:
        """How many different values lie in the window that ends at ``at``."""
        return float(self._number(state, at, -1) * self.sample)

    def _add(self, state: Sightings, at: Instant, id_: int, kept: int) -> None:
        state.most += 1
        place = bisect_right(state.at, at)
        state.at.insert(place, at)
        state.ids.insert(place, id_)
        if len(state.at) > 4 * kept + 32:
            self._thin(state)
            excess = len(state.at) - (3 * kept + 24)
            if excess > 0:
                del state.at[:excess], state.ids[:excess]

    def _thin(self, state: Sightings) -> None:
        """Drop every sighting that no window holds without one of its neighbours of the same value."""
        before: dict[int, Instant] = {}
        last: dict[int, int] = {}
        keep = [True] * len(state.at)
        for i, (at, id_) in enumerate(zip(state.at, state.ids, strict=True)):
            if id_ in before and at - before[id_] <= self.within:
                keep[last[id_]] = False
            elif id_ in last:
                before[id_] = state.at[last[id_]]
            else:
                before[id_] = at - 2 * self.within
            last[id_] = i
        state.at = array("q", [a for a, k in zip(state.at, keep, strict=True) if k])
        state.ids = array("q", [i for i, k in zip(state.ids, keep, strict=True) if k])

    def _above(self, state: Sightings, at: Instant, above: float, sample: int) -> Reading | None:
        if at >= state.at[-1]:
            if state.most * sample <= above:
                return None
            state.most = self._number(state, at, -1)
            number = state.most * sample
            return self._reading(state, at, at, number, above) if number > above else None
        high = bisect_left(state.at, at + self.within)
        ends = {at, *state.at[bisect_left(state.at, at) : high]}
        best: Reading | None = None
        for end in sorted(ends):
            number = self._number(state, end, above / sample) * sample
            if number > above and (best is None or number > best.value):
                best = self._reading(state, at, end, number, above)
        return best

    def _number(self, state: Sightings, end: Instant, enough: float) -> int:
        """Different values in (end - within, end]; 0 when there cannot be more than ``enough``."""
        low, high = bisect_right(state.at, end - self.within), bisect_right(state.at, end)
        return len(set(state.ids[low:high])) if high - low > enough else 0

    def _reading(
        self, state: Sightings, at: Instant, end: Instant, number: int, above: float
    ) -> Reading:
        low, high = bisect_right(state.at, end - self.within), bisect_right(state.at, end)
        newest = dict(zip(state.ids[low:high], state.at[low:high], strict=True))
        since = sorted(newest.values())[-(int(above / self.sample) + 1)]
        return Reading(at, True, float(number), above, until=since + self.within, since=since)

    def advance(self, state: Sightings, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge too few at every step that the watermark has passed."""
        readings: list[Reading] = []
        while self.below is not None and (due := self._due(state)) is not None and due <= watermark:
            state.judged = due
            number = self._number(state, due, -1) * self.sample
            low = number < self.below
            if low or state.low:
                readings.append(Reading(due, low, float(number), self.below))
            state.low = low
        return readings

    def _due(self, state: Sightings) -> Instant | None:
        """The next step worth judging: while the number can still change."""
        if self.below is None or state.first is None:
            return None
        step = self.step
        start = -(-(state.first + self.within) // step) * step
        due = max(state.judged + step, start)
        newest = state.at[-1] if state.at else state.first
        if state.low and due - self.within > newest + step:
            return None
        return due

    def deadline(self, state: Sightings, pool: object) -> Instant | None:
        """The next step at which too few is judged."""
        return self._due(state)

    def forgettable(self, state: Sightings, watermark: Instant) -> bool:
        """When nothing seen can be in a window any more; a key that may have too few is kept."""
        newest = state.at[-1] if state.at else 0
        return self.below is None and newest + self.within + HOUR <= watermark

    def dump(self, state: Sightings) -> Json:
        """The pairs, and how far too few has been judged."""
        return [list(state.at), list(state.ids), state.first, state.judged, state.low]

    def load(self, data: Json) -> Sightings:
        """From what ``dump`` gave."""
        at, ids, first, judged, low = rows(data)
        out = Sightings()
        out.at, out.ids = array("q", wholes(at)), array("q", wholes(ids))
        out.most = len(out.at)
        out.first = None if first is None else whole(first)
        out.judged, out.low = whole(judged), low is True
        return out
