"""``burst``: too many of something within a sliding window of event time.

Law: exact for every order of arrival within the lateness: an event joins the windows it belongs to by its own time, and a
late one still completes its window. An event weighs as many as its ``sampledrate`` says. With ``distinct`` the window
counts different values instead of events.

Method: "``count`` within ``within``" needs only the newest stamps: the window (t - within, t] is full when the count-th newest
stamp at or before t is younger than t - within (half-open: an event exactly ``within`` old is out). Kept are the newest
3 x count stamps, which is every stamp that can still take part in a window while no window is full and lateness <= within;
a denser past has fired already. ``tumbling_on_match`` forgets its stamps at each match (ElastAlert's ``frequency``).

Memory per key: 8 bytes a stamp, at most 3 x count of them, and four event ids once a window is half full (distinct: about 100 bytes a value). Cost per observation: O(1) in order, O(count) late.
"""

from array import array
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.distinct import Values
from rulesd.core.detectors.plain import rows, texts
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.field import Field
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

_LEAST_KEPT = 16
EVIDENCE = 4
"Ids of events a burst opens with."


class Stamps:
    """State of one key: sorted event times, and for ``distinct`` the values behind them."""

    __slots__ = ("at", "recent", "values")

    def __init__(self, at: "array[int]", values: Values | None) -> None:
        """Own the given containers."""
        self.at = at
        self.values = values
        self.recent: tuple[str, ...] = ()
        "Ids of the latest events, kept once a window is half full: the evidence of a burst to come."


@dataclass(frozen=True, slots=True)
class Burst:
    """Fires when ``count`` events (or different values of ``distinct``) lie within ``within`` milliseconds."""

    count: int
    within: Milliseconds
    distinct: Field | None = None
    tumbling: bool = False

    name: ClassVar[str] = "burst"
    version: ClassVar[int] = 1
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
        return Stamps(array("q"), None if self.distinct is None else Values())

    def advance(self, state: Stamps, pool: object, watermark: Instant) -> Sequence[Reading]:
        """A full window ends by itself (``Reading.until``); nothing else happens by time."""
        return ()

    def observe(self, state: Stamps, pool: object, seen: Observation) -> Reading | None:
        """Put the event into its windows and say whether one of them is full."""
        if state.values is not None:
            return self._observe_value(state, state.values, seen)
        stamps, at, count = state.at, seen.at, self.count
        late = len(stamps) > 0 and at < stamps[-1]
        for _ in range(min(seen.weight, count)):
            if late:
                insort(stamps, at)
            else:
                stamps.append(at)
        self._trim(stamps)
        if 2 * len(stamps) >= count:
            state.recent = (*state.recent[1 - EVIDENCE :], seen.event)
        first = self._full(stamps, at) if late else len(stamps) - count
        if first < 0 or stamps[first + count - 1] - stamps[first] >= self.within:
            return None
        start, end = stamps[first], max(at, stamps[first + count - 1])
        reading = Reading(
            end,
            True,
            float(self._value(stamps, first, end)),
            float(count),
            until=at if self.tumbling else start + self.within,
            since=start,
            causes=state.recent,
        )
        if self.tumbling:
            del stamps[:]
        return reading

    def _full(self, stamps: "array[int]", at: Instant) -> int:
        """The start of the latest full window that holds a late stamp, or -1."""
        count, within, size = self.count, self.within, len(stamps)
        place = size - 1
        while place >= 0 and stamps[place] > at:
            place -= 1
        for first in range(min(place, size - count), max(-1, place - count), -1):
            if stamps[first + count - 1] - stamps[first] < within:
                return first
        return -1

    def _value(self, stamps: "array[int]", first: int, end: Instant) -> int:
        """How many kept stamps lie in the window that ends at ``end``."""
        low, high = first, first + self.count
        while low > 0 and end - stamps[low - 1] < self.within:
            low -= 1
        while high < len(stamps) and stamps[high] <= end:
            high += 1
        return high - low

    def _trim(self, stamps: "array[int]") -> None:
        excess = len(stamps) - max(3 * self.count, _LEAST_KEPT)
        if excess > 0:
            del stamps[:excess]

    def _observe_value(self, state: Stamps, values: Values, seen: Observation) -> Reading | None:
        assert self.distinct is not None
        raw = self.distinct.get(seen.document)
        if raw is None or isinstance(raw, list | dict):
            return None
        state.recent = (*state.recent[1 - EVIDENCE :], seen.event)
        full = values.add(str(raw), seen.at, self.within, self.count)
        if full is None:
            return None
        number, start = full
        until = seen.at if self.tumbling else start + self.within
        if self.tumbling:
            values.clear()
        return Reading(
            seen.at,
            True,
            float(number),
            float(self.count),
            until=until,
            since=start,
            causes=state.recent,
        )

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Every observation is one of a key."""
        return False

    def deadline(self, state: Stamps, pool: object) -> Instant | None:
        """No deadline of its own."""
        return None

    def forgettable(self, state: Stamps, watermark: Instant) -> bool:
        """When the newest stamp is out of every window that could still be completed."""
        newest = state.values.newest if state.values is not None else None
        if newest is None:
            newest = state.at[-1] if len(state.at) else 0
        return newest + self.within + HOUR <= watermark

    def dump(self, state: Stamps) -> Json:
        """The stamps as bytes would be smaller; a list of integers can be read by anyone."""
        stamps: list[Json] = list(state.at)
        kept = stamps if state.values is None else state.values.dump()
        return [kept, list(state.recent)]

    def load(self, data: Json) -> Stamps:
        """Stamps, or value and stamp pairs."""
        kept, recent = rows(data)
        if self.distinct is not None:
            out = Stamps(array("q"), Values.load(kept))
        else:
            # The array itself refuses what is no whole number; a restart asks for a million of these.
            out = Stamps(array("q", rows(kept)), None)  # type: ignore[arg-type]
        if recent:
            out.recent = texts(recent)
        return out

    def dump_pool(self, pool: object) -> Json:
        """Nothing."""
        return None

    def load_pool(self, data: Json) -> object:
        """Nothing."""
        return None
