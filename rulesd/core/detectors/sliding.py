"""A share in a sliding window against a fixed bound, with a guard against chance: what ``rate`` and ``disagreement`` have in common.

Law: a window is judged when the watermark has passed its end, so the order of arrival within the lateness changes nothing; evidence
later than that is counted where it belongs and every window that holds it is judged again.

Method: the window slides by a sixtieth of itself. It is over the bound when its share is, *and* the exact binomial chance of so many hits
at a true share equal to the bound is at most 1 %; a share that is just over the bound by luck does not fire. A window is looked at while it holds hits
enough to be over the bound, whether or not new ones come: others may follow, or leave it, and move the share. It clears when the share is no
longer over the bound (or too few events are left to tell), so the guard is also the hysteresis.
A sampled event counts ``sampledrate`` times in the share and once in the guard (Kish's design effect).

Memory per key: 1.2 kB (3 kB for windows under a minute; half as much again where events are sampled). Cost per observation: 1 us; 3 to 20 us for each pane that may have something
to say, and next to nothing while too little is held to say anything.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from rulesd.core.detectors.binomial import lower, upper
from rulesd.core.detectors.examples import with_latest
from rulesd.core.detectors.plain import rows, texts, whole
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.detectors.ring import Ring
from rulesd.model.event import Document, Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

PANES = 60
CHANCE = 0.01
"How likely chance may be as the explanation of what is paged."

_NEVER: Instant = 1 << 62


@cache
def least(bound: float, trials: int) -> int:
    """The fewest hits, of ``trials`` or more events, that chance at a share of ``bound`` does not explain."""
    if bound >= 1.0:
        return _NEVER
    hits = int(bound * trials) + 1
    while upper(hits, max(hits, trials), bound) > CHANCE:
        hits += 1
    return hits


class Window:
    """State of one key."""

    __slots__ = ("judged", "latest", "open", "ring", "waits")

    def __init__(self, width: Milliseconds, at: Instant) -> None:
        """Nothing counted; a key's events may be out of order from the first one on."""
        self.ring = Ring(width, PANES)
        self.judged = (at - HOUR) // width - 1
        "The last pane whose window has been judged."
        self.waits: int = _NEVER
        "The first pane that has not been judged and may have something to say."
        self.open = False
        self.latest: tuple[str, ...] = ()
        "Ids of the latest hits, where hits are what it is about."


