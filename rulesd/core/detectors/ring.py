"""Counts in a sliding window of event time, kept in panes: fixed memory, exact to one pane, whatever the order of arrival.

Law: a pane belongs to an absolute stretch of event time, so late evidence is counted where it belongs for as long as the ring
reaches back; a ring never asks what time it is.

The window of ``panes`` panes that ends with pane ``i`` covers [(i + 1 - panes) * width, (i + 1) * width).
Room: two minutes, or a sixth of a window where that is more, beyond the window: how far the newest event may be ahead of the watermark
(at most 300 panes). A rule that waits longer (``lateness``) loses the oldest panes of its windows.
Squared weights are kept from the first event on that stands for several; until then they are the counts themselves.
Memory: 4 bytes a pane, 8 from the first miss on (twice that once one holds 2**32), and 8 for squares. Cost: O(1) a count; a window is a sum over slices of arrays.
"""

from array import array
from functools import lru_cache

from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.model.event import Json
from rulesd.model.instant import MINUTE, Instant, Milliseconds

_ROOM: Milliseconds = 2 * MINUTE
_MOST_ROOM = 300
_WIDE = 1 << 32


@lru_cache(maxsize=512)
def _zeros(panes: int, type_: str) -> "array[int]":
    """Empty panes to copy from."""
    return array(type_, [0]) * panes


class Ring:
    """Trials, hits and squared weights of one key in panes of ``width`` milliseconds."""

    __slots__ = (
        "_most_hits",
        "_most_misses",
        "hits",
        "newest",
        "panes",
        "squares",
        "trials",
        "width",
    )

    def __init__(self, width: Milliseconds, panes: int) -> None:
        """An empty ring that can tell a window of ``panes`` panes."""
        self.width = width
        self.panes = panes
        size = panes + min(max(panes // 6, _ROOM // width + 1), _MOST_ROOM)
        self.trials = _zeros(size, "I")[:]
        self.hits: array[int] | None = None
        "``None``: as ``trials``, because every event so far was a hit."
        self.squares: array[int] | None = None
        "``None``: as ``trials``, because every event so far stood for itself."
        self.newest = -1
        "The newest pane."
        self._most_hits = self._most_misses = 0
        "All panes together hold at most as many."

    def add(self, at: Instant, weight: int, *, hit: bool) -> int | None:
        """Count an event; its pane, or ``None`` when the ring no longer reaches back to it."""
        pane = at // self.width
        trials = self.trials
        size = len(trials)
        if pane > self.newest:
            self._turn(pane, size)
        elif pane <= self.newest - size or pane < 0:
            return None
        place = pane % size
        if not hit and self.hits is None:
            self.hits = trials[:]
        if weight != 1 or self.squares is not None:
            if self.squares is None:
                self.squares = array("q", trials)
            self.squares[place] += weight * weight
        try:
            trials[place] += weight
        except OverflowError:
            self._widen()
            self.trials[place] += weight
        if hit:
            if self.hits is not None:
                self.hits[place] += weight
            self._most_hits += weight
        else:
            self._most_misses += weight
        return pane

    def _widen(self) -> None:
        """Make room for greater counts."""
        self.trials = array("q", self.trials)
        if self.hits is not None:
            self.hits = array("q", self.hits)

    def _turn(self, pane: int, size: int) -> None:
        """Go on to ``pane``: empty what lies between, and it."""
        stale = pane - self.newest
        self.newest = pane
        end = pane % size + 1
        low = end - stale
        if stale == 1:
            self.trials[low] = 0
            if self.hits is not None:
                self.hits[low] = 0
            if self.squares is not None:
                self.squares[low] = 0
        elif stale < size:
            if low < 0:
                self._clear(low + size, size)
                low = 0
            self._clear(low, end)
        else:
            self._clear(0, size)

    def _clear(self, low: int, end: int) -> None:
        zeros = _zeros(end - low, self.trials.typecode)
        self.trials[low:end] = zeros
        if self.hits is not None and self._most_hits:
            self.hits[low:end] = zeros
        if self.squares is not None:
            self.squares[low:end] = _zeros(end - low, "q")

    def _hits(self) -> "array[int]":
        return self.trials if self.hits is None else self.hits

    def fewer(self, hits: int) -> bool:
        """Whether no window can hold so many hits. A quick look: mostly at what was counted since the last exact one."""
        if self._most_hits >= hits:
            self._most_hits = sum(self._hits())
        return self._most_hits < hits

    def fewer_misses(self, misses: int) -> bool:
        """Whether no window can hold so many misses."""
        if self._most_misses >= misses:
            self._most_misses = sum(self.trials) - sum(self._hits())
        return self._most_misses < misses

    def window(self, last: int, panes: int) -> tuple[int, int, float]:
        """Trials, hits and design effect of the window of ``panes`` panes that ends with pane ``last``."""
        all_, won, squares = self.trials, self.hits, self.squares
        won = all_ if won is None else won
        size, newest = len(all_), self.newest
        first = max(last - panes + 1, newest - size + 1, 0)
        end = min(last, newest) + 1
        if first >= end:
            return 0, 0, 1.0
        low, high = first % size, (end - 1) % size + 1
        if low < high:
            trials, hits = sum(all_[low:high]), sum(won[low:high])
            if squares is not None and trials:
                return trials, hits, sum(squares[low:high]) / trials
        else:
            trials = sum(all_[low:]) + sum(all_[:high])
            hits = sum(won[low:]) + sum(won[:high])
            if squares is not None and trials:
                return trials, hits, (sum(squares[low:]) + sum(squares[:high])) / trials
        return trials, hits, 1.0

    def pane(self, pane: int) -> tuple[int, int]:
        """Trials and hits of one pane that the ring still holds."""
        place = pane % len(self.trials)
        return self.trials[place], self._hits()[place]

    @property
    def oldest(self) -> int:
        """The oldest pane the ring holds."""
        return max(0, self.newest - len(self.trials) + 1)

    def dump(self) -> Json:
        """The newest pane, and every pane that is not empty."""
        size = len(self.trials)
        all_, won = self.trials, self._hits()
        squares = all_ if self.squares is None else self.squares
        held = [(pane, pane % size) for pane in range(self.oldest, self.newest + 1)]
        panes: list[Json] = [[pane, all_[i], won[i], squares[i]] for pane, i in held if all_[i]]
        return [self.newest, panes]

    def fill(self, data: Json) -> None:
        """Take what ``dump`` gave."""
        newest, panes = rows(data)
        self.newest = whole(newest)
        size = len(self.trials)
        found = [wholes(row) for row in rows(panes)]
        if any(trials != squares for _, trials, _, squares in found):
            self.squares = _zeros(size, "q")[:]
        if any(trials != hits for _, trials, hits, _ in found):
            self.hits = _zeros(size, "I")[:]
        if any(trials >= _WIDE for _, trials, _, _ in found):
            self._widen()
        for pane, trials, hits, squares in found:
            place = pane % size
            self.trials[place] = trials
            if self.hits is not None:
                self.hits[place] = hits
            if self.squares is not None:
                self.squares[place] = squares
        self._most_hits = sum(self._hits())
        self._most_misses = sum(self.trials) - self._most_hits
