import pytest

from rulesd.config.fields import field
from rulesd.runners.calibrate_kinds import (
    Method,
    changed,
    count_of,
    hit_of,
    kind_of,
    learns_for,
    measured,
    parameter_of,
    texts,
    value_of,
    values_in,
    with_value,
)
from tests.runners.traffic import HEAD, plan_of, rule_of

NUM = 'numerator: {"===": [{"var": "data.outcome"}, error]}'


def detector(text: str):  # type: ignore[no-untyped-def]
    return rule_of(plan_of(HEAD + f"by: [tenant]\ndetect: {text}\n")).detector


@pytest.mark.parametrize(
    ("text", "method", "parameter"),
    [
        ("{burst: {count: 3, within: 5m}}", Method.FORMULA, "count"),
        ("{repeat: {same: [tool], count: 3, within: 5m}}", Method.FORMULA, "count"),
        ("{cardinality: {field: tool, within: 5m, above: 3}}", Method.FORMULA, "above"),
        ("{rate: {" + NUM + ", within: 5m, above: 0.5}}", Method.SHUFFLED, "above"),
        ("{rate: {" + NUM + ", within: 5m, below: 0.5}}", Method.SHUFFLED, "below"),
        ("{shift: {" + NUM + "}}", Method.SHUFFLED, "budget"),
        ("{accumulation: {half_life: 1d, threshold: 4}}", Method.SIMULATED, "threshold"),
        ("never", Method.REPLAY, ""),
    ],
)
def test_each_detector_has_its_way(text: str, method: Method, parameter: str) -> None:
    one = detector(text)
    kind = kind_of(one)
    assert (kind.method, kind.parameter) == (method, parameter)
    if parameter:
        assert value_of(with_value(one, kind, 2), kind) == 2


def test_strictly_above_means_one_more() -> None:
    many = detector("{cardinality: {field: tool, within: 5m, above: 3}}")
    assert (count_of(many, 3), parameter_of(many, 4)) == (4, 3)
    burst = detector("{burst: {count: 3, within: 5m}}")
    assert (count_of(burst, 3), parameter_of(burst, 3)) == (3, 3)
    assert values_in(many, {"data": {"tool": ["a", "b"]}}) == ["a", "b"]
    assert values_in(burst, {}) is None
    assert texts(None) == []


def test_shares_and_measures() -> None:
    slo = detector('{burn_rate: {good: {"===": [{"var": "data.outcome"}, ok]}, objective: 0.99}}')
    hit = hit_of(slo)
    assert hit is not None
    assert (hit({"data": {"outcome": "ok"}}), hit({"data": {"outcome": "no"}})) == (False, True)
    assert measured(slo) is None
    assert learns_for(detector("{shift: {" + NUM + ", baseline: 2d}}")) == 2 * 86_400_000


def test_a_field_is_changed_where_it_is_read() -> None:
    assert changed({"tenant": "a", "data": {}}, field("tenant"), "b") == {"tenant": "b", "data": {}}
    assert changed({"data": {"x": {"y": 1, "z": 2}}}, field("x.y"), 5) == {
        "data": {"x": {"y": 5, "z": 2}}
    }
    assert changed({"data": {"n": 1}}, field("n"), 2) == {"data": {"n": 2}}


def test_the_bound_of_a_quantile_is_its_limit_and_not_the_share_it_allows() -> None:
    detect = "{quantile: {field: duration_ms, q: 0.8, within: 6h, above: 300}}"
    rule = rule_of(plan_of(HEAD + f"by: [tenant]\ndetect: {detect}\n"))
    kind = kind_of(rule.detector)
    assert (kind.parameter, value_of(rule.detector, kind)) == ("above", 300.0)
    other = with_value(rule.detector, kind, 400.0)
    assert value_of(other, kind) == 400.0
    assert getattr(other, "above", None) == getattr(rule.detector, "above", None)
