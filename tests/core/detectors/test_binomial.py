from math import comb, exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.binomial import log_pmf, lower, upper


def exact(k: int, n: int, p: float) -> float:
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(max(0, k), n + 1))


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_both_tails_are_the_sums_of_the_terms(k: int, n: int, p: float) -> None:
    assert upper(k, n, p) == pytest.approx(exact(k, n, p), rel=1e-8, abs=1e-11)
    assert lower(k, n, p) == pytest.approx(1 - exact(k + 1, n, p), rel=1e-8, abs=1e-11)


def test_tails_far_out_keep_their_digits() -> None:
    assert upper(50, 50, 0.01) == pytest.approx(1e-100, rel=1e-9)
    assert upper(3, 20, 0.002) == pytest.approx(9.0e-6, rel=0.03)
    assert exp(log_pmf(2, 4, 0.5)) == pytest.approx(0.375)


def test_the_edges() -> None:
    assert upper(0, 5, 0.3) == 1.0
    assert upper(6, 5, 0.3) == 0.0
    assert upper(2, 5, 0.0) == 0.0
    assert upper(2, 5, 1.0) == 1.0


def test_it_costs_the_spread_and_not_the_number() -> None:
    assert upper(500_900, 1_000_000, 0.5) == pytest.approx(0.036, abs=0.001)
