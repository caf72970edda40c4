"""``spike`` with ``field``: a measure is far from what it has been.

Law: windows are judged when the watermark has passed their end, so the order of arrival within the lateness changes nothing; evidence later than that counts
in the next window. What happens is learned as it happens: a key that often jumps must jump further, and a new level is news once.

Method. The mean of the values within ``within``, moved by a twelfth of it, is compared with its own past: mean and variance that fade over ``reference``. Where the
hour of the week explains three quarters of the variance (from the third week on), the mean of that hour is the past. How many deviations z are chance
is learned too: of the windows with z > u the share and the mean excess, as an exponential tail (peaks over threshold; Pickands 1975), so that wild
and tame measures cost the same:

    P(Z > z) = share * exp(-(z - u) / excess)                fires when it is at most 0.8 budget / (keys * 3 * windows a week)

What is too little for one window may be too much when it lasts: the mean deviation of the last twelve windows or so (fading exponentially) is judged by a variance
and a tail of its own, with a fifth of the budget and a twelfth of the looks. And what is not much for a measure that wanders may be much at once: the window's distance from what was just
before (fading over one window) is judged in the same way, with a fifth too: chance gives the three together, so they cost no more than the budget. Both fire only while the window itself is off on the same side, so the return is no news.

Most of what comes soon after an alert belongs to it: at first another one may begin with a seventh (e^-2) of the chance only, and that fades over 36 windows.

A window counts when it holds a value; the first fifty only teach. After four silent references a key starts afresh, and says so. What is no finite number is not counted. A
sampled event counts ``sampledrate`` times in the mean.

Watch. For a day after a ``deploy.change`` in the rule's ``on`` a look may fire with 14 times its chance (``deploys``). Then all that was learned before is worth
fifty windows, so that the new level has taken its place after some hundred; the hours of the week are learned anew.

Memory per key: 4 kB. Cost per observation: 2 us, and 5 us for each step that holds values. Measured on NAB: ``docs/detectors.md``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import copysign, exp, sqrt
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
_HOUR, _LASTING, _CHANGE = 0.8, 0.2, 0.2
"Shares of the budget: of the window, of what lasts, and of the change. Chance gives them together, so that their sum costs no more than the budget (simulated)."
_STILL = 0.5
"What lasts, or has changed, fires only while the window itself is so many deviations off, on the same side."
_WARY, _FORGIVES = 2.0, 36.0
"After an alert began a look fires with e to the minus this of its chance, and that fades over so many windows."
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
        past = state.learn(mean, step * width, apart, fades)
        expected, spread, slow, near, jumps = past
        if state.windows <= LEARNS or spread <= 0.0 or slow <= 0.0 or jumps <= 0.0:
            return None
        if not state.open:
            off, lasting, change = mean - expected, state.lasting, mean - near
            if (
                off * off <= _U2 * spread
                and lasting * lasting <= _U2 * slow
                and change * change <= _U2 * jumps
            ):
                state.calm(fades)
                return None
        return self._look(state, pool, mean, past, fades)

    def _look(
        self,
        state: Past,
        pool: Keys,
        mean: float,
        past: tuple[float, float, float, float, float],
        fades: float,
    ) -> Reading | None:
        """Whether the window, what lasts or the change is beyond chance; then they are part of what is known of chance."""
        expected, spread, slow, near, jumps = past
        state.stir()
        end = (state.judged + 1) * state.width
        share = self.budget * self.within / (_LOOKS * _WEEK * pool.alive(end))
        if not state.open:
            share *= exp(-_WARY * exp((state.opened - end) / (_FORGIVES * self.within)))
        told: dict[str, str] = {}
        value, deviation = mean, sqrt(spread)
        off = deviations = (mean - expected) / deviation
        chance = tail(_HOUR * share, pool.watches, end)
        fires, limit = self._beyond(state.tail, off, chance, fades)
        long, leap = state.lasting / sqrt(slow), (mean - near) / sqrt(jumps)
        chance = tail(LASTS * _LASTING * share, pool.watches, end)
        lasts, far = self._beyond(state.lasting_tail, long, chance, fades)
        chance = tail(_CHANGE * share, pool.watches, end)
        leaps, wide = self._beyond(state.change_tail, leap, chance, fades)
        if fires:
            pass
        elif lasts and off * copysign(1.0, long) >= _STILL:
            fires, limit, deviation, deviations = True, far, sqrt(slow), long
            value, told = expected + state.lasting, {"windows": str(LASTS)}
        elif leaps and off * copysign(1.0, leap) >= _STILL:
            fires, limit, deviation, deviations = True, wide, sqrt(jumps), leap
            expected, told = near, {"against": "just before"}
        elif not state.open:
            return None
        if fires and not state.open:
            state.opened = end
        state.open = fires
        bound = expected + (limit if deviations > 0 else -limit) * deviation
        detail = {"expected": f"{expected:.4g}", "deviations": f"{deviations:.3g}", **told}
        return Reading(
            end, fires, _round(value), _round(bound), detail=detail, since=end - state.width
        )

    def _beyond(self, known: Tail, z: float, chance: float, fades: float) -> tuple[bool, float]:
        """Whether so many deviations are beyond chance, and from how many on; then they are part of what is known of chance."""
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
