"""``shift``: the share of a segment left its own baseline for good.

Law: a baseline is learned once and then fixed; it is learned again only after a deploy that the rule was told of, and never while
the alert is open. Events are read in event time, slot by slot (``slots``), so the order of arrival within the lateness
changes nothing.

Method. The rule learns for ``baseline``; then each segment has a level, shrunk towards what its labels share (``segments``). The
null is the edge of doubt about that level: half a standard deviation, and ``tolerance``, beyond it (root of the squares, in log-odds). Against the null stands a
change of the odds by ``ratio`` or more, twice and four times it (``evidence``: the CUSUM in its Shiryaev-Roberts form). For rare
hits odds are shares, so ``ratio`` is the factor people mean; for frequent ones a share cannot pass 1. It fires at evidence

    A = volume * part / (budget * overshoot)      volume: trials of all segments a week; budget: false pages of the rule a week

where part = sqrt(s) * sum(sqrt(s)) over the segments' shares s of the traffic. So segments share the budget by the square roots of
their traffic (a small one has fewer trials to be quick with), and a thousand of them cost no more than one. A segment never seen before is judged by
its labels' level at once and learns its own for ``baseline``.

Watch. Most changes come with a release. At a ``deploy.change`` that the rule matches (put the type into ``on``) the evidence of every segment gets a head start of as
many trials as two weeks bring it, one half at once and one spread over six hours: the change of a release needs 2 to 4 nats less than one out of the blue,
and a release costs as many false pages as two weeks without one (R minus the number of trials stays a supermartingale). Stages of a release within an hour are
one. After a day of watch every segment learns a new level, in force when complete.

Pinned: a segment with a share of its own in ``shares`` is compared with that from the end of the first ``baseline`` on, which then only says how much traffic there is;
it never learns.

Clear: from the moment it fires, a CUSUM for the way back (level as found since the change against the null) must reach 6, or the
segment be silent for a day. A segment silent for four times ``baseline`` starts afresh, which ends an alert too.

Memory per key: 2 to 5 kB (sixteen unread slots at most). Cost per observation: 2 us, and 2 to 3 us a slot (three products a side), read when one may fire (``patience``),
or an hour's slots at once. Sources: ``evidence``, ``segments``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, log
from typing import ClassVar, Literal

from rulesd.core.detectors.evidence import Counted, Design, Evidence, between, expit, logit, percent
from rulesd.core.detectors.examples import with_latest
from rulesd.core.detectors.news import News
from rulesd.core.detectors.patience import ask
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.detectors.segments import AHEAD, WATCH, Key, Segments
from rulesd.core.detectors.shift_state import Segment, Side
from rulesd.core.detectors.slots import BITS, MANY, TRIALS, WIDTH, share
from rulesd.model.event import Document, Json
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds, format_instant
from rulesd.model.reasons import Reason

_DOUBT = 0.5
"How many standard deviations of the baseline's own error belong to the null."
_SIDES = {"up": ("up",), "down": ("down",), "both": ("up", "down")}
_BACK = 6.0
"Natural logarithm of the odds at which an open alert believes that the level is back."
_NEARER = 0.6
"The level found at an alarm is exaggerated by having caused it: so much of its distance (in log-odds) is believed."
_SILENT: Milliseconds = DAY
_NEVER: Instant = 1 << 62
_AFRESH = 4
"A segment silent for this many baselines is a new one."


@dataclass(frozen=True, slots=True)
class Shift:
    """Fires when the share of ``numerator`` among the matching events has left its baseline."""

    numerator: Callable[[Document], bool]
    baseline: Milliseconds
    ratio: float
    tolerance: float
    direction: Literal["up", "down", "both"]
    budget: float
    shares: tuple[tuple[Key, float], ...] = ()
    "Levels that are given and never learned: (values of the labels, empty for any; share). The first that fits a segment is its own."

    name: ClassVar[str] = "shift"
    version: ClassVar[int] = 2
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = False
    pooled: ClassVar[bool] = True
    deploys: ClassVar[bool] = True

    @property
    def hold(self) -> Milliseconds:
        """The way back is proven before the condition clears; an hour keeps a wavering one in one episode."""
        return HOUR

    @property
    def _silent(self) -> Milliseconds:
        """The silence that ends an alert: never longer than the one after which there is no baseline any more."""
        return min(_SILENT, _AFRESH * self.baseline)

    def pinned(self, key: Key) -> float | None:
        """The share that people wrote down for a segment."""
        for labels, given in self.shares:
            if all(wanted in ("", value) for wanted, value in zip(labels, key, strict=False)):
                return given
        return None

    def pool(self) -> Segments:
        """What the segments share."""
        return Segments()

    def start(self, key: tuple[str, ...], at: Instant) -> Segment:
        """A segment without a baseline."""
        return Segment(key, at // WIDTH * WIDTH)

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """A deploy concerns all segments."""
        if seen.document.get("type") != "deploy.change":
            return False
        assert isinstance(pool, Segments)
        pool.watch(seen.at)
        return True

    def observe(self, state: Segment, pool: object, seen: Observation) -> Reading | None:
        """Count the event into its slot; it is read when the watermark has passed."""
        assert isinstance(pool, Segments)
        at, _, event, weight, document = seen
        hit = self.numerator(document)
        pool.count(state.key, at, weight, hit, self.baseline)
        state.slots.count(at, weight, hit)
        if hit:
            state.latest = with_latest(state.latest, event)
            state.spare_hits -= weight
        else:
            state.spare_misses -= weight
        return None

    def advance(self, state: Segment, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Read the slots that are complete."""
        slots = state.slots
        if not slots.waiting and not state.open:
            if state.sides and watermark >= state.last + _AFRESH * self.baseline:
                self._forget(state, watermark)
            return ()
        assert isinstance(pool, Segments)
        state.asked = None
        readings: list[Reading] = []
        ripe = slots.ripe(watermark)
        mature, silent = pool.mature(self.baseline), self._silent
        while ripe:
            end, counted = ripe[0]
            if end - WIDTH >= state.last + silent:
                readings += self._silence(state, end - WIDTH)
            if end <= mature:
                state.count(counted)
                read = 1
            else:
                if not pool.closed:
                    pool.close()
                if not state.sides:
                    self._judge_by(state, pool, end - WIDTH)
                if state.open:
                    trials, hits = share(counted)
                    readings.append(
                        self._way_back(state, end, trials / pool.deff, hits / pool.deff)
                    )
                    read = 1
                else:
                    read = self._judge(state, pool, ripe, readings)
            state.last = ripe[read - 1][0]
            ripe = ripe[read:]
        if watermark >= state.last + silent:
            readings += self._silence(state, watermark)
        return readings

    def _silence(self, state: Segment, now: Instant) -> list[Reading]:
        """An open alert ends when its segment says nothing for a day; a long silence ends the baseline as well."""
        found = []
        if state.open and now >= state.last + self._silent:
            found = [self._close(state, state.last + self._silent)]
        if now >= state.last + _AFRESH * self.baseline:
            if state.sides:
                self._forget(state, now)
            state.last = now
            state.learn(now)
        return found

    def _forget(self, state: Segment, now: Instant) -> None:
        """What a segment was, is no more; it learns from its next event on."""
        if state.known is not None:
            said = f"silent for {(now - state.last) // DAY} days; it was {percent(state.level)}"
            state.news = (*state.news, News(Reason.RELEARN_SILENT, said))
        state.sides = {}

    def news(self, state: Segment) -> tuple[News, ...]:
        """What has happened to the baseline since it was last asked."""
        found, state.news = state.news, ()
        return found

    def _judge(
        self,
        state: Segment,
        pool: Segments,
        ripe: list[tuple[Instant, int]],
        readings: list[Reading],
    ) -> int:
        """Let the evidence take a stretch of slots in which nothing else changes; how many it took."""
        turn = self._turn(state, pool)
        slots = self._stretch(state, pool, ripe, turn)
        fires, taken, again = "", len(slots), 0
        marks = []
        volume = pool.volume(slots[0][0], self.baseline) * state.part
        for name, side in state.sides.items():
            threshold = self._threshold(volume, side)
            marks.append((side, side.mark(), threshold))
            place = side.take(slots[:taken] if fires else slots, threshold)
            if place < taken:
                fires, taken, again = name, place, len(marks)
        if not fires:
            if state.learning or slots[-1][0] >= turn:
                self._learn(state, pool, ripe[:taken])
            return taken
        for side, mark, threshold in marks[:again]:  # a side takes nothing after the other fired
            side.rewind(mark)
            side.take(slots[: taken + 1], threshold)
        if taken:
            self._learn(state, pool, ripe[:taken])
        state.open, state.back = fires, 0.0
        readings.append(self._reading(state, state.sides[fires], slots[taken][0]))
        return taken + 1

    def _stretch(
        self, state: Segment, pool: Segments, ripe: list[tuple[Instant, int]], turn: Instant
    ) -> list[Counted]:
        """The first slots of ``ripe``: as many as share one threshold, one baseline and no silence between them that ends it; at least one."""
        first, last = ripe[0][0], state.last
        ends = min(pool.week_ends(first), last + _AFRESH * self.baseline)
        if ripe[-1][0] >= min(ends, turn):
            read = 1
            while read < len(ripe) and ripe[read][0] < ends and ripe[read - 1][0] < turn:
                read += 1
            ripe = ripe[:read]
        deff = pool.deff
        if not pool.watched(last):
            return [(end, (x & TRIALS) / deff, (x >> BITS) / deff, 0.0) for end, x in ripe]
        own = AHEAD * state.share * pool.volume(first, self.baseline)
        begun = pool.begun(last, [end for end, _ in ripe])
        return [
            (end, (x & TRIALS) / deff, (x >> BITS) / deff, part * own)
            for (end, x), part in zip(ripe, begun, strict=True)
        ]

    def _turn(self, state: Segment, pool: Segments) -> Instant:
        """When what is learned changes next: a watch ends, or a baseline is complete."""
        turn = pool.settles(state.learn_from)
        return min(turn, state.learn_from + self.baseline) if state.learning else turn

    def _threshold(self, volume: float, side: Side) -> float:
        """Of evidence, for a segment with its part of the ``volume``."""
        return volume * len(_SIDES[self.direction]) / (self.budget * side.evidence.design.overshoot)

    def _learn(self, state: Segment, pool: Segments, read: list[tuple[Instant, int]]) -> None:
        """Count towards the next baseline, and put it into force when it is complete."""
        end = read[-1][0]
        if pool.settles(state.learn_from) <= end:
            state.learn(end)
        elif state.learning:
            for _, counted in read:
                state.count(counted)
            if end >= state.learn_from + self.baseline:
                state.learning = False
                known, before = state.known, state.level
                self._judge_by(state, pool, end)
                if known is not None and known[1] and state.learn_from >= known[0]:
                    said = f"{percent(before)} before, {percent(state.level)} from now on"
                    state.news = (*state.news, News(Reason.RELEARNED, said))

    def _judge_by(self, state: Segment, pool: Segments, at: Instant) -> None:
        """Put the counts so far into force as the baseline."""
        pinned = self.pinned(state.key) if self.shares else None
        if pinned is None:
            mean, doubt = pool.posterior(state.key, state.trials, state.hits)
            state.known = at, state.trials, doubt
        else:
            mean, doubt, state.known = logit(pinned), 0.0, None
            state.learning, state.learn_from = False, _NEVER
        margin = hypot(_DOUBT * doubt, log(1.0 + self.tolerance))
        state.level = mean
        state.part = pool.part(state.trials)
        state.share = min(1.0, state.trials / pool.weight) if pool.weight else 0.0
        state.sides = {}
        if self.direction != "down":
            design = Design.of(mean + margin, mean, self.ratio, up=True)
            state.sides["up"] = Side(Evidence(design), at)
        if self.direction != "up":
            design = Design.of(mean - margin, mean, self.ratio, up=False)
            state.sides["down"] = Side(Evidence(design), at)

    def _way_back(self, state: Segment, end: Instant, n: float, k: float) -> Reading:
        """While open: whether the level as found since the change still a better story than the baseline."""
        side = state.sides[state.open]
        side.trials += n
        side.hits += k
        sign = self._sign(state)
        away = sign * (logit((side.hits + 0.5) / (side.trials + 1.0)) - state.level)
        p1 = expit(state.level + sign * max(_NEARER * away, log(self.ratio)))
        p0 = expit(state.level)
        told = k * log(p0 / p1) + (n - k) * log((1.0 - p0) / (1.0 - p1))
        state.back = max(0.0, state.back + told)
        if state.back >= _BACK:
            return self._close(state, end)
        return self._reading(state, side, end)

    def _sign(self, state: Segment) -> float:
        return 1.0 if state.open == "up" else -1.0

    def _close(self, state: Segment, at: Instant) -> Reading:
        reading = self._reading(state, state.sides[state.open], at, active=False)
        for side in state.sides.values():
            side.evidence.reset()
            side.restart(at)
        state.open = ""
        if state.learning:
            state.learn(at)
        return reading

    def _reading(self, state: Segment, side: Side, at: Instant, *, active: bool = True) -> Reading:
        return Reading(
            at,
            active,
            round(side.hits / max(side.trials, 1.0), 6),
            round(expit(state.level + self._sign(state) * log(self.ratio)), 6),
            since=side.since,
            detail={"baseline": f"{expit(state.level):.4g}", "direction": state.open},
        )

    def examples(self, state: Segment) -> tuple[str, ...]:
        """Events that speak for a rise: the latest hits. A fall has none."""
        return state.latest if state.open == "up" else ()

    def learned(self, state: Segment, pool: object, at: Instant) -> Mapping[str, Json] | None:
        """The share a segment is compared with, its bounds (19 times in 20), the trials of its own behind it and since when it is in force.

        Also whether another is being learned, from when and, if nothing comes between, until when. ``None`` during the first learning.
        """
        assert isinstance(pool, Segments)
        if not state.sides:
            return None
        found: dict[str, Json] = {"share": round(expit(state.level), 6)}
        if state.known is not None:
            since, trials, doubt = state.known
            found |= between(state.level, doubt)
            found |= {"events": trials, "since": format_instant(since)}
        if self.shares and self.pinned(state.key) is not None:
            return {**found, "pinned": True}
        found["learning"] = False
        watches = [deploy + WATCH for deploy in pool.watches if deploy <= at]
        begins = max([state.learn_from, *watches])
        if not state.open and (state.learning or begins > state.learn_from):
            found["learning"] = True
            found["learning_since"] = format_instant(begins)
            found["learning_until"] = format_instant(begins + self.baseline)
        return found

    def deadline(self, state: Segment, pool: object) -> Instant | None:
        """The end of the oldest slot when it may tell something, later when not; an open alert's silence."""
        slots = state.slots
        if state.open:
            silent, due = state.last + self._silent, slots.due()
            return silent if due is None else min(due, silent)
        waiting = slots.waiting
        if not waiting:
            return state.last + _AFRESH * self.baseline if state.sides else None
        assert isinstance(pool, Segments)
        due = (slots.oldest + 1) * WIDTH
        if (
            due != state.asked
            or state.edition is not pool.edition
            or state.spare_hits < 0
            or state.spare_misses < 0
            or slots.newest > state.spare_slots
        ):
            ask(state, pool, due, len(_SIDES[self.direction]) / self.budget, self.baseline)
        return due if state.hurries or len(waiting) >= MANY else due + HOUR

    def forgettable(self, state: Segment, watermark: Instant) -> bool:
        """After a silence that makes it a new segment anyway, once it has forgotten what it was, and said so."""
        silent = watermark >= state.last + _AFRESH * self.baseline + WIDTH
        return silent and not state.open and not state.slots.waiting and not state.sides

    def dump(self, state: Segment) -> Json:
        """Plain data."""
        return state.dump()

    def load(self, data: Json) -> Segment:
        """From what ``dump`` gave."""
        return Segment.load(data)

    def dump_pool(self, pool: object) -> Json:
        """Plain data."""
        assert isinstance(pool, Segments)
        return pool.dump()

    def load_pool(self, data: Json) -> Segments:
        """From what ``dump_pool`` gave."""
        return Segments.load(data)
