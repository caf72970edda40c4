"""What ``spike`` with ``field`` knows of one key: the window, the level and its scatter, the hours of the week, what lasts, and how far chance goes.

Law: what happens is learned as it happens, in the order of event time; nothing here asks what time it is or whether an alert is open.

Means and variances fade over the reference, but reach back 500 windows at least. What lasts is the mean deviation of the last twelve windows or so, fading
exponentially; until its own variance is known it is believed to be as wild as the windows themselves. A tail is told from 2.25
standard deviations on by its share of the looks and its mean excess (peaks over threshold; Pickands 1975).

Memory: 3 kB.
"""

from array import array
from math import exp, log

from rulesd.core.detectors.news import News
from rulesd.core.detectors.plain import real, reals, rows, whole
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, Instant, Milliseconds

STEPS = 12
"Steps of a window."
LEARNS = 50
"Windows that only teach."
U = 2.25
"Deviations from which on the tail is told."
LASTS = 12
"Windows over which a deviation that lasts is told."
_STEP = 1.0 / 500.0
"What a window adds to a mean or variance at most: they reach back 500 windows at least."
_TAIL_STEP = 1.0 / 1000.0
_SHARE, _EXCESS = 0.02, 0.8
"The tail before anything is known of it: as often beyond u as the normal distribution (0.024), but further."
_EXCESS_MEMORY = 200.0
_CLIP = 5.0
"One excess counts at most so many mean excesses."
_EXPLAINS = 0.25
"The hour of the week is believed when no more of the variance than this remains."
_LEAST_VARIANCE = 0.01
_WEEKS = 3
"Weeks that the mean of an hour reaches back."
_JOINS = tuple(1.0 - exp(-apart / (STEPS * LASTS)) for apart in range(STEPS + 1))
"Share of what lasts that a window is, by the steps since the one before."


class Tail:
    """How often, and how far, chance goes beyond u."""

    __slots__ = ("excess", "share")

    def __init__(self) -> None:
        """What is believed of a measure nobody knows."""
        self.share, self.excess = _SHARE, _EXCESS

    def limit(self, chance: float) -> float:
        """The deviations that a look passes with this chance."""
        return U + self.excess * max(0.0, log(self.share / chance))

    def learn(self, size: float, fades: float) -> None:
        """One look: so many deviations."""
        above = size > U
        self.share += min(fades, _TAIL_STEP) * (above - self.share)
        if above:
            counted = min(size - U, _CLIP * self.excess)
            self.excess += (counted - self.excess) / _EXCESS_MEMORY


