"""Promises kept, over a shorter time than ``tests/proofs/calibration.py``, and refusals."""

from dataclasses import replace

import pytest

from rulesd.runners.calibrate import calibrate, matching
from rulesd.runners.calibrate_kinds import with_value
from rulesd.runners.calibrate_watch import watch
from tests.runners.recorded import recorded
from tests.runners.traffic import BURST, HEAD, MONDAY, WEEK, World, daily, flat, plan_of, rule_of


@pytest.mark.parametrize("shape", [flat, daily])
def test_the_promise_is_kept_on_other_traffic_without_incidents(shape: object) -> None:
    world = World(per_hour=(2.0, 4.0, 8.0), shape=shape)  # type: ignore[arg-type]
    plan = plan_of(BURST)
    rule = rule_of(plan)
    found = calibrate(plan, rule, world.events(2, 1), MONDAY, MONDAY + 2 * WEEK, budget=8)
    proposed = found.proposed
    assert proposed is not None
    assert proposed.false_pages is not None
    assert proposed.low <= proposed.false_pages <= proposed.high
    changed = replace(rule, detector=with_value(rule.detector, found.kind, proposed.value))
    seen = sum(len(watch(plan, changed, world.events(4, 50 + s))) for s in range(3)) / 12
    assert 0.5 <= seen / proposed.false_pages <= 1.5
    assert [o.label for o in found.options] == ["now", "x0.25", "proposed", "x4"]
    assert found.past == watch(plan, changed, world.events(2, 1))


def test_incidents_are_named_then_left_out_when_asked() -> None:
    plan = plan_of(BURST)
    rule = rule_of(plan)
    events = World().events(2, 1)
    burst = [
        (events[9][0]._replace(id=f"x{i}", at=MONDAY + WEEK + i), MONDAY + WEEK + i)
        for i in range(40)
    ]
    spoiled = sorted([*events, *burst], key=lambda p: p[1])
    refused = calibrate(plan, rule, spoiled, MONDAY, MONDAY + 2 * WEEK)
    assert "incidents in the baseline" in refused.refusals[0]
    assert (len(refused.incidents), refused.options, refused.detected) == (1, [], [])
    assert len(refused.past) == 1
    fine = calibrate(plan, rule, spoiled, MONDAY, MONDAY + 2 * WEEK, exclude_incidents=True)
    clean = calibrate(plan, rule, events, MONDAY, MONDAY + 2 * WEEK)
    assert fine.refusals == ()
    assert [o.value for o in fine.options] == [o.value for o in clean.options]


def test_a_detector_without_threshold_is_replayed() -> None:
    plan = plan_of(HEAD + "by: [tenant]\ndetect: never\n")
    found = calibrate(
        plan, rule_of(plan), World(per_hour=(1.0,)).events(0.1, 1), MONDAY, MONDAY + WEEK
    )
    assert (found.options, found.refusals, len(found.past)) == ([], (), 1)
    assert "no threshold" in found.notes[0]


def test_only_what_the_rule_matches_is_taken() -> None:
    plan = plan_of(BURST)
    events, began, ended = matching(recorded(), plan, rule_of(plan))
    assert [e.id for e, _ in events] == ["e0", "e1", "e2", "e3"]
    assert ended - began == 19 * 3_600_000
