from random import Random

import pytest

from rulesd.core.detectors.shape import distance


def sample(rng: Random, shares: list[float], n: int) -> list[int]:
    counts = [0] * len(shares)
    for i in rng.choices(range(len(shares)), shares, k=n):
        counts[i] += 1
    return counts


@pytest.mark.parametrize("shares", [[0.5, 0.3, 0.2], [0.1] * 10, [0.4, 0.3, 0.2, 0.06, 0.03, 0.01]])
@pytest.mark.parametrize("n", [120, 400])
def test_chance_passes_the_threshold_as_often_as_it_says(shares: list[float], n: int) -> None:
    rng, base, passed, runs = Random(1), [round(5_000 * s) for s in shares], 0, 1_500
    for _ in range(runs):
        # The rare group is tested beside PSI: two looks, so up to twice the tail.
        passed += distance(base, sample(rng, shares, n), 5_000.0, n).excess(0.02, 1.0) > 1.0
    assert 0.008 < passed / runs < 0.042


def test_the_same_distribution_is_at_no_distance() -> None:
    same = distance([100, 200, 300], [10, 20, 30], 600.0, 60.0)
    assert same.psi == pytest.approx(0.0, abs=1e-3)
    assert same.degrees == 2
    assert same.excess(0.01, 1.0) < 0.05


def test_rare_ones_are_taken_together_and_told_by_their_exact_chance() -> None:
    found = distance([950, 30, 20], [10, 40, 0], 1000.0, 50.0)
    assert found.degrees == 0
    assert found.rare == (40, 50, pytest.approx(0.05, abs=0.002))
    assert found.excess(1e-6, 1.0) > 1.0
    assert distance([950, 30, 20], [47, 3, 0], 1000.0, 50.0).excess(1e-3, 1.0) < 1.0
    merged = distance([500, 480, 20], [25, 24, 1], 1000.0, 50.0)
    assert merged.degrees == 1


def test_a_value_the_baseline_never_had() -> None:
    assert distance([500, 500, 0], [0, 0, 50], 1000.0, 50.0).excess(1e-9, 1.0) > 1.0
    assert distance([5000, 5000, 0], [25, 25, 1], 10000.0, 51.0).excess(1e-3, 1.0) < 1.0
    assert distance([1000, 0], [0, 600], 1e9, 600.0).excess(1e-9, 1.0) > 10.0


def test_one_category_only_is_never_far_from_itself() -> None:
    assert distance([100], [50], 100.0, 50.0).excess(0.1, 1.0) == 0.0


def test_scattered_traffic_must_differ_by_more() -> None:
    found = distance([500, 500], [40, 10], 1000.0, 50.0)
    assert found.excess(1e-3, 1.0) == pytest.approx(4 * found.excess(1e-3, 4.0))
    assert found.threshold(1e-6) > found.threshold(1e-3)
    rare = distance([950, 50], [40, 10], 1000.0, 50.0)
    assert rare.excess(1e-3, 1.0) > rare.excess(1e-3, 4.0)
