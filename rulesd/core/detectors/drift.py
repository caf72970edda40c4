"""``drift``: the distribution of a field moved away from its baseline.

Law: windows by count, not by time, so that a small segment is as safe from chance as a large one. The baseline is learned once and then fixed.
Events are read in event time, slot by slot (``slots``), so the order of arrival within the lateness changes nothing.

Method. The field's values are counted in categories: the ``top`` most frequent values of the baseline and one for all others, or ``bins`` of a number (edges
as given, or quantiles of the first 256 values). After ``baseline`` (and at least 200 events) the last 50, 100, 200 and 400 events are compared with the
baseline at every block of 50 by PSI; it fires when one of them passes psi*, or holds more rare values than chance gives

    psi* = D * quantile(b, groups - 1) * (1/n + 1/m)          b = budget / (looks a week)         (``shape``)

D is how much more than chance the windows of that size differed from the rest while learning (sessions, rhythms: traffic comes in clumps), at least 1.
Looks a week: the rule's events a week / 50, times 5 for four windows that overlap and two tests (simulated). It clears when the window that fired is within what chance
gives one time in ten, or the key is silent for ``baseline``. After four silent baselines a key starts afresh.
A sampled event counts ``sampledrate`` times in the shares and once in the number of events.

Memory per key: 3 kB + 100 bytes a category (8 kB at 50). Cost per observation: 2 us, and 30 us at every fiftieth. Sources: ``shape``, ``chi_square``.
"""

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.categories import (
    add_to,
    count_at,
    count_in,
    events,
    moved,
    of_shares,
    without,
)
from rulesd.core.detectors.plain import real, reals, rows, text, whole, wholes
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.detectors.segments import Segments
from rulesd.core.detectors.shape import Distance, distance
from rulesd.core.detectors.slots import MANY, WIDTH, Slots
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.alert import MISSING
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

BLOCK = 50
SCALES = (1, 2, 4, 8)
"Windows, in blocks."

_LOOKS = 5.0
"Independent looks that the four overlapping windows of a block amount to."
_LEAST_LEARNED = 4 * BLOCK
_EARLY = 256
_NAMES = 256
"Values told apart while learning; further ones are counted as others."
_CLEAR = 0.1
_AFRESH = 4


class Shape:
    """State of one key. Counts are lists: squared weights, then others, then one for each category."""

    __slots__ = (
        "base",
        "block",
        "dispersion",
        "early",
        "edges",
        "last",
        "learn_from",
        "names",
        "open",
        "recent",
        "slots",
        "spread",
        "unread",
    )

    def __init__(self, at: Instant) -> None:
        """Nothing seen before ``at``."""
        self.slots = Slots()
        self.unread = 0
        "Events in the slots that wait."
        self.names: dict[str, int] = {}
        "Place of each known value in the counts."
        self.early: list[tuple[Instant, float]] = []
        "The first numbers by event time, until they give the edges of the bins."
        self.edges: list[float] | None = None
        self.afresh(at)

    def afresh(self, at: Instant) -> None:
        """Learn a baseline from ``at`` on."""
        self.learn_from = at
        self.last = at
        "End of the last slot read."
        self.base: list[int] = []
        "Counts of the baseline, growing while it is learned."
        self.spread = [[0.0, 0.0] for _ in SCALES]
        "While learning, for each scale: sum of the distances in units of chance, and how many."
        self.dispersion: list[float] = []
        "D for each scale, once learned."
        self.block: list[int] = []
        self.recent: list[list[int]] = []
        "The last whole blocks."
        self.open = 0
        "The scale that fires, in blocks; 0 when none does."


