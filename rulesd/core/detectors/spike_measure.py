"""``spike`` with ``field``: a measure is far from what it has been.

Law: windows are judged when the watermark has passed their end, so the order of arrival within the lateness changes nothing; evidence later than that counts
in the next window. What happens is learned as it happens: a key that often jumps must jump further, and a new level is news once.

Method. The mean of the values within ``within``, moved by a twelfth of it, is compared with its own past: mean and variance that fade over ``reference``. Where the
hour of the week explains three quarters of the variance (from the third week on), the mean of that hour is the past. How many deviations z are chance
is learned too: of the windows with z > u the share and the mean excess, as an exponential tail (peaks over threshold; Pickands 1975), so that wild
and tame measures cost the same:

    P(Z > z) = share * exp(-(z - u) / excess)                fires when it is at most budget / (keys * 3 * windows a week)

A window counts when it holds a value; the first fifty only teach. After four silent references a key starts afresh. What is no finite number is not counted. A
sampled event counts ``sampledrate`` times in the mean.

Watch. For a day after a ``deploy.change`` in the rule's ``on`` a look may fire with 14 times its chance (``deploys``). Then all that was learned before is worth
fifty windows, so that the new level has taken its place after some hundred; the hours of the week are learned anew.

Memory per key: 3 kB. Cost per observation: 2 us, and 5 us for each step that holds values. Measured on NAB: ``docs/detectors.md``.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.deploys import is_deploy, noted, over, tail
from rulesd.core.detectors.panes import number
from rulesd.core.detectors.plain import real, rows, whole
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.detectors.spike import Keys
from rulesd.core.field import Field
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

STEPS = 12
_WEEK = 168 * HOUR
_LOOKS = 3.0
_LEARNS = 50
"Windows that only teach."
_STEP = 1.0 / 500.0
"What a window adds to a mean or variance at most: they reach back 500 windows at least."
_TAIL_STEP = 1.0 / 1000.0
_U = 2.25
"Deviations from which on the tail is told."
_SHARE, _EXCESS = 0.03, 0.8
"The tail before anything is known of it."
_EXCESS_MEMORY = 200.0
_CLIP = 3.0
"One excess counts at most so many mean excesses."
_EXPLAINS = 0.25
"The hour of the week is believed when no more of the variance than this remains."
_LEAST_VARIANCE = 0.01
_WEEKS = 3
"Weeks that the mean of an hour reaches back."
_AFRESH = 4


class Past:
    """State of one key."""

    __slots__ = (
        "counts",
        "era",
        "excess",
        "hour",
        "hour_count",
        "hour_total",
        "judged",
        "left",
        "level",
        "open",
        "recent",
        "share",
        "spread",
        "timed",
        "totals",
        "untimed",
        "waiting",
        "week",
        "weekly",
        "weeks",
        "width",
        "windows",
    )

    def __init__(self, width: Milliseconds) -> None:
        """Nothing learned; ``width`` is that of one step."""
        self.width = width
        self.waiting: dict[int, list[float]] = {}
        "Steps not judged yet: number of values, their sum, and what the sum lost by rounding."
        self.judged = -1
        self.open = False
        self.week = -1
        "The last week in which the pool has counted this key."
        self.afresh()

    def afresh(self) -> None:
        """Learn from nothing."""
        self.recent: list[int] = []
        self.counts: list[float] = []
        self.totals: list[float] = []
        "The judged steps of the window, and how many values they held with what sum."
        self.windows = 0
        self.era: Instant = 0
        "The end of the latest watch after a deploy that it has learned anew since."
        self.level = self.spread = 0.0
        "Mean and variance."
        self.share, self.excess = _SHARE, _EXCESS
        self.timed = 0
        "Windows told by the hour of the week."
        self.left = self.untimed = 0.0
        "Of those, the mean square that is left, and without the hour."
        self.hour = -1
        self.hour_count = self.hour_total = 0.0
        self.weekly = array("d", bytes(8 * 168))
        self.weeks = bytearray(168)


@dataclass(frozen=True, slots=True)
class SpikeMeasure(Apart):
    """Fires when the mean of ``field`` within ``within`` is beyond what its own past explains."""

    field: Field
    within: Milliseconds
    reference: Milliseconds
    budget: float
    direction: str = "both"

    name: ClassVar[str] = "spike"
    pooled: ClassVar[bool] = True

    @property
    def hold(self) -> Milliseconds:
        """One window."""
        return self.within

    def pool(self) -> Keys:
        """How many keys share the budget."""
        return Keys()

    def start(self, key: tuple[str, ...], at: Instant) -> Past:
        """Nothing learned."""
        return Past(max(1, self.within // STEPS))

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """A deploy concerns all keys."""
        if not is_deploy(seen):
            return False
        assert isinstance(pool, Keys)
        pool.watches = noted(pool.watches, seen.at)
        return True

    def observe(self, state: Past, pool: object, seen: Observation) -> Reading | None:
        """Count the value; its step is judged when complete."""
        value = number(self.field, seen.document)
        if value is None:
            return None
        assert isinstance(pool, Keys)
        week = seen.at // _WEEK
        if week > state.week:
            state.week = week
            pool.live(week)
        step = seen.at // state.width
        if step <= state.judged:
            step = state.judged + 1
        held = state.waiting.get(step)
        if held is None:
            held = state.waiting[step] = [0.0, 0.0, 0.0]
        weight = seen.weight
        held[0] += weight
        _add(held, value * weight)
        return None

    def advance(self, state: Past, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge the steps that are complete; silence for a window ends an alert."""
        width = state.width
        last = watermark // width - 1
        readings: list[Reading] = []
        due = [step for step in state.waiting if step <= last]
        if due:
            assert isinstance(pool, Keys)
            due.sort()
            for step in due:
                if state.open:
                    self._silence(state, step - 1, readings)
                found = self._judge(state, pool, step, state.waiting.pop(step))
                if found is not None:
                    readings.append(found)
        if state.open:
            self._silence(state, last, readings)
        return readings

    def _silence(self, state: Past, last: int, readings: list[Reading]) -> None:
        if last >= state.judged + STEPS:
            state.open = False
            end = (state.judged + STEPS + 1) * state.width
            readings.append(Reading(end, False, 0.0, None))

    def _judge(self, state: Past, pool: Keys, step: int, held: list[float]) -> Reading | None:
        width = state.width
        apart = step - state.judged
        if apart * width >= _AFRESH * self.reference:
            state.afresh()
        elif pool.watches:
            self._after_watch(state, pool, step * width)
        state.judged = step
        recent, counts, totals = state.recent, state.counts, state.totals
        recent.append(step)
        counts.append(held[0])
        totals.append(held[1] + held[2])
        while recent[0] <= step - STEPS:
            del recent[0], counts[0], totals[0]
        mean = sum(totals) / sum(counts)
        fades = min(STEPS, apart) * width / self.reference
        expected, spread = self._expected(state, mean, step * width, fades)
        if state.windows <= _LEARNS or spread <= 0.0:
            return None
        deviation = sqrt(spread)
        z = (mean - expected) / deviation
        size = abs(z) if self.direction == "both" else z if self.direction == "up" else -z
        if size <= _U and not state.open:
            state.share -= min(_TAIL_STEP, fades) * state.share
            return None
        end = (step + 1) * width
        chance = self.budget * self.within / (_LOOKS * _WEEK * pool.alive(end))
        chance = tail(chance, pool.watches, end)
        limit = _U + state.excess * max(0.0, log(state.share / chance))
        fires = size > limit
        _learn_tail(state, size, fades)
        if not fires and not state.open:
            return None
        state.open = fires
        bound = expected + (limit if z > 0 else -limit) * deviation
        detail = {"expected": f"{expected:.4g}", "deviations": f"{z:.3g}"}
        return Reading(end, fires, _round(mean), _round(bound), detail=detail, since=end - width)

    def _after_watch(self, state: Past, pool: Keys, at: Instant) -> None:
        """A watch is over: what was learned before is worth fifty windows from now on, and the hours of the week nothing."""
        era = over(pool.watches, at)
        if era is None or era <= state.era:
            return
        state.era = era
        state.windows = min(state.windows, _LEARNS + 1)
        state.timed = 0
        state.weekly, state.weeks = array("d", bytes(8 * 168)), bytearray(168)

    def _expected(self, state: Past, mean: float, at: Instant, fades: float) -> tuple[float, float]:
        """What the past says of this window: mean and variance; then the window is part of the past."""
        state.windows += 1
        apart = mean - state.level
        expected, spread = state.level, state.spread
        hour = at // HOUR
        slot = hour % 168
        if state.weeks[slot] >= 2:
            off = mean - state.weekly[slot]
            state.left = max(state.left, _LEAST_VARIANCE * spread)
            if state.timed >= _LEARNS and state.left < _EXPLAINS * state.untimed:
                expected, spread = state.weekly[slot], state.left
            state.timed += 1
            new = max(min(fades, _STEP), 1.0 / state.timed)
            state.left += new * (off * off - state.left)
            state.untimed += new * (apart * apart - state.untimed)
        if hour != state.hour:
            _close_hour(state)
            state.hour, state.hour_count, state.hour_total = hour, 1.0, mean
        else:
            state.hour_count += 1.0
            state.hour_total += mean
        new = min(_STEP, fades)
        if new * state.windows < 1.0:
            new = 1.0 / state.windows
        state.level += new * apart
        state.spread = (1.0 - new) * (state.spread + new * apart * apart)
        return expected, spread

    def learned(self, state: Past, pool: object, at: Instant) -> Mapping[str, Json] | None:
        """The mean it expects now and one deviation, and whether the hour of the week says so."""
        if state.windows <= _LEARNS:
            return None
        slot = at // HOUR % 168
        weekly = state.weeks[slot] >= 2 and state.left < _EXPLAINS * state.untimed
        expected = state.weekly[slot] if weekly else state.level
        deviation = sqrt(state.left if weekly else state.spread)
        return {
            "expected": _round(expected),
            "deviation": _round(deviation),
            "by": "hour of the week" if weekly else "all hours",
            "windows": state.windows,
        }

    def deadline(self, state: Past, pool: object) -> Instant | None:
        """The end of the oldest step that waits; of the window of silence while the alert is open."""
        silent = (state.judged + STEPS + 1) * state.width if state.open else None
        if not state.waiting:
            return silent
        due = (min(state.waiting) + 1) * state.width
        return due if silent is None else min(due, silent)

    def forgettable(self, state: Past, watermark: Instant) -> bool:
        """After a silence that makes it a new key anyway."""
        silent = watermark >= (state.judged + 1) * state.width + _AFRESH * self.reference
        return silent and not state.open and not state.waiting

    def dump(self, state: Past) -> Json:
        """Plain data."""
        waiting: list[Json] = [[step, *state.waiting[step]] for step in sorted(state.waiting)]
        rows_ = zip(state.recent, state.counts, state.totals, strict=True)
        recent: list[Json] = [list(row) for row in rows_]
        weekly: list[Json] = [
            [slot, state.weeks[slot], state.weekly[slot]]
            for slot in range(168)
            if state.weeks[slot]
        ]
        learned: list[Json] = [state.level, state.spread, state.share, state.excess, state.left]
        learned += [state.untimed, state.hour_count, state.hour_total]
        wholes: list[Json] = [state.judged, state.open, state.windows, state.timed, state.hour]
        wholes += [state.week, state.era]
        return [wholes, learned, waiting, recent, weekly]

    def load(self, data: Json) -> Past:
        """From what ``dump`` gave."""
        numbers, learned, waiting, recent, weekly = rows(data)
        out = self.start((), 0)
        judged, open_, windows, timed, hour, week, *era = rows(numbers)
        out.era = whole(era[0]) if era else 0
        out.judged, out.open, out.windows = whole(judged), open_ is True, whole(windows)
        out.timed, out.hour, out.week = whole(timed), whole(hour), whole(week)
        out.level, out.spread, out.share, out.excess, out.left, *rest = map(real, rows(learned))
        out.untimed, out.hour_count, out.hour_total = rest
        for row in rows(waiting):
            step, *held = rows(row)
            out.waiting[whole(step)] = [real(n) for n in held]
        for row in rows(recent):
            step, count, total = rows(row)
            out.recent.append(whole(step))
            out.counts.append(real(count))
            out.totals.append(real(total))
        for row in rows(weekly):
            slot, weeks, mean = rows(row)
            out.weeks[whole(slot)], out.weekly[whole(slot)] = whole(weeks), real(mean)
        return out

    def dump_pool(self, pool: object) -> Json:
        """Plain data."""
        assert isinstance(pool, Keys)
        return pool.dump()

    def load_pool(self, data: Json) -> Keys:
        """From what ``dump_pool`` gave."""
        return Keys.load(data)


def _add(held: list[float], value: float) -> None:
    """Sum with what rounding loses (Knuth's two-sum), so that the order of arrival does not show."""
    total = held[1]
    both = total + value
    back = both - total
    held[2] += (total - (both - back)) + (value - back)
    held[1] = both


def _close_hour(state: Past) -> None:
    """The mean of an hour that is over joins those of its hour of the week."""
    if not state.hour_count:
        return
    slot = state.hour % 168
    mean = state.hour_total / state.hour_count
    known = state.weeks[slot]
    state.weekly[slot] += (mean - state.weekly[slot]) / min(_WEEKS, known + 1)
    state.weeks[slot] = min(_WEEKS, known + 1)


def _learn_tail(state: Past, size: float, fades: float) -> None:
    """How often and how far chance goes beyond u."""
    above = size > _U
    state.share += min(fades, _TAIL_STEP) * (above - state.share)
    if above:
        counted = min(size - _U, _CLIP * state.excess)
        state.excess += (counted - state.excess) / _EXCESS_MEMORY


def _round(value: float) -> float:
    """Nine digits: what people can use, and no more than the order of arrival leaves."""
    return float(f"{value:.9g}")
