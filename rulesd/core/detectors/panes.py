"""Numbers in a sliding window of event time, kept in panes: count, sum, sum of squares, least and greatest.

Law: a pane belongs to an absolute stretch of event time, so late evidence is counted where it belongs for as long as the panes reach back. The window of n
panes that ends with pane i covers [(i + 1 - n) * width, (i + 1) * width). Nothing here asks what time it is.

Kept are a window and a half, at least two minutes more than a window (at most 300 panes more). Memory: 120 bytes for each pane that is not empty.
"""

from dataclasses import dataclass

from rulesd.core.detectors.plain import real, rows, whole
from rulesd.core.field import Field
from rulesd.model.event import Document, Json
from rulesd.model.instant import MINUTE, Instant, Milliseconds


@dataclass(slots=True)
class Tally:
    """What one pane, or a window, holds."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, value: float, weight: int) -> None:
        """Take a value that stands for ``weight`` of them."""
        self.count += weight
        self.total += value * weight
        self.squares += value * value * weight * weight
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    def join(self, other: "Tally") -> None:
        """Take what another one holds."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)


class Panes:
    """The panes of one key that are not empty."""

    __slots__ = ("held", "newest", "reach", "width")

    def __init__(self, width: Milliseconds, panes: int) -> None:
        """Empty; ``panes`` is the longest window that will be asked for."""
        self.width = width
        self.reach = panes + min(max(panes // 2, 2 * MINUTE // width + 1), 300)
        self.newest = -1
        self.held: dict[int, Tally] = {}

    def add(self, at: Instant, value: float, weight: int) -> int | None:
        """Count a value; its pane, or ``None`` when the panes no longer reach back to it."""
        pane = at // self.width
        if pane > self.newest:
            self.newest = pane
            for gone in [p for p in self.held if p <= pane - self.reach]:
                del self.held[gone]
        elif pane <= self.newest - self.reach:
            return None
        held = self.held.get(pane)
        if held is None:
            held = self.held[pane] = Tally()
        held.add(value, weight)
        return pane

    def window(self, last: int, panes: int) -> Tally:
        """The window of ``panes`` panes that ends with pane ``last``."""
        out = Tally()
        for pane in sorted(p for p in self.held if last - panes < p <= last):
            out.join(self.held[pane])
        return out

    def after(self, pane: int) -> int | None:
        """The first pane after ``pane`` that is not empty."""
        return min((p for p in self.held if p > pane), default=None)

    def dump(self) -> Json:
        """Plain data."""
        held: list[Json] = [
            [p, t.count, t.total, t.squares, t.least, t.most] for p, t in sorted(self.held.items())
        ]
        return [self.newest, held]

    def fill(self, data: Json) -> None:
        """Take what ``dump`` gave."""
        newest, held = rows(data)
        self.newest = whole(newest)
        for row in rows(held):
            pane, count, *numbers = rows(row)
            self.held[whole(pane)] = Tally(whole(count), *(real(n) for n in numbers))


def number(field: Field, document: Document) -> float | None:
    """The measure an event carries; ``None`` for what is no finite number (and for truth values)."""
    value = field.get(document)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None
