from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.detectors.burn_rate import PAIRS, BurnRate, Pair
from rulesd.core.detectors.protocol import Observation
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND
from tests.core.detectors.harness import Seen, episodes, run, shuffled

GOOD, BAD = {"ok": True}, {"ok": False}


def burn(objective: float = 0.99, **changes: Any) -> BurnRate:
    return BurnRate(good=lambda d: d["ok"] is True, objective=objective, **changes)


def mixed(start: int, end: int, step: int, bad: float, weight: int = 1) -> list[Seen]:
    return [
        Seen(at, BAD if int((n + 1) * bad) > int(n * bad) else GOOD, weight=weight)
        for n, at in enumerate(range(start, end, step))
    ]


def test_a_fast_burn_fires_within_minutes_and_clears_with_the_short_window() -> None:
    events = (
        mixed(0, 6 * HOUR, 10 * SECOND, 0.001)
        + mixed(6 * HOUR, 7 * HOUR, 10 * SECOND, 0.5)
        + mixed(7 * HOUR, 30 * HOUR, 10 * SECOND, 0.001)
    )
    said = run(burn(), events)[("k",)]
    start, end = episodes(said)[0]
    assert 6 * HOUR < start < 6 * HOUR + 20 * MINUTE
    fast = [r for r in said if r.active and r.threshold == 14.4]
    assert fast[0].value >= 14.4
    assert fast[0].since == fast[0].at - HOUR
    assert end is not None
    assert end < 14 * HOUR


def test_a_slow_burn_is_found_by_the_long_windows_only() -> None:
    said = run(
        burn(), mixed(0, 2 * DAY, 20 * SECOND, 0.003) + mixed(2 * DAY, 4 * DAY, 20 * SECOND, 0.03)
    )[("k",)]
    assert said[0].active
    assert said[0].threshold == 1.0
    assert 1.0 <= said[0].value < 6.0


def test_three_failures_in_a_quiet_hour_page_nobody() -> None:
    quiet = [Seen(n * 10 * MINUTE, GOOD) for n in range(6)] + [
        Seen(HOUR + n * SECOND, BAD) for n in range(3)
    ]
    assert run(burn(0.999), quiet)[("k",)] == []
    loud = quiet + [Seen(HOUR + MINUTE + n * SECOND, BAD) for n in range(3)]
    assert run(burn(0.999), loud, until=2 * HOUR)[("k",)][0].active


def test_meeting_the_objective_exactly_is_quiet() -> None:
    rng = Random(1)
    events = [
        Seen(at, BAD if rng.random() < 0.01 else GOOD) for at in range(0, 7 * DAY, 30 * SECOND)
    ]
    assert run(burn(), events)[("k",)] == []


def test_sampled_events_burn_what_they_stand_for_and_prove_one_each() -> None:
    few = [Seen(n * 20 * SECOND, BAD, weight=1000) for n in range(3)]
    assert run(burn(), few)[("k",)] == []
    many = [Seen(n * 20 * SECOND, BAD, weight=1000) for n in range(9)]
    assert run(burn(), many)[("k",)][0].value == 100.0


def test_own_windows() -> None:
    pair = Pair(20 * MINUTE, 2 * MINUTE, 10.0)
    said = run(burn(pairs=(pair,)), mixed(0, HOUR, SECOND, 0.2), until=3 * HOUR)[("k",)]
    assert burn(pairs=(pair,)).hold == 20 * MINUTE
    ((start, end),) = episodes(said)
    assert start < 5 * MINUTE
    assert end is not None
    assert HOUR < end <= HOUR + 3 * MINUTE
    assert [p.panes for p in PAIRS] == [60, 60, 60]
    assert burn().hold == HOUR


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_neither_order_within_the_lateness_nor_a_restart_changes_what_is_said(
    seed: int, restart: bool
) -> None:
    rng = Random(seed)
    events = [
        Seen(at, BAD if rng.random() < (0.3 if HOUR < at < 2 * HOUR else 0.003) else GOOD)
        for at in range(0, 3 * HOUR, 30 * SECOND)
    ]
    expected = run(burn(), events, until=2 * DAY)
    assert expected[("k",)]
    assert (
        run(burn(), shuffled(events, rng), lazy=seed % 2 == 0, restart=restart, until=2 * DAY)
        == expected
    )


