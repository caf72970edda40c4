import pytest

from rulesd.runners import calibrate_search
from rulesd.runners.calibrate_search import Null, own_budget, search
from rulesd.runners.calibrate_watch import Fired
from tests.runners.traffic import HEAD, MONDAY, WEEK, World, plan_of, rising, rule_of

RATE = HEAD + (
    'by: [tenant]\ndetect: {rate: {numerator: {"===": [{"var": "data.outcome"}, error]}, within: 6h, above: 0.5, min_denominator: 10}}\n'
)


SPIKE = HEAD + "by: [tenant]\ndetect: {spike: {within: 1h, reference: 7d, budget: 1}}\n"


def null(text: str, world: World, weeks: int) -> Null:
    plan = plan_of(text)
    return Null(plan, rule_of(plan), world.events(weeks, 1), MONDAY, MONDAY + weeks * WEEK)


def test_the_threshold_found_keeps_the_budget_and_lies_near_the_traffic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = null(RATE, World(per_hour=(6.0,), fail=0.1), 1)
    monkeypatch.setattr(calibrate_search, "_WORK", 6_000)
    value = search(one, 0.5)
    assert value is not None
    assert 0.1 < value < 0.4
    mean, low, high = one.measure(value)
    assert low <= mean <= high
    assert mean <= 1.0
    assert one.measure(0.05)[0] > 0.5


def test_too_little_is_refused() -> None:
    assert "matching events" in null(RATE, World(per_hour=(0.1,)), 1).refusals()[0]
    shift = (
        HEAD
        + 'by: [tenant]\ndetect: {shift: {numerator: {"===": [{"var": "data.outcome"}, error]}, baseline: 7d}}\n'
    )
    assert "learns for 7" in null(shift, World(), 1).refusals()[0]


@pytest.mark.parametrize(
    ("detect", "near"),
    [
        ("quantile: {field: duration_ms, q: 0.8, within: 6h, above: 300}", 161.0),
        ("aggregate: {field: duration_ms, fn: avg, within: 6h, above: 200}", 100.0),
        ("aggregate: {field: duration_ms, fn: sum, within: 6h, above: 20000}", 3_600.0),
    ],
)
def test_a_bound_on_a_measure_is_looked_for_from_where_the_measure_lies(
    detect: str, near: float
) -> None:
    text = HEAD + "by: [tenant]\ndetect: {" + detect + "}\n"
    low, high = null(text, World(per_hour=(6.0, 6.0)), 1).span()
    assert low == pytest.approx(near, rel=0.1)
    assert high > 4 * low


def test_what_is_said_while_it_still_learns_is_no_part_of_what_it_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = null(SPIKE, World(per_hour=(6.0,)), 2)
    monkeypatch.setattr(calibrate_search, "_WORK", 2_000)
    said = [Fired(at=MONDAY + day * WEEK // 7, labels={}, value=1.0) for day in (3, 6, 7, 12)]
    monkeypatch.setattr(calibrate_search, "watch", lambda *_: said)
    assert one.measure(1.0)[0] == 2.0  # in the one week in which it knows enough


def test_traffic_that_moves_is_followed_for_a_detector_that_follows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibrate_search, "_WORK", 12_000)
    steady = null(SPIKE, World(per_hour=(4.0, 4.0)), 4)
    assert (steady.refusals(), steady.slope) == ((), 0.0)
    moves = null(SPIKE, World(per_hour=(4.0, 4.0), shape=rising), 6)
    assert moves.refusals() == ()
    assert moves.slope * WEEK == pytest.approx(0.05 / 1.15, rel=0.25)
    many = [len(one) for one in moves._made(fresh=False)]
    recorded = len(moves.events)
    assert recorded < many[0] < many[1]


def test_a_budget_of_its_own_is_cut_until_chance_keeps_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = null(SPIKE, World(per_hour=(6.0,)), 2)
    costs = 3.0
    monkeypatch.setattr(Null, "keeps", lambda _, value, wanted: value * costs <= wanted)
    assert own_budget(one, 2.0) == 0.58  # 1.74 of 2 a week; a quarter more than 2 would pass
    costs = 1.2
    assert own_budget(one, 2.0) == 2.0
    costs = 100_000.0
    assert own_budget(one, 2.0) is None


def test_a_bound_on_a_share_knows_what_is_usual() -> None:
    world = World(per_hour=(6.0,), fail=0.1)
    assert null(RATE, world, 1).usual() == pytest.approx(0.1, abs=0.02)
    below = RATE.replace("above: 0.5", "below: 0.05")
    assert null(below, world, 1).usual() == pytest.approx(0.1, abs=0.02)
    assert null(SPIKE, world, 1).usual() is None
