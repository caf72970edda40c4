"""The claim that makes budgets honest: the mean number of trials to a false alarm is the threshold times the overshoot."""

from math import log
from random import Random

import pytest

from rulesd.core.detectors.evidence import Design, Evidence, between, expit, logit


def run_length(design: Design, p: float, threshold: float, rng: Random) -> int:
    evidence, trials = Evidence(design), 0
    while True:
        trials += 1
        if evidence.add(1.0, 1.0 if rng.random() < p else 0.0) >= threshold:
            return trials


@pytest.mark.parametrize(
    ("p", "ratio", "up"),
    [(0.02, 2.0, True), (0.2, 2.0, True), (0.4, 2.0, False), (0.01, 4.0, True)],
)
def test_the_mean_run_to_a_false_alarm_is_what_the_threshold_promises(
    p: float, ratio: float, up: bool
) -> None:
    rng, design, threshold = Random(1), Design.of(logit(p), logit(p), ratio, up=up), 300.0
    runs = [run_length(design, p, threshold, rng) for _ in range(80)]
    mean = sum(runs) / len(runs)
    assert 0.7 < mean / (threshold * design.overshoot) < 1.4
    assert mean >= 0.9 * threshold  # the guarantee, less the noise of 80 runs


def test_the_bound_of_the_cusum_would_be_far_more_careful() -> None:
    rng, p = Random(2), 0.05
    design = Design.of(logit(p), logit(p), 2.0, up=True)
    hit, miss = design.weights[0]
    total, runs = 0, 40
    for _ in range(runs):
        s = 0.0
        while s < log(100.0):
            s = max(0.0, s + (hit if rng.random() < p else miss))
            total += 1
    assert total / runs > 20 * 100.0  # it promises 100 trials; they are thousands


def test_a_real_change_is_found_soon_and_a_strong_one_sooner() -> None:
    design = Design.of(logit(0.02), logit(0.02), 2.0, up=True)
    means = []
    for p in (0.05, 0.1, 0.3):
        rng = Random(3)
        means.append(sum(run_length(design, p, 5_000.0, rng) for _ in range(30)) / 30)
    assert means[0] < 300
    assert means[0] > means[1] > means[2]
    assert means[2] < 20


def test_a_drop_is_the_mirror_of_a_rise() -> None:
    up = Design.of(logit(0.3), logit(0.3), 2.0, up=True)
    down = Design.of(logit(0.7), logit(0.7), 2.0, up=False)
    for (hit, miss), (miss_, hit_) in zip(up.weights, down.weights, strict=True):
        assert (hit, miss) == pytest.approx((hit_, miss_))


def test_where_the_level_is_in_doubt_something_can_still_be_learned() -> None:
    design = Design.of(logit(0.02) + 2.0, logit(0.02), 2.0, up=True)
    assert all(hit > 0 for hit, _ in design.weights)
    assert all(
        miss > 0 for _, miss in Design.of(logit(0.5) - 2.0, logit(0.5), 2.0, up=False).weights
    )


def test_the_bound_for_being_lazy_is_never_passed() -> None:
    rng = Random(4)
    for up in (True, False):
        evidence = Evidence(Design.of(logit(0.1), logit(0.1), 2.0, up=up))
        for _ in range(300):
            trials = rng.randrange(1, 6)
            hits = rng.randrange(0, trials + 1)
            bound = evidence.reach(hits, trials - hits)
            assert evidence.add(trials, hits) <= bound * (1 + 1e-12)


def test_numbers_stay_finite() -> None:
    evidence = Evidence(Design.of(logit(0.0), logit(0.0), 8.0, up=True))
    for _ in range(50):
        evidence.add(1e6, 1e6)
    assert 0.0 < evidence.total <= 1e250
    evidence.reset()
    assert evidence.total == 0.0
    assert expit(-1e9) == 0.0
    assert expit(logit(0.3)) == pytest.approx(0.3)


def test_a_design_is_written_and_read_back() -> None:
    design = Design.of(logit(0.1), logit(0.09), 3.0, up=True)
    assert Design.load(design.dump()) == design
    assert Evidence(design, [1.0, 2.0, 3.0]).total == 2.0


def test_people_are_told_the_bounds_of_a_level() -> None:
    told = between(logit(0.1), 0.5)
    assert told["low"] == pytest.approx(expit(logit(0.1) - 0.98), abs=1e-6)
    assert told["high"] == pytest.approx(expit(logit(0.1) + 0.98), abs=1e-6)
    assert between(logit(0.1), 0.0) == {"low": 0.1, "high": 0.1}
