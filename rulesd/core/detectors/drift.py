"""``drift``: the distribution of a field moved away from its baseline.

Law: windows by count, not by time, so that a small segment is as safe from chance as a large one. The baseline is learned once and then fixed; it is learned again only
after a deploy that the rule was told of, and never while the alert is open.
Events are read in event time, slot by slot (``slots``), so the order of arrival within the lateness changes nothing.

Method. The field's values are counted in categories: the ``top`` most frequent values of the baseline and one for all others, or ``bins`` of a number (edges
as given, or quantiles of the first 256 values). After ``baseline`` (and at least 200 events) the last 50, 100, 200 and 400 events are compared with the
baseline at every block of 50 by PSI; it fires when one of them passes psi*, or holds more rare values than chance gives

    psi* = D * quantile(b, groups - 1) * (1/n + 1/m)          b = budget / (looks a week)         (``shape``)

D is how much more than chance the windows of that size differed from the rest while learning (sessions, rhythms: traffic comes in clumps), at least 1.
Looks a week: the rule's events a week / 50, times 5 for four windows that overlap and two tests (simulated). It clears when the window that fired, or a longer one that would have by then, is within what chance
gives one time in ten, or the key is silent for ``baseline``. After four silent baselines a key forgets what it was, and says so.

Watch. For a day after a ``deploy.change`` in the rule's ``on`` a look may fire with 14 times its chance (``deploys``). Then every key learns anew for ``baseline``;
the baseline before stays in force until the new one is complete. Values that are new since then are told apart in it.

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
    folded,
    moved,
    of_shares,
)
from rulesd.core.detectors.deploys import WATCH, is_deploy, over, tail
from rulesd.core.detectors.drift_state import BLOCK, SCALES, Lesson, Shape, compare
from rulesd.core.detectors.news import News
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.detectors.segments import Segments
from rulesd.core.detectors.shape import Distance
from rulesd.core.detectors.slots import MANY, WIDTH
from rulesd.core.field import Field
from rulesd.core.labels import label_text
from rulesd.model.alert import MISSING
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds, format_instant
from rulesd.model.reasons import Reason

_LOOKS = 5.0
"Independent looks that the four overlapping windows of a block amount to."
_EARLY = 256
_NAMES = 256
"Values told apart while learning; further ones are counted as others."
_CLEAR = 0.1
_AFRESH = 4
_NOT_DUE: Instant = 1 << 62


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
    pooled: ClassVar[bool] = True
    deploys: ClassVar[bool] = True

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
        state.kept, state.lesson = len(state.names), None

    # ------------------------------------------------------------------ counting

    def observe(self, state: Shape, pool: object, seen: Observation) -> Reading | None:
        """Count the event into its slot; it is read when the watermark has passed."""
        assert isinstance(pool, Segments)
        place = self._place(state, pool, seen)
        if place is None:
            return None
        pool.count((), seen.at, seen.weight, False, self.baseline)
        if place >= 0:
            count_in(state.slots.at(seen.at, 2), place, seen.weight)
            state.unread += seen.weight
        return None

    def _place(self, state: Shape, pool: Segments, seen: Observation) -> int | None:
        """Where an event's value is counted; -1 when it waits for the edges, ``None`` when it has no value."""
        value = self.field.get(seen.document)
        if self.bins is None:
            name = label_text(value) or MISSING
            place = state.names.get(name)
            if place is None:
                if len(state.names) >= _NAMES or not self._names(state, pool):
                    return 1
                place = state.names[name] = len(state.names) + 2
            return place
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0.0:
            return None
        if state.edges is None:
            insort(state.early, (seen.at, float(value)))
            return -1
        return 2 + bisect_right(state.edges, value)

    def _names(self, state: Shape, pool: Segments) -> bool:
        """Whether new values are told apart: while a key learns, and from a deploy on after which it will."""
        if state.lesson is not None:
            return True
        return bool(pool.watches) and not self.pinned and pool.watches[-1] + WATCH > state.known

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
        if not state.slots.waiting and not state.open and watermark < self._forgets(state):
            return ()
        assert isinstance(pool, Segments)
        readings: list[Reading] = []
        # One slot at a time: when learning ends, what is still unread changes its places.
        while (end := state.slots.due()) is not None and end <= watermark:
            ((_, counts),) = state.slots.ripe(end)
            readings += self._silence(state, end - WIDTH)
            if state.lesson is not None and state.blank:
                state.lesson.since = end - WIDTH
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
        if now >= state.last + _AFRESH * self.baseline and not state.blank:
            if state.dispersion and not self.pinned:
                days = (now - state.last) // DAY
                state.news.append(
                    News(
                        Reason.RELEARN_SILENT,
                        f"silent for {days} days; {state.in_words(named=self.bins is None)}",
                    )
                )
            state.afresh(now)
            self._pin(state)
        return found

    def _forgets(self, state: Shape) -> Instant:
        """When a silent key forgets what it knows, and says so."""
        if self.pinned or state.blank:
            return _NOT_DUE
        return state.last + _AFRESH * self.baseline

    def _judge(self, state: Shape, pool: Segments, end: Instant) -> list[Reading]:
        """A block is whole."""
        state.recent.append(state.block)
        del state.recent[: -SCALES[-1]]
        state.block = []
        if not state.dispersion:
            self._learn(state, end)
            return []
        chance = self.budget * BLOCK / (pool.volume(end, self.baseline) * _LOOKS)
        chance = tail(chance, pool.watches, end)
        if state.open:
            # What lasts is not over when the latest few events look usual: a longer window that would fire takes over.
            longer = (n for n in SCALES if state.open < n <= len(state.recent))
            told = [n for n in longer if self._excess(state, n, chance) > 1.0]
            state.open = max(told, default=state.open)
            fires = self._excess(state, state.open, _CLEAR) > 1.0
            reading = self._reading(state, end, chance, active=fires)
            if not fires:
                state.open, state.recent = 0, []
                self._interrupt(state, end)
            return [reading]
        best = 1.0
        for scale in SCALES[: len(state.recent).bit_length()]:
            excess = self._excess(state, scale, chance)
            if excess > best:
                best, state.open = excess, scale
        if state.open:
            return [self._reading(state, end, chance, active=True)]
        self._teach(state, pool, end)
        return []

    def _excess(self, state: Shape, scale: int, chance: float) -> float:
        found, dispersion = self._distance(state, scale)
        return found.excess(chance, dispersion)

    def _distance(self, state: Shape, scale: int) -> tuple[Distance, float]:
        """The last ``scale`` blocks against the baseline, and the D of that scale."""
        blocks = state.recent[-scale:]
        if self.bins is None:
            blocks = [folded(block, state.kept) for block in blocks]
        return compare(state.base, blocks), state.dispersion[scale.bit_length() - 1]

    def _reading(self, state: Shape, at: Instant, chance: float, *, active: bool) -> Reading:
        found, dispersion = self._distance(state, state.open)
        limit = round(found.threshold(chance) * dispersion, 6)
        detail = {"events": str(state.open * BLOCK)}
        return Reading(at, active, round(found.psi, 6), limit, detail=detail)

    # ------------------------------------------------------------------ learning

    def _teach(self, state: Shape, pool: Segments, end: Instant) -> None:
        """A baseline is in force: learn the next one once the watch after a deploy is over."""
        if not pool.watches or self.pinned:
            return
        ended = over(pool.watches, end)
        learns_from = state.known if state.lesson is None else state.lesson.since
        if ended is not None and ended > max(learns_from, state.known):
            state.lesson = Lesson(end)
        elif state.lesson is not None:
            self._learn(state, end)

    def _interrupt(self, state: Shape, end: Instant) -> None:
        """What happened until now is nothing to learn from."""
        if state.lesson is not None:
            state.lesson = Lesson(end)

    def _learn(self, state: Shape, end: Instant) -> None:
        """Count the newest block for the baseline that is being learned, and put that into force when it is complete."""
        lesson = state.lesson
        assert lesson is not None
        lesson.take(state.recent)
        if lesson.over(end, self.baseline):
            before = state.in_words(named=self.bins is None) if state.dispersion else ""
            self._settle(state, lesson, end)
            if before:
                said = f"{before} before, {state.in_words(named=self.bins is None)} from now on"
                state.news.append(News(Reason.RELEARNED, said))

    def _settle(self, state: Shape, lesson: Lesson, end: Instant) -> None:
        """The baseline is learned: keep the ``top`` values and take all others together."""
        state.dispersion, state.base = lesson.dispersion(), lesson.counts
        state.lesson, state.known = None, end
        if self.bins is None:
            ranked = sorted(
                state.names, key=lambda name: (-count_at(state.base, state.names[name]), name)
            )
            kept = {name: place + 2 for place, name in enumerate(ranked[: self.top])}
            move = {was: kept.get(name, 1) for name, was in state.names.items()}
            state.base = moved(state.base, move)
            for index, counts in state.slots.waiting.items():
                state.slots.waiting[index] = moved(counts, move)
            state.names, state.kept = kept, len(kept)
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
        found: dict[str, Json] = {"shares": shares, "events": total, "pinned": bool(self.pinned)}
        if self.bins is not None:
            counts = [count_at(state.base, place) for place in range(2, len(names) + 1)]
            found["edges"] = list(state.edges or ())
            found["bins"] = [round(count / total, 4) for count in counts]
        if self.pinned:
            return found
        found["learning"] = state.lesson is not None
        if state.known:
            found["since"] = format_instant(state.known)
        return {**found, **self._next(state)}

    def learning(self, state: Shape, pool: object, at: Instant) -> Mapping[str, Json]:
        """Since when a key learns that has no baseline yet, until when, and from how many events so far."""
        counts = [] if state.lesson is None else state.lesson.counts
        return {"events": sum(counts[1:]), **self._next(state)}

    def _next(self, state: Shape) -> Mapping[str, Json]:
        if state.lesson is None:
            return {}
        since = state.lesson.since
        return {
            "learning_since": format_instant(since),
            "learning_until": format_instant(since + self.baseline),
        }

    def news(self, state: Shape) -> list[News]:
        """What has happened to the baseline since it was last asked."""
        found, state.news = state.news, []
        return found

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """A deploy concerns all keys."""
        if not is_deploy(seen):
            return False
        assert isinstance(pool, Segments)
        pool.watch(seen.at)
        return True

    def deadline(self, state: Shape, pool: object) -> Instant | None:
        """The end of the oldest slot when a block may be whole by then, later when not; an open alert's silence, or that after which a key forgets."""
        if len(state.early) >= _EARLY:
            return state.early[_EARLY - 1][0]
        due = state.slots.due()
        if due is None:
            if state.open:
                return state.last + self.baseline
            forgets = self._forgets(state)
            return None if forgets == _NOT_DUE else forgets
        if (not state.dispersion or sum(state.block[1:]) + state.unread < BLOCK) and len(
            state.slots.waiting
        ) < MANY:
            due += HOUR
        return min(due, state.last + self.baseline) if state.open else due

    def forgettable(self, state: Shape, watermark: Instant) -> bool:
        """When nothing is known of it, or that is pinned and it is silent; a key that knows something forgets it first, and says so."""
        silent = watermark >= state.last + _AFRESH * self.baseline + WIDTH
        silent = silent and not state.open and not state.slots.waiting
        return silent and (bool(self.pinned) or state.blank)

    def dump(self, state: Shape) -> Json:
        """Plain data."""
        return state.dump()

    def load(self, data: Json) -> Shape:
        """From what ``dump`` gave."""
        return Shape.load(data)

    def dump_pool(self, pool: object) -> Json:
        """Plain data."""
        assert isinstance(pool, Segments)
        return pool.dump()

    def load_pool(self, data: Json) -> Segments:
        """From what ``dump_pool`` gave."""
        return Segments.load(data)
