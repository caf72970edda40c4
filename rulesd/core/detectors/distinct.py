"""Different values in a sliding window of event time, exact for late values too.

Law: bounded memory, no hashing with the builtin ``hash()`` that could reach an output, the same answer for the same input.

Two views of the same values: ``_last`` holds each value's newest stamp in order of recency, so that in-order arrivals
cost O(1); ``_stamps`` and ``_values`` are a bounded, sorted history that late values are checked against.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator

from rulesd.model.event import Json
from rulesd.model.instant import Instant, Milliseconds

_HISTORY = 4
"Pairs of history kept for each value that a full window needs."


class Values:
    """The values of one key."""

    __slots__ = ("_last", "_stamps", "_values", "newest")

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._last: dict[str, Instant] = {}
        self._stamps = array("q")
        self._values: list[str] = []
        self.newest: Instant | None = None

    def clear(self) -> None:
        """Forget all values."""
        self._last.clear()
        del self._stamps[:]
        self._values.clear()

    def add(
        self, value: str, at: Instant, within: Milliseconds, count: int
    ) -> tuple[int, Instant] | None:
        """Add a value; (number of different values, first stamp that matters) of a full window that holds it, else ``None``."""
        late = self.newest is not None and at < self.newest
        if late:
            place = bisect_right(self._stamps, at)
            self._stamps.insert(place, at)
            self._values.insert(place, value)
        else:
            self._stamps.append(at)
            self._values.append(value)
            self.newest = at
        excess = len(self._values) - _HISTORY * max(count, 4)
        if excess > 0:
            del self._stamps[:excess]
            del self._values[:excess]
        if not late:
            return self._in_order(value, at, within, count)
        self._join_recent(value, at, within)
        return self._late(at, within, count)

    def number(self, end: Instant, within: Milliseconds) -> int:
        """How many different values lie in (end - within, end]."""
        low, high = bisect_right(self._stamps, end - within), bisect_right(self._stamps, end)
        return len(set(self._values[low:high]))

    def _in_order(
        self, value: str, at: Instant, within: Milliseconds, count: int
    ) -> tuple[int, Instant] | None:
        last = self._last
        last.pop(value, None)
        last[value] = at
        while at - last[oldest := next(iter(last))] >= within:
            del last[oldest]
        if len(last) < count:
            return None
        if len(last) > _HISTORY * max(count, 4):
            del last[next(iter(last))]
        return len(last), list(last.values())[-count]

    def _late(self, at: Instant, within: Milliseconds, count: int) -> tuple[int, Instant] | None:
        """Look at every window that holds ``at``: each ends at a stamp in [at, at + within)."""
        best: tuple[int, Instant] | None = None
        for end in self._stamps:
            if not at <= end < at + within:
                continue
            newest: dict[str, Instant] = {}
            for stamp, value in zip(self._stamps, self._values, strict=True):
                if stamp > end:
                    break
                if end - stamp < within:
                    newest[value] = stamp
            if len(newest) >= count:
                best = len(newest), sorted(newest.values())[-count]
        return best

    def _join_recent(self, value: str, at: Instant, within: Milliseconds) -> None:
        """Let a late value take its place in the in-order view when it is still recent."""
        last = self._last
        if self.newest is None or self.newest - at >= within or last.get(value, at - 1) >= at:
            return
        last[value] = at
        self._last = dict(sorted(last.items(), key=lambda item: item[1]))

    def dump(self) -> Json:
        """Both views."""
        return {
            "last": [[stamp, value] for value, stamp in self._last.items()],
            "pairs": [list(pair) for pair in zip(self._stamps, self._values, strict=True)],
            "newest": self.newest,
        }

    @classmethod
    def load(cls, data: Json) -> "Values":
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        out = cls()
        out._last = {value: stamp for stamp, value in _pairs(data["last"])}
        for stamp, value in _pairs(data["pairs"]):
            out._stamps.append(stamp)
            out._values.append(value)
        newest = data["newest"]
        out.newest = newest if isinstance(newest, int) else None
        return out


def _pairs(data: Json) -> Iterator[tuple[Instant, str]]:
    assert isinstance(data, list)
    for pair in data:
        assert isinstance(pair, list)
        stamp, value = pair
        assert isinstance(stamp, int)
        assert isinstance(value, str)
        yield stamp, value
