"""The values of a field that have been seen, since when, and how much of the traffic the new ones take.

Law: event time only; bounded. When there are too many values the one not seen for longest goes, and is counted: seen again, it would pass for new. The shares of new values are kept in two rings
(2 hours in panes of a minute, a day in panes of an hour) for at most three values at a time; the rest wait for room.
"""

from rulesd.core.detectors.plain import rows, text, whole
from rulesd.core.detectors.ring import Ring
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, MINUTE, Instant, Milliseconds

PANE, SHORT = MINUTE, 120
LONG_PANE, LONG = HOUR, 24
_FRESH = 3

Rings = tuple[Ring, Ring]


def rings() -> Rings:
    """Two empty rings."""
    return Ring(PANE, SHORT), Ring(LONG_PANE, LONG)


class Known:
    """One group of keys that share what is known."""

    __slots__ = ("first", "fresh", "lost", "news", "total", "values")

    def __init__(self) -> None:
        """Nothing is known."""
        self.first: Instant | None = None
        "The first event's time: when learning began."
        self.values: dict[str, tuple[Instant, Instant]] = {}
        "First and last sight of each value."
        self.total: Rings | None = None
        "All traffic; only where shares are counted."
        self.fresh: dict[str, Rings] = {}
        self.lost = 0
        "How many values went for want of room."
        self.news = False
        "Whether the last sight cost one."

    def see(
        self, value: str, at: Instant, forget_after: Milliseconds | None, most: int
    ) -> tuple[bool, Instant]:
        """Take a sight of a value; whether it is new (or was forgotten), and when it was first seen."""
        self.news = False
        if self.first is None or at < self.first:
            self.first = at
        known = self.values.get(value)
        if known is not None:
            first, last = known
            if forget_after is None or at - last <= forget_after:
                if at >= last:
                    self.values[value] = first, at
                elif at < first:
                    first = at
                    self.values[value] = at, last
                return False, first
        if known is None and len(self.values) >= most:
            gone = min(self.values, key=lambda v: (self.values[v][1], v))
            del self.values[gone]
            self.fresh.pop(gone, None)
            self.lost += 1
            self.news = True
        self.values[value] = at, at
        return True, at

    def count(self, value: str, at: Instant, weight: int, *, new: bool) -> None:
        """Count an event in the shares."""
        if self.total is None:
            self.total = rings()
        short, long = self.total
        short.add(at, weight, hit=True)
        long.add(at, weight, hit=True)
        if new and value not in self.fresh and len(self.fresh) < _FRESH:
            self.fresh[value] = rings()
        if value in self.fresh:
            short, long = self.fresh[value]
            short.add(at, weight, hit=True)
            long.add(at, weight, hit=True)

    def dump(self) -> Json:
        """Plain data."""
        values: list[Json] = [[v, *seen] for v, seen in self.values.items()]
        fresh: list[Json] = [[v, *(r.dump() for r in two)] for v, two in self.fresh.items()]
        total = None if self.total is None else [r.dump() for r in self.total]
        return [self.first, values, total, fresh, self.lost]

    @classmethod
    def load(cls, data: Json) -> "Known":
        """From what ``dump`` gave."""
        first, values, total, fresh, lost = rows(data)
        out = cls()
        out.first = None if first is None else whole(first)
        out.lost = whole(lost)
        for row in rows(values):
            value, began, last = rows(row)
            out.values[text(value)] = whole(began), whole(last)
        out.total = None if total is None else _fill(rings(), rows(total))
        for row in rows(fresh):
            value, *two = rows(row)
            out.fresh[text(value)] = _fill(rings(), two)
        return out


def _fill(two: Rings, data: "list[Json]") -> Rings:
    for ring, dumped in zip(two, data, strict=True):
        ring.fill(dumped)
    return two
