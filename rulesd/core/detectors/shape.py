"""The distance between two distributions over categories, and whether chance explains it.

Law: pure. PSI = sum((q - p) * ln(q / p)) over groups of categories, with half a count added to each. With no change PSI / (1/n + 1/m) is
chi-square with groups - 1 degrees of freedom (Yurdakul 2018), so the threshold for a tail b is quantile(b, groups - 1) * (1/n + 1/m), times
1 + half the mean of 1/expected (the next term of the series). The customary fixed 0.1 fires on a third of all windows of 100 without any
change, and sees nothing in windows of 2,000.

Categories that chance expects fewer than ``LEAST`` times in the smaller sample are taken together, and with the next larger one if need be: for small
expectations the tail is not the chi-square's. That something rare has become frequent is then told by the exact binomial chance of so many rare ones.
"""

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from rulesd.core.detectors.binomial import upper
from rulesd.core.detectors.chi_square import quantile

LEAST = 10.0
_CERTAIN = -700.0


class Distance(NamedTuple):
    """How far apart two samples are."""

    psi: float
    degrees: int
    "Groups less one; 0 when only the rare ones can be told from the rest."

    unit: float
    "What PSI is in units of: 1/n + 1/m, corrected."

    rare: tuple[int, int, float]
    "Rare ones seen, of how many events, and their share in the baseline."

    def threshold(self, tail: float) -> float:
        """The PSI that chance passes with probability ``tail``."""
        return quantile(tail, max(1, self.degrees)) * self.unit

    def excess(self, tail: float, dispersion: float) -> float:
        """Above 1 when chance gives so much with a probability below ``tail``, in traffic that is ``dispersion`` times as scattered."""
        found = 0.0
        if self.degrees:
            found = self.psi / (self.threshold(tail) * dispersion)
        seen, of, share = self.rare
        if seen > of * share:
            chance = upper(round(seen / dispersion), round(of / dispersion), share)
            found = max(found, (log(chance) if chance > 0.0 else _CERTAIN) / log(tail))
        return found


def distance(base: Sequence[int], now: Sequence[int], m: float, n: float) -> Distance:
    """``now`` (worth ``n`` independent events) against ``base`` (worth ``m``)."""
    total_base, total_now = sum(base), sum(now)
    least = LEAST * total_base / min(n, m)
    large: list[tuple[int, int]] = []
    rare_base = rare_now = 0
    for was, is_ in sorted(zip(base, now, strict=True)):
        if was < least:
            rare_base += was
            rare_now += is_
        else:
            large.append((was, is_))
    rare = round(rare_now * n / total_now), round(n), (rare_base * m / total_base + 1.0) / (m + 2.0)
    groups = list(large)
    if rare_base + rare_now > 0 and rare_base < least and len(large) > 1:
        groups[0] = groups[0][0] + rare_base, groups[0][1] + rare_now
    elif rare_base + rare_now > 0:
        groups.append((rare_base, rare_now))
    size = len(groups)
    psi = scale = 0.0
    for was, is_ in groups:
        p = (was * m / total_base + 0.5) / (m + 0.5 * size)
        q = (is_ * n / total_now + 0.5) / (n + 0.5 * size)
        psi += (q - p) * log(q / p)
        scale += 1.0 / (p * n)
    exact = size > 1 and all(was >= least for was, _ in groups)
    unit = (1.0 / m + 1.0 / n) * (1.0 + 0.5 * scale / size)
    return Distance(psi, size - 1 if exact else 0, unit, rare)
