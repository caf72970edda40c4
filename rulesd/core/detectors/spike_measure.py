"""``spike`` with ``field``: a measure is far from what it has been.

Law: windows are judged when the watermark has passed their end, so the order of arrival within the lateness changes nothing; evidence later than that counts
in the next window. What happens is learned as it happens: a key that often jumps must jump further, and a new level is news once.

Method. The mean of the values within ``within``, moved by a twelfth of it, is compared with its own past: mean and variance that fade over ``reference``. Where the
hour of the week explains three quarters of the variance (from the third week on), the mean of that hour is the past. How many deviations z are chance
is learned too: of the windows with z > u the share and the mean excess, as an exponential tail (peaks over threshold; Pickands 1975), so that wild
and tame measures cost the same:

    P(Z > z) = share * exp(-(z - u) / excess)                fires when it is at most 0.8 budget / (keys * 3 * windows a week)

What is too little for one window may be too much when it lasts: the mean deviation of the last twelve windows or so (fading exponentially) is judged by a variance
and a tail of its own, with a fifth of the budget and a twelfth of the looks. It fires only while the window itself is still off.

A window counts when it holds a value; the first fifty only teach. After four silent references a key starts afresh, and says so. What is no finite number is not counted. A
sampled event counts ``sampledrate`` times in the mean.

Watch. For a day after a ``deploy.change`` in the rule's ``on`` a look may fire with 14 times its chance (``deploys``). Then all that was learned before is worth
fifty windows, so that the new level has taken its place after some hundred; the hours of the week are learned anew.

Memory per key: 4 kB. Cost per observation: 2 us, and 5 us for each step that holds values. Measured on NAB: ``docs/detectors.md``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import copysign, sqrt
from typing import ClassVar

from rulesd.core.detectors.apart import Apart
from rulesd.core.detectors.deploys import DEPLOY, noted, over, tail
from rulesd.core.detectors.news import News
from rulesd.core.detectors.panes import MOST, finite
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.detectors.spike import Keys
from rulesd.core.detectors.spike_measure_past import LASTS, LEARNS, STEPS, Past, Tail, U
from rulesd.core.field import Field
from rulesd.model.duration import format_duration
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds
from rulesd.model.reasons import Reason

_WEEK = 168 * HOUR
_LOOKS = 3.0
_HOUR, _LASTING = 0.8, 0.2
"Shares of the budget: of the window, and of what lasts."
_STILL = 0.5
"What lasts fires only while the window itself is so many deviations off, on the same side."
_AFRESH = 4
_NEVER: Instant = 1 << 62
_U2 = U * U
_ONE = 1.0
"Most steps of a quiet key hold one value: they share it."


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
        if seen.document.get("type") != DEPLOY:
            return False
        assert isinstance(pool, Keys)
        pool.watches = noted(pool.watches, seen.at)
        return True

    def observe(self, state: Past, pool: object, seen: Observation) -> Reading | None:
        """Count the value; its step is judged when complete.

        What a sum loses by rounding is kept (Knuth's two-sum), so that the order of arrival does not show.
        """
        value = self.field.get(seen.document)
        if type(value) is not float or not -MOST < value < MOST:
            value = finite(value)
            if value is None:
                return None
        at, weight = seen.at, seen.weight
        week = at // _WEEK
        if week > state.week:
            assert isinstance(pool, Keys)
            state.week = week
            pool.live(week)
        step = at // state.width
        if step <= state.judged:
            step = state.judged + 1
        held = state.waiting.get(step)
        if held is None:
            state.waiting[step] = [_ONE if weight == 1 else float(weight), value * weight, 0.0]
            return None
        held[0] += weight
        total, more = held[1], value * weight
        held[1] = both = total + more
        back = both - total
        held[2] += (total - (both - back)) + (more - back)
        return None

    def advance(self, state: Past, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Judge the steps that are complete; silence for a window ends an alert."""
        last = watermark // state.width - 1
        readings: list[Reading] = []
        waiting = state.waiting
        while waiting and (step := min(waiting)) <= last:
            if state.open:
                self._silence(state, step - 1, readings)
            found = self._judge(state, pool, step, waiting.pop(step))
            if found is not None:
                readings.append(found)
        if state.open:
            self._silence(state, last, readings)
        if not waiting and watermark >= self._forgets(state):
            self._forget(state)
        return readings

    def _forgets(self, state: Past) -> Instant:
        """When a key that stays silent forgets what it knows, and says so; one that is still being taught needs no word."""
        if state.open or state.windows <= LEARNS:
            return _NEVER
        return (state.judged + 1) * state.width + _AFRESH * self.reference

    def _forget(self, state: Past) -> None:
        if state.windows > LEARNS:
            silent = format_duration(_AFRESH * self.reference)
            said = f"silent for {silent}; it was {state.level:.4g}"
            state.news = (*state.news, News(Reason.RELEARN_SILENT, said))
        state.afresh()

    def news(self, state: Past) -> tuple[News, ...]:
        """What has happened to what it knew since it was last asked."""
        found, state.news = state.news, ()
        return found

    def _silence(self, state: Past, last: int, readings: list[Reading]) -> None:
        if last >= state.judged + STEPS:
            state.open = False
            end = (state.judged + STEPS + 1) * state.width
            readings.append(Reading(end, False, 0.0, None))

    def _judge(self, state: Past, pool: object, step: int, held: list[float]) -> Reading | None:
        assert isinstance(pool, Keys)
        width = state.width
        apart = step - state.judged
        if apart > STEPS:
            if apart * width >= _AFRESH * self.reference:
                self._forget(state)
            apart = STEPS
        if pool.watches:
            era = over(pool.watches, step * width)
            if era is not None and era > state.era:
                state.after_watch(era)
        mean = state.mean(step, held)
        fades = apart * width / self.reference
        expected, spread, slow = state.learn(mean, step * width, apart, fades)
        if state.windows <= LEARNS or spread <= 0.0 or slow <= 0.0:
            return None
        if not state.open:
            off, lasting = mean - expected, state.lasting
            if off * off <= _U2 * spread and lasting * lasting <= _U2 * slow:
                state.calm(fades)
                return None
        end = (step + 1) * width
        share = _HOUR * self.budget * self.within / (_LOOKS * _WEEK * pool.alive(end))
        chance = tail(share, pool.watches, end)
        deviation = sqrt(spread)
        fires, limit = self._look(state.tail, mean - expected, deviation, chance, fades)
        value, deviations, told = mean, (mean - expected) / deviation, {}
        long = sqrt(slow)
        chance = tail(share * LASTS * _LASTING / _HOUR, pool.watches, end)
        lasts, far = self._look(state.lasting_tail, state.lasting, long, chance, fades)
        if lasts and not fires and deviations * copysign(1.0, state.lasting) >= _STILL:
            fires, limit, deviation = True, far, long
            value, deviations = expected + state.lasting, state.lasting / long
            told = {"windows": str(LASTS)}
        if not fires and not state.open:
            return None
        state.open = fires
        bound = expected + (limit if deviations > 0 else -limit) * deviation
        detail = {"expected": f"{expected:.4g}", "deviations": f"{deviations:.3g}", **told}
        return Reading(end, fires, _round(value), _round(bound), detail=detail, since=end - width)

    def _look(
        self, known: Tail, off: float, deviation: float, chance: float, fades: float
    ) -> tuple[bool, float]:
        """Whether so much off is beyond chance, and from how many deviations on; then it is part of what is known of chance."""
        z = off / deviation
        size = abs(z) if self.direction == "both" else z if self.direction == "up" else -z
        limit = known.limit(chance)
        known.learn(size, fades)
        return size > limit, limit

    def learned(self, state: Past, pool: object, at: Instant) -> Mapping[str, Json] | None:
        """The mean it expects now and one deviation, and whether the hour of the week says so."""
        if state.windows <= LEARNS:
            return None
        slot = at // HOUR % 168
        weekly = state.weekly_known(slot)
        expected = state.weekly[slot] if weekly else state.level
        deviation = sqrt(state.left if weekly else state.spread)
        return {
            "expected": _round(expected),
            "deviation": _round(deviation),
            "by": "hour of the week" if weekly else "all hours",
            "windows": state.windows,
        }

    def deadline(self, state: Past, pool: object) -> Instant | None:
        """The end of the oldest step that waits; of the window of silence while the alert is open; of the silence after which it forgets."""
        silent = (state.judged + STEPS + 1) * state.width if state.open else None
        if not state.waiting:
            forgets = self._forgets(state)
            return silent if forgets == _NEVER else forgets
        due = (min(state.waiting) + 1) * state.width
        return due if silent is None else min(due, silent)

    def forgettable(self, state: Past, watermark: Instant) -> bool:
        """After a silence that makes it a new key anyway, once it has forgotten what it knew, and said so."""
        silent = watermark >= (state.judged + 1) * state.width + _AFRESH * self.reference
        return silent and not state.open and not state.waiting and state.windows <= LEARNS

    def dump(self, state: Past) -> Json:
        """Plain data."""
        return state.dump()

    def load(self, data: Json) -> Past:
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


def _round(value: float) -> float:
    """Nine digits: what people can use, and no more than the order of arrival leaves."""
    return float(f"{value:.9g}")
