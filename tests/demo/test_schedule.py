"""When incidents happen and when it is over."""

import pytest

from rulesd.demo.schedule import (
    FIRST_S,
    LEAST_GAP_S,
    PATIENCE_S,
    SETTLE_S,
    USUAL_GAP_S,
    over,
    plan,
)


@pytest.mark.parametrize(
    ("left", "gap"),
    [
        (None, USUAL_GAP_S),
        (1000.0, USUAL_GAP_S),
        (FIRST_S + SETTLE_S + 10.0, 1.0),
        (3.0, LEAST_GAP_S),
        (-5.0, LEAST_GAP_S),
    ],
)
def test_incidents_fit_into_the_time_left(left: float | None, gap: float) -> None:
    assert plan(10, left).gap_s == gap


def test_nothing_planted_needs_no_time() -> None:
    assert plan(0, 20.0).gap_s == USUAL_GAP_S


@pytest.mark.parametrize(
    ("elapsed", "since_last", "complete", "expected"),
    [
        (10.0, 9.0, True, False),  # its time is not up
        (21.0, 1.0, True, False),  # a second page could still come
        (21.0, 5.0, True, True),
        (21.0, 5.0, False, False),  # a page is missing: wait
        (40.0, PATIENCE_S, False, True),  # it will not come
    ],
)
def test_when_it_is_over(elapsed: float, since_last: float, complete: bool, expected: bool) -> None:
    assert (
        over(elapsed_s=elapsed, seconds=20.0, since_last_s=since_last, complete=complete)
        is expected
    )
