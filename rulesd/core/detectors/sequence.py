"""``sequence``: steps of one key happen within a time, whatever the order in which word of them arrives.

Law: a chain is one event for each step, no event for two; its first and last event are less than ``within`` apart; with ``ordered`` the event
times never fall (equal times are in order). With ``without``, no such event lies strictly between the first and the last.

Method: each event tries to complete a chain. Ordered: before it the latest fitting predecessors, after it the earliest fitting successors, so the chain
found spans as little time as any that holds the event: if that one is too long or interrupted, so are all others. Unordered: from each
possible first event on, the shortest stretch in which every step finds an event of its own (bipartite matching). Without ``without`` a chain fires at once. With it, it
waits for the watermark to pass its last event, so that an interruption that arrives late still counts: that is the price of the same
answer for every order of arrival.

Kept are the newest events of each step (40 for all steps; the oldest go when they are further back than two windows, else one from the middle, so that
neither a flood of one step nor its absence hides a chain's beginning), 64 interruptions and 8 waiting chains.
Memory per key: 180 bytes an event, at most 8 kB. Cost per observation: one call of each step's condition (0.5 us each), 1 us, and 2 us and more for the search once every step has been seen.
"""

from array import array
from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, NamedTuple

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.plain import rows, text, whole, wholes
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.event import Document, Json
from rulesd.model.instant import HOUR, Instant, Milliseconds, format_instant

_EVENTS, _BREAKS, _WAITING = 40, 64, 8
_TRIES = 3
"Candidates of a step that are tried before giving up: more than one matters only where two steps want the same event."


class Took(NamedTuple):
    """One event."""

    at: Instant
    event: str
    steps: int
    "The steps it can be, as bits."


Found = tuple[Took, ...]
"A chain, an event for each step in the order of the steps."


class Chain:
    """State of one key."""

    __slots__ = ("breaks", "events", "held", "waiting")

    def __init__(self, steps: int) -> None:
        """Nothing seen of a chain of so many steps."""
        self.events: list[Took] = []
        self.held = [0] * steps
        "How many of the events can be each step."
        self.breaks: array[int] = array("q")
        self.waiting: list[Found] = []
        "Chains whose last event the watermark has not passed, by that."

    def take(self, took: Took) -> None:
        """An event more."""
        events, steps = self.events, took.steps
        if not events or took >= events[-1]:
            events.append(took)
        else:
            insort(events, took)
        for i in range(len(self.held)):
            if steps >> i & 1:
                self.held[i] += 1

    def drop(self, place: int) -> None:
        """One less."""
        steps = self.events.pop(place).steps
        for i in range(len(self.held)):
            if steps >> i & 1:
                self.held[i] -= 1

    def crowded(self) -> int:
        """The place of the middle one of the events that can be the most frequent step."""
        most = max(self.held)
        step, nth = self.held.index(most), most // 2
        if most == len(self.events):
            return nth
        able = (place for place, each in enumerate(self.events) if each.steps >> step & 1)
        return next(islice(able, nth, None))


def _first(chain: Found) -> Instant:
    return min(e.at for e in chain)


def _last(chain: Found) -> Instant:
    return max(e.at for e in chain)


def _span(chain: Found) -> Milliseconds:
    return _last(chain) - _first(chain)


def _innermost(chains: list[Found]) -> list[Found]:
    """Those that span no other: what interrupts one of these need not interrupt the next, but does whatever spans it."""
    out: list[Found] = []
    for chain in sorted(chains, key=_span):
        if not any(_first(chain) <= _first(c) and _last(c) <= _last(chain) for c in out):
            out.append(chain)
    return out


