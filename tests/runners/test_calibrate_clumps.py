import pytest

from rulesd.core.plan import Rule
from rulesd.runners.calibrate import calibrate
from rulesd.runners.calibrate_clumps import clump_gap, clumps, mark_dispersion, mark_halves, marks
from rulesd.runners.calibrate_null import shuffled, simulated
from tests.runners.traffic import BURST, HEAD, MONDAY, WEEK, World, plan_of, rule_of

ERROR = '{"===": [{"var": "data.outcome"}, error]}'
RATE = f"rate: {{numerator: {ERROR}, within: 6h, above: 0.3, min_denominator: 10}}"
ENDED = MONDAY + 2 * WEEK
ALONE = World(per_hour=(3.0, 6.0), fail=0.1).events(2, 1)
SESSIONS = World(per_hour=(3.0, 6.0), fail=0.1, clump=4.0, together=True).events(2, 1)


def rule(detect: str) -> Rule:
    return rule_of(plan_of(HEAD + "by: [tenant]\ndetect: {" + detect + "}\n"))


@pytest.mark.parametrize(
    "detect",
    [
        RATE,
        "aggregate: {field: duration_ms, fn: avg, within: 6h, above: 200}",
        "quantile: {field: duration_ms, q: 0.8, within: 6h, above: 150}",
        "drift: {field: outcome, top: 5, baseline: 7d, budget: 1}",
        "drift: {field: duration_ms, bins: 5, baseline: 7d, budget: 1}",
    ],
)
def test_marks_of_one_session_clump_and_others_do_not(detect: str) -> None:
    alone, sessions = mark_dispersion(rule(detect), ALONE), mark_dispersion(rule(detect), SESSIONS)
    assert not alone.clumped
    assert alone.value == pytest.approx(1.0, abs=0.3)
    assert sessions.clumped
    assert sessions.value > 2.5


def test_shuffling_single_events_loses_clumps_and_runs_keep_them() -> None:
    one = rule(RATE)
    whole = mark_dispersion(one, SESSIONS).value
    assert mark_dispersion(one, shuffled(one, SESSIONS, 1)).value < 1.3
    assert mark_dispersion(one, shuffled(one, SESSIONS, 1, 60_000)).value > 0.75 * whole


def test_a_detector_that_reads_no_marks() -> None:
    burst = rule_of(plan_of(BURST))
    assert marks(burst, ALONE) is None
    assert mark_dispersion(burst, ALONE).value == 1.0
    assert not mark_halves(burst, ALONE, MONDAY, ENDED, 1.0).sure


def test_what_changed_over_the_recording_is_no_chance() -> None:
    calm = World(per_hour=(6.0,), fail=0.1)
    worse = World(per_hour=(6.0,), fail=0.3)
    events = calm.events(1, 1) + worse.events(1, 2, MONDAY + WEEK)
    found = mark_halves(rule(RATE), events, MONDAY, ENDED, 1.0)
    assert found.sure
    assert found.first < 0.15 < 0.25 < found.second
    assert not mark_halves(rule(RATE), ALONE, MONDAY, ENDED, 1.0).sure
    plan = plan_of(HEAD + "by: [tenant]\ndetect: {" + RATE + "}\n")
    refused = calibrate(plan, rule_of(plan), events, MONDAY, ENDED, brief=True)
    assert "changed over the recording" in refused.refusals[0]


def test_runs_of_events_are_found_and_simulated_as_runs() -> None:
    one = rule("accumulation: {half_life: 6h, threshold: 60}")
    assert clump_gap(one, ALONE, MONDAY, ENDED) == 0
    gap = clump_gap(one, SESSIONS, MONDAY, ENDED)
    assert gap is not None
    assert gap >= 60_000
    made = simulated(one, SESSIONS, MONDAY, ENDED, 1, gap)
    assert len(made) == pytest.approx(len(SESSIONS), rel=0.15)
    assert clump_gap(one, made, MONDAY, ENDED) != 0
    assert clump_gap(one, simulated(one, SESSIONS, MONDAY, ENDED, 1), MONDAY, ENDED) == 0


def test_runs_end_at_a_gap() -> None:
    pairs = [
        (e._replace(at=MONDAY + at), MONDAY)
        for e, at in zip((e for e, _ in ALONE), (0, 50_000, 100_000, 200_000), strict=False)
    ]
    assert [len(run) for run in clumps(pairs, 60_000)] == [3, 1]
    assert [len(run) for run in clumps(pairs, 0)] == [1, 1, 1, 1]


def test_a_bound_is_refused_where_the_traffic_grows() -> None:
    world = World(per_hour=(12.0,), fail=0.1, shape=lambda at: 1.0 + 0.15 * (at - MONDAY) / WEEK)
    growing, ended = world.events(3, 1), MONDAY + 3 * WEEK
    plan = plan_of(HEAD + "by: [tenant]\ndetect: {" + RATE + "}\n")
    found = calibrate(plan, rule_of(plan), growing, MONDAY, ended, brief=True)
    assert "rose over the recording" in found.refusals[0]
    plan = plan_of(BURST)
    found = calibrate(plan, rule_of(plan), growing, MONDAY, ended, budget=0.1, brief=True)
    assert "the traffic moves" in found.refusals[0]
