"""What recorded traffic says about a rule's keys: how many, how fast, at which hours, and whether chance explains their counts.

Law: pure; the same traffic gives the same answer. Nothing is tidied silently: a stretch that looks like an incident is named, and left
out only when somebody said so.

Method: each key's events (or different values) are counted in windows that do not overlap. The rhythm of the week is one profile for all keys; how fine it is
(flat, hours of the day, weekdays and weekends apart, hours of the week) is chosen by BIC. Dispersion D = sum (n - mu)**2 / sum mu over all
keys and windows: 1 for independent events; well above 1 means that events come in clumps, and any formula for chance is too low then.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds
from rulesd.runners.calibrate_scan import WEEK_HOURS, Hour, Peak, upper_tail

Key = tuple[str, ...]
Counts = Mapping[Key, Counter[int]]
"By key: window number -> how many."

CLUMPED = 1.3
"Dispersion above which chance does not explain the counts."

_RARE = 1e-6
"A window that all windows together would show by chance this seldom looks like an incident."

_PARTS: tuple[tuple[int, Callable[[int], int]], ...] = (
    (1, lambda _: 0),
    (24, lambda h: h % 24),
    (48, lambda h: h % 24 + 24 * (h // 24 >= 5)),
    (WEEK_HOURS, lambda h: h),
)
_MONDAY = 4 * 24
"Hours from the epoch (a Thursday) to its first Monday."


def hour_of_week(at: Instant) -> int:
    """0 is Monday 00:00 UTC."""
    return (at // HOUR - _MONDAY) % WEEK_HOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Windows of one key that chance does not explain."""

    key: Key
    began: Instant
    ended: Instant
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The population of a rule's keys."""

    window: Milliseconds
    began: Instant
    ended: Instant
    counts: Counts
    profile: tuple[float, ...]
    "Relative rate by hour of the week, mean 1."

    parts: int
    "How many rates the profile distinguishes: 1, 24, 48 or 168."

    @property
    def length(self) -> Milliseconds:
        """Of the recording."""
        return max(self.ended - self.began, 1)

    @property
    def total(self) -> int:
        """Everything counted."""
        return sum(sum(c.values()) for c in self.counts.values())

    @property
    def rates(self) -> dict[Key, float]:
        """Each key's mean rate per millisecond."""
        return {key: sum(c.values()) / self.length for key, c in self.counts.items()}

    @property
    def rhythm(self) -> float:
        """The busiest hour over the quietest (0 when an hour is empty)."""
        low = min(self.profile)
        return max(self.profile) / low if low else 0.0

    def hours(self) -> list[tuple[Hour, int]]:
        """Kinds of hours: (rate, mean of the window that ends in it), and how many of each a week has."""
        kinds: Counter[Hour] = Counter()
        for rate, mean in zip(self.profile, self._means(), strict=True):
            kinds[(round(rate, 6), round(mean, 6))] += 1
        return sorted(kinds.items())

    def _means(self) -> list[float]:
        """Of the window that ends in each hour of the week."""
        back, profile = max(1, ceil(self.window / HOUR)), self.profile
        return [
            sum(profile[(h - i) % WEEK_HOURS] for i in range(back)) / back
            for h in range(WEEK_HOURS)
        ]

    def peaks(self) -> list[Peak]:
        """The highest mean of a window in each day of the week, and the lowest before it; none without a rhythm. Days begin at the quietest hour of the day."""
        if self.parts == 1:
            return []
        means = self._means()
        dawn = min(range(24), key=lambda hour: sum(means[hour::24]))
        turned = means[dawn:] + means[:dawn]
        out: list[Peak] = []
        for first in range(0, WEEK_HOURS, 24):
            day = turned[first : first + 24]
            top = max(range(24), key=day.__getitem__)
            out.append((day[top], min(day[: top + 1])))
        return out

    def mean(self, rate: float, window: int) -> float:
        """What a key with this rate is expected to show in a window."""
        start, steps = window * self.window, max(1, self.window // HOUR)
        step = self.window / steps
        share = sum(self.profile[hour_of_week(int(start + (i + 0.5) * step))] for i in range(steps))
        return rate * step * share


def traffic(
    counts: Counts,
    window: Milliseconds,
    began: Instant,
    ended: Instant,
    hours: Counts | None = None,
) -> Traffic:
    """Fit the rhythm of the week; ``hours``: the same, counted by the hour, for windows that are longer."""
    weekly = [0.0] * WEEK_HOURS
    hourly: defaultdict[int, float] = defaultdict(float)
    # What a long window holds came in all of its hours.
    told, width = (counts, window) if hours is None else (hours, HOUR)
    steps = max(1, width // HOUR)
    for per_window in told.values():
        for w, n in per_window.items():
            for step in range(steps):
                at = w * width + (2 * step + 1) * width // (2 * steps)
                weekly[hour_of_week(at)] += n / steps
                hourly[at // HOUR] += n / steps
    exposure = [0.0] * WEEK_HOURS
    for hour in range(began // HOUR, max(ended // HOUR, began // HOUR + 1)):
        exposure[(hour - _MONDAY) % WEEK_HOURS] += 1
    parts, profile = _season(weekly, exposure, window, hourly, ended - began)
    return Traffic(
        window=window, began=began, ended=ended, counts=counts, profile=profile, parts=parts
    )


def _season(
    weekly: Sequence[float],
    exposure: Sequence[float],
    window: Milliseconds,
    hourly: Mapping[int, float],
    length: Milliseconds,
) -> tuple[int, tuple[float, ...]]:
    total, hours = sum(weekly), sum(exposure)
    flat = (1, (1.0,) * WEEK_HOURS)
    if not total or not hours or window > 6 * HOUR:
        return flat
    best, chosen = 0.0, flat
    noise = _noise(hourly, total / hours)
    for parts, part in _PARTS[1:]:
        # A part must have been seen twice, hours of a week in two weeks.
        # What is recorded from midnight to midnight is a little less than that.
        needed = 2 * DAY if parts == 24 else 7 * DAY if parts == 48 else 14 * DAY
        if length < needed - 2 * HOUR:
            continue
        seen: defaultdict[int, float] = defaultdict(float)
        there: defaultdict[int, float] = defaultdict(float)
        for h in range(WEEK_HOURS):
            seen[part(h)] += weekly[h]
            there[part(h)] += exposure[h]
        if any(not there[p] for p in range(parts)):
            continue
        gain = 2 * sum(n * log(n / there[p] * hours / total) for p, n in seen.items() if n)
        score = gain / noise - (parts - 1) * log(hours)
        if score > best:
            rates = [seen[part(h)] / there[part(h)] for h in range(WEEK_HOURS)]
            mean = sum(rates) / WEEK_HOURS
            best, chosen = score, (parts, tuple(r / mean for r in rates))
    return chosen


def _noise(hourly: Mapping[int, float], mean: float) -> float:
    """How much more neighbouring hours differ than chance would let them: clumps must not pass for a rhythm."""
    pairs = [(n, hourly.get(h + 1, 0.0)) for h, n in hourly.items()]
    apart = sum((a - b) ** 2 for a, b in pairs)
    return max(1.0, apart / max(sum(a + b for a, b in pairs), 1)) if mean else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispersion:
    """Variance over mean of the counts in windows."""

    value: float
    error: float
    "Standard error if events were independent."

    @property
    def clumped(self) -> bool:
        """Above the limit, and not by chance."""
        return self.value > CLUMPED and self.value - 1 > 3 * self.error


def dispersion(fitted: Traffic, keys: Sequence[Key] | None = None) -> Dispersion:
    """Of all keys together, or of some."""
    first, last = fitted.began // fitted.window, fitted.ended // fitted.window
    # Of each window only the relative mean matters; windows without events differ from it by all of it.
    shape = [fitted.mean(1.0, w) for w in range(first, last + 1)]
    sum1, sum2 = sum(shape), sum(s * s for s in shape)
    squares = means = spread = 0.0
    for key in fitted.counts if keys is None else keys:
        per_window = fitted.counts[key]
        n = sum(per_window.values())
        rate = n / sum1 if sum1 else 0.0
        seen = 0.0
        for w, count in per_window.items():
            mu = rate * (shape[w - first] if first <= w <= last else 0.0)
            seen += (count - mu) ** 2 - mu * mu
        squares += seen + rate * rate * sum2
        means += n
        spread += n + 2 * rate * rate * sum2
    windows = max(len(shape), 2)
    value = squares / means * windows / (windows - 1) if means else 1.0
    return Dispersion(value=value, error=sqrt(spread) / means if means else 1.0)


def stretches(fitted: Traffic) -> list[Stretch]:
    """Every stretch that looks like an incident, worst first."""
    windows = max(1, fitted.length // fitted.window) * max(1, len(fitted.counts))
    rare = _RARE / windows
    rates = fitted.rates
    found: list[Stretch] = []
    for key in sorted(fitted.counts):
        per_window = fitted.counts[key]
        usual = _usual(per_window, rates[key], fitted)
        odd = sorted(
            w
            for w, n in per_window.items()
            if n > 2 and upper_tail(n, fitted.mean(usual, w)) < rare
        )
        run: list[int] = []
        for w in odd:
            if run and (w - run[-1]) * fitted.window > max(HOUR, 2 * fitted.window):
                found.append(_stretch(key, run, per_window, fitted.window))
                run = []
            run.append(w)
        if run:
            found.append(_stretch(key, run, per_window, fitted.window))
    return sorted(found, key=lambda s: (-s.events, s.began, s.key))


def _usual(per_window: Mapping[int, int], rate: float, fitted: Traffic) -> float:
    """A key's rate without its fullest windows, so that one incident does not hide the next."""
    total = rate * fitted.length
    top = sum(sorted(per_window.values())[-max(1, len(per_window) // 100) :])
    return max(total - top, 0.5) / fitted.length


def _stretch(
    key: Key, run: Sequence[int], per_window: Mapping[int, int], window: Milliseconds
) -> Stretch:
    events = sum(n for w, n in per_window.items() if run[0] - 1 <= w <= run[-1] + 1)
    return Stretch(
        key=key, began=(run[0] - 1) * window, ended=(run[-1] + 2) * window, events=events
    )


def without(counts: Counts, left_out: Sequence[Stretch], window: Milliseconds) -> Counts:
    """The counts with some stretches left out."""
    out = {key: Counter(c) for key, c in counts.items()}
    for s in left_out:
        for w in range(s.began // window, s.ended // window):
            out[s.key].pop(w, None)
    return {key: c for key, c in out.items() if c}
