"""Exact tails of the binomial distribution, by the standard library alone.

Law: pure. Each tail is a sum of exact terms from the observed count outwards, stopped where the rest is below one part in
10**12; so the cost grows with the spread of the distribution, not with ``n``.
"""

from math import exp, lgamma, log

_NEGLIGIBLE = 1e-12


def log_pmf(k: int, n: int, p: float) -> float:
    """The logarithm of P(X = k) for X ~ Binomial(n, p), 0 < p < 1."""
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return ways + k * log(p) + (n - k) * log(1.0 - p)


def upper(k: int, n: int, p: float) -> float:
    """P(X >= k): how likely chance alone gives at least ``k`` of ``n``."""
    if k <= 0:
        return 1.0
    if k > n or p <= 0.0:
        return 0.0
    if p >= 1.0:
        return 1.0
    if k <= n * p:
        return max(0.0, 1.0 - lower(k - 1, n, p))
    term = total = exp(log_pmf(k, n, p))
    odds = p / (1.0 - p)
    while k < n and term > total * _NEGLIGIBLE:
        term *= (n - k) / (k + 1) * odds
        k += 1
        total += term
    return min(1.0, total)


def lower(k: int, n: int, p: float) -> float:
    """P(X <= k): how likely chance alone gives at most ``k`` of ``n``."""
    return upper(n - k, n, 1.0 - p)