@dataclass(frozen=True, slots=True)
class Sliding:
    """Fires when the share of hits within ``within`` is above or below a bound."""

    within: Milliseconds
    above: float | None
    below: float | None
    min_denominator: int

    name: ClassVar[str] = "sliding"
    version: ClassVar[int] = 1
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = False
    pooled: ClassVar[bool] = False

    @abstractmethod
    def hit(self, document: Document) -> bool | None:
        """Whether an event is a hit; ``None`` when it cannot be told and does not count."""

    @property
    def width(self) -> Milliseconds:
        """How far the window slides at a time."""
        return max(1, -(-self.within // PANES))

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    def pool(self) -> object:
        """Keys share nothing."""
        return None

    def start(self, key: tuple[str, ...], at: Instant) -> Window:
        """Nothing counted."""
        return Window(self.width, at)

    def observe(self, state: Window, pool: object, seen: Observation) -> Reading | None:
        """Count the event; it speaks at once only when its windows have been judged already."""
        hit = self.hit(seen.document)
        if hit is None:
            return None
        if hit and self.above is not None:
            state.latest = with_latest(state.latest, seen.event)
        pane = state.ring.add(seen.at, seen.weight, hit=hit)
        if pane is None:
            return None
        if self.above is not None if hit else self.below is not None:
            state.waits = min(state.waits, max(pane, state.judged + 1))
        return self._late(state, pane) if pane <= state.judged else None

    def _late(self, state: Window, pane: int) -> Reading | None:
        if state.open:
            return None
        for last in range(min(state.judged, pane + PANES - 1), pane - 1, -1):
            found = self._judge(state, last)
            if found is not None and found.active:
                return Reading(
                    found.at,
                    True,
                    found.value,
                    found.threshold,
                    found.at,
                    found.detail,
                    found.since,
                )
        return None

    def advance(self, state: Window, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge the windows that are complete."""
        last = watermark // state.ring.width - 1
        if last <= state.judged:
            return ()
        readings = []
        pane = state.judged + 1
        while pane <= last:
            if not state.open:
                pane = self._worth(state, max(pane, state.waits))
                if pane > last:
                    break
            found = self._judge(state, pane)
            if found is not None and (found.active or state.open):
                state.open = found.active
                readings.append(found)
            pane += 1
        state.judged = last
        if state.waits <= last:
            state.waits = self._worth(state, last + 1)
        return readings

    def _worth(self, state: Window, pane: int) -> int:
        """The first pane from ``pane`` on whose window may be over the bound, as far as is known."""
        ring, above, below = state.ring, self.above, self.below
        if (
            ring.squares is None
            and (above is None or ring.fewer(least(above, self.min_denominator)))
            and (below is None or ring.fewer_misses(least(1.0 - below, self.min_denominator)))
        ):
            return _NEVER
        while pane < ring.newest + PANES:
            trials, hits, deff = ring.window(pane, PANES)
            for share, held in self._against(trials, hits):
                if held and (deff != 1.0 or held >= least(share, self.min_denominator)):
                    return pane
            later = range(pane + 1, ring.newest + 1)
            pane = next((i for i in later if self._tells(ring.pane(i))), _NEVER)
        return _NEVER

    def _against(self, trials: int, hits: int) -> list[tuple[float, int]]:
        """What speaks against a bound, and its share at the bound: hits against ``above``, misses against ``below``."""
        found = []
        if self.above is not None:
            found.append((self.above, hits))
        if self.below is not None:
            found.append((1.0 - self.below, trials - hits))
        return found

    def _tells(self, counted: tuple[int, int]) -> bool:
        """Whether a pane holds what can bring a window over a bound."""
        return any(held for _, held in self._against(*counted))

    def _judge(self, state: Window, last: int) -> Reading | None:
        """The window that ends with pane ``last``: active, inactive, or ``None`` when the share is over but may be chance."""
        trials, hits, deff = state.ring.window(last, PANES)
        end = (last + 1) * state.ring.width
        share = hits / trials if trials else 0.0
        n = max(1, round(trials / deff))
        over: float | None = None
        chance = 0.0
        if trials >= self.min_denominator:
            if self.above is not None and share > self.above:
                over, chance = self.above, upper(round(share * n), n, self.above)
            elif self.below is not None and share < self.below:
                over, chance = self.below, lower(round(share * n), n, self.below)
        bound = over if over is not None else self.above if self.above is not None else self.below
        if over is not None and chance > CHANCE and not state.open:
            return None
        since = end - PANES * state.ring.width
        detail = {"events": str(trials)}
        return Reading(end, over is not None, round(share, 6), bound, detail=detail, since=since)

    def examples(self, state: Window) -> tuple[str, ...]:
        """Events that speak for it: the latest hits."""
        return state.latest

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Every observation is one of a key."""
        return False

    def deadline(self, state: Window, pool: object) -> Instant | None:
        """The end of the next pane that may have something to say; of the next one while the alert is open."""
        pane = state.judged + 1 if state.open else state.waits
        return None if pane == _NEVER else (pane + 1) * state.ring.width

    def forgettable(self, state: Window, watermark: Instant) -> bool:
        """When the newest pane is out of every window that could still be judged."""
        gone = (state.ring.newest + 1) * state.ring.width + self.within + HOUR
        return not state.open and watermark >= gone

    def dump(self, state: Window) -> Json:
        """Plain data."""
        waits = None if state.waits == _NEVER else state.waits
        return [state.judged, waits, state.open, state.ring.dump(), list(state.latest)]

    def load(self, data: Json) -> Window:
        """From what ``dump`` gave."""
        judged, waits, open_, ring, *latest = rows(data)
        out = Window(self.width, 0)
        out.latest = texts(latest[0]) if latest else ()  # earlier versions kept none
        out.judged, out.open = whole(judged), open_ is True
        out.waits = _NEVER if waits is None else whole(waits)
        out.ring.fill(ring)
        return out

    def dump_pool(self, pool: object) -> Json:
        """Nothing."""
        return None

    def load_pool(self, data: Json) -> object:
        """Nothing."""
        return None
