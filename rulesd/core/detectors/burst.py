"""``burst``: too many of something within a sliding window of event time.

Law: exact for every order of arrival within the lateness: an event joins the windows it belongs to by its own time, and a
late one still completes its window. An event weighs as many as its ``sampledrate`` says. With ``distinct`` the window
counts different values instead of events.

Method: "``count`` within ``within``" needs only the newest stamps: the window (t - within, t] is full when the count-th newest
stamp at or before t is younger than t - within (half-open: an event exactly ``within`` old is out). Kept are the newest
3 x count stamps, which is every stamp that can still take part in a window while no window is full and lateness <= within;
a denser past has fired already. ``tumbling_on_match`` forgets its stamps at each match (ElastAlert's ``frequency``).

Memory per key: 4 bytes a stamp (counted from a base that many keys share), at most 3 x count of them, and one text with the ids of three events once a
window is half full (distinct: about 100 bytes a value). Cost per observation: O(1) in order, O(count) late.
"""

from array import array
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rulesd.core.detectors.distinct import Values
from rulesd.core.detectors.plain import rows, texts, whole
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.field import Field
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds
from rulesd.model.quick import quick

_LEAST_KEPT = 16
EVIDENCE = 4
"Ids of events a burst opens with."

_BETWEEN = "\x00"
"Stands between the ids that are kept as one text."

_ERA = 31
_WIDE = 1 << 32
"Stamps count from the start of the era before the key's: 2**31 ms, 25 days, so that 32 bits reach as far back and ahead."


@lru_cache(maxsize=64)
def _base(era: int) -> Instant:
    """Where the stamps of keys in ``era`` count from: one number for all of them, not one for each."""
    return (era - 1) << _ERA


class Stamps:
    """State of one key: sorted event times, and for ``distinct`` the values behind them."""

    __slots__ = ("at", "base", "recent", "values")

    def __init__(self, at: Instant, values: Values | None) -> None:
        """Nothing seen; a key whose first event is of about ``at``."""
        self.at = array("I")
        "Milliseconds after ``base``: four bytes each; eight (type ``q``) where they lie further apart than 49 days."
        self.base = _base(at >> _ERA)
        self.values = values
        self.recent: str | tuple[str, ...] = ""
        "Ids of the latest events before the next, kept once a window is half full: the evidence of a burst to come. One text, where that can be taken apart again."

    @property
    def newest(self) -> Instant:
        """The newest event time; 0 when there is none."""
        return self.base + self.at[-1] if len(self.at) else 0

    def put(self, at: Instant, times: int) -> None:
        """Take a stamp ``times`` times, wherever it belongs."""
        try:
            for _ in range(times):
                insort(self.at, at - self.base)
        except OverflowError:
            self.fill([*(self.base + stamp for stamp in self.at), at])
            self.put(at, times - 1)

    def fill(self, stamps: Sequence[Instant]) -> None:
        """Hold these stamps."""
        ordered = sorted(stamps)
        self.base = _base(ordered[-1] >> _ERA) if ordered else 0
        try:
            self.at = array("I", [at - self.base for at in ordered])
        except OverflowError:
            self.base, self.at = 0, array("q", ordered)

    def evidence(self, event: str) -> list[str]:
        """The ids of the latest events up to ``event``, which is one of them from now on."""
        known = self.recent
        if type(known) is str and _BETWEEN not in event:
            if not known:
                self.recent = event
                return [event]
            ids = known.split(_BETWEEN)
            self.recent = (
                f"{known}{_BETWEEN}{event}"
                if len(ids) < EVIDENCE - 1
                else f"{ids[1]}{_BETWEEN}{ids[2]}{_BETWEEN}{event}"
            )
            ids.append(event)
            return ids
        ids = [*self.ids(), event]
        self.keep(ids)
        return ids

    def ids(self) -> list[str]:
        """The ids that are kept."""
        known = self.recent
        return (known.split(_BETWEEN) if type(known) is str else [*known]) if known else []

    def keep(self, ids: Sequence[str]) -> None:
        """Remember the latest of these ids: all but one of the evidence, since the event that completes a window is the last."""
        kept = tuple(ids[1 - EVIDENCE :])
        joined = _BETWEEN.join(kept)
        self.recent = joined if joined.count(_BETWEEN) < len(kept) else kept


_made = quick(Reading, "at", "active", "value", "threshold", "until", "detail", "since", "causes")
"An open burst has a reading for each event."


