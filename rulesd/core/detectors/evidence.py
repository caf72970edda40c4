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
from rulesd.model.instant import Instant

STEPS = (1.0, 2.0, 4.0)
"Sizes of change that are looked for, as multiples of the smallest that matters (in odds)."

_OF = float(len(STEPS))

_LEAST_STEP = 1.3
"The odds of every p1 are at least this many times those of p0, else nothing could ever be learned."

_EDGE = 1e-6
_MOST = 600.0
_FULL = 1e250
_COVERS = 1.96


def logit(p: float) -> float:
    """The logarithm of the odds, for a probability kept away from 0 and 1."""
    p = min(max(p, _EDGE), 1.0 - _EDGE)
    return log(p / (1.0 - p))


def expit(x: float) -> float:
    """The probability of log-odds ``x``."""
    return 1.0 / (1.0 + exp(-x)) if x > -_MOST else 0.0


def percent(level: float) -> str:
    """Log-odds as people read them."""
    return f"{100 * expit(level):.3g}%"


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


Counted = tuple[Instant, float, float, float]
"One slot: its end, trials, hits, and the head start that falls into it, in trials."


class Evidence:
    """How strongly the trials so far speak for a change to one side."""

    __slots__ = ("_hit", "_miss", "design", "steepest", "sums")

    def __init__(self, design: Design, sums: Sequence[float] | None = None) -> None:
        """Start at nothing, or where ``sums`` left off."""
        self.design = design
        self.sums = [0.0] * len(design.weights) if sums is None else list(sums)
        self._hit = tuple(exp(min(hit, _MOST)) for hit, _ in design.weights)
        self._miss = tuple(exp(min(miss, _MOST)) for _, miss in design.weights)
        self.steepest = (
            max(0.0, *(hit for hit, _ in design.weights)),
            max(0.0, *(miss for _, miss in design.weights)),
        )
        "The most that a hit, and a miss, can add to the logarithm of the evidence."

    def take(self, slots: Sequence[Counted], threshold: float) -> int:
        """Take slots up to the first at which the evidence reaches ``threshold``: its place among them, or their number."""
        weights = self.design.weights
        one, two, four = self.sums
        hit, miss = self._hit, self._miss
        place = 0
        for _, trials, hits, ahead in slots:
            if trials == 1.0 and (not hits or hits == 1.0):  # nearly every slot of a quiet key
                told1, told2, told4 = hit if hits else miss
            else:
                misses = trials - hits
                (hit1, miss1), (hit2, miss2), (hit4, miss4) = weights
                told1 = exp(min(hits * hit1 + misses * miss1, _MOST))
                told2 = exp(min(hits * hit2 + misses * miss2, _MOST))
                told4 = exp(min(hits * hit4 + misses * miss4, _MOST))
            one = (one + trials + ahead) * told1
            two = (two + trials + ahead) * told2
            four = (four + trials + ahead) * told4
            total = one + two + four
            if total > _FULL:
                one, two, four = min(one, _FULL), min(two, _FULL), min(four, _FULL)
                total = one + two + four
            if total / _OF >= threshold:
                break
            place += 1
        self.sums = [one, two, four]
        return place

    def reset(self) -> None:
        """Forget all evidence."""
        self.sums = [0.0] * len(self.sums)

    @property
    def total(self) -> float:
        """The evidence now."""
        one, two, four = self.sums
        return (one + two + four) / _OF
