"""How often chance alone fills a sliding window: the arithmetic behind a proposed count.

Law: pure. Rates are per millisecond, windows in milliseconds; ``k`` may be a fraction, so that clumped traffic can be bounded by the same formula.

Formula (Alm's form of the scan statistic, for a window that starts afresh after a match, as an alert that is held open does):
R(k) = T * lam * pois(k - 1; mu) * (1 - mu / k), mu = lam * w: expected matches in T when events are Poisson with rate lam. It is summed over keys and
over the hours of a week, because rates follow the hour. Counting in windows that do not slide is 3 to 12 times too low.

Where rates rise to a peak and fall again within a window's length or so (a day's rhythm under a window of hours), that is not enough: 1 - mu / k leaves out what
begins again soon, and the peak is over before it could. From a trough to its peak the chance that a window is full rises from P0 to P1, and whatever is full then
has begun since: P1 - P0 is added for each peak (the first term of Alm's formula). It is nothing for windows of minutes, and 60 % for six hours under a strong day.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import ceil, exp, inf, lgamma, log

from rulesd.model.instant import HOUR, Milliseconds

Hour = tuple[float, float]
"Rate at an hour of the week and mean of the window that ends in it, both per unit of a key's own rate."

Peak = tuple[float, float]
"Mean of the window at a peak, and at the trough before it, per unit of a key's own rate."

WEEK_HOURS = 168
_GRID = 40


def pois(n: float, mu: float) -> float:
    """Chance of exactly ``n`` (a fraction is interpolated by the gamma function)."""
    if mu <= 0:
        return 1.0 if n == 0 else 0.0
    return exp(n * log(mu) - mu - lgamma(n + 1))


def upper_tail(n: int, mu: float) -> float:
    """Chance of ``n`` or more."""
    if n <= 0:
        return 1.0
    if mu <= 0:
        return 0.0
    if n > mu:
        term = total = pois(n, mu)
        i = n
        while term > total * 1e-14 and term > 0:
            i += 1
            term *= mu / i
            total += term
        return min(total, 1.0)
    return max(0.0, 1.0 - sum(pois(i, mu) for i in range(n)))


def matches(k: float, lam: float, window: float, length: float, mu: float | None = None) -> float:
    """Expected matches in ``length`` for one key at one rate (R of the formula). ``mu``: mean of the window, if the rate was another before."""
    mean = lam * window if mu is None else mu
    if lam <= 0:
        return 0.0
    if k <= mean:
        return length / window
    return min(length * lam * pois(k - 1, mean) * (1 - mean / k), length / window)


def a_week(
    k: float,
    rate: float,
    window: Milliseconds,
    hours: Sequence[tuple[Hour, int]],
    peaks: Sequence[Peak] = (),
) -> float:
    """Expected matches a week of one key with this mean rate; ``hours``: kinds of hours and how many of each a week has; ``peaks``: of a week."""
    found = sum(
        n * matches(k, rate * p, window, HOUR, rate * m * window) for (p, m), n in hours if p > 0
    )
    full, mean = ceil(k), rate * window
    return found + sum(upper_tail(full, mean * p) - upper_tail(full, mean * t) for p, t in peaks)


def smallest(expected: Callable[[int], float], budget: float, least: int, most: int) -> int | None:
    """The smallest count whose expected matches are within the budget; ``None`` when none up to ``most`` is.

    ``expected`` falls from ``least`` on.
    """
    if expected(least) <= budget:
        return least
    low, high = least, max(least * 2, 4)
    while expected(high) > budget:
        low, high = high, high * 2
        if high > most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if expected(middle) <= budget else (middle, high)
    return high


class Curve:
    """Expected matches a week as a function of a key's mean rate, tabulated: thousands of keys cost look-ups."""

    def __init__(
        self,
        k: float,
        window: Milliseconds,
        hours: Sequence[tuple[Hour, int]],
        lowest: float,
        highest: float,
        peaks: Sequence[Peak] = (),
    ) -> None:
        """Tabulate between two rates."""
        self._args = (k, window, hours, peaks)
        low, high = log(lowest * 0.3), log(highest * 3)
        self._x = [low + (high - low) * i / (_GRID - 1) for i in range(_GRID)]
        self._y = [log(max(a_week(k, exp(x), window, hours, peaks), 1e-300)) for x in self._x]

    def __call__(self, rate: float) -> float:
        """Interpolated between tabulated rates, exact outside."""
        if rate <= 0:
            return 0.0
        x = log(rate)
        i = bisect_left(self._x, x)
        if i == 0 or i >= len(self._x):
            k, window, hours, peaks = self._args
            return a_week(k, rate, window, hours, peaks)
        left, right = self._x[i - 1], self._x[i]
        share = (x - left) / (right - left)
        return exp(self._y[i - 1] * (1 - share) + self._y[i] * share)


def poisson_interval(n: int, chance: float = 0.1) -> tuple[float, float]:
    """The means that could have given ``n`` (exact, two-sided; ``chance`` outside)."""
    low = 0.0 if n == 0 else _solve(lambda mu: upper_tail(n, mu), chance / 2, n)
    high = _solve(lambda mu: upper_tail(n + 1, mu), 1 - chance / 2, n + 1)
    return low, high


def _solve(rising: Callable[[float], float], wanted: float, near: int) -> float:
    low, high = 0.0, max(10.0, 4.0 * near)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return high if high < inf else low
