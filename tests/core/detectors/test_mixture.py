"""The e-process keeps its promise however often one looks, and grows with a real difference."""

from math import exp, log
from random import Random

from rulesd.core.detectors.mixture import log_evidence, spare


def test_under_the_null_it_is_rarely_ever_passed_however_often_one_looks() -> None:
    rng, alpha, false = Random(1), 0.05, 0
    for _ in range(300):
        hits = 0
        for n in range(1, 400):
            hits += rng.random() < 0.06
            if log_evidence(n, hits, 0.04, 0.06) >= log(1 / alpha):
                false += 1
                break
    assert false <= 0.05 * 300 + 3 * (0.05 * 0.95 * 300) ** 0.5


def test_it_grows_with_a_real_difference_to_either_side() -> None:
    assert log_evidence(200, 60, 0.04, 0.06) > 20
    assert log_evidence(2_000, 20, 0.04, 0.06) > 20
    assert exp(log_evidence(200, 10, 0.04, 0.06)) < 1


def test_what_is_spared_cannot_add_what_is_missing() -> None:
    rng, tight = Random(3), 0
    for _ in range(3_000):
        trials = rng.randrange(1, 400) / rng.choice((1.0, 1.0, 3.7))
        hits = trials * rng.choice((0.0, rng.random(), 1.0))
        level = rng.choice((0.01, 0.1, 0.5, 0.97))
        low, high = level * 0.8, 1.0 - (1.0 - level) * 0.8
        slack = rng.choice((0.1, 2.0, 9.0))
        more_hits, more_misses = spare(trials, hits, low, high, slack)
        before = log_evidence(trials, hits, low, high)
        for h, m in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (rng.random(), rng.random())):
            k, n = h * more_hits, h * more_hits + m * more_misses
            added = log_evidence(trials + n, hits + k, low, high) - before
            assert added <= slack + 1e-9
            tight += added > 0.2 * slack
    assert tight > 300  # otherwise the bound is an idle one
