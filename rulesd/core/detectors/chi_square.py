"""The chi-square distribution, as far as a threshold needs it.

Law: pure. One and two degrees of freedom are exact. Source for more: Wilson and Hilferty 1931: the cube root of chi-square over its degrees of
freedom is nearly normal; within 5 % of the exact quantile from eight degrees on, and up to 10 % too careful below, in tails down to 1e-8 (checked
against the closed form for even degrees).
"""

from math import log, sqrt
from statistics import NormalDist

_NORMAL = NormalDist()
_LEAST = 1e-12


def quantile(tail: float, degrees: int) -> float:
    """The value that chi-square with ``degrees`` degrees of freedom passes with probability ``tail``."""
    tail = min(max(tail, _LEAST), 0.5)
    if degrees == 2:
        return -2.0 * log(tail)
    if degrees == 1:
        return _NORMAL.inv_cdf(1.0 - tail / 2.0) ** 2
    z = _NORMAL.inv_cdf(1.0 - tail)
    step = 2.0 / (9.0 * degrees)
    return float(degrees * (1.0 - step + z * sqrt(step)) ** 3)
