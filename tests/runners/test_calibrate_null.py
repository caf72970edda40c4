from collections import Counter

import pytest

from rulesd.runners.calibrate_null import FLAT, LEAST_LEVEL, Trend, shuffled, simulated
from tests.runners.traffic import BURST, MONDAY, WEEK, World, plan_of, rule_of

RULE = rule_of(plan_of(BURST))
EVENTS = World(fail=0.3).events(1, 1)


def test_shuffled_traffic_keeps_times_keys_and_marks_but_not_their_order() -> None:
    null = shuffled(RULE, EVENTS, 1)
    assert [(e.at, now) for e, now in null] == [(e.at, now) for e, now in EVENTS]
    for get in ("tenant", "data"):
        assert Counter(str(e.document[get]) for e, _ in null) == Counter(
            str(e.document[get]) for e, _ in EVENTS
        )
    assert [e.tenant for e, _ in null] == [e.document["tenant"] for e, _ in null]
    assert [e.document["id"] for e, _ in null] != [e.document["id"] for e, _ in EVENTS]
    assert null == shuffled(RULE, EVENTS, 1) != shuffled(RULE, EVENTS, 2)


def test_simulated_traffic_has_the_recorded_rates() -> None:
    null = simulated(RULE, EVENTS, MONDAY, MONDAY + WEEK, 1)
    assert len(null) == pytest.approx(len(EVENTS), rel=0.1)
    assert all(MONDAY <= now <= MONDAY + WEEK for _, now in null)
    assert [now for _, now in null] == sorted(now for _, now in null)


def test_a_level_that_moves_goes_on_moving() -> None:
    assert FLAT.level(MONDAY, MONDAY, MONDAY + WEEK) == 1.0
    grows = Trend(slope=0.1 / WEEK, ahead=10 * WEEK)
    assert grows.level(MONDAY + WEEK // 2, MONDAY, MONDAY + WEEK) == pytest.approx(2.0)
    falls = Trend(slope=-0.1 / WEEK, ahead=30 * WEEK)
    assert falls.level(MONDAY, MONDAY, MONDAY + WEEK) == LEAST_LEVEL
    null = simulated(RULE, EVENTS, MONDAY, MONDAY + WEEK, 1, 0, grows)
    assert len(null) == pytest.approx(2.0 * len(EVENTS), rel=0.1)
    late = sum(e.at >= MONDAY + WEEK // 2 for e, _ in null)
    assert late > len(null) - late  # also within what is drawn