@dataclass(frozen=True, slots=True)
class Steps(Apart):
    """Fires when every step has happened within ``within``."""

    names: tuple[str, ...]
    whens: tuple[Callable[[Document], object], ...]
    within: Milliseconds
    ordered: bool = True
    without: Callable[[Document], object] | None = None

    name: ClassVar[str] = "sequence"

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    def start(self, key: tuple[str, ...], at: Instant) -> Chain:
        """Nothing seen."""
        return Chain(len(self.whens))

    def observe(self, state: Chain, pool: object, seen: Observation) -> Reading | None:
        """Take the event as a step, as an interruption, or as neither."""
        document = seen.document
        if self.without is not None and self.without(document):
            self._interrupt(state, seen.at)
        steps, bit = 0, 1
        for when in self.whens:
            if when(document):
                steps |= bit
            bit <<= 1
        if not steps:
            return None
        took = Took(seen.at, seen.event, steps)
        state.take(took)
        events = state.events
        if len(events) > _EVENTS:
            old = events[0].at <= events[-1].at - 2 * self.within
            state.drop(0 if old else state.crowded())
        if 0 in state.held:
            return None
        chains = self._in_order(state, took) if self.ordered else self._any_order(state, took)
        chains = [c for c in chains if not self._interrupted(state, c)]
        if self.without is None:
            return self._reading(min(chains, key=_span)) if chains else None
        for chain in _innermost(chains):
            insort(state.waiting, chain, key=_last)
        del state.waiting[:-_WAITING]
        return None

    def _interrupt(self, state: Chain, at: Instant) -> None:
        insort(state.breaks, at)
        if len(state.breaks) > _BREAKS:
            del state.breaks[0]
        state.waiting = [c for c in state.waiting if not _first(c) < at < _last(c)]

    def _interrupted(self, state: Chain, chain: Found) -> bool:
        place = bisect_right(state.breaks, _first(chain))
        return place < len(state.breaks) and state.breaks[place] < _last(chain)

    def _in_order(self, state: Chain, took: Took) -> list[Found]:
        out: list[Found] = []
        for i in range(len(self.whens)):
            if not took.steps >> i & 1:
                continue
            plan = [
                *((j, -1) for j in range(i - 1, -1, -1)),
                *((j, 1) for j in range(i + 1, len(self.whens))),
            ]
            after = self._walk(state.events, [took], plan, took.at)
            if after is None:
                continue
            chain = (*reversed(after[1 : i + 1]), took, *after[i + 1 :])
            if _span(chain) < self.within:
                out.append(chain)
        return out

    def _walk(
        self, events: list[Took], used: list[Took], plan: list[tuple[int, int]], edge: Instant
    ) -> list[Took] | None:
        """``used`` and, for each (step, direction) of ``plan``, the nearest event beyond the one before; ``None`` when there is none."""
        if not plan:
            return used
        (step, way), left = plan[0], _TRIES
        for each in events if way > 0 else reversed(events):
            if (each.at - edge) * way < 0 or not each.steps >> step & 1 or each in used:
                continue
            if abs(each.at - used[0].at) >= self.within or left == 0:
                break
            left -= 1
            turns = len(plan) > 1 and plan[1][1] != way
            found = self._walk(events, [*used, each], plan[1:], used[0].at if turns else each.at)
            if found is not None:
                return found
        return None

    def _any_order(self, state: Chain, took: Took) -> list[Found]:
        near = [e for e in state.events if abs(e.at - took.at) < self.within]
        if took not in near:  # It was the one that had to go.
            insort(near, took)
        out: list[Found] = []
        for start in range(near.index(took), -1, -1):
            opening = near[start]
            stretch = [e for e in near[start:] if e.at - opening.at < self.within]
            chain = self._match(stretch, took)
            if chain is not None:
                out.append(chain)
        return out

    def _match(self, stretch: list[Took], took: Took) -> Found | None:
        """An event of its own for every step, among them ``took``, from the shortest beginning of ``stretch`` that has them."""
        owner: dict[int, Took] = {}

        def place(event: Took, tried: set[int]) -> bool:
            for i in range(len(self.whens)):
                if event.steps >> i & 1 and i not in tried:
                    tried.add(i)
                    if i not in owner or place(owner[i], tried):
                        owner[i] = event
                        return True
            return False

        own = [took, *(e for e in stretch if e is not took)]
        for event in own:
            place(event, set())
            if len(owner) == len(self.whens):
                return tuple(owner[i] for i in range(len(self.whens)))
        return None

    def _reading(self, chain: Found) -> Reading:
        number = float(len(chain))
        detail = {n: format_instant(e.at) for n, e in zip(self.names, chain, strict=True)}
        causes = [e.event for e in sorted(chain)]
        end = _last(chain)
        return Reading(end, True, number, number, end, detail, _first(chain), causes)

    def advance(self, state: Chain, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Fire the chains that nothing can interrupt any more."""
        if not state.waiting or _last(state.waiting[0]) > watermark:
            return ()
        due = [c for c in state.waiting if _last(c) <= watermark]
        del state.waiting[: len(due)]
        return [self._reading(chain) for chain in due]

    def deadline(self, state: Chain, pool: object) -> Instant | None:
        """The end of the first chain that waits."""
        return _last(state.waiting[0]) if state.waiting else None

    def forgettable(self, state: Chain, watermark: Instant) -> bool:
        """When the newest event can be part of no chain any more."""
        newest = state.events[-1].at if state.events else 0
        newest = max(newest, state.breaks[-1] if state.breaks else 0)
        return newest + self.within + HOUR <= watermark

    def dump(self, state: Chain) -> Json:
        """Events, interruptions, and the chains that wait."""
        events: list[Json] = [[*e] for e in state.events]
        waiting: list[Json] = [[[*e] for e in chain] for chain in state.waiting]
        return [events, list(state.breaks), waiting]

    def load(self, data: Json) -> Chain:
        """From what ``dump`` gave."""
        events, breaks, waiting = rows(data)
        out = Chain(len(self.whens))
        for row in rows(events):
            out.take(_took(row))
        out.breaks = array("q", wholes(breaks))
        out.waiting = [tuple(_took(row) for row in rows(chain)) for chain in rows(waiting)]
        return out


def _took(data: Json) -> Took:
    at, event, steps = rows(data)
    return Took(whole(at), text(event), whole(steps))
