import pytest

from rulesd.runners import calibrate_inject
from rulesd.runners.calibrate_inject import times_to_detect
from tests.runners.traffic import BURST, HEAD, MONDAY, WEEK, World, plan_of, rule_of

RATE = HEAD + (
    'by: [tenant]\ndetect: {rate: {numerator: {"===": [{"var": "data.outcome"}, error]}, within: 1h, above: 0.3, min_denominator: 10}}\n'
)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate_inject, "SAMPLES", 5)


def test_stronger_incidents_are_seen_sooner() -> None:
    rule = rule_of(plan_of(BURST.replace("count: 6", "count: 12")))
    events = World(per_hour=(30.0,)).events(2, 1)
    got = times_to_detect(rule, rule.detector, events, MONDAY, MONDAY + 2 * WEEK)
    assert [d.effect for d in got] == [1.5, 2.0, 5.0]
    assert got[0].seen <= got[1].seen <= got[2].seen == got[2].incidents
    assert got[2].median is not None
    assert got[1].median is None or got[2].median <= got[1].median
    assert got == times_to_detect(rule, rule.detector, events, MONDAY, MONDAY + 2 * WEEK)


def test_a_share_that_grows_five_times_is_seen_and_a_little_more_is_not() -> None:
    rule = rule_of(plan_of(RATE))
    events = World(per_hour=(60.0,), fail=0.1).events(2, 1)
    got = times_to_detect(rule, rule.detector, events, MONDAY, MONDAY + 2 * WEEK)
    assert got[0].seen == 0
    assert got[2].seen == got[2].incidents


def test_nothing_is_claimed_where_nothing_can_be_injected() -> None:
    rule = rule_of(plan_of(HEAD + "by: [tenant]\ndetect: never\n"))
    events = World().events(1, 1)
    assert times_to_detect(rule, rule.detector, events, MONDAY, MONDAY + WEEK) == []
    burst = rule_of(plan_of(BURST))
    assert times_to_detect(burst, burst.detector, [], MONDAY, MONDAY + WEEK) == []