@dataclass(frozen=True, slots=True)
class Burst:
    """Fires when ``count`` events (or different values of ``distinct``) lie within ``within`` milliseconds."""

    count: int
    within: Milliseconds
    distinct: Field | None = None
    tumbling: bool = False

    name: ClassVar[str] = "burst"
    version: ClassVar[int] = 2
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = True
    pooled: ClassVar[bool] = False

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    def pool(self) -> object:
        """Keys share nothing."""
        return None

    def start(self, key: tuple[str, ...], at: Instant) -> Stamps:
        """No stamps yet."""
        return Stamps(at, None if self.distinct is None else Values())

    def advance(self, state: Stamps, pool: object, watermark: Instant) -> Sequence[Reading]:
        """A full window ends by itself (``Reading.until``); nothing else happens by time."""
        return ()

    def observe(self, state: Stamps, pool: object, seen: Observation) -> Reading | None:
        """Put the event into its windows and say whether one of them is full."""
        if state.values is not None:
            return self._observe_value(state, state.values, seen)
        stamps, count, place = state.at, self.count, seen.at - state.base
        size = len(stamps)
        late = size > 0 and place < stamps[size - 1]
        if late or seen.weight != 1 or not 0 <= place < _WIDE:
            state.put(seen.at, min(seen.weight, count))
            stamps, place = state.at, seen.at - state.base
        else:
            stamps.append(place)
        size = len(stamps)
        if size > _LEAST_KEPT and size > 3 * count:
            del stamps[: size - max(3 * count, _LEAST_KEPT)]
            size = len(stamps)
        if 2 * size < count:
            return None
        causes = state.evidence(seen.event)
        first = self._full(stamps, place) if late else size - count
        if first < 0:
            return None
        start, end = stamps[first], stamps[first + count - 1]
        if end - start >= self.within:
            return None
        end = max(end, place)
        low, high, out = first, first + count, end - self.within
        while low > 0 and stamps[low - 1] > out:
            low -= 1
        while high < size and stamps[high] <= end:
            high += 1
        until = place if self.tumbling else start + self.within
        if self.tumbling:
            del stamps[:]
        base, value, most = state.base, float(high - low), float(count)
        return _made(base + end, True, value, most, base + until, None, base + start, tuple(causes))

    def _full(self, stamps: "array[int]", at: int) -> int:
        """The start of the latest full window that holds a late stamp, or -1."""
        count, within, size = self.count, self.within, len(stamps)
        place = size - 1
        while place >= 0 and stamps[place] > at:
            place -= 1
        for first in range(min(place, size - count), max(-1, place - count), -1):
            if stamps[first + count - 1] - stamps[first] < within:
                return first
        return -1

    def _observe_value(self, state: Stamps, values: Values, seen: Observation) -> Reading | None:
        assert self.distinct is not None
        raw = self.distinct.get(seen.document)
        if raw is None or isinstance(raw, list | dict):
            return None
        causes = state.evidence(seen.event)
        full = values.add(str(raw), seen.at, self.within, self.count)
        if full is None:
            return None
        number, start = full
        until = seen.at if self.tumbling else start + self.within
        if self.tumbling:
            values.clear()
        value, most = float(number), float(self.count)
        return _made(seen.at, True, value, most, until, None, start, tuple(causes))

    def current(self, state: Stamps, at: Instant) -> float:
        """How many lie in the window that ends at ``at``."""
        if state.values is not None:
            return float(state.values.number(at, self.within))
        end = at - state.base
        return float(bisect_right(state.at, end) - bisect_right(state.at, end - self.within))

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Every observation is one of a key."""
        return False

    def deadline(self, state: Stamps, pool: object) -> Instant | None:
        """No deadline of its own."""
        return None

    def forgettable(self, state: Stamps, watermark: Instant) -> bool:
        """When the newest stamp is out of every window that could still be completed."""
        newest = state.values.newest if state.values is not None else None
        return (state.newest if newest is None else newest) + self.within + HOUR <= watermark

    def dump(self, state: Stamps) -> Json:
        """Base (in eras), stamps and evidence; for ``distinct`` values and evidence."""
        if state.values is not None:
            return [0, state.values.dump(), [*state.ids()]]
        return [state.base >> _ERA, list(state.at), [*state.ids()]]

    def load(self, data: Json) -> Stamps:
        """From what ``dump`` gave."""
        before, kept, recent = rows(data)
        if self.distinct is not None:
            out = Stamps(0, Values.load(kept))
        else:
            out = Stamps((whole(before) + 1) << _ERA, None)
            # The array itself refuses what is no whole number.
            try:
                out.at = array("I", rows(kept))  # type: ignore[arg-type]
            except OverflowError:
                out.at = array("q", rows(kept))  # type: ignore[arg-type]
        if recent:
            out.keep(texts(recent))
        return out

    def dump_pool(self, pool: object) -> Json:
        """Nothing."""
        return None

    def load_pool(self, data: Json) -> object:
        """Nothing."""
        return None
