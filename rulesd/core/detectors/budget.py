"""``budget``: spend has passed its cap, or at its present pace will.

Law: the sum of a measure over (t - within, t] of event time, in panes. What is no finite number is not counted; a negative one counts nothing, so that a credit
cannot hide spend and the sum can only grow: passing the cap fires at once, in any order of arrival.

Projection, with ``horizon`` h: judged at the end of each pane that the watermark has passed. Pace r = (S - 2.33 * sqrt(Q)) / T with S and Q the sum and the sum of
squares of the last T = min(h, age of the key, at least h / 8): the 99 % lower bound of a compound Poisson rate, so a single large item is no
pace. What will be in the window at t + h is r * h and that part of today's window which has not left it by then; at the cap it fires.

The alert's value is what has been spent, its threshold the cap; ``projected`` is in the details. Memory per key: 120 bytes for each of up to 60
panes that are not empty (7.2 kB). Cost per observation: 1.5 us, 15 us where the cap may be passed and for each pane that is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.panes import Panes, number
from rulesd.core.detectors.plain import rows, whole
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.field import Field
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

PANES = 40
_NEVER: Instant = 1 << 62
_ROUNDING = 1e-9
_Z = 2.33
_FAR = 0.999
"All that is held is no less than any window; so far below the cap nobody needs to look closer."
_FASTEST = 10.0
"A projection is at most so many times all that is held: a pace is told over an eighth of the horizon at least."


class Spent:
    """State of one key."""

    __slots__ = ("first", "judged", "open", "panes", "waits")

    def __init__(self, width: Milliseconds) -> None:
        """Nothing spent."""
        self.panes = Panes(width, PANES)
        self.first: int = _NEVER
        self.judged = -1
        self.waits: int = _NEVER
        "The first pane that has not been judged and may have something to say."
        self.open = False


@dataclass(frozen=True, slots=True)
class Budget(Apart):
    """Fires when the sum of ``sum`` within ``within`` reaches ``cap``, or will within ``horizon``."""

    sum: Field
    cap: float
    within: Milliseconds
    horizon: Milliseconds | None = None

    name: ClassVar[str] = "budget"

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    def start(self, key: tuple[str, ...], at: Instant) -> Spent:
        """Nothing spent."""
        return Spent(max(1, -(-self.within // PANES)))

    def observe(self, state: Spent, pool: object, seen: Observation) -> Reading | None:
        """Count the spend; fire at once when a window that holds it has reached the cap."""
        value = number(self.sum, seen.document)
        if value is None or value <= 0:
            return None
        panes = state.panes
        pane = panes.add(seen.at, value, seen.weight)
        if pane is None:
            return None
        state.first = min(state.first, pane)
        if pane < state.waits:
            state.waits = min(state.waits, max(pane, state.judged + 1))
        if sum(panes.total, 0.0) < self.cap * _FAR:
            return None
        for last in range(pane, min(pane + PANES, panes.newest + 1)):
            spent = panes.total_of(last, PANES)
            if spent >= self.cap * (1 - _ROUNDING):
                until = (last + 1) * panes.width
                return Reading(seen.at, True, round(spent, 6), self.cap, until)
        return None

    def _projected(self, state: Spent, last: int) -> float:
        """What will have been spent at the horizon, by the part of the pace that is certain."""
        if self.horizon is None:
            return 0.0
        width = state.panes.width
        ahead = min(PANES, max(1, self.horizon // width))
        recent = state.panes.total_of(last, ahead)
        age = max((last + 1 - state.first) * width, self.horizon // 8)
        scatter = _Z * sqrt(state.panes.squares_of(last, ahead))
        pace = max(0.0, recent - scatter) / min(ahead * width, age)
        stays = state.panes.total_of(last, PANES - ahead)
        return stays + pace * min(self.horizon, self.within)

    def advance(self, state: Spent, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge the panes that are complete."""
        last = watermark // state.panes.width - 1
        readings: list[Reading] = []
        while (pane := self._due(state)) <= last:
            following = state.panes.after(pane)
            state.waits = _NEVER if following is None else following
            if not state.open and sum(state.panes.total, 0.0) * _FASTEST < self.cap * _FAR:
                state.judged = pane
                continue
            spent = state.panes.total_of(pane, PANES)
            ahead = self._projected(state, pane)
            over = max(spent, ahead) >= self.cap * (1 - _ROUNDING)
            end = (pane + 1) * state.panes.width
            if over or state.open:
                detail = {"projected": f"{max(spent, ahead):.6g}"} if over else None
                readings.append(Reading(end, over, round(spent, 6), self.cap, detail=detail))
            state.open, state.judged = over, pane
        return readings

    def _due(self, state: Spent) -> int:
        return state.judged + 1 if state.open else state.waits

    def deadline(self, state: Spent, pool: object) -> Instant | None:
        """The end of the next pane to judge."""
        pane = self._due(state)
        return None if pane == _NEVER else (pane + 1) * state.panes.width

    def forgettable(self, state: Spent, watermark: Instant) -> bool:
        """When no window can hold anything any more."""
        gone = (state.panes.newest + 1) * state.panes.width + self.within + HOUR
        return not state.open and watermark >= gone

    def dump(self, state: Spent) -> Json:
        """Plain data."""
        waits = None if state.waits == _NEVER else state.waits
        first = None if state.first == _NEVER else state.first
        return [first, state.judged, waits, state.open, state.panes.dump()]

    def load(self, data: Json) -> Spent:
        """From what ``dump`` gave."""
        first, judged, waits, open_, panes = rows(data)
        out = self.start((), 0)
        out.first = _NEVER if first is None else whole(first)
        out.judged, out.open = whole(judged), open_ is True
        out.waits = _NEVER if waits is None else whole(waits)
        out.panes.fill(panes)
        return out