class Past:
    """State of one key."""

    __slots__ = (
        "count",
        "counts",
        "era",
        "hour",
        "hour_count",
        "hour_total",
        "judged",
        "lasting",
        "lasting_spread",
        "lasting_tail",
        "left",
        "level",
        "news",
        "open",
        "recent",
        "spread",
        "tail",
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
        self.news: tuple[News, ...] = ()
        "Said at once, and not written."
        self.week = -1
        "The last week in which the pool has counted this key."
        self.afresh()

    def afresh(self) -> None:
        """Learn from nothing."""
        self.recent: list[int] = []
        self.counts: list[float] = []
        self.totals = array("d")
        "The judged steps of the window, and how many values they held with what sum. The sums side by side: a quiet key is cold, and each number of its own would be fetched."
        self.count = 0.0
        "The sum of the counts; exact, for they are whole. That of the values is not, so it is taken anew each time."
        self.windows = 0
        self.era: Instant = 0
        "The end of the latest watch after a deploy that it has learned anew since."
        self.level = self.spread = 0.0
        "Mean and variance."
        self.tail = Tail()
        self.lasting = self.lasting_spread = 0.0
        "The deviation that lasts, and its mean square."
        self.lasting_tail = Tail()
        self.timed = 0
        "Windows told by the hour of the week."
        self.left = self.untimed = 0.0
        "Of those, the mean square that is left, and without the hour."
        self.hour = -1
        self.hour_count = self.hour_total = 0.0
        self.weekly = array("d", bytes(8 * 168))
        self.weeks = bytearray(168)

    def after_watch(self, era: Instant) -> None:
        """A watch is over: what was learned before is worth fifty windows from now on, and the hours of the week nothing."""
        if era <= self.era:
            return
        self.era = era
        self.windows = min(self.windows, LEARNS + 1)
        self.lasting_spread = self.spread
        self.timed = 0
        self.weekly, self.weeks = array("d", bytes(8 * 168)), bytearray(168)

    def mean(self, step: int, held: list[float]) -> float:
        """Of the window that ends with ``step``, which held so many values with such a sum."""
        recent, counts, totals = self.recent, self.counts, self.totals
        self.judged = step
        count, total, lost = held
        recent.append(step)
        counts.append(count)
        totals.append(total + lost)
        count += self.count
        while recent[0] <= step - STEPS:
            count -= counts[0]
            del recent[0], counts[0], totals[0]
        self.count = count
        return sum(totals) / count

    def learn(
        self, mean: float, at: Instant, apart: int, fades: float
    ) -> tuple[float, float, float]:
        """What the past says of this window: its mean, its variance, and that of what lasts; then the window is part of the past.

        ``apart``: steps since the window before, 12 at most; ``fades``: their share of the reference.
        """
        self.windows = windows = self.windows + 1
        expected, spread, slow = self.level, self.spread, self.lasting_spread
        off = mean - expected
        slowly = new = min(fades, _STEP)
        if new * windows < 1.0:
            new = 1.0 / windows
        self.level += new * off
        self.spread = (1.0 - new) * (spread + new * off * off)
        hour = at // HOUR
        if self.weeks[hour % 168] >= 2:
            expected, spread = self._by_hour(hour % 168, mean, expected, spread, fades)
        if hour != self.hour:
            self._close_hour()
            self.hour, self.hour_count, self.hour_total = hour, 1.0, mean
        else:
            self.hour_count += 1.0
            self.hour_total += mean
        if windows > LEARNS:
            lasting = self.lasting
            self.lasting = lasting = lasting + _JOINS[apart] * (mean - expected - lasting)
            self.lasting_spread = (1.0 - slowly) * (slow + slowly * lasting * lasting)
        else:
            self.lasting_spread = self.spread
        return expected, spread, slow

    def calm(self, fades: float) -> None:
        """A look in which nothing was beyond u."""
        kept = 1.0 - min(fades, _TAIL_STEP)
        self.tail.share *= kept
        self.lasting_tail.share *= kept

    def weekly_known(self, slot: int) -> bool:
        """Whether the hour of the week says more than the level."""
        return self.weeks[slot] >= 2 and self.left < _EXPLAINS * self.untimed

    def _by_hour(
        self, slot: int, mean: float, level: float, spread: float, fades: float
    ) -> tuple[float, float]:
        """The mean and variance to expect where two weeks know the hour."""
        off, apart = mean - self.weekly[slot], mean - level
        self.left = max(self.left, _LEAST_VARIANCE * spread)
        if self.timed >= LEARNS and self.left < _EXPLAINS * self.untimed:
            level, spread = self.weekly[slot], self.left
        self.timed += 1
        new = max(min(fades, _STEP), 1.0 / self.timed)
        self.left += new * (off * off - self.left)
        self.untimed += new * (apart * apart - self.untimed)
        return level, spread

    def _close_hour(self) -> None:
        """The mean of an hour that is over joins those of its hour of the week."""
        if not self.hour_count:
            return
        slot = self.hour % 168
        mean = self.hour_total / self.hour_count
        known = self.weeks[slot]
        self.weekly[slot] += (mean - self.weekly[slot]) / min(_WEEKS, known + 1)
        self.weeks[slot] = min(_WEEKS, known + 1)

    def dump(self) -> Json:
        """Plain data."""
        waiting: list[Json] = [[step, *self.waiting[step]] for step in sorted(self.waiting)]
        rows_ = zip(self.recent, self.counts, self.totals, strict=True)
        recent: list[Json] = [list(row) for row in rows_]
        weekly: list[Json] = [
            [slot, self.weeks[slot], self.weekly[slot]] for slot in range(168) if self.weeks[slot]
        ]
        learned: list[Json] = [self.level, self.spread, self.tail.share, self.tail.excess]
        learned += [self.left, self.untimed, self.hour_count, self.hour_total]
        lasting: list[Json] = [self.lasting, self.lasting_spread]
        lasting += [self.lasting_tail.share, self.lasting_tail.excess]
        wholes: list[Json] = [self.judged, self.open, self.windows, self.timed, self.hour]
        wholes += [self.week, self.era]
        return [wholes, learned, waiting, recent, weekly, lasting]

    def fill(self, data: Json) -> None:
        """From what ``dump`` gave, also before there was anything that lasts."""
        numbers, learned, waiting, recent, weekly, *more = rows(data)
        judged, open_, windows, timed, hour, week, *era = rows(numbers)
        self.era = whole(era[0]) if era else 0
        self.judged, self.open, self.windows = whole(judged), open_ is True, whole(windows)
        self.timed, self.hour, self.week = whole(timed), whole(hour), whole(week)
        self.level, self.spread, self.tail.share, self.tail.excess, *rest = reals(learned)
        self.left, self.untimed, self.hour_count, self.hour_total = rest
        for row in rows(waiting):
            step, *held = rows(row)
            self.waiting[whole(step)] = reals(list(held))
        for row in rows(recent):
            step, count, total = rows(row)
            self.recent.append(whole(step))
            self.counts.append(real(count))
            self.totals.append(real(total))
        self.count = sum(self.counts)
        for row in rows(weekly):
            slot, weeks, mean = rows(row)
            self.weeks[whole(slot)], self.weekly[whole(slot)] = whole(weeks), real(mean)
        self.lasting_spread = self.spread
        if more:
            tail = self.lasting_tail
            self.lasting, self.lasting_spread, tail.share, tail.excess = reals(more[0])
