from math import inf

import pytest

from rulesd.model.instant import DAY, HOUR
from rulesd.runners.calibrate_scan import (
    Curve,
    a_week,
    matches,
    pois,
    poisson_interval,
    smallest,
    upper_tail,
)

FLAT = [((1.0, 1.0), 168)]
WINDOW = 300_000


@pytest.mark.parametrize(
    ("per_hour", "k", "a_weeks_matches"),
    [(6, 4, 11.15), (60, 14, 8.56), (600, 75, 10.37), (600, 80, 1.35)],
)
def test_the_published_values(per_hour: float, k: int, a_weeks_matches: float) -> None:
    assert matches(k, per_hour / HOUR, WINDOW, 7 * DAY) == pytest.approx(a_weeks_matches, rel=0.01)


@pytest.mark.parametrize(
    ("per_hour", "k"), [(0.1, 2), (1, 4), (6, 6), (12, 8), (60, 18), (600, 84)]
)
def test_the_published_counts_for_a_page_in_four_weeks(per_hour: float, k: int) -> None:
    rate = per_hour / HOUR
    assert (
        smallest(lambda n: a_week(n, rate, WINDOW, FLAT), 0.25, int(rate * WINDOW) + 2, 10_000) == k
    )


def test_a_window_that_is_full_by_itself_is_always_on() -> None:
    assert matches(2, 60 / HOUR, WINDOW, WINDOW * 3) == 3
    assert matches(5, 0, WINDOW, DAY) == 0
    assert smallest(lambda _: inf, 1, 2, 100) is None


def test_tails() -> None:
    assert pois(2, 1.5) == pytest.approx(0.25102, rel=1e-4)
    assert (pois(0, 0), pois(1, 0), upper_tail(0, 3), upper_tail(1, 0)) == (1, 0, 1, 0)
    assert upper_tail(3, 5) == pytest.approx(0.87535, rel=1e-4)
    assert upper_tail(12, 5) == pytest.approx(0.005453, rel=1e-3)


def test_the_interval_of_a_count() -> None:
    assert poisson_interval(0) == (0.0, pytest.approx(2.996, rel=1e-3))
    assert poisson_interval(10) == (pytest.approx(5.425, rel=1e-3), pytest.approx(16.962, rel=1e-3))


def test_a_table_says_what_the_formula_says() -> None:
    curve = Curve(6, WINDOW, FLAT, 1 / HOUR, 10 / HOUR)
    for per_hour in (0.001, 1, 3.3, 9.9, 500):
        assert curve(per_hour / HOUR) == pytest.approx(
            a_week(6, per_hour / HOUR, WINDOW, FLAT), rel=0.02
        )
    assert curve(0) == 0
