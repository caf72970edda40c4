"""How many there were, bin by bin, as far back as a reference reaches.

Law: a bin belongs to an absolute stretch of event time, so late evidence is counted where it belongs. What happened during an alert is no history:
those stretches are shut out, counts and time alike.

Memory: 4 bytes a bin, at most 700 of them. Cost: O(1) a count; O(bins) a sum, over a slice.
"""

from array import array

from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.model.event import Json
from rulesd.model.instant import Instant, Milliseconds

_SHUT = 8


class History:
    """Counts of one key."""

    __slots__ = ("counts", "newest", "shut", "width")

    def __init__(self, width: Milliseconds, bins: int) -> None:
        """Nothing counted in ``bins`` bins of ``width`` milliseconds."""
        self.width = width
        self.counts = array("l", [0]) * bins
        self.newest = -1
        self.shut: list[tuple[Instant, Instant]] = []
        "Stretches of time that do not count, oldest first."

    def add(self, at: Instant, weight: int) -> None:
        """Count an event, unless it is older than all bins."""
        index = at // self.width
        size = len(self.counts)
        if index > self.newest:
            self._clear(index, min(index - self.newest, size))
            self.newest = index
        if index > self.newest - size and index >= 0:
            self.counts[index % size] += weight

    def _clear(self, index: int, stale: int) -> None:
        """Empty the ``stale`` bins that end with ``index``."""
        end = index % len(self.counts) + 1
        low = end - stale
        if low < 0:
            self.counts[low:] = array("l", [0]) * -low
            low = 0
        self.counts[low:end] = array("l", [0]) * (end - low)

    def between(
        self, start: Instant, end: Instant, known_from: Instant
    ) -> tuple[int, Milliseconds]:
        """(count, time) of the bins that [start, end) touches; none when they reach back too far or were shut out."""
        first, last = start // self.width, -(-end // self.width)
        size = len(self.counts)
        low, high = first * self.width, last * self.width
        if low < known_from or first <= self.newest - size:
            return 0, 0
        if any(low < shut_end and shut_start < high for shut_start, shut_end in self.shut):
            return 0, 0
        count = self._sum(first, min(last, self.newest + 1))
        return count, high - low

    def _sum(self, first: int, end: int) -> int:
        if first >= end:
            return 0
        size = len(self.counts)
        low, high = first % size, (end - 1) % size + 1
        if low < high:
            return sum(self.counts[low:high])
        return sum(self.counts[low:]) + sum(self.counts[:high])

    def shut_out(self, start: Instant, end: Instant) -> None:
        """What happened in [start, end) is no history."""
        if self.shut and self.shut[-1][1] >= start:
            start = min(start, self.shut.pop()[0])
        self.shut = [*self.shut, (start, end)][-_SHUT:]

    def dump(self) -> Json:
        """The newest bin, every bin that is not empty, and what is shut out."""
        size = len(self.counts)
        held = range(max(0, self.newest - size + 1), self.newest + 1)
        bins: list[Json] = [[i, self.counts[i % size]] for i in held if self.counts[i % size]]
        shut: list[Json] = [[start, end] for start, end in self.shut]
        return [self.newest, bins, shut]

    def fill(self, data: Json) -> None:
        """Take what ``dump`` gave."""
        newest, bins, shut = rows(data)
        self.newest = whole(newest)
        for row in rows(bins):
            index, count = wholes(row)
            self.counts[index % len(self.counts)] = count
        for row in rows(shut):
            start, end = wholes(row)
            self.shut.append((start, end))
