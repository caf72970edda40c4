"""The claim that makes budgets honest: the mean number of trials to a false alarm is the threshold times the overshoot."""

from math import exp, inf, log
from random import Random

import pytest

from rulesd.core.detectors.evidence import Design, Evidence, between, expit, logit, percent


def add(evidence: Evidence, trials: float, hits: float, ahead: float = 0.0) -> float:
    """The evidence after one slot."""
    evidence.take([(0, trials, hits, ahead)], inf)
    return evidence.total


def run_length(design: Design, p: float, threshold: float, rng: Random) -> int:
    evidence, trials = Evidence(design), 0
    while True:
        trials += 1
        if add(evidence, 1.0, 1.0 if rng.random() < p else 0.0) >= threshold:
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


def test_a_stretch_of_slots_is_the_product_slot_by_slot() -> None:
    rng = Random(4)
    for up in (True, False):
        design = Design.of(logit(0.1), logit(0.1), 2.0, up=up)
        slots = []
        for n in range(300):
            trials = float(rng.choice((1, 1, 1, 5)))
            hits = float(rng.randrange(int(trials) + 1))
            slots.append((n, trials / rng.choice((1, 2)), hits / 2, rng.choice((0.0, 3.5))))
        whole, apart = Evidence(design), Evidence(design)
        assert whole.take(slots, inf) == 300
        sums = [0.0] * 3
        for _, n, k, ahead in slots:
            add(apart, n, k, ahead)
            for i, (hit, miss) in enumerate(design.weights):
                sums[i] = (sums[i] + n + ahead) * exp(k * hit + (n - k) * miss)
        assert whole.sums == apart.sums == sums


def test_it_stops_at_the_slot_that_reaches_the_threshold() -> None:
    design = Design.of(logit(0.1), logit(0.1), 2.0, up=True)
    hits = [(n, 1.0, 1.0, 0.0) for n in range(9)]
    some, threshold = Evidence(design), 30.0
    place = some.take(hits, threshold)
    assert 0 < place < 8
    assert some.total >= threshold
    before = Evidence(design)
    assert before.take(hits[:place], threshold) == place
    assert before.total < threshold
    assert add(before, 1.0, 1.0) == some.total


def test_it_knows_the_most_that_one_trial_can_say() -> None:
    up = Evidence(Design.of(logit(0.1), logit(0.1), 2.0, up=True))
    down = Evidence(Design.of(logit(0.9), logit(0.9), 2.0, up=False))
    assert up.steepest == (pytest.approx(max(hit for hit, _ in up.design.weights)), 0.0)
    assert down.steepest == (0.0, pytest.approx(up.steepest[0]))


def test_numbers_stay_finite() -> None:
    evidence = Evidence(Design.of(logit(0.0), logit(0.0), 8.0, up=True))
    for _ in range(50):
        add(evidence, 1e6, 1e6)
    assert 0.0 < evidence.total <= 1e250
    evidence.reset()
    assert evidence.total == 0.0
    assert expit(-1e9) == 0.0
    assert expit(logit(0.3)) == pytest.approx(0.3)
    assert percent(logit(0.0412)) == "4.12%"


def test_a_design_is_written_and_read_back() -> None:
    design = Design.of(logit(0.1), logit(0.09), 3.0, up=True)
    assert Design.load(design.dump()) == design
    assert Evidence(design, [1.0, 2.0, 3.0]).total == 2.0


def test_people_are_told_the_bounds_of_a_level() -> None:
    told = between(logit(0.1), 0.5)
    assert told["low"] == pytest.approx(expit(logit(0.1) - 0.98), abs=1e-6)
    assert told["high"] == pytest.approx(expit(logit(0.1) + 0.98), abs=1e-6)
    assert between(logit(0.1), 0.0) == {"low": 0.1, "high": 0.1}
