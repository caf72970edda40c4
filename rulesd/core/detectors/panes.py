"""Numbers in a sliding window of event time, kept in panes: count, sum, sum of squares, least and greatest.

Law: a pane belongs to an absolute stretch of event time, so late evidence is counted where it belongs for as long as the panes reach back. The window of n
panes that ends with pane i covers [(i + 1 - n) * width, (i + 1) * width). Nothing here asks what time it is.

Kept are a window and a half, at least two minutes more than a window (at most 300 panes more). Memory: 48 bytes for each pane that is not empty, and 500.
"""

from array import array
from bisect import bisect_left
from typing import NamedTuple

from rulesd.core.detectors.plain import real, rows, whole
from rulesd.core.field import Field
from rulesd.model.event import Document, Json
from rulesd.model.instant import MINUTE, Instant, Milliseconds

_INF = float("inf")
MOST = 1e300
"What is beyond is no measure: sums of squares of such values would not be finite."

_SLACK = 8
"Panes that are out of reach go so many at a time."


class Tally(NamedTuple):
    """What a window holds."""

    values: int
    "How many."

    total: float
    squares: float
    least: float
    most: float


EMPTY = Tally(0, 0.0, 0.0, _INF, -_INF)


class Panes:
    """The panes of one key that are not empty: parallel arrays in the order of the panes."""

    __slots__ = ("count", "held", "least", "most", "newest", "reach", "squares", "total", "width")

    def __init__(self, width: Milliseconds, panes: int) -> None:
        """Empty; ``panes`` is the longest window that will be asked for."""
        self.width = width
        self.reach = panes + min(max(panes // 2, 2 * MINUTE // width + 1), 300)
        self.newest = -1
        self.held = array("q")
        "The panes themselves."
        self.count = array("q")
        self.total = array("d")
        self.squares = array("d")
        self.least = array("d")
        self.most = array("d")

    def add(self, at: Instant, value: float, weight: int) -> int | None:
        """Count a value that stands for ``weight`` of them; its pane, or ``None`` when the panes no longer reach back to it."""
        pane = at // self.width
        held = self.held
        if pane == self.newest and held:
            place = -1
        elif pane > self.newest:
            self.newest = pane
            if held and held[0] <= pane - self.reach - _SLACK:
                gone = bisect_left(held, pane - self.reach + 1)
                for each in self._arrays():
                    del each[:gone]
            held.append(pane)
            self.count.append(weight)
            self.total.append(value * weight)
            self.squares.append(value * value * weight * weight)
            self.least.append(value)
            self.most.append(value)
            return pane
        elif pane <= self.newest - self.reach:
            return None
        else:
            place = bisect_left(held, pane)
            if place == len(held) or held[place] != pane:
                self._insert(place, pane, value)
        self.count[place] += weight
        if weight == 1:
            self.total[place] += value
            self.squares[place] += value * value
        else:
            self.total[place] += value * weight
            self.squares[place] += value * value * weight * weight
        if value > self.most[place]:
            self.most[place] = value
        elif value < self.least[place]:
            self.least[place] = value
        return pane

    def _arrays(self) -> "tuple[array[int] | array[float], ...]":
        return self.held, self.count, self.total, self.squares, self.least, self.most

    def _insert(self, place: int, pane: int, value: float) -> None:
        """A pane that will hold ``value`` and nothing else yet."""
        self.held.insert(place, pane)
        self.count.insert(place, 0)
        self.total.insert(place, 0.0)
        self.squares.insert(place, 0.0)
        self.least.insert(place, value)
        self.most.insert(place, value)

    def _within(self, last: int, panes: int) -> tuple[int, int]:
        """The places of the window of ``panes`` panes that ends with pane ``last``."""
        held = self.held
        high = len(held) if last >= self.newest else bisect_left(held, last + 1)
        return bisect_left(held, last - panes + 1, 0, high), high

    def window(self, last: int, panes: int) -> Tally:
        """The window of ``panes`` panes that ends with pane ``last``."""
        low, high = self._within(last, panes)
        if low == high:
            return EMPTY
        return Tally(
            sum(self.count[low:high]),
            sum(self.total[low:high], 0.0),
            sum(self.squares[low:high], 0.0),
            min(self.least[low:high]),
            max(self.most[low:high]),
        )

    def total_of(self, last: int, panes: int) -> float:
        """The sum of the window alone."""
        low, high = self._within(last, panes)
        return sum(self.total[low:high], 0.0)

    def squares_of(self, last: int, panes: int) -> float:
        """The sum of squares of the window alone."""
        low, high = self._within(last, panes)
        return sum(self.squares[low:high], 0.0)

    def first_in(self, last: int, panes: int) -> int | None:
        """The oldest pane of the window that is not empty."""
        low, high = self._within(last, panes)
        return self.held[low] if low < high else None

    def after(self, pane: int) -> int | None:
        """The first pane after ``pane`` that is not empty."""
        if pane >= self.newest:
            return None
        return self.held[bisect_left(self.held, pane + 1)]

    def dump(self) -> Json:
        """Plain data."""
        held: list[Json] = [list(row) for row in zip(*self._arrays(), strict=True)]
        return [self.newest, held]

    def fill(self, data: Json) -> None:
        """Take what ``dump`` gave."""
        newest, held = rows(data)
        self.newest = whole(newest)
        for row in rows(held):
            pane, count, *numbers = rows(row)
            self.held.append(whole(pane))
            self.count.append(whole(count))
            total, squares, least, most = (real(n) for n in numbers)
            self.total.append(total)
            self.squares.append(squares)
            self.least.append(least)
            self.most.append(most)


def finite(value: Json) -> float | None:
    """A value as a measure; ``None`` for what is no finite number (and for truth values)."""
    if type(value) is float or type(value) is int:
        return float(value) if abs(value) < MOST else None
    return None


def number(field: Field, document: Document) -> float | None:
    """The measure an event carries, if any."""
    return finite(field.get(document))
