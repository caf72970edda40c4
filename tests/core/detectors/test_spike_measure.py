"""``spike`` with ``field``: a measure far from its own past, in deviations that are learned."""

from math import cos, pi
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.spike import Keys
from rulesd.core.detectors.spike_measure import SpikeMeasure
from rulesd.model.instant import DAY, HOUR, MINUTE
from rulesd.model.reasons import Reason
from tests.core.detectors.harness import Seen, episodes, run, shuffled
from tests.core.plans import field

K = ("k",)


def spike(**changes: Any) -> SpikeMeasure:
    given_ = {"field": field("x"), "within": HOUR, "reference": 7 * DAY, "budget": 1.0}
    return SpikeMeasure(**{**given_, **changes})


def at(when: int, value: object, weight: int = 1) -> Seen:
    return Seen(when, {"x": value}, K, weight)


def noise(start: int, end: int, level: float = 100.0, seed: int = 1) -> list[Seen]:
    rng = Random(seed)
    return [at(t, level + rng.gauss(0, 10)) for t in range(start, end, 5 * MINUTE)]


def test_another_level_fires_in_either_direction_and_becomes_the_past() -> None:
    for level, threshold_above in ((200.0, True), (20.0, False)):
        events = noise(0, 4 * DAY) + noise(4 * DAY, 12 * DAY, level)
        said = run(spike(), events)[K]
        (start, end), *more = episodes(said)
        assert 4 * DAY < start <= 4 * DAY + HOUR
        assert end is not None
        assert end < 8 * DAY
        assert not more
        first = said[0]
        assert first.threshold is not None
        assert (first.threshold > 100) is threshold_above
        assert (first.value > first.threshold) is threshold_above
        assert first.detail is not None
        assert float(first.detail["expected"]) == pytest.approx(100, abs=4)
        assert (float(first.detail["deviations"]) > 0) is threshold_above


def test_one_direction_only() -> None:
    low = noise(0, 4 * DAY) + noise(4 * DAY, 5 * DAY, 20.0)
    high = noise(0, 4 * DAY) + noise(4 * DAY, 5 * DAY, 200.0)
    assert run(spike(direction="up"), low)[K] == []
    assert run(spike(direction="up"), high)[K] != []
    assert run(spike(direction="down"), high)[K] == []
    assert run(spike(direction="down"), low)[K] != []


def test_chance_alone_is_within_the_budget() -> None:
    pages = sum(len(episodes(run(spike(), noise(0, 28 * DAY, seed=n))[K])) for n in range(6))
    assert pages <= 24 * 1.5


def test_wild_measures_must_jump_further() -> None:
    rng = Random(3)
    wild = [at(t, rng.paretovariate(1.5)) for t in range(0, 28 * DAY, 5 * MINUTE)]
    assert len(episodes(run(spike(budget=0.1), wild)[K])) <= 6
    tame = run(spike(), noise(0, 28 * DAY) + noise(28 * DAY, 29 * DAY, 200.0))[K]
    assert tame


def test_the_first_windows_only_teach_and_a_constant_says_nothing() -> None:
    assert run(spike(), noise(0, 3 * HOUR) + noise(3 * HOUR, 4 * HOUR, 900.0))[K] == []
    assert run(spike(), [at(t, 5) for t in range(0, 2 * DAY, 5 * MINUTE)])[K] == []


def test_the_hour_of_the_week_is_believed_where_there_is_a_rhythm() -> None:
    rng = Random(5)

    def normal(t: int) -> float:
        day, week = cos(2 * pi * t / DAY), cos(2 * pi * t / (7 * DAY))
        return 600.0 - 400.0 * day + 100.0 * week + rng.gauss(0, 10)

    weeks = [at(t, normal(t)) for t in range(0, 35 * DAY, 10 * MINUTE)]
    told = episodes(run(spike(budget=0.1), weeks)[K])
    assert [start for start, _ in told if start > 28 * DAY] == []
    night = 35 * DAY + 2 * HOUR
    odd = [at(t, 600.0) for t in range(night, night + HOUR, 10 * MINUTE)]  # nothing unusual by day
    said = run(spike(budget=0.1), weeks + odd)[K]
    assert said[-1].active
    assert said[-1].detail is not None
    assert float(said[-1].detail["expected"]) < 400


