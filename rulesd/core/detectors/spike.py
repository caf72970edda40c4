"""``spike``: more of it now than its own history explains.

Law: a window is judged when the watermark has passed its end, so the order of arrival within the lateness changes nothing. What happens during an alert
never becomes history.

Method. The window slides by a twelfth of itself. Its count c is compared with windows of the same length at the same time of day (at the same hour of the week
once three weeks are known) within ``reference`` before it: together r events in the time of e windows. Under the same rate c is binomial given c + r, so the chance
of so many is exact at every size, also for r = 0 (Przyborowski and Wilenski 1940):

    P = P(X >= c / D),  X ~ Binomial((c + r) / D, 1 / (1 + e))

D is the dispersion (variance / mean) of the windows at the same time of day, for each day of the week by itself, at least 1 (with fewer than seven of them also that of the last 48 windows): traffic that comes in
clumps must rise by more. It fires when P is at most the budget's share of one
look, c is at least ``min_count`` and at least ``ratio`` times the expected r / e. A quotient alone would fire on 1 -> 3.
Share of one look: budget / (keys * 3 * windows a week): a sliding window is worth three that do not overlap (simulated). A key never seen has a history of
nothing since the rule's first event; one whose history a person had forgotten is not judged until three windows are known again. It clears when c is below ``min_count`` or below half way from the expected to ``ratio`` times it.

Watch. For a day after a ``deploy.change`` in the rule's ``on`` a look may fire with 14 times its chance (``deploys``). Windows after that day replace those before
it as soon as there are seven of them (or all that ``reference`` holds), and three of the same hour of the week where those before it have as many: until
then the older ones stay in force.

Memory per key: 7 kB at most. Cost per observation: 1 us; 20 to 60 us for each of the steps that could be over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, NamedTuple

from rulesd.core.detectors.binomial import upper
from rulesd.core.detectors.deploys import is_deploy, noted, over, tail
from rulesd.core.detectors.history import History
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.detectors.ring import Ring
from rulesd.core.detectors.spike_state import NEVER, WEEK, Counting
from rulesd.core.detectors.spike_state import Keys as Keys
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds, format_instant

_STEPS = 12
_BINS = 700
_LOOKS = 3.0
_LEAST_WINDOWS = 3.0
"Without so many reference windows nothing can be said."
_ENOUGH_WINDOWS = 7.0
_NEAR = 48
"With fewer than seven reference windows the dispersion of the last 48 windows, whatever their time of day, is taken where it is larger."
_PRIOR = 2.0
"Windows' worth of belief that the dispersion is 1."
_CLUMPED = 1.5
"From here on the dispersion is taken two standard deviations larger than found: what is clumped is also uncertain."


class Reference(NamedTuple):
    """One reference window."""

    total: int
    windows: float
    "How much longer than a window the bins are that it touches."

    back: Milliseconds
    "How long before the window of now."


class Past(NamedTuple):
    """What the reference windows say."""

    total: float
    windows: float
    dispersion: float

    @property
    def expected(self) -> float:
        """The count of one window."""
        return self.total / self.windows


@dataclass(frozen=True, slots=True)
class Spike:
    """Fires when the count within ``within`` is beyond what its own history explains."""

    within: Milliseconds
    reference: Milliseconds
    min_count: int
    ratio: float
    budget: float

    name: ClassVar[str] = "spike"
    version: ClassVar[int] = 1
    clock: ClassVar[Clock] = Clock.EVENT
    counts: ClassVar[bool] = False
    pooled: ClassVar[bool] = True
    deploys: ClassVar[bool] = True

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    @property
    def stride(self) -> Milliseconds:
        """From one reference window to the one before it: whole days where the reference holds two of them."""
        days = -(-self.within // DAY) * DAY
        return days if self.reference >= 2 * days else self.within

    @property
    def width(self) -> Milliseconds:
        """Of the bins of the history: hours where days are compared, else a quarter of the window."""
        span = self.reference + 2 * self.within
        least = max(1, -(-span // _BINS))
        if self.stride % DAY:
            return max(least, self.within // 4, 1)
        return -(-least // HOUR) * HOUR

    def pool(self) -> Keys:
        """What the keys share."""
        return Keys()

    def start(self, key: tuple[str, ...], at: Instant) -> Counting:
        """Nothing counted."""
        span = self.reference + 2 * self.within
        bins = min(_BINS, -(-span // self.width) + 3)
        step = max(1, self.within // _STEPS)
        return Counting(Ring(step, -(-self.within // step)), History(self.width, bins), at)

    def unlearned(self, key: tuple[str, ...], at: Instant) -> Counting:
        """A key whose history a person had forgotten: not a new one, whose history would be one of nothing."""
        out = self.start(key, at)
        out.since = at
        return out

    def settle(self, state: Counting, pool: object, now: Instant) -> Counting:
        """A person resolved the alert: what came before it is still its history, and only new events count."""
        out = self.start((), now)
        out.history, out.since, out.week = state.history, state.since, state.week
        return out

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """A deploy concerns all keys."""
        if not is_deploy(seen):
            return False
        assert isinstance(pool, Keys)
        pool.watches = noted(pool.watches, seen.at)
        return True

    def observe(self, state: Counting, pool: object, seen: Observation) -> Reading | None:
        """Count the event; steps are judged when complete."""
        assert isinstance(pool, Keys)
        at = seen.at
        if pool.since is None or pool.since - HOUR <= at < pool.since:
            pool.since = at
        week = at // WEEK
        if week > state.week:
            state.week = week
            pool.live(week)
        state.history.add(at, seen.weight)
        pane = state.ring.add(at, seen.weight, hit=True)
        if pane is not None and state.judged < pane < state.waits:
            state.waits = pane
        return None

    def advance(self, state: Counting, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge the windows that are complete."""
        last = watermark // state.ring.width - 1
        if last <= state.judged:
            return ()
        assert isinstance(pool, Keys)
        readings = []
        pane = state.judged + 1
        while pane <= last:
            if not state.open:
                pane = max(pane, state.waits)
                if pane > last:
                    break
            found = self._judge(state, pool, pane)
            if found is not None:
                state.open = found.active
                readings.append(found)
            pane += 1
            if state.waits < pane:
                later = range(pane, state.ring.newest + 1)
                state.waits = next((i for i in later if state.ring.pane(i)[0]), NEVER)
        state.judged = last
        return readings

    def _judge(self, state: Counting, pool: Keys, pane: int) -> Reading | None:
        end = (pane + 1) * state.ring.width
        count, _, deff = state.ring.window(pane, state.ring.panes)
        if count < self.min_count and not state.open:
            return None
        start = end - self.within
        past = self._past(state, pool, start)
        if past is None:
            fires = False
        elif state.open:
            fires = count >= max(self.min_count, past.expected * (1.0 + self.ratio) / 2.0)
        else:
            looks = _LOOKS * WEEK / self.within * pool.alive(end)
            limit = tail(self.budget / looks, pool.watches, end)
            fires = count >= self.ratio * past.expected
            fires = fires and self._chance(count, past, deff) <= limit
        if not fires and not state.open:
            return None
        if fires:
            state.history.shut_out(start, end)
        expected = past.expected if past is not None else 0.0
        return Reading(
            end,
            fires,
            float(count),
            round(max(float(self.min_count), self.ratio * expected), 3),
            detail={"expected": f"{expected:.4g}"},
            since=start,
        )

    def _chance(self, count: int, past: Past, deff: float) -> float:
        scale = max(past.dispersion, deff)
        total = round((count + past.total) / scale)
        return upper(round(count / scale), total, 1.0 / (1.0 + past.windows))

    def _past(self, state: Counting, pool: Keys, start: Instant) -> Past | None:
        """The reference windows before ``start``: of the same hour of the week when there are three, else of the same time of day."""
        seen = self._windows(state, pool, start, self.stride, self.reference // self.stride)
        older: list[Reference] = []
        era = over(pool.watches, start)
        if era is not None:
            later = [one for one in seen if start - one.back >= era]
            if self._replaces(later, seen):
                older, seen = [one for one in seen if start - one.back < era], later
        every = seen
        weekly = [one for one in seen if one.back % WEEK == 0]
        if len(weekly) >= 3:
            seen = weekly
        windows = sum(one.windows for one in seen)
        if windows < _LEAST_WINDOWS:
            return None
        # How much traffic scatters is told by what was before a release, too; seven windows know little of it.
        dispersion = _dispersion([*_alike(every), *_alike(older)])
        if sum(one.windows for one in every) < _ENOUGH_WINDOWS:
            near = self._windows(
                state, pool, start, self.within, min(_NEAR, self.reference // self.within)
            )
            dispersion = max(dispersion, _dispersion([near]))
        return Past(float(sum(one.total for one in seen)), windows, dispersion)

    def _replaces(self, later: Sequence[Reference], seen: Sequence[Reference]) -> bool:
        """Whether windows after a release know enough to replace all: seven, or all that the reference holds, and no less of the week than is known now."""
        known = sum(one.windows for one in later)
        if not known or known < min(_ENOUGH_WINDOWS, sum(one.windows for one in seen)):
            return False
        return _weekly(later) >= 3 or _weekly(seen) < 3

    def _windows(
        self, state: Counting, pool: Keys, start: Instant, stride: Milliseconds, most: int
    ) -> list[Reference]:
        """Up to ``most`` windows before ``start``, as far as they are known."""
        seen = []
        known = max(pool.since or 0, state.since)
        for back in range(stride, most * stride + 1, stride):
            low = start - back
            count, time = state.history.between(low, low + self.within, known)
            if time:
                seen.append(Reference(count, time / self.within, back))
        return seen

    def learned(self, state: Counting, pool: object, at: Instant) -> Mapping[str, Json] | None:
        """The count it expects of a window that ends now, from how many windows, and how much they scatter."""
        assert isinstance(pool, Keys)
        past = self._past(state, pool, at - self.within)
        if past is None:
            return None
        known = max(pool.since or 0, state.since)
        found: dict[str, Json] = {
            "expected": round(past.expected, 3),
            "windows": round(past.windows, 1),
            "dispersion": round(past.dispersion, 3),
        }
        era = over(pool.watches, at)
        if era is not None and era > known:
            most = round(min(_ENOUGH_WINDOWS, self.reference // self.stride))
            weekly = min(self.reference, era - known) >= 3 * WEEK
            until = era + (3 * WEEK if weekly else most * self.stride) + self.within
            if at < until:
                found["learning"] = True
                found["learning_since"] = format_instant(era)
                found["learning_until"] = format_instant(until)
            else:
                known = era
        return {**found, "since": format_instant(max(known, at - self.reference))}

    def learning(self, state: Counting, pool: object, at: Instant) -> Mapping[str, Json]:
        """Since when a key learns that has no three windows yet, and until when."""
        assert isinstance(pool, Keys)
        known = max(pool.since or 0, state.since)
        until = known + round(_LEAST_WINDOWS) * self.stride + self.within
        return {"learning_since": format_instant(known), "learning_until": format_instant(until)}

    def deadline(self, state: Counting, pool: object) -> Instant | None:
        """The end of the next step that may be over; of the next one while the alert is open."""
        if state.open:
            return (state.judged + 2) * state.ring.width
        if state.waits == NEVER or sum(state.ring.trials) < self.min_count:
            return None
        return (state.waits + 1) * state.ring.width

    def forgettable(self, state: Counting, watermark: Instant) -> bool:
        """When no reference can reach back to anything it has counted: then it is a key with a history of nothing."""
        gone = (state.history.newest + 1) * state.history.width + self.reference + 2 * self.within
        return not state.open and watermark >= gone + HOUR

    def dump(self, state: Counting) -> Json:
        """Plain data."""
        return state.dump()

    def load(self, data: Json) -> Counting:
        """From what ``dump`` gave."""
        out = self.start((), 0)
        out.fill(data)
        return out

    def dump_pool(self, pool: object) -> Json:
        """Plain data."""
        assert isinstance(pool, Keys)
        return pool.dump()

    def load_pool(self, data: Json) -> Keys:
        """From what ``dump_pool`` gave."""
        return Keys.load(data)


def _weekly(seen: Sequence[Reference]) -> int:
    """How many windows are of the same hour of the week as the one they are compared with."""
    return sum(one.back % WEEK == 0 for one in seen)


def _alike(seen: Sequence[Reference]) -> list[list[Reference]]:
    """Windows that share a mean: those of an hour of the week where three weeks are known, else all of them."""
    phases = sorted({one.back % WEEK for one in seen})
    if _weekly(seen) < 3:
        return [list(seen)] if seen else []
    return [[one for one in seen if one.back % WEEK == phase] for phase in phases]


def _dispersion(groups: Sequence[Sequence[Reference]]) -> float:
    """Variance over mean of the counts within groups that share a mean, at least 1."""
    scatter = free = 0.0
    for seen in groups:
        rate = (sum(one.total for one in seen) + 0.5) / sum(one.windows for one in seen)
        scatter += sum((one.total - rate * one.windows) ** 2 / (rate * one.windows) for one in seen)
        free += len(seen) - 1.0
    found = (scatter + _PRIOR) / (free + _PRIOR)
    if found > _CLUMPED:
        found *= 1.0 + 2.0 * sqrt(2.0 / (free + _PRIOR))
    return max(1.0, found)
