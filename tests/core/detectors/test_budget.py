import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.budget import Budget
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, MINUTE
from tests.core.detectors.harness import Seen, episodes, run
from tests.core.detectors.metamorphic import fired, same_alerts
from tests.core.plans import field

COST = field("cost")
CAP = Budget(COST, 100.0, 40 * MINUTE)
AHEAD = Budget(COST, 500.0, DAY, 4 * HOUR)


def spend(*given_: tuple[float, Json]) -> list[Seen]:
    return [Seen(round(at * MINUTE), {"cost": cost}) for at, cost in given_]


def test_the_cap_fires_at_once_and_clears_when_spend_leaves_the_window() -> None:
    found = run(CAP, spend((0, 60), (10, 40)), until=2 * HOUR)[("k",)]
    assert (found[0].at, found[0].value, found[0].threshold) == (10 * MINUTE, 100.0, 100.0)
    assert [(a // MINUTE, (b or 0) // MINUTE) for a, b in episodes(found)] == [(10, 41)]
    assert run(CAP, spend((0, 60), (10, 39)), until=2 * HOUR)[("k",)] == []
    assert run(CAP, spend((0, 60), (40, 40)), until=2 * HOUR)[("k",)] == []
    assert run(CAP, spend((0, 60), (55, 1), (35, 40)), until=0)[("k",)][0].active


def test_credits_and_odd_values_count_nothing() -> None:
    odd = spend(*((n, x) for n, x in enumerate([-500, None, "90", True, [90], 0, 1e305])))
    assert fired(CAP, [*odd, *spend((8, 99))], until=HOUR) == set()
    assert fired(CAP, [*odd, *spend((8, 100))], until=HOUR) == {("k",)}
    assert run(CAP, spend((500, 1), (0, 200)), until=0)[("k",)] == []


def test_a_steady_pace_towards_the_cap_is_told_before() -> None:
    found = run(AHEAD, spend(*((n * 3, 10) for n in range(60))), until=2 * HOUR)[("k",)]
    assert 30 * MINUTE <= found[0].at <= 90 * MINUTE
    assert found[0].detail is not None
    assert float(found[0].detail["projected"]) >= 500
    assert found[0].value < 500


def test_one_large_item_and_a_pace_the_window_can_bear_are_quiet() -> None:
    assert fired(AHEAD, spend((0, 200)), until=DAY) == set()
    assert fired(AHEAD, spend(*((n * 60, 10) for n in range(72))), until=4 * DAY) == set()
    assert fired(AHEAD, spend(*((n * 15, 5) for n in range(288))), until=4 * DAY) == set()


def test_it_is_forgotten_when_no_window_holds_anything() -> None:
    state = CAP.start(("k",), 0)
    assert CAP.deadline(state, None) is None
    assert CAP.forgettable(state, 2 * HOUR)
    state.open = True
    assert not CAP.forgettable(state, 2 * HOUR)
    assert CAP.hold == 40 * MINUTE


@pytest.mark.parametrize("detector", [CAP, Budget(COST, 100.0, 40 * MINUTE, 10 * MINUTE)])
@given(
    given_=st.lists(st.tuples(st.integers(0, 90), st.integers(-5, 60)), max_size=15),
    seed=st.integers(0, 9),
)
def test_order_and_restarts_change_nothing(
    detector: Budget, given_: list[tuple[int, int]], seed: int
) -> None:
    same_alerts(detector, spend(*given_), seed, until=200 * MINUTE)
