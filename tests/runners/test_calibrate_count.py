from dataclasses import replace
from random import Random

import pytest

from rulesd.config.fields import field
from rulesd.runners.calibrate_count import expected, interval, poisson_draw, population, propose
from tests.runners.traffic import (
    BURST,
    HEAD,
    MONDAY,
    WEEK,
    World,
    daily,
    plan_of,
    rising,
    rule_of,
)


def found(world: World, weeks: float = 3, text: str = BURST, **more: bool):  # type: ignore[no-untyped-def]
    rule = rule_of(plan_of(text))
    return population(
        rule, rule.detector, world.events(weeks, 2), MONDAY, MONDAY + int(weeks * WEEK), **more
    )


def test_a_count_within_the_budget_and_its_interval() -> None:
    got = found(World())
    assert got.refusals == ()
    k = propose(got.traffic, 1.0)
    assert k is not None
    means = expected(got.traffic, [k - 1, k])
    assert means[k] <= 1.0 < means[k - 1]
    low, high = interval(got.traffic, got.spread, k)
    assert low < means[k] < high < 3 * means[k]
    assert interval(got.traffic, got.spread, k) == (low, high)


def test_too_little_is_refused() -> None:
    assert "days recorded" in found(World(), 0.1).refusals[0]
    assert "matching events" in found(World(per_hour=(0.01,)), 1).refusals[0]


def test_clumps_are_refused_and_the_session_is_proposed() -> None:
    got = found(World(clump=3.0))
    assert "clumps" in got.refusals[0]
    assert got.distinct == "session_id"


def test_one_clumped_key_among_many_is_refused() -> None:
    rule = rule_of(plan_of(BURST))
    events = World(per_hour=(5.0,) * 20).events(2, 1) + [
        (e._replace(id="c" + e.id, document={**e.document, "tenant": "z"}), at)
        for e, at in World(per_hour=(0.4,), clump=3.0).events(2, 5)
    ]
    events.sort(key=lambda p: p[1])
    got = population(rule, rule.detector, events, MONDAY, MONDAY + 2 * WEEK)
    assert got.refusals
    assert {s.key for s in got.incidents} == {("z",)}


def test_distinct_sessions_are_counted_once_a_window() -> None:
    rule = rule_of(plan_of(BURST))
    detector = replace(rule.detector, distinct=field("session_id"))
    world = World(clump=3.0).events(3, 2)
    got = population(rule, detector, world, MONDAY, MONDAY + 3 * WEEK)
    assert got.refusals == ()
    assert got.traffic.total < len(world) * 0.6


def test_traffic_that_grows_fast_is_refused() -> None:
    assert (
        "rose"
        in found(World(per_hour=(6.0,) * 5, shape=lambda at: 1 + 5 * (rising(at) - 1)), 4).refusals[
            0
        ]
    )


def test_repeat_counts_each_combination() -> None:
    text = HEAD + "by: [tenant]\ndetect: {repeat: {same: [session_id], count: 4, within: 5m}}\n"
    assert len(found(World(clump=2.0), text=text).traffic.counts) > 500


@pytest.mark.parametrize("mean", [0.3, 8.0, 400.0])
def test_poisson_numbers(mean: float) -> None:
    draw = Random(1)
    numbers = [poisson_draw(mean, draw) for _ in range(4000)]
    assert sum(numbers) / 4000 == pytest.approx(mean, rel=0.08)


def test_a_window_of_hours_is_judged_by_the_rhythm_of_the_hours_in_it() -> None:
    text = (
        HEAD
        + "by: [tenant]\ndetect: {aggregate: {field: duration_ms, fn: count, within: 6h, above: 40}}\n"
    )
    got = found(World(per_hour=(3.0, 6.0), shape=daily), text=text)
    assert got.refusals == ()
    assert max(got.traffic.profile) > 1.7 * sum(got.traffic.profile) / 168
    assert min(got.traffic.profile) < 0.4
