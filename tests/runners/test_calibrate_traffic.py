from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from rulesd.model.instant import HOUR
from rulesd.runners.calibrate_count import counted
from rulesd.runners.calibrate_scan import a_week
from rulesd.runners.calibrate_traffic import (
    Traffic,
    dispersion,
    hour_of_week,
    stretches,
    traffic,
    without,
)
from tests.runners.traffic import BURST, MONDAY, WEEK, World, daily, plan_of, rule_of

WINDOW = 300_000


def fitted(world: World, weeks: int = 3) -> Traffic:
    rule = rule_of(plan_of(BURST))
    counts = counted(rule, rule.detector, world.events(weeks, 3), WINDOW)
    return traffic(counts, WINDOW, MONDAY, MONDAY + weeks * WEEK)


def test_the_week_begins_on_monday() -> None:
    assert hour_of_week(MONDAY) == 0
    assert hour_of_week(MONDAY - 1) == 167


def test_independent_events_have_dispersion_one_and_no_rhythm() -> None:
    got = fitted(World())
    assert got.parts == 1
    assert dispersion(got).value == pytest.approx(1, abs=0.05)
    assert not stretches(got)
    assert sorted(r * 3_600_000 for r in got.rates.values()) == pytest.approx(
        [1, 2, 3, 6, 6], rel=0.15
    )


def test_a_rhythm_is_found_and_is_no_dispersion() -> None:
    got = fitted(World(shape=daily))
    assert got.parts == 48
    assert got.profile[15] > 3 * got.profile[2]
    assert dispersion(got).value == pytest.approx(1, abs=0.05)
    assert dispersion(replace(got, profile=(1.0,) * 168)).value > 1.03


@pytest.mark.parametrize("clump", [2.0, 4.0])
def test_clumps_are_seen(clump: float) -> None:
    got = fitted(World(clump=clump))
    assert dispersion(got).clumped
    assert dispersion(got).value > clump


def test_an_incident_is_found_and_can_be_left_out() -> None:
    got = fitted(World())
    key = ("t0",)
    counts = {k: c.copy() for k, c in got.counts.items()}
    odd = MONDAY // WINDOW + 500
    counts[key][odd] += 40
    spoiled = traffic(counts, WINDOW, MONDAY, got.ended)
    (one,) = stretches(spoiled)
    assert (one.key, one.events >= 40, one.began <= odd * WINDOW < one.ended) == (key, True, True)
    assert odd not in without(counts, [one], WINDOW)[key]


def test_a_window_of_hours_makes_no_rhythm_of_its_middle() -> None:
    draw = Random(3)
    windows = range(MONDAY // (6 * HOUR), (MONDAY + 4 * WEEK) // (6 * HOUR))
    counts = {("a",): Counter({w: 15 + draw.randrange(7) for w in windows})}
    found = traffic(counts, 6 * HOUR, MONDAY, MONDAY + 4 * WEEK)
    assert max(found.profile) < 1.2 < 1.5 * min(found.profile)


def test_a_peak_of_each_day_and_the_trough_before_it() -> None:
    profile = tuple(daily(MONDAY + h * HOUR) for h in range(168))
    one = Traffic(
        window=6 * HOUR, began=0, ended=WEEK, counts={}, profile=profile, parts=48
    )  # fmt: skip
    peaks = one.peaks()
    assert len(peaks) == 7
    assert list(peaks[0]) == pytest.approx([2.06, 0.35], rel=0.1)
    assert peaks[-1][0] == pytest.approx(peaks[0][0] * 0.5 / 1.2, rel=0.01)
    assert replace(one, parts=1).peaks() == []


@pytest.mark.parametrize(("k", "hours"), [(48, 6), (43, 6), (28, 3), (9, 1)])
def test_what_is_expected_happens_where_a_day_is_as_long_as_a_few_windows(
    k: int, hours: int
) -> None:
    rate, weeks, window = 3.0 / HOUR, 300, hours * HOUR
    profile = tuple(daily(MONDAY + h * HOUR + HOUR // 2) for h in range(168))
    one = Traffic(window=window, began=0, ended=WEEK, counts={}, profile=profile, parts=48)
    since: list[float] = []
    draw, at, full, seen = Random(1), float(MONDAY), -window, 0
    while at < MONDAY + weeks * WEEK:
        at += draw.expovariate(rate * 2.4)
        if draw.random() * 2.4 > daily(int(at)):
            continue
        since = [then for then in since if then > at - window] + [at]
        if len(since) >= k:
            seen += at - full > window
            full = int(at)
    said = a_week(k, rate, window, one.hours(), one.peaks())
    assert seen / weeks == pytest.approx(said, rel=0.3)
    if hours == 6:
        assert a_week(k, rate, window, one.hours()) < 0.75 * seen / weeks


def test_a_week_that_lacks_its_last_minutes_is_a_week() -> None:
    rule = rule_of(plan_of(BURST))
    events = World(per_hour=(6.0,) * 6, shape=daily).events(1, 3)
    counts = counted(rule, rule.detector, events, WINDOW)
    assert traffic(counts, WINDOW, MONDAY + 90_000, MONDAY + WEEK - 90_000).parts == 48
    assert traffic(counts, WINDOW, MONDAY, MONDAY + WEEK - 9 * HOUR).parts == 24
