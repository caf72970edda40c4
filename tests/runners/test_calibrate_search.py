import pytest

from rulesd.runners import calibrate_search
from rulesd.runners.calibrate_search import Null, search
from tests.runners.traffic import HEAD, MONDAY, WEEK, World, plan_of, rule_of

RATE = HEAD + (
    'by: [tenant]\ndetect: {rate: {numerator: {"===": [{"var": "data.outcome"}, error]}, within: 6h, above: 0.5, min_denominator: 10}}\n'
)


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
