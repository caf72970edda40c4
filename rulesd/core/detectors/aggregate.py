"""``aggregate``: the sum, average, minimum, maximum or number of a measure leaves its bounds.

Law: strictly above ``above`` or below ``below`` over (t - within, t], told from at least ``min_count`` values. What is no finite number is not counted. Windows
are judged by fortieths of ``within`` once the watermark has passed their end, so the order of arrival within the lateness changes nothing. What can only grow with
more evidence (too many, too great, too small) fires at once, and late evidence completes its window. No window ends before the key is one window
old, where the bound is a lower one of ``count`` or ``sum``: a new key has not had its time yet.

Memory per key: 120 bytes for each of up to 60 panes that are not empty (7.2 kB for a window that is never empty). Cost per observation: 1.5 us; 15 us for
each pane that is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.panes import Panes, Tally, number
from rulesd.core.detectors.plain import rows, whole
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.field import Field
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

PANES = 40
_NEVER: Instant = 1 << 62
_INF = float("inf")
_SAFE = 1.0 + 1e-9
"Sums in another order differ by less."


@lru_cache(maxsize=1024)
def _sure(fn: str, above: float | None, below: float | None) -> tuple[float, float]:
    """While no value is below the one and what is greatest not above the other, no window is out of bounds."""
    highest = _INF if above is None else above
    if fn not in ("count", "sum"):
        return -_INF if below is None else below, highest
    if below is not None:
        return _INF, highest
    return 0.0, highest / _SAFE / _SAFE if highest > 0.0 else -_INF


class Measured:
    """State of one key."""

    __slots__ = (
        "first",
        "floor",
        "grows",
        "judged",
        "least",
        "limit",
        "most",
        "open",
        "panes",
        "waits",
    )

    def __init__(self, width: Milliseconds, most: float, *, grows: bool) -> None:
        """Nothing measured."""
        self.panes = Panes(width, PANES)
        self.first: int = _NEVER
        "The first pane with a value."
        self.judged = -1
        self.waits: int = _NEVER
        "The first pane that has not been judged and may have something to say."
        self.open = False
        self.least, self.most = _INF, most
        "No value held is below the one; none is above the other. For a sum or a number ``most`` is what all panes together have at most."
        self.floor, self.limit = _INF, -_INF
        "What they may be without any need for a closer look."
        self.grows = grows
        "Whether more evidence can only bring the aggregate closer to a bound it may pass."


@dataclass(frozen=True, slots=True)
class Aggregate(Apart):
    """Fires when ``fn`` of ``field`` within ``within`` leaves its bounds."""

    field: Field
    fn: str
    within: Milliseconds
    above: float | None = None
    below: float | None = None
    min_count: int = 1

    name: ClassVar[str] = "aggregate"

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    def start(self, key: tuple[str, ...], at: Instant) -> Measured:
        """Nothing measured."""
        grows = self.fn in ("count", "max") if self.above is not None else self.fn == "min"
        width = max(1, -(-self.within // PANES))
        out = Measured(width, 0.0 if self._adds else -_INF, grows=grows)
        out.floor, out.limit = _sure(self.fn, self.above, self.below)
        return out

    @property
    def _adds(self) -> bool:
        """Whether it is made of all values together."""
        return self.fn in ("count", "sum")

    @property
    def _fades(self) -> bool:
        """Whether silence alone brings it below its bound."""
        return self.below is not None and self._adds

    def observe(self, state: Measured, pool: object, seen: Observation) -> Reading | None:
        """Count the value; fire at once where more evidence cannot take it back."""
        value = number(self.field, seen.document)
        if value is None:
            if self.fn != "count":
                return None
            value = 0.0
        pane = state.panes.add(seen.at, value, seen.weight)
        if pane is None:
            return None
        state.least = min(state.least, value)
        if self.fn == "sum":
            state.most += seen.weight * value
        else:
            state.most = state.most + seen.weight if self.fn == "count" else max(state.most, value)
        state.first = min(state.first, pane)
        if pane < state.waits:
            state.waits = min(state.waits, max(pane, state.judged + 1))
        if pane > state.judged and not state.grows:
            return None
        if self._calm(state):
            return None
        upto = min(pane + PANES - 1, state.panes.newest)
        for last in (pane,) if upto == pane else (pane, upto):
            tally = state.panes.window(last, PANES)
            bound = self._passed(tally, state, last)
            if bound is not None and (last <= state.judged or state.grows):
                return self._reading(state, tally, seen.at, last, bound, momentary=True)
        return None

    def _calm(self, state: Measured) -> bool:
        """Whether no window of all that is held can be out of bounds; a quick look that may say no in doubt."""
        if state.open:
            return False
        if state.most <= state.limit and state.least >= state.floor:
            return True
        if self._fades:
            return False
        panes, fn = state.panes, self.fn
        self._look(state)
        if self.above is not None:
            most = state.most
            if fn == "sum":
                most = most * _SAFE if state.least >= 0.0 else _INF
            elif fn == "min":
                most = max(panes.least)
            if most > self.above:
                return False
        return self.below is None or min(panes.most if fn == "max" else panes.least) >= self.below

    def _look(self, state: Measured) -> None:
        """What the panes hold."""
        panes = state.panes
        state.least = min(panes.least)
        if self.fn == "count":
            state.most = float(sum(panes.count))
        else:
            state.most = sum(panes.total, 0.0) if self.fn == "sum" else max(panes.most)

    def _value(self, tally: Tally) -> float:
        if self.fn == "count":
            return float(tally.values)
        if self.fn == "sum":
            return tally.total
        if self.fn == "avg":
            return tally.total / tally.values if tally.values else 0.0
        return tally.least if self.fn == "min" else tally.most

    def _passed(self, tally: Tally, state: Measured, last: int) -> float | None:
        """The bound that the window ending with ``last`` is outside of."""
        young = last < state.first + PANES - 1
        if tally.values < self.min_count and (not self._fades or young):
            return None
        value = self._value(tally)
        if self.above is not None and value > self.above:
            return self.above
        if self.below is not None and value < self.below and not (self._fades and young):
            return self.below
        return None

    def _reading(
        self,
        state: Measured,
        tally: Tally,
        at: Instant,
        last: int,
        bound: float,
        *,
        momentary: bool,
    ) -> Reading:
        since = max(0, (last + 1 - PANES) * state.panes.width)
        until = (last + 1) * state.panes.width if momentary else None
        detail = {"values": str(tally.values)}
        return Reading(at, True, round(self._value(tally), 9), bound, until, detail, since)

    def advance(self, state: Measured, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge the windows that are complete."""
        last = watermark // state.panes.width - 1
        if (self._due(state) if state.open else state.waits) > last:
            return ()
        if self._calm(state):
            state.judged = last
            following = state.panes.after(last)
            state.waits = _NEVER if following is None else following
            return ()
        readings: list[Reading] = []
        while (pane := self._due(state)) <= last:
            tally = state.panes.window(pane, PANES)
            bound = self._passed(tally, state, pane)
            end = (pane + 1) * state.panes.width
            if bound is not None:
                readings.append(self._reading(state, tally, end, pane, bound, momentary=False))
            elif state.open:
                limit = self.above if self.above is not None else self.below
                value = round(self._value(tally), 9) if tally.values else 0.0
                readings.append(Reading(end, False, value, limit))
            state.open = bound is not None
            state.judged = pane
            following = state.panes.after(pane)
            state.waits = _NEVER if following is None else following
            if not state.open:
                state.waits = min(state.waits, self._leaving(state, pane))
        return readings

    def _leaving(self, state: Measured, pane: int) -> int:
        """The next pane at which the window is another one because something has left it, where that can bring it out of its bounds."""
        if state.grows and (self.above is None or self.below is None):
            return _NEVER
        oldest = state.panes.first_in(pane, PANES)
        if oldest is None:
            return _NEVER
        young = state.first + PANES - 1
        return young if self._fades and young > pane else oldest + PANES

    def _due(self, state: Measured) -> int:
        """The next pane to judge: each one while the alert is open or a window still holds something."""
        if state.open:
            silent = state.judged >= state.panes.newest + PANES
            if not (silent and self._fades):
                return state.judged + 1
        return state.waits

    def deadline(self, state: Measured, pool: object) -> Instant | None:
        """The end of the next pane to judge."""
        pane = self._due(state) if state.open else state.waits
        return None if pane == _NEVER else (pane + 1) * state.panes.width

    def forgettable(self, state: Measured, watermark: Instant) -> bool:
        """When no window can hold anything any more; a key whose silence is the news is kept."""
        gone = (state.panes.newest + 1) * state.panes.width + self.within + HOUR
        return not state.open and not self._fades and watermark >= gone

    def dump(self, state: Measured) -> Json:
        """Plain data."""
        waits = None if state.waits == _NEVER else state.waits
        first = None if state.first == _NEVER else state.first
        return [first, state.judged, waits, state.open, state.panes.dump()]

    def load(self, data: Json) -> Measured:
        """From what ``dump`` gave."""
        first, judged, waits, open_, panes = rows(data)
        out = self.start((), 0)
        out.first = _NEVER if first is None else whole(first)
        out.judged, out.open = whole(judged), open_ is True
        out.waits = _NEVER if waits is None else whole(waits)
        out.panes.fill(panes)
        if out.panes.held:
            self._look(out)
        return out
