"""``spike``: a count against its own history, as a chance test with a floor on the effect."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.spike import Keys, Spike
from rulesd.model.instant import DAY, HOUR, MINUTE
from tests.core.detectors.harness import Seen, episodes, run, shuffled


def spike(**changes: Any) -> Spike:
    return Spike(
        **{
            "within": HOUR,
            "reference": 14 * DAY,
            "min_count": 10,
            "ratio": 2.0,
            "budget": 0.1,
            **changes,
        }
    )


def every(step: int, start: int, end: int, key: str = "k", weight: int = 1) -> list[Seen]:
    return [Seen(at, {}, (key,), weight) for at in range(start, end, step)]


QUIET = every(10 * MINUTE, 0, 7 * DAY)
K = ("k",)


def test_far_more_than_its_history_fires_and_clears_and_is_no_history_afterwards() -> None:
    events = (
        QUIET
        + every(MINUTE, 7 * DAY, 7 * DAY + 3 * HOUR)
        + every(10 * MINUTE, 7 * DAY + 3 * HOUR, 9 * DAY)
    )
    said = run(spike(), events)[K]
    ((start, end),) = episodes(said)
    assert 7 * DAY < start < 7 * DAY + HOUR
    assert end is not None
    assert 7 * DAY + 3 * HOUR < end < 7 * DAY + 4 * HOUR + 10 * MINUTE
    assert said[0].value >= 12
    assert said[0].threshold == pytest.approx(12.0, abs=1.0)
    assert said[0].detail == {"expected": "6"}
    assert said[0].since == start - HOUR
    again = run(spike(), events + every(MINUTE, 9 * DAY, 9 * DAY + HOUR))[K]
    assert len(episodes(again)) == 2


def test_the_effect_must_be_large_enough_to_matter() -> None:
    busy = every(MINUTE // 2, 0, 4 * DAY)
    half_more = every(20_000, 4 * DAY, 5 * DAY)
    assert run(spike(reference=4 * DAY), busy + half_more)[K] == []
    assert run(spike(reference=4 * DAY, ratio=1.2), busy + half_more)[K] != []


def test_chance_is_quiet_where_a_quotient_would_fire() -> None:
    rng = Random(1)
    events = [
        Seen(at, {}) for at in range(0, 21 * DAY, 10 * MINUTE) if rng.random() < 0.2
    ]  # 1.2 an hour: 3 is no news
    assert run(spike(min_count=1), events)[K] == []


def test_a_rhythm_is_expected() -> None:
    def daily(days: range, night: int = 0) -> list[Seen]:
        return [
            e
            for d in days
            for e in every(MINUTE, d * DAY + 9 * HOUR, d * DAY + 17 * HOUR)
            + every(2 * HOUR, d * DAY, d * DAY + 9 * HOUR)
        ]

    assert run(spike(), daily(range(14)))[K] == []
    night = every(MINUTE, 14 * DAY + 2 * HOUR, 14 * DAY + 3 * HOUR)
    (episode,) = episodes(run(spike(), daily(range(14)) + night)[K])
    assert 14 * DAY + 2 * HOUR < episode[0] < 14 * DAY + 3 * HOUR


def test_the_hour_of_the_week_counts_once_three_are_known() -> None:
    def mondays(weeks: int) -> list[Seen]:
        out = []
        for day in range(weeks * 7):
            out += every(2 * MINUTE if day % 7 == 0 else 30 * MINUTE, day * DAY, (day + 1) * DAY)
        return out

    detector = spike(reference=28 * DAY)
    said = run(detector, mondays(5))[K]
    assert all(reading.at < 22 * DAY for reading in said)


def test_a_history_of_nothing_is_a_history() -> None:
    others = every(10 * MINUTE, 0, 3 * DAY, "other")
    found = run(spike(), others + every(MINUTE, 3 * DAY, 3 * DAY + HOUR, "new"))
    assert found[("other",)] == []
    assert episodes(found[("new",)])[0][0] <= 3 * DAY + 20 * MINUTE
    first = run(spike(), every(MINUTE, 0, HOUR, "new"))
    assert first[("new",)] == []  # nothing is known at all


def test_clumped_traffic_must_rise_by_more() -> None:
    rng = Random(2)
    clumped = [
        Seen(at + n * 1_000, {})
        for at in range(0, 14 * DAY, 10 * MINUTE)
        if rng.random() < 0.1
        for n in range(10)
    ]
    assert run(spike(ratio=1.5), clumped)[K] == []


def test_short_references_compare_with_the_windows_just_before() -> None:
    detector = spike(within=5 * MINUTE, reference=HOUR)
    assert detector.stride == 5 * MINUTE
    said = run(
        detector, every(MINUTE, 0, 2 * HOUR) + every(5_000, 2 * HOUR, 2 * HOUR + 10 * MINUTE)
    )[K]
    assert episodes(said)[0][0] < 2 * HOUR + 5 * MINUTE
    assert spike(within=7 * DAY, reference=28 * DAY).stride == 7 * DAY
    assert spike(within=7 * DAY, reference=28 * DAY).width == 2 * HOUR


def test_sampled_events_count_what_they_stand_for_and_prove_one_each() -> None:
    one = run(spike(), QUIET + every(10 * MINUTE, 7 * DAY, 7 * DAY + MINUTE, weight=100))[K]
    assert one == []
    assert run(spike(), QUIET + every(MINUTE, 7 * DAY, 7 * DAY + HOUR, weight=3))[K] != []


def test_the_budget_is_shared_by_the_keys_that_are_alive() -> None:
    keys = Keys()
    assert keys.alive(0) == 1
    keys.weeks = {0: 3, 1: 9}
    assert keys.alive(0) == 4
    assert keys.alive(8 * DAY) == 16
    assert keys.alive(15 * DAY) == 16
    assert keys.alive(22 * DAY) == 1
    detector = spike()
    pool = detector.pool()
    for week in range(9):
        state = detector.start((str(week),), 0)
        detector.observe(state, pool, Observation(week * 7 * DAY, week * 7 * DAY, "e", 1, {}))
    assert len(pool.weeks) == 3


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_neither_order_within_the_lateness_nor_a_restart_changes_what_is_said(
    seed: int, restart: bool
) -> None:
    rng = Random(seed)
    events = every(HOUR // 2, 0, 4 * DAY) + [
        Seen(4 * DAY + rng.randrange(2 * HOUR), {}) for _ in range(60)
    ]
    events.sort(key=lambda e: e.at)
    expected = run(spike(), events, until=5 * DAY)
    assert expected[K]
    assert (
        run(spike(), shuffled(events, rng), restart=restart, lazy=seed % 2 == 0, until=5 * DAY)
        == expected
    )


def test_an_event_later_than_the_lateness_counts_in_the_windows_to_come() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    for seen in QUIET:
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, {}))
        detector.advance(state, pool, seen.at)
    detector.advance(state, pool, 7 * DAY + 10 * MINUTE)
    for _ in range(30):
        detector.observe(state, pool, Observation(7 * DAY, 7 * DAY + 10 * MINUTE, "late", 1, {}))
    assert not detector.advance(state, pool, 7 * DAY + 11 * MINUTE)
    detector.observe(
        state, pool, Observation(7 * DAY + 11 * MINUTE, 7 * DAY + 11 * MINUTE, "e", 1, {})
    )
    assert detector.advance(state, pool, 7 * DAY + 15 * MINUTE)[0].active


def test_the_rest_of_the_contract() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    assert detector.hold == HOUR
    assert not detector.observe_pool(pool, Observation(0, 0, "e", 1, {}))
    assert detector.deadline(state, pool) is None
    assert detector.advance(state, pool, -2 * HOUR) == ()
    detector.observe(state, pool, Observation(0, 0, "e", 1, {}))
    assert detector.deadline(state, pool) is None  # fewer than min_count
    detector.observe(state, pool, Observation(0, 0, "e", 9, {}))
    assert detector.deadline(state, pool) == 5 * MINUTE
    assert not detector.forgettable(state, 14 * DAY)
    assert detector.forgettable(state, 15 * DAY)
    assert detector.load_pool(detector.dump_pool(Keys())).since is None
    pool.since = 5 * HOUR
    detector.observe(state, pool, Observation(4 * HOUR, 5 * HOUR, "e", 1, {}))
    assert pool.since == 4 * HOUR


def test_what_it_has_learned_can_be_seen() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    assert detector.learned(state, pool, HOUR) is None
    for seen in QUIET:
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, {}))
    assert detector.learned(state, pool, 7 * DAY) == {
        "expected": 6.0,
        "windows": 6.0,
        "dispersion": 1.0,
        "since": "1970-01-01T00:00:00.000Z",
    }
    young = detector.learning(state, pool, HOUR)
    assert young == {
        "learning_since": "1970-01-01T00:00:00.000Z",
        "learning_until": "1970-01-04T01:00:00.000Z",
    }
    pool.watches = [3 * DAY]
    told = detector.learned(state, pool, 7 * DAY)
    assert told is not None
    assert (told["learning"], told["learning_since"]) == (True, "1970-01-05T00:00:00.000Z")
    assert told["learning_until"] == "1970-01-12T01:00:00.000Z"
    later = detector.learned(state, pool, 12 * DAY)
    assert later is not None
    assert ("learning" in later, later["since"]) == (False, "1970-01-05T00:00:00.000Z")


DEPLOY = {"type": "deploy.change"}


def deployed(at: int) -> Seen:
    return Seen(at, DEPLOY, K)


def test_in_the_watch_after_a_deploy_less_is_enough() -> None:
    """Nineteen where six are usual: a chance of 9e-5, between what a look may have (2e-5) and 14 times that."""
    more = every(280_000, 8 * DAY, 8 * DAY + HOUR)
    events = every(10 * MINUTE, 0, 9 * DAY)
    quiet, watched = spike(budget=0.01), [deployed(8 * DAY - HOUR)]
    assert run(quiet, sorted(events + more, key=lambda e: e.at))[K] == []
    assert run(quiet, sorted(events + more + watched, key=lambda e: e.at))[K] != []
    long_ago = [deployed(6 * DAY)]
    assert run(quiet, sorted(events + more + long_ago, key=lambda e: e.at))[K] == []


def test_after_the_watch_the_windows_before_the_release_are_left_out_when_there_are_seven() -> None:
    """A release doubles the traffic: at first twice that is compared with both levels, after eight days with the new one alone."""
    before, after = every(10 * MINUTE, 0, 14 * DAY), every(5 * MINUTE, 14 * DAY, 24 * DAY)
    events = [*before, deployed(14 * DAY), *after]
    detector = spike(ratio=3.0)
    pool, state = detector.pool(), detector.start(K, 0)
    for one in events:
        seen = Observation(one.at, one.at, "e", 1, one.document)
        if not detector.observe_pool(pool, seen):
            detector.observe(state, pool, seen)

    def expected(at: int) -> float:
        told = detector.learned(state, pool, at)
        assert told is not None
        return float(str(told["expected"]))

    assert expected(21 * DAY) < 11.0
    assert expected(23 * DAY) == pytest.approx(12.0, abs=0.2)
    assert detector.load_pool(detector.dump_pool(pool)).watches == [14 * DAY]


def test_where_the_week_is_known_the_new_level_must_know_it_too() -> None:
    before, after = every(10 * MINUTE, 0, 28 * DAY), every(5 * MINUTE, 28 * DAY, 52 * DAY)
    detector = spike(ratio=3.0, reference=35 * DAY)
    pool, state = detector.pool(), detector.start(K, 0)
    for one in [*before, deployed(28 * DAY), *after]:
        seen = Observation(one.at, one.at, "e", 1, one.document)
        if not detector.observe_pool(pool, seen):
            detector.observe(state, pool, seen)

    def told(at: int) -> Any:
        return detector.learned(state, pool, at)

    assert told(44 * DAY)["expected"] < 11.0
    assert told(44 * DAY)["learning_until"] == "1970-02-20T01:00:00.000Z"
    assert told(50 * DAY + 2 * HOUR)["expected"] == pytest.approx(12.0, abs=0.2)
    assert "learning" not in told(50 * DAY + 2 * HOUR)


def test_a_key_whose_history_was_forgotten_is_not_judged_until_it_has_one() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    detector.observe(state, pool, Observation(0, 0, "e", 1, {}))
    state = detector.unlearned(K, 7 * DAY)
    for seen in every(10 * MINUTE, 7 * DAY, 9 * DAY):
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, {}))
        assert not detector.advance(state, pool, seen.at)
    again = detector.load(detector.dump(state))
    assert (again.since, detector.dump(again)) == (7 * DAY, detector.dump(state))
    assert detector.learned(again, pool, 9 * DAY) is None
    assert detector.learned(again, pool, 11 * DAY) is not None


def test_a_person_who_resolves_its_alert_leaves_it_its_history() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    for seen in QUIET + every(MINUTE, 7 * DAY, 7 * DAY + 2 * HOUR):
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, {}))
        detector.advance(state, pool, seen.at)
    assert state.open
    now = 7 * DAY + 2 * HOUR
    state = detector.settle(state, pool, now)
    assert not state.open
    said: list[Any] = []
    for seen in every(10 * MINUTE, now, 8 * DAY):
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, {}))
        said += detector.advance(state, pool, seen.at)
    assert said == []
    for seen in every(MINUTE, 8 * DAY, 8 * DAY + HOUR):
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, {}))
        said += detector.advance(state, pool, seen.at)
    assert said[0].active