def test_silence_ends_an_alert_and_a_long_one_makes_a_new_key() -> None:
    detector = spike()
    loud = noise(0, 4 * DAY) + noise(4 * DAY, 4 * DAY + 30 * MINUTE, 300.0)
    ((_, end),) = episodes(run(detector, loud, until=6 * DAY)[K])
    assert end == 4 * DAY + 30 * MINUTE + HOUR
    later = 4 * DAY + 4 * 7 * DAY + HOUR
    assert len(episodes(run(detector, [*loud, *noise(later, later + DAY, 900.0)])[K])) == 1
    soon = 4 * DAY + 7 * DAY
    assert len(episodes(run(detector, [*loud, *noise(soon, soon + DAY, 900.0)])[K])) == 2
    pool, state = detector.pool(), detector.start(K, 0)
    detector.observe(state, pool, Observation(0, 0, "e", 1, {"x": 1}))
    detector.advance(state, pool, HOUR)
    assert detector.deadline(state, pool) is None
    assert not detector.forgettable(state, 28 * DAY)
    assert detector.forgettable(state, 28 * DAY + HOUR)


def test_what_a_key_knew_is_forgotten_after_four_references_and_told_once() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    for seen in noise(0, DAY):
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    detector.advance(state, pool, DAY)
    once = detector.load(detector.dump(state))
    forgets = 29 * DAY
    assert detector.deadline(state, pool) == forgets
    detector.advance(state, pool, forgets - 1)
    assert detector.news(state) == ()
    assert not detector.forgettable(state, forgets)  # not before it has said so
    detector.advance(state, pool, forgets)  # woken by its deadline
    late = Observation(forgets, forgets, "e", 1, {"x": 1})
    detector.observe(once, pool, late)  # or found out by its next event
    detector.advance(once, pool, forgets + HOUR)
    for each in (state, once):
        (said,) = detector.news(each)
        assert (said.reason, said.detail[:18]) == (Reason.RELEARN_SILENT, "silent for 28d; it")
        assert detector.news(each) == ()
    assert (state.windows, once.windows) == (0, 1)
    assert detector.deadline(state, pool) is None
    assert detector.forgettable(state, forgets)


def test_what_is_no_number_is_not_counted_and_weights_are() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    for bad in ("x", None, True, [1], 1e301):
        detector.observe(state, pool, Observation(0, 0, "e", 1, {"x": bad}))
    assert detector.deadline(state, pool) is None
    detector.observe(state, pool, Observation(0, 0, "e", 3, {"x": 10}))
    detector.observe(state, pool, Observation(1, 1, "f", 1, {"x": 50}))
    assert detector.deadline(state, pool) == 5 * MINUTE
    assert list(detector.advance(state, pool, 5 * MINUTE)) == []
    assert state.level == 20.0


def test_evidence_later_than_the_lateness_counts_in_the_next_step() -> None:
    detector = spike()
    pool, state = detector.pool(), detector.start(K, 0)
    detector.observe(state, pool, Observation(HOUR, HOUR, "e", 1, {"x": 1}))
    detector.advance(state, pool, 2 * HOUR)
    detector.observe(state, pool, Observation(0, 2 * HOUR, "late", 1, {"x": 1}))
    assert list(state.waiting) == [13]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_neither_order_within_the_lateness_nor_a_restart_changes_what_is_said(
    seed: int, restart: bool
) -> None:
    rng = Random(seed)
    events = noise(0, 2 * DAY, seed=seed) + [
        at(2 * DAY + rng.randrange(2 * HOUR), rng.uniform(150, 300)) for _ in range(60)
    ]
    events.sort(key=lambda e: e.at)
    expected = run(spike(), events, until=3 * DAY)
    assert expected[K]
    mixed = shuffled(events, rng)
    assert run(spike(), mixed, restart=restart, lazy=seed % 2 == 0, until=3 * DAY) == expected


def test_a_restart_keeps_the_weeks() -> None:
    events = noise(0, 16 * DAY)
    assert run(spike(), events, restart=True) == run(spike(), events)


def test_the_budget_is_shared_and_the_rest_of_the_contract() -> None:
    detector = spike()
    pool = detector.pool()
    for week in (0, 1):
        state = detector.start(K, 0)
        seen = Observation(week * 7 * DAY, week * 7 * DAY, "e", 1, {"x": 1})
        detector.observe(state, pool, seen)
    assert isinstance(pool, Keys)
    assert pool.weeks == {0: 1, 1: 1}
    assert detector.load_pool(detector.dump_pool(pool)).weeks == pool.weeks
    assert detector.hold == HOUR
    assert not detector.observe_pool(pool, seen)


