from math import exp

import pytest

from rulesd.core.detectors.chi_square import quantile


def beyond(x: float, degrees: int) -> float:
    """P(chi-square > x): the closed form for even degrees of freedom."""
    term = total = 1.0
    for i in range(1, degrees // 2):
        term *= x / 2 / i
        total += term
    return exp(-x / 2) * total


@pytest.mark.parametrize("degrees", [2, 4, 8, 20, 48])
@pytest.mark.parametrize("tail", [0.5, 0.1, 1e-2, 1e-4, 1e-6, 1e-8])
def test_a_quantile_is_passed_as_often_as_it_says(tail: float, degrees: int) -> None:
    low, high = 0.0, 500.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle, degrees) > tail else (low, middle)
    assert -0.03 < quantile(tail, degrees) / low - 1 < (0.1 if degrees < 8 else 0.05)


def test_tails_that_cannot_be_told_apart_are_the_same() -> None:
    assert quantile(0.0, 3) == quantile(1e-12, 3)
    assert quantile(0.9, 3) == quantile(0.5, 3)


def test_one_degree_is_the_square_of_a_normal() -> None:
    assert quantile(0.05, 1) == pytest.approx(3.8415, abs=1e-3)
