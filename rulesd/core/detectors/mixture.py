"""How much a count of hits speaks against a band of shares, whenever one looks.

Law: E = exp(``log_evidence``) is an e-process: under any share of the band the chance that it ever reaches x is at most 1/x (Ville). The shares it is held against are mixed by
Beta(1/2, 1/2), the band answers with its best (universal inference; Wasserman, Ramdas, Balakrishnan 2020; Lindon, Malek 2022, arXiv 2011.03567).
"""

from math import lgamma, log

_FLAT = 2.0 * lgamma(0.5) - lgamma(1.0)


def log_evidence(trials: float, hits: float, low: float, high: float) -> float:
    """Ln E of ``hits`` in ``trials`` against all shares from ``low`` to ``high``."""
    misses = trials - hits
    mixed = lgamma(hits + 0.5) + lgamma(misses + 0.5) - lgamma(trials + 1.0) - _FLAT
    p = min(max(hits / trials, low), high)
    return mixed - hits * log(p) - misses * log(1.0 - p)


def spare(trials: float, hits: float, low: float, high: float, slack: float) -> tuple[float, float]:
    """How many more hits and misses cannot add ``slack`` to ln E, in whatever order they come: about a third more, or less.

    Against the p that was best before, instead of the best, ln E can only be greater; and that is convex in hits and misses, so between none and so many more of
    each it is greatest at a corner.
    """
    misses = trials - hits
    p = min(max(hits / trials, low), high)
    hit, miss = log(p), log(1.0 - p)

    def told(k: float, m: float) -> float:
        return lgamma(k + 0.5) + lgamma(m + 0.5) - lgamma(k + m + 1.0) - k * hit - m * miss

    most = told(hits, misses) + slack
    for part in (1.0, 0.5, 0.2):
        k, m = part * (5.0 + hits / 3.0), part * (11.0 + misses / 3.0)
        if (
            told(hits + k, misses) <= most
            and told(hits, misses + m) <= most
            and told(hits + k, misses + m) <= most
        ):
            return k, m
    return 0.0, 0.0