def test_what_it_has_learned_can_be_seen() -> None:
    def told(events: list[Seen], when: int) -> Any:
        detector = spike()
        pool, state = detector.pool(), detector.start(K, 0)
        for n, seen in enumerate(events):
            one = Observation(seen.at, seen.at, f"e{n}", 1, seen.document)
            detector.observe(state, pool, one)
            detector.advance(state, pool, seen.at)
        return detector.learned(state, pool, when)

    assert told(noise(0, HOUR), HOUR) is None
    flat = told(noise(0, 4 * DAY), 4 * DAY)
    assert flat["by"] == "all hours"
    assert flat["expected"] == pytest.approx(100, abs=3)
    assert 1 < flat["deviation"] < 10
    daily = [at(t, 500 + 400 * cos(2 * pi * t / DAY)) for t in range(0, 28 * DAY, 10 * MINUTE)]
    noon, night = told(daily, 28 * DAY + 12 * HOUR), told(daily, 28 * DAY)
    assert noon["by"] == night["by"] == "hour of the week"
    assert noon["expected"] < 150
    assert night["expected"] > 850


DEPLOY = {"type": "deploy.change"}


def taught(events: list[Seen], reference: int = 28 * DAY) -> tuple[SpikeMeasure, Any, Any]:
    detector = spike(reference=reference)
    pool, state = detector.pool(), detector.start(K, 0)
    for n, seen in enumerate(events):
        one = Observation(seen.at, seen.at, f"e{n}", 1, seen.document)
        if not detector.observe_pool(pool, one):
            detector.observe(state, pool, one)
            detector.advance(state, pool, seen.at)
    return detector, state, pool


def test_in_the_watch_after_a_deploy_less_is_enough() -> None:
    def fires(*deploys: int) -> bool:
        more = noise(6 * DAY, 6 * DAY + 2 * HOUR, 110.0, 2)
        events = [*noise(0, 6 * DAY), *(Seen(d, DEPLOY, K) for d in deploys), *more]
        said = run(spike(), sorted(events, key=lambda e: e.at))[K]
        return any(reading.active and reading.at > 6 * DAY for reading in said)

    assert not fires()
    assert fires(6 * DAY - HOUR)
    assert not fires(4 * DAY)


def test_after_the_watch_the_level_before_is_worth_fifty_windows() -> None:
    def level(*deploys: int) -> float:
        events = [*noise(0, 10 * DAY), *(Seen(d, DEPLOY, K) for d in deploys)]
        events += noise(10 * DAY, 12 * DAY, 110.0, 2)
        detector, state, pool = taught(sorted(events, key=lambda e: e.at))
        again = detector.load(detector.dump(state))
        assert detector.dump(again) == detector.dump(state)
        told = detector.learned(again, pool, 12 * DAY)
        assert told is not None
        return float(str(told["expected"]))

    assert level() < 105
    assert level(10 * DAY) > 107
    assert level(11 * DAY + HOUR) < 105  # That watch is not over yet.


def test_what_an_older_version_wrote_has_seen_no_watch() -> None:
    detector, state, _ = taught(noise(0, DAY))
    numbers, *rest = detector.dump(state)  # type: ignore[misc]
    assert isinstance(numbers, list)
    assert detector.load([numbers[:6], *rest]).era == 0


def steady(level: float) -> list[Seen]:
    """Four weeks of noise, a day of one value, and noise again."""
    day = [at(t, level) for t in range(28 * DAY, 29 * DAY, 5 * MINUTE)]
    return noise(0, 28 * DAY) + day + noise(29 * DAY, 29 * DAY + 6 * HOUR, seed=3)


def after_noise(level: float, **changes: Any) -> list[Any]:
    return [r for r in run(spike(**changes), steady(level))[K] if r.at > 28 * DAY]


def test_a_little_that_lasts_fires_though_no_window_alone_would() -> None:
    first, *_, last = after_noise(107.0)
    assert first.active
    assert 28 * DAY + 3 * HOUR < first.at < 29 * DAY
    assert first.detail["windows"] == "12"
    assert first.value > first.threshold > 100
    assert not last.active
    assert last.at <= 29 * DAY + HOUR
    low, *_ = after_noise(93.0)
    assert low.value < low.threshold < 100
    assert low.detail["windows"] == "12"
    assert float(low.detail["deviations"]) < 0


def test_what_lasts_in_the_other_direction_is_not_told() -> None:
    assert after_noise(107.0, direction="up") != []
    assert after_noise(107.0, direction="down") == []
