"""Counts in a sliding window of event time, kept in panes: fixed memory, exact to one pane, whatever the order of arrival.

Law: a pane belongs to an absolute stretch of event time, so late evidence is counted where it belongs for as long as the ring
reaches back; a ring never asks what time it is.

The window of ``panes`` panes that ends with pane ``i`` covers [(i + 1 - panes) * width, (i + 1) * width).
Room: two minutes, or a sixth of a window where that is more, beyond the window: how far the newest event may be ahead of the watermark
(at most 300 panes). A rule that waits longer (``lateness``) loses the oldest panes of its windows.
Memory: 24 bytes a pane. Cost: O(1) a count; a window is a sum over slices of arrays.
"""

from array import array

from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.model.event import Json
from rulesd.model.instant import MINUTE, Instant, Milliseconds

_ROOM: Milliseconds = 2 * MINUTE
_MOST_ROOM = 300


class Ring:
    """Trials, hits and squared weights of one key in panes of ``width`` milliseconds."""

    __slots__ = ("hits", "newest", "panes", "squares", "trials", "width")

    def __init__(self, width: Milliseconds, panes: int) -> None:
        """An empty ring that can tell a window of ``panes`` panes."""
        self.width = width
        self.panes = panes
        size = panes + min(max(panes // 6, _ROOM // width + 1), _MOST_ROOM)
        self.trials = array("q", bytes(8 * size))
        self.hits = array("q", bytes(8 * size))
        self.squares = array("q", bytes(8 * size))
        self.newest = -1
        "The newest pane."

    def add(self, at: Instant, weight: int, *, hit: bool) -> int | None:
        """Count an event; its pane, or ``None`` when the ring no longer reaches back to it."""
        pane = at // self.width
        size = len(self.trials)
        if pane > self.newest:
            stale = pane - self.newest
            if stale == 1:
                place = pane % size
                self.trials[place] = self.hits[place] = self.squares[place] = 0
            else:
                self._clear(pane, min(stale, size))
            self.newest = pane
        elif pane <= self.newest - size or pane < 0:
            return None
        place = pane % size
        self.trials[place] += weight
        self.squares[place] += weight * weight
        if hit:
            self.hits[place] += weight
        return pane

    def _clear(self, pane: int, stale: int) -> None:
        """Empty the ``stale`` panes that end with ``pane``."""
        end = pane % len(self.trials) + 1
        low = end - stale
        if low < 0:
            zeros = array("q", bytes(-8 * low))
            self.trials[low:] = self.hits[low:] = self.squares[low:] = zeros
            low = 0
        zeros = array("q", bytes(8 * (end - low)))
        self.trials[low:end] = self.hits[low:end] = self.squares[low:end] = zeros

    def window(self, last: int, panes: int) -> tuple[int, int, float]:
        """Trials, hits and design effect of the window of ``panes`` panes that ends with pane ``last``."""
        size = len(self.trials)
        first = max(last - panes + 1, self.newest - size + 1, 0)
        end = min(last, self.newest) + 1
        if first >= end:
            return 0, 0, 1.0
        low, high = first % size, (end - 1) % size + 1
        if low < high:
            trials, hits = sum(self.trials[low:high]), sum(self.hits[low:high])
            squares = sum(self.squares[low:high])
        else:
            trials = sum(self.trials[low:]) + sum(self.trials[:high])
            hits = sum(self.hits[low:]) + sum(self.hits[:high])
            squares = sum(self.squares[low:]) + sum(self.squares[:high])
        return trials, hits, squares / trials if trials else 1.0

    def pane(self, pane: int) -> tuple[int, int]:
        """Trials and hits of one pane that the ring still holds."""
        place = pane % len(self.trials)
        return self.trials[place], self.hits[place]

    @property
    def oldest(self) -> int:
        """The oldest pane the ring holds."""
        return max(0, self.newest - len(self.trials) + 1)

    def dump(self) -> Json:
        """The newest pane, and every pane that is not empty."""
        size = len(self.trials)
        held = [(pane, pane % size) for pane in range(self.oldest, self.newest + 1)]
        panes: list[Json] = [
            [pane, self.trials[i], self.hits[i], self.squares[i]]
            for pane, i in held
            if self.trials[i]
        ]
        return [self.newest, panes]

    def fill(self, data: Json) -> None:
        """Take what ``dump`` gave."""
        newest, panes = rows(data)
        self.newest = whole(newest)
        size = len(self.trials)
        for row in rows(panes):
            pane, trials, hits, squares = wholes(row)
            place = pane % size
            self.trials[place], self.hits[place], self.squares[place] = trials, hits, squares
