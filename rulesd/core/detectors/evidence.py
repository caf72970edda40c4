"""Evidence that a probability has changed: the Shiryaev-Roberts form of the Bernoulli CUSUM, over several sizes of change.

Law: pure arithmetic on a small mutable value. Each trial multiplies the evidence by its likelihood ratio p1/p0 (a hit) or
(1-p1)/(1-p0) (a miss); where the CUSUM keeps the largest product over all starts of the change, this keeps their sum:

    R <- (R + n) * exp(k * up - (n - k) * down)          up = ln p1/p0, down = ln (1-p0)/(1-p1), for n trials with k hits

Under the null (probability <= p0) R minus the number of trials is a supermartingale, so the mean number of trials to a
false alarm at threshold A is at least A, whatever the p1; and equal to A times the mean overshoot E[R_T / A]. A jump of size u lands
(e^u - 1) / u above the threshold on the mean; with three sizes averaged, of which one at a time leads, the square root of their mean
fits (simulated, p 0.01 to 0.4, ratio 2 to 4: within 15 %). So a budget of false alarms becomes a threshold by a division, where the
bound of the CUSUM (ARL >= e^h) is 50 to 200 times too careful. Averaging R over several p1 keeps all of this and sees strong changes sooner.

Source: Shiryaev 1963; Roberts 1966; Pollak 1987 (overshoot); Shin, Ramdas, Rinaldo 2023, "E-detectors", arXiv 2203.03532.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, log, sqrt

from rulesd.core.detectors.plain import real, reals, rows
from rulesd.model.event import Json

STEPS = (1.0, 2.0, 4.0)
"Sizes of change that are looked for, as multiples of the smallest that matters (in odds)."

_LEAST_STEP = 1.3
"The odds of every p1 are at least this many times those of p0, else nothing could ever be learned."

_EDGE = 1e-6
_MOST = 600.0
_COVERS = 1.96


def logit(p: float) -> float:
    """The logarithm of the odds, for a probability kept away from 0 and 1."""
    p = min(max(p, _EDGE), 1.0 - _EDGE)
    return log(p / (1.0 - p))


def expit(x: float) -> float:
    """The probability of log-odds ``x``."""
    return 1.0 / (1.0 + exp(-x)) if x > -_MOST else 0.0


def between(level: float, doubt: float) -> dict[str, Json]:
    """For people: the shares between which one of log-odds ``level``, known to within a standard deviation of ``doubt``, lies 19 times in 20."""
    margin = _COVERS * doubt
    return {"low": round(expit(level - margin), 6), "high": round(expit(level + margin), 6)}


@dataclass(frozen=True, slots=True)
class Design:
    """What is compared with what: the weights of a hit and of a miss, for each size of change."""

    weights: tuple[tuple[float, float], ...]
    "(of a hit, of a miss): natural logarithms of likelihood ratios."

    overshoot: float
    "E[R_T / A]: by how much the mean alarm passes its threshold."

    @classmethod
    def of(cls, null: float, mean: float, ratio: float, *, up: bool) -> "Design":
        """Null and baseline in log-odds; the smallest change that matters as a factor on the odds."""
        p0 = expit(null)
        weights = []
        overshoot = 0.0
        for step in STEPS:
            if up:
                p1 = expit(max(mean + log(ratio * step), null + log(_LEAST_STEP)))
            else:
                p1 = expit(min(mean - log(ratio * step), null - log(_LEAST_STEP)))
            hit, miss = log(p1 / p0), log((1.0 - p1) / (1.0 - p0))
            weights.append((hit, miss))
            jump = max(hit, miss)
            overshoot += expm1(jump) / jump / len(STEPS)
        return cls(tuple(weights), sqrt(overshoot))

    def dump(self) -> Json:
        """Plain data."""
        weights: list[Json] = [[hit, miss] for hit, miss in self.weights]
        return [self.overshoot, weights]

    @classmethod
    def load(cls, data: Json) -> "Design":
        """From what ``dump`` gave."""
        overshoot, weights = rows(data)
        pairs = (reals(row) for row in rows(weights))
        return cls(tuple((hit, miss) for hit, miss in pairs), real(overshoot))


class Evidence:
    """How strongly the trials so far speak for a change to one side."""

    __slots__ = ("design", "sums")

    def __init__(self, design: Design, sums: Sequence[float] | None = None) -> None:
        """Start at nothing, or where ``sums`` left off."""
        self.design = design
        self.sums = [0.0] * len(design.weights) if sums is None else list(sums)

    def add(self, trials: float, hits: float, ahead: float = 0.0) -> float:
        """Take ``trials`` of which ``hits`` hit, after a head start worth ``ahead`` trials; the evidence now (compare with the threshold)."""
        misses = trials - hits
        sums = self.sums
        total = 0.0
        for i, (hit, miss) in enumerate(self.design.weights):
            told = min(hits * hit + misses * miss, _MOST)
            sums[i] = value = min((sums[i] + trials + ahead) * exp(told), 1e250)
            total += value
        return total / len(sums)

    def reset(self) -> None:
        """Forget all evidence."""
        self.sums = [0.0] * len(self.sums)

    @property
    def total(self) -> float:
        """The evidence now."""
        return sum(self.sums) / len(self.sums)

    def reach(self, hits: float, misses: float, ahead: float = 0.0) -> float:
        """More than the evidence can become with ``hits``, ``misses`` and a head start still unread: a bound, for being lazy."""
        best = 0.0
        for hit, miss in self.design.weights:
            best = max(best, max(hit, 0.0) * hits + max(miss, 0.0) * misses)
        return (self.total + hits + misses + ahead) * exp(min(best, _MOST))