def test_one_jump_of_time_says_what_many_small_ones_say() -> None:
    detector = burn()
    one, many = detector.start((), 0), detector.start((), 0)
    for seen in mixed(0, 20 * MINUTE, 10 * SECOND, 0.5):
        for state in (one, many):
            detector.observe(state, None, Observation(seen.at, seen.at, "e", 1, seen.document))
    small = [r for at in range(0, 4 * DAY, 7 * MINUTE) for r in detector.advance(many, None, at)]
    assert list(detector.advance(one, None, 4 * DAY)) == small
    assert not small[-1].active


def test_a_failure_after_its_step_was_judged_counts_in_the_windows_to_come() -> None:
    detector = burn()
    state = detector.start((), 0)
    detector.observe(state, None, Observation(HOUR, HOUR, "e", 1, GOOD))
    assert detector.deadline(state, None) is None
    assert detector.advance(state, None, HOUR + MINUTE) == []
    for n in range(9):
        detector.observe(state, None, Observation(HOUR + n, HOUR + MINUTE, "e", 1, BAD))
    detector.observe(state, None, Observation(HOUR + MINUTE, HOUR + MINUTE, "e", 1, BAD))
    assert detector.deadline(state, None) == HOUR + 2 * MINUTE
    assert detector.advance(state, None, HOUR + 2 * MINUTE)[0].active


def test_the_rest_of_the_contract() -> None:
    detector = burn()
    state = detector.start((), 0)
    assert detector.pool() is None
    assert detector.load_pool(detector.dump_pool(None)) is None
    assert not detector.observe_pool(None, Observation(0, 0, "e", 1, {}))
    detector.observe(state, None, Observation(0, 0, "e", 1, GOOD))
    assert not detector.forgettable(state, 3 * DAY)
    assert detector.forgettable(state, 4 * DAY)


def test_the_latest_failures_speak_for_it() -> None:
    detector = burn()
    state = detector.start(("k",), 0)
    for n, document in enumerate((BAD, BAD, BAD, BAD, GOOD)):
        detector.observe(state, None, Observation(n, n, f"e{n}", 1, document))
    assert detector.examples(state) == ("e1", "e2", "e3")
    assert detector.examples(detector.load(detector.dump(state))) == ("e1", "e2", "e3")
    older = [row[:4] for row in detector.dump(state)]
    assert detector.examples(detector.load(older)) == ()


def test_what_an_alert_that_is_over_was_told_for_is_no_evidence_for_the_next() -> None:
    """The six hours of the second pair remember an outage long after it: one more failure in a quiet half hour would fire."""
    outage = mixed(0, 6 * HOUR, 30 * SECOND, 0.0) + mixed(6 * HOUR, 7 * HOUR, 30 * SECOND, 0.5)
    calm = mixed(7 * HOUR, 12 * HOUR, 2 * MINUTE, 0.0)
    once_more = [Seen(9 * HOUR + n * MINUTE, BAD) for n in range(3)]
    events = sorted(outage + calm + once_more, key=lambda seen: seen.at)
    said = run(burn(pairs=PAIRS[:2]), events, until=14 * HOUR)[("k",)]
    assert len(episodes(said)) == 1
    again = [Seen(9 * HOUR + n * MINUTE, BAD) for n in range(30)]
    events = sorted(outage + calm + again, key=lambda seen: seen.at)
    assert len(episodes(run(burn(pairs=PAIRS[:2]), events, until=14 * HOUR)[("k",)])) == 2, (
        "a new outage is one"
    )
    for every in (1, 7):
        restarted = run(burn(pairs=PAIRS[:2]), events, until=14 * HOUR, restart=True, every=every)[
            ("k",)
        ]
        assert len(episodes(restarted)) == 2