@dataclass(frozen=True, slots=True)
class Drift:
    """Fires when the distribution of ``field`` has left its baseline."""

    field: Field
    bins: int | tuple[float, ...] | None
    top: int
    baseline: Milliseconds
    budget: float
    pinned: tuple[tuple[str, float], ...] = ()
    "A baseline that is given and never learned: (value, share), or for edges of bins one share each (their names mean nothing)."

    name: ClassVar[str] = "drift"
    version: ClassVar[int] = 1
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = False
    pooled: ClassVar[bool] = False

    @property
    def hold(self) -> Milliseconds:
        """Windows are counted, not timed: the clearing test is the hold."""
        return 0

    def pool(self) -> Segments:
        """How many events the rule sees a week."""
        return Segments()

    def start(self, key: tuple[str, ...], at: Instant) -> Shape:
        """Nothing learned."""
        state = Shape(at // WIDTH * WIDTH)
        if isinstance(self.bins, tuple):
            state.edges = list(self.bins)
        self._pin(state)
        return state

    def _pin(self, state: Shape) -> None:
        if not self.pinned:
            return
        if self.bins is None:
            state.names = {name: place for place, (name, _) in enumerate(self.pinned, 2)}
        shares = [share for _, share in self.pinned]
        state.base = of_shares(max(0.0, 1.0 - sum(shares)), shares)
        state.dispersion = [1.0] * len(SCALES)

    # ------------------------------------------------------------------ counting

    def observe(self, state: Shape, pool: object, seen: Observation) -> Reading | None:
        """Count the event into its slot; it is read when the watermark has passed."""
        assert isinstance(pool, Segments)
        place = self._place(state, seen)
        if place is None:
            return None
        pool.count((), seen.at, seen.weight, False, self.baseline)
        if place >= 0:
            count_in(state.slots.at(seen.at, 2), place, seen.weight)
            state.unread += seen.weight
        return None

    def _place(self, state: Shape, seen: Observation) -> int | None:
        """Where an event's value is counted; -1 when it waits for the edges, ``None`` when it has no value."""
        value = self.field.get(seen.document)
        if self.bins is None:
            name = label_text(value) or MISSING
            place = state.names.get(name)
            if place is None:
                if state.dispersion or len(state.names) >= _NAMES:
                    return 1
                place = state.names[name] = len(state.names) + 2
            return place
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0.0:
            return None
        if state.edges is None:
            insort(state.early, (seen.at, float(value)))
            return -1
        return 2 + bisect_right(state.edges, value)

    def _find_edges(self, state: Shape, watermark: Instant) -> None:
        """Quantiles of the first values, once no earlier one can come; then those values are counted."""
        early = state.early
        if (
            len(early) < _EARLY
            or early[_EARLY - 1][0] > watermark
            or not isinstance(self.bins, int)
        ):
            return
        values = sorted(value for _, value in early[:_EARLY])
        cuts = {values[_EARLY * i // self.bins] for i in range(1, self.bins)}
        state.edges = sorted(cuts - {values[0]})
        for at, value in early:
            count_in(state.slots.at(at, 2), 2 + bisect_right(state.edges, value), 1)
        state.unread += len(early)
        state.early = []

    # ------------------------------------------------------------------ judging

    def advance(self, state: Shape, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Read the slots that are complete."""
        if state.early:
            self._find_edges(state, watermark)
        if not state.slots.waiting and not state.open:
            return ()
        assert isinstance(pool, Segments)
        readings: list[Reading] = []
        # One slot at a time: when learning ends, what is still unread changes its places.
        while (end := state.slots.due()) is not None and end <= watermark:
            ((_, counts),) = state.slots.ripe(end)
            readings += self._silence(state, end - WIDTH)
            add_to(state.block, counts)
            state.unread -= sum(counts) - counts[0]
            state.last = end
            if events(state.block) >= BLOCK:
                readings += self._judge(state, pool, end)
        return readings + self._silence(state, watermark)

    def _silence(self, state: Shape, now: Instant) -> list[Reading]:
        found = []
        if state.open and now >= state.last + self.baseline:
            state.open = 0
            found.append(Reading(state.last + self.baseline, False, 0.0, None))
        if now >= state.last + _AFRESH * self.baseline:
            state.afresh(now)
            self._pin(state)
        return found

    def _judge(self, state: Shape, pool: Segments, end: Instant) -> list[Reading]:
        """A block is whole."""
        state.recent.append(state.block)
        del state.recent[: -SCALES[-1]]
        state.block = []
        if not state.dispersion:
            self._learn(state, end)
            return []
        tail = self.budget * BLOCK / (pool.volume(end, self.baseline) * _LOOKS)
        if state.open:
            found, dispersion = self._distance(state, state.open)
            over = found.excess(_CLEAR, dispersion) > 1.0
            reading = self._reading(state, end, tail, active=over)
            if not over:
                state.open, state.recent = 0, []
            return [reading]
        best = 1.0
        for scale in SCALES[: len(state.recent).bit_length()]:
            found, dispersion = self._distance(state, scale)
            excess = found.excess(tail, dispersion)
            if excess > best:
                best, state.open = excess, scale
        return [self._reading(state, end, tail, active=True)] if state.open else []

    def _distance(self, state: Shape, scale: int) -> tuple[Distance, float]:
        """The last ``scale`` blocks against the baseline, and the D of that scale."""
        found = _compare(state.base, state.recent[-scale:])
        return found, state.dispersion[scale.bit_length() - 1]

    def _reading(self, state: Shape, at: Instant, tail: float, *, active: bool) -> Reading:
        found, dispersion = self._distance(state, state.open)
        limit = round(found.threshold(tail) * dispersion, 6)
        detail = {"events": str(state.open * BLOCK)}
        return Reading(at, active, round(found.psi, 6), limit, detail=detail)

    # ------------------------------------------------------------------ learning

    def _learn(self, state: Shape, end: Instant) -> None:
        """Add the newest block to the baseline, after seeing how far it and its neighbours are from the rest."""
        for which, scale in enumerate(SCALES):
            if len(state.recent) >= scale and events(state.base) >= 3 * scale * BLOCK:
                others = without(state.base, state.recent[-scale:-1])
                found = _compare(others, state.recent[-scale:])
                if found.degrees:
                    state.spread[which][0] += found.psi / found.unit / found.degrees
                    state.spread[which][1] += 1.0
        add_to(state.base, state.recent[-1])
        if end >= state.learn_from + self.baseline and events(state.base) >= _LEAST_LEARNED:
            self._settle(state)

    def _settle(self, state: Shape) -> None:
        """The baseline is learned: keep the ``top`` values and take all others together."""
        state.dispersion = [max(1.0, total / n if n else 1.0) for total, n in state.spread]
        if self.bins is None:
            ranked = sorted(
                state.names, key=lambda name: (-count_at(state.base, state.names[name]), name)
            )
            kept = {name: place + 2 for place, name in enumerate(ranked[: self.top])}
            move = {was: kept.get(name, 1) for name, was in state.names.items()}
            state.base = moved(state.base, move)
            for index, counts in state.slots.waiting.items():
                state.slots.waiting[index] = moved(counts, move)
            state.names = kept
        state.recent = []

    # ------------------------------------------------------------------ the rest

    def learned(self, state: Shape, pool: object, at: Instant) -> Mapping[str, Json] | None:
        """The share of each category in the baseline, and how many events it was learned from."""
        if not state.dispersion:
            return None
        total = sum(state.base[1:])
        if self.bins is None:
            names = {place: name for name, place in state.names.items()}
        else:
            edges = [f"{edge:.6g}" for edge in state.edges or ()]
            names = {n + 3: f">= {edge}" for n, edge in enumerate(edges)}
            names[2] = f"< {edges[0]}" if edges else "any"
        names[1] = "(others)"
        shares: dict[str, Json] = {
            names[place]: round(count / total, 4)
            for place, count in enumerate(state.base[1:], 1)
            if count
        }
        return {"shares": shares, "events": total, "pinned": bool(self.pinned)}

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Every observation is one of a key."""
        return False

    def deadline(self, state: Shape, pool: object) -> Instant | None:
        """The end of the oldest slot when a block may be whole by then, later when not; an open alert's silence."""
        if len(state.early) >= _EARLY:
            return state.early[_EARLY - 1][0]
        waiting = state.slots.waiting
        silent = state.last + self.baseline if state.open else None
        if not waiting:
            return silent
        due = (min(waiting) + 1) * WIDTH
        if (not state.dispersion or sum(state.block[1:]) + state.unread < BLOCK) and len(
            waiting
        ) < MANY:
            due += HOUR
        return due if silent is None else min(due, silent)

    def forgettable(self, state: Shape, watermark: Instant) -> bool:
        """After a silence that makes it a new key anyway."""
        silent = watermark >= state.last + _AFRESH * self.baseline + WIDTH
        return silent and not state.open and not state.slots.waiting

    def dump(self, state: Shape) -> Json:
        """Plain data."""
        early: list[Json] = [[at, value] for at, value in state.early]
        edges: list[Json] | None = None if state.edges is None else list(state.edges)
        return {
            "slots": state.slots.dump(),
            "names": dict(state.names),
            "early": early,
            "edges": edges,
            "times": [state.learn_from, state.last],
            "base": list(state.base),
            "spread": [list(pair) for pair in state.spread],
            "dispersion": list(state.dispersion),
            "block": list(state.block),
            "recent": [list(block) for block in state.recent],
            "open": state.open,
        }

    def load(self, data: Json) -> Shape:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        learn_from, last = wholes(data["times"])
        out = Shape(last)
        out.learn_from = learn_from
        out.slots = Slots.load(data["slots"])
        out.unread = sum(sum(counts[1:]) for counts in out.slots.waiting.values())
        names = data["names"]
        assert isinstance(names, dict)
        out.names = {text(name): whole(place) for name, place in names.items()}
        for row in rows(data["early"]):
            at, value = rows(row)
            out.early.append((whole(at), real(value)))
        out.edges = None if data["edges"] is None else reals(data["edges"])
        out.base, out.block = wholes(data["base"]), wholes(data["block"])
        out.spread = [reals(pair) for pair in rows(data["spread"])]
        out.dispersion = reals(data["dispersion"])
        out.recent = [wholes(block) for block in rows(data["recent"])]
        out.open = whole(data["open"])
        return out

    def dump_pool(self, pool: object) -> Json:
        """Plain data."""
        assert isinstance(pool, Segments)
        return pool.dump()

    def load_pool(self, data: Json) -> Segments:
        """From what ``dump_pool`` gave."""
        return Segments.load(data)


def _compare(base: list[int], blocks: list[list[int]]) -> Distance:
    now: list[int] = []
    for block in blocks:
        add_to(now, block)
    size = max(len(base), len(now))
    was = base[1:] + [0] * (size - len(base))
    is_ = now[1:] + [0] * (size - len(now))
    return distance(was, is_, events(base), events(now))
