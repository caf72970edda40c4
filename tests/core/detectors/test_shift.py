"""``shift``: what it learns, what it says when, and that the order of arrival has no say in it."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.shift import Shift
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND
from rulesd.model.reasons import Reason
from tests.core.detectors.harness import LATENESS, Seen, episodes, run, shuffled

HIT, MISS = {"type": "x", "hit": True}, {"type": "x", "hit": False}
DEPLOY = {"type": "deploy.change"}
RELEARN_SILENT = Reason.RELEARN_SILENT


def shift(**changes: Any) -> Shift:
    given_: dict[str, Any] = {
        "numerator": lambda d: d["hit"],
        "baseline": DAY,
        "ratio": 2.0,
        "tolerance": 0.15,
        "direction": "up",
        "budget": 0.1,
    }
    return Shift(**{**given_, **changes})


def traffic(
    start: int, end: int, every: int, share: float, seed: int = 0, key: str = "k", weight: int = 1
) -> list[Seen]:
    """Evenly mixed hits and misses; ``seed`` shifts where the hits fall."""
    phase = seed % 7 / 7
    return [
        Seen(
            at,
            HIT if int((n + 1) * share + phase) > int(n * share + phase) else MISS,
            (key,),
            weight,
        )
        for n, at in enumerate(range(start, end, every))
    ]


BEFORE = traffic(0, DAY, MINUTE, 0.05)


def test_a_share_that_stays_is_quiet_and_one_that_rises_fires_until_it_is_back() -> None:
    risen = traffic(2 * DAY, 2 * DAY + 6 * HOUR, MINUTE, 0.3, 1)
    said = run(
        shift(),
        BEFORE
        + traffic(DAY, 2 * DAY, MINUTE, 0.05, 2)
        + risen
        + traffic(2 * DAY + 6 * HOUR, 3 * DAY, MINUTE, 0.05, 3),
    )
    ((start, end),) = episodes(said[("k",)])
    assert 2 * DAY < start < 2 * DAY + HOUR
    assert end is not None
    assert 2 * DAY + 6 * HOUR < end < 2 * DAY + 9 * HOUR
    first = said[("k",)][0]
    assert first.active
    assert first.value > 0.15
    assert first.threshold == pytest.approx(0.09, abs=0.02)
    assert first.since is not None
    assert abs(first.since - 2 * DAY) < HOUR
    assert first.detail == {"baseline": first.detail["baseline"], "direction": "up"}  # type: ignore[index]
    assert float(first.detail["baseline"]) == pytest.approx(0.05, abs=0.01)  # type: ignore[index]


def test_direction_says_which_changes_count() -> None:
    fallen = traffic(0, DAY, MINUTE, 0.5) + traffic(DAY, 2 * DAY, MINUTE, 0.05, 1)
    assert run(shift(direction="up"), fallen)[("k",)] == []
    for direction in ("down", "both"):
        first = run(shift(direction=direction), fallen)[("k",)][0]
        assert first.active
        assert first.detail["direction"] == "down"  # type: ignore[index]
        assert first.at < DAY + HOUR
        assert first.threshold == pytest.approx(1 / 3, abs=0.03)


def test_three_times_the_traffic_in_the_same_share_is_quiet() -> None:
    assert (
        run(shift(direction="both"), BEFORE + traffic(DAY, 2 * DAY, 20 * SECOND, 0.05, 5))[("k",)]
        == []
    )


def test_a_change_within_the_tolerance_is_quiet() -> None:
    long = [e for day in range(7) for e in traffic(day * DAY, (day + 1) * DAY, MINUTE, 0.2, day)]
    after = traffic(7 * DAY, 14 * DAY, MINUTE, 0.25, 9)
    assert run(shift(baseline=7 * DAY, tolerance=0.5, budget=0.01), long + after)[("k",)] == []
    assert run(shift(baseline=7 * DAY, tolerance=0.0, ratio=1.2), long + after)[("k",)] != []


def test_nothing_is_judged_while_learning() -> None:
    assert (
        run(shift(), traffic(0, DAY // 2, MINUTE, 0.05) + traffic(DAY // 2, DAY, MINUTE, 0.9, 1))[
            ("k",)
        ]
        == []
    )


def test_a_segment_never_seen_before_is_judged_by_the_level_of_the_others() -> None:
    others = [e for n in range(6) for e in traffic(n, DAY, 5 * MINUTE, 0.05, n, f"t{n}")]
    bad = traffic(DAY + HOUR, DAY + 3 * HOUR, 2 * MINUTE, 0.6, 20, "new")
    good = traffic(DAY + HOUR, DAY + 20 * HOUR, 2 * MINUTE, 0.05, 21, "new")
    assert episodes(run(shift(), others + bad)[("new",)])[0][0] < DAY + 2 * HOUR
    assert run(shift(), others + good)[("new",)] == []


def test_a_segment_learns_its_own_level() -> None:
    others = [e for n in range(6) for e in traffic(n, DAY, 5 * MINUTE, 0.2, n, f"t{n}")]
    own = traffic(DAY + HOUR, 4 * DAY, 2 * MINUTE, 0.3, 21, "new")
    detector = shift(ratio=4.0)
    pool = detector.pool()
    state = detector.start(("new",), DAY + HOUR)
    for seen in [*others, *own]:
        some = state if seen.key == ("new",) else detector.start(seen.key, seen.at)
        detector.advance(some, pool, seen.at)
        detector.observe(some, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    assert not state.learning
    assert state.level == pytest.approx(-0.85, abs=0.15)


def test_nothing_is_learned_while_the_alert_is_open() -> None:
    detector = shift()
    pool, state = detector.pool(), detector.start(("k",), 0)
    for seen in BEFORE + traffic(DAY, 3 * DAY, MINUTE, 0.4, 3):
        detector.advance(state, pool, seen.at)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    assert state.open == "up"
    assert state.level == pytest.approx(-2.94, abs=0.3)


def test_an_alert_in_the_first_learning_of_a_segment_makes_it_learn_afresh() -> None:
    others = [e for n in range(6) for e in traffic(n, DAY, 5 * MINUTE, 0.05, n, f"t{n}")]
    bad = traffic(DAY + HOUR, DAY + 3 * HOUR, MINUTE, 0.6, 20, "new")
    back = traffic(DAY + 3 * HOUR, 3 * DAY, MINUTE, 0.05, 21, "new")
    detector = shift()
    said = run(detector, others + bad + back)[("new",)]
    assert len(episodes(said)) == 1
    assert not said[-1].active


def test_an_alert_ends_when_its_segment_falls_silent() -> None:
    said = run(shift(), BEFORE + traffic(DAY, DAY + 2 * HOUR, MINUTE, 0.5, 1), until=5 * DAY)[
        ("k",)
    ]
    ((_, end),) = episodes(said)
    assert end == 2 * DAY + 2 * HOUR - 45 * SECOND  # a day after the last slot
    again = run(
        shift(),
        BEFORE
        + traffic(DAY, DAY + 2 * HOUR, MINUTE, 0.5, 1)
        + traffic(4 * DAY, 4 * DAY + HOUR, MINUTE, 0.05, 2),
    )
    assert (
        episodes(again[("k",)])[0][1] == 2 * DAY + 2 * HOUR - 45 * SECOND
    )  # a day after the last slot


def test_an_alert_ends_with_a_baseline_that_is_forgotten_within_the_day() -> None:
    learned = traffic(0, 2 * HOUR, 10 * SECOND, 0.05)
    bad = traffic(2 * HOUR, 4 * HOUR, 10 * SECOND, 0.5, 1)
    later = traffic(DAY, DAY + HOUR, MINUTE, 0.05, 2)
    for events in (learned + bad, learned + bad + later):
        said = run(shift(baseline=HOUR), events, lazy=True, until=3 * DAY)[("k",)]
        assert [end for _, end in episodes(said)] == [8 * HOUR]  # four baselines after the last


def test_a_segment_silent_for_four_baselines_starts_afresh() -> None:
    detector = shift()
    pool, state = detector.pool(), detector.start(("k",), 0)
    for seen in BEFORE + traffic(DAY, DAY + HOUR, MINUTE, 0.05, 1):
        detector.advance(state, pool, seen.at)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    assert not detector.forgettable(state, 9 * DAY)  # a slot is unread
    detector.advance(state, pool, 2 * DAY)
    assert state.sides
    assert not detector.forgettable(state, 5 * DAY + 2 * HOUR)
    # What it was it forgets aloud, at a time of its own; then nobody misses it.
    forgets = detector.deadline(state, pool)
    assert forgets == state.last + 4 * DAY
    assert detector.news(state) == ()
    assert detector.advance(state, pool, forgets) == ()
    (news,) = detector.news(state)
    assert (news.reason, news.detail) == (RELEARN_SILENT, "silent for 4 days; it was 5%")
    assert detector.news(state) == ()
    assert detector.deadline(state, pool) is None
    assert not detector.forgettable(state, 5 * DAY)
    assert detector.forgettable(state, 5 * DAY + 2 * HOUR)
    detector.observe(state, pool, Observation(8 * DAY, 8 * DAY, "e", 1, MISS))
    detector.advance(state, pool, 8 * DAY + HOUR)
    assert (state.learn_from, state.trials) == (8 * DAY, 1)
    assert detector.news(state) == ()


def test_a_level_that_replaces_another_is_told_and_a_first_one_is_not() -> None:
    detector = shift(ratio=8.0)
    pool, state, young = detector.pool(), detector.start(("k",), 0), detector.start(("y",), DAY)
    events = [
        *BEFORE,
        *traffic(DAY, 2 * DAY, MINUTE, 0.05, 6),
        Seen(2 * DAY, DEPLOY),
        *traffic(2 * DAY, 5 * DAY, MINUTE, 0.08, 2),
    ]
    said: list[str] = []
    for seen in events:
        one = Observation(seen.at, seen.at, "e", 1, seen.document)
        if not detector.observe_pool(pool, one):
            detector.advance(state, pool, seen.at)
            detector.observe(state, pool, one)
            said += [f"{news.reason}: {news.detail}" for news in detector.news(state)]
            if DAY <= seen.at < 2 * DAY + HOUR:
                detector.advance(young, pool, seen.at)
                detector.observe(young, pool, one)
    assert said == ["baseline_replaced: 5% before, 7.84% from now on"]
    assert young.known is not None
    assert young.known[1] > 0
    assert detector.news(young) == ()


def test_a_deploy_opens_a_watch_with_a_tighter_threshold_and_is_learned_from_after_it() -> None:
    mild = traffic(DAY, 2 * DAY, MINUTE, 0.13, 4)
    plain = episodes(run(shift(), BEFORE + mild)[("k",)])[0][0]
    watched = episodes(run(shift(), [*BEFORE, Seen(DAY - MINUTE, DEPLOY), *mild])[("k",)])[0][0]
    assert watched < plain
    detector = shift(ratio=8.0)
    pool, state = detector.pool(), detector.start(("k",), 0)
    events = [
        *BEFORE,
        *traffic(DAY, 2 * DAY, MINUTE, 0.05, 6),
        Seen(2 * DAY, DEPLOY),
        *traffic(2 * DAY, 5 * DAY, MINUTE, 0.1, 7),
    ]
    levels = []
    for seen in events:
        observation = Observation(seen.at, seen.at, "e", 1, seen.document)
        if not detector.observe_pool(pool, observation):
            detector.advance(state, pool, seen.at)
            detector.observe(state, pool, observation)
            levels.append((seen.at, state.level))
    at_watch_end = dict(levels)[3 * DAY]
    assert at_watch_end == pytest.approx(-2.94, abs=0.3)
    assert dict(levels)[4 * DAY - HOUR] == at_watch_end
    assert levels[-1][1] == pytest.approx(-2.2, abs=0.3)


def test_a_release_is_a_head_start_that_its_stages_share() -> None:
    quiet = [*BEFORE, *traffic(DAY, 3 * DAY, MINUTE, 0.05, 2)]

    def evidence(*deploys: int) -> float:
        """What the evidence is worth a minute after the last deploy."""
        detector = shift()
        pool, state = detector.pool(), detector.start(("k",), 0)
        for seen in sorted([*quiet, *(Seen(at, DEPLOY) for at in deploys)], key=lambda e: e.at):
            observation = Observation(seen.at, seen.at, "e", 1, seen.document)
            if not detector.observe_pool(pool, observation):
                detector.advance(state, pool, seen.at)
                detector.observe(state, pool, observation)
            if seen.at >= 2 * DAY + 2 * HOUR:
                break
        return float(state.sides["up"].evidence.total)

    none, one = evidence(), evidence(2 * DAY + HOUR)
    staged = evidence(2 * DAY + HOUR, 2 * DAY + HOUR + 30 * MINUTE)
    apart = evidence(2 * DAY, 2 * DAY + HOUR)
    assert none < one / 3
    assert staged == one
    assert apart > 1.2 * one


def test_a_thousand_segments_share_the_budget_of_one() -> None:
    rng = Random(5)
    events = [
        Seen(n * 200, HIT if rng.random() < 0.1 else MISS, (f"t{n % 1000}",)) for n in range(40_000)
    ]  # 40 events each
    fired = sum(
        len(episodes(said)) for said in run(shift(budget=1.0, baseline=HOUR), events).values()
    )
    assert fired <= 1


def test_sampled_events_weigh_what_they_stand_for() -> None:
    def weighted(weight: int) -> list[Seen]:
        return traffic(0, DAY, MINUTE, 0.05, weight=weight) + traffic(
            DAY, DAY + 6 * HOUR, MINUTE, 0.4, 1, weight=weight
        )

    assert episodes(run(shift(), weighted(1))[("k",)]) == episodes(
        run(shift(), weighted(100))[("k",)]
    )
    # Misses sampled one in ten: the weighted share is still 5 %, and one kept hit is no alarm.
    rng = Random(3)
    mixed = []
    for at in range(0, 3 * DAY, MINUTE):
        if rng.random() < 0.05:
            mixed.append(Seen(at, HIT))
        elif rng.random() < 0.1:
            mixed.append(Seen(at, MISS, weight=10))
    assert run(shift(), mixed)[("k",)] == []


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_neither_order_within_the_lateness_nor_a_restart_changes_what_is_said(
    seed: int, restart: bool, deploy: bool
) -> None:
    rng = Random(seed)
    events = traffic(0, DAY, 20 * MINUTE, 0.1, seed) + traffic(
        60_000, DAY, 10 * MINUTE, 0.1, seed + 1, "l"
    )
    events += traffic(DAY, DAY + 3 * HOUR, MINUTE, 0.6, seed + 2) + traffic(
        DAY + 3 * HOUR, DAY + 9 * HOUR, 2 * MINUTE, 0.1, seed + 3
    )
    events += [Seen(DAY + HOUR, DEPLOY)] if deploy else []
    events.sort(key=lambda e: e.at)
    expected = run(shift(direction="both"), events, until=3 * DAY)
    assert episodes(expected[("k",)])
    found = run(
        shift(direction="both"),
        shuffled(events, rng),
        lazy=seed % 2 == 0,
        restart=restart,
        until=3 * DAY,
    )
    assert found == expected


def test_slots_read_at_once_say_what_they_say_one_by_one() -> None:
    rng, fired, both = Random(9), 0, set[str]()
    for _ in range(3):
        events = [*BEFORE, *traffic(0, DAY, 5 * MINUTE, 0.2, 3, "l")]
        at = DAY
        while at < 5 * DAY:
            share = rng.choice((0.0, 0.05, 0.05, 0.05, 0.6))
            key = rng.choice(("k", "l", "new"))
            events += traffic(at, at + 3 * HOUR, MINUTE, share, rng.randrange(7), key)
            at += rng.choice((HOUR, 3 * HOUR))
            if rng.random() < 0.1:
                events.append(Seen(at, DEPLOY))
        events.sort(key=lambda e: e.at)
        detector = shift(direction="both", budget=rng.choice((1.0, 20.0)), tolerance=0.0)
        one_by_one = run(detector, events, until=7 * DAY)
        assert run(detector, events, until=7 * DAY, every=rng.choice((7, 60, 400))) == one_by_one
        fired += sum(len(episodes(said)) for said in one_by_one.values())
        both |= {r.detail["direction"] for said in one_by_one.values() for r in said if r.detail}
    assert fired > 3  # otherwise nothing was tried
    assert both == {"up", "down"}


def told(detector: Shift, events: list[Seen], *, lazy: bool) -> list[tuple[int, Any]]:
    """(when it was told, what) of every reading; lazy: only asked when it said it had something to say."""
    pool, said = detector.pool(), []
    states: dict[tuple[str, ...], Any] = {}
    due: dict[tuple[str, ...], int | None] = {}
    for at, document, key, weight in events:
        seen = Observation(at, at, "e", weight, document)
        if detector.observe_pool(pool, seen):
            due = {key: detector.deadline(state, pool) for key, state in states.items()}
            continue
        if key not in states:
            states[key], due[key] = detector.start(key, at), at
        wakes = due[key]
        if not lazy or (wakes is not None and wakes <= at - LATENESS):
            said += [
                (at, reading) for reading in detector.advance(states[key], pool, at - LATENESS)
            ]
        detector.observe(states[key], pool, seen)
        due[key] = detector.deadline(states[key], pool)
    return said


def test_nothing_is_told_later_than_by_one_who_always_looks() -> None:
    rng, fired = Random(2), 0
    for _ in range(20):
        every = rng.choice((20 * SECOND, MINUTE, 7 * MINUTE))
        share = rng.choice((0.1, 0.5, 0.9))
        events = traffic(0, DAY, MINUTE, share) + traffic(7, DAY, 5 * MINUTE, 0.3, 1, "l")
        for _ in range(3):
            start = events[-1].at + rng.choice((MINUTE, 2 * DAY, 4 * DAY))
            other = rng.choice((share, 0.02, 0.3, 0.98))
            events += traffic(start, start + 60 * every, every, other, rng.randrange(7))
            events += [Seen(start + rng.randrange(60 * every), DEPLOY)] * rng.randrange(2)
        events.sort(key=lambda e: e.at)
        budget = rng.choice((0.1, 5.0, 50.0))
        detector = shift(direction="both", tolerance=0.0, ratio=1.5, budget=budget)
        always = told(detector, events, lazy=False)
        assert told(detector, events, lazy=True) == always
        fired += bool(always)
    assert fired > 12  # otherwise nothing was tried


def test_evidence_later_than_the_lateness_still_counts() -> None:
    detector = shift()
    pool, state = detector.pool(), detector.start(("k",), 0)
    said = []
    for seen in BEFORE:
        detector.advance(state, pool, seen.at - LATENESS)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    for n in range(30):  # all of them an hour late
        now = DAY + 2 * HOUR + n * MINUTE
        said += detector.advance(state, pool, now - LATENESS)
        detector.observe(state, pool, Observation(now - HOUR, now, "e", 1, HIT))
    assert any(r.active for r in said)


def test_it_sleeps_until_there_may_be_something_to_say() -> None:
    detector = shift()
    pool, state = detector.pool(), detector.start(("k",), 0)
    assert detector.deadline(state, pool) is None
    for seen in BEFORE:
        detector.advance(state, pool, seen.at)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
        assert (
            detector.deadline(state, pool) == seen.at + 15 * SECOND + HOUR
        )  # learning: nothing to say
    detector.observe(state, pool, Observation(DAY + HOUR, DAY + HOUR, "e", 1, MISS))
    detector.advance(state, pool, DAY + 2 * HOUR)
    at = DAY + 2 * HOUR
    detector.observe(state, pool, Observation(at, at, "e", 1, MISS))
    assert (
        detector.deadline(state, pool) == at + 15 * SECOND + HOUR
    )  # one miss is no evidence for a rise
    detector.observe(state, pool, Observation(at, at, "e", 50, HIT))
    assert detector.deadline(state, pool) == at + 15 * SECOND


def test_a_key_first_judged_wakes_for_its_first_slot() -> None:
    detector = shift()
    pool, state = detector.pool(), detector.start(("k",), 0)
    detector.observe(state, pool, Observation(0, 0, "e", 1, MISS))
    new = detector.start(("new",), 2 * DAY)
    detector.observe(new, pool, Observation(2 * DAY, 2 * DAY, "e", 1, MISS))
    assert detector.deadline(new, pool) == 2 * DAY + 15 * SECOND


def fed(detector: Shift, events: list[Seen], key: tuple[str, ...] = ("k",)) -> tuple[Any, Any]:
    """(state of ``key``, pool) after the events."""
    pool = detector.pool()
    states: dict[tuple[str, ...], Any] = {}
    for seen in events:
        observation = Observation(seen.at, seen.at, "e", 1, seen.document)
        if not detector.observe_pool(pool, observation):
            state = states.setdefault(seen.key, detector.start(seen.key, seen.at))
            detector.advance(state, pool, seen.at)
            detector.observe(state, pool, observation)
    return states[key], pool


def test_what_a_segment_is_compared_with_can_be_looked_at() -> None:
    detector = shift(baseline=DAY)
    state, pool = fed(detector, BEFORE[:-60])
    assert detector.learned(state, pool, DAY) is None  # the first learning
    state, pool = fed(detector, BEFORE + traffic(DAY, DAY + HOUR, MINUTE, 0.05, 1))
    before = (detector.dump(state), detector.dump_pool(pool))
    told = detector.learned(state, pool, DAY + HOUR)
    assert (detector.dump(state), detector.dump_pool(pool)) == before
    assert told is not None
    assert told["share"] == pytest.approx(0.05, abs=0.01)
    low, high = told["low"], told["high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert 0.03 < low < 0.05 < high < 0.07
    assert told["events"] in (1_440, 1_441)
    assert told["since"] == "1970-01-02T00:00:15.000Z"
    assert told["learning"] is False
    assert set(told) == {"share", "low", "high", "events", "since", "learning"}
    again = detector.load(detector.dump(state))
    assert detector.learned(again, pool, DAY + HOUR) == told
    again.known = None  # as an older version left it
    assert detector.learned(again, pool, DAY) == {"share": told["share"], "learning": False}


def test_a_segment_that_learns_says_until_when() -> None:
    others = [e for n in range(6) for e in traffic(n, DAY, 5 * MINUTE, 0.05, n, f"t{n}")]
    new = traffic(DAY + HOUR, DAY + 3 * HOUR, MINUTE, 0.05, 21, "new")
    detector = shift()
    told = detector.learned(*fed(detector, others + new, ("new",)), DAY + 3 * HOUR)
    assert told is not None
    assert told["events"] == 0  # it leans on the others
    assert (told["learning"], told["learning_since"], told["learning_until"]) == (
        True,
        "1970-01-02T01:00:00.000Z",
        "1970-01-03T01:00:00.000Z",
    )
    # A release: what was learned stays in force, a day later learning begins anew.
    deploy = [
        *BEFORE,
        *traffic(DAY, 2 * DAY, MINUTE, 0.05, 6),
        Seen(2 * DAY, DEPLOY),
        *traffic(2 * DAY, 4 * DAY + HOUR, MINUTE, 0.05, 7),
    ]
    for until in (2 * DAY + HOUR, 4 * DAY - HOUR):
        told = detector.learned(*fed(detector, [e for e in deploy if e.at < until]), until)
        assert told is not None
        assert (told["since"], told["learning"]) == ("1970-01-02T00:00:15.000Z", True)
        assert str(told["learning_since"])[:15] == "1970-01-04T00:0"
        assert str(told["learning_until"])[:15] == "1970-01-05T00:0"
    told = detector.learned(*fed(detector, deploy), 4 * DAY + HOUR)
    assert told is not None
    assert (str(told["since"])[:15], told["learning"]) == ("1970-01-05T00:0", False)
    # While an alert is open nothing is learned.
    risen = traffic(2 * DAY + MINUTE, 3 * DAY + HOUR, MINUTE, 0.5, 1)
    state, pool = fed(detector, [e for e in deploy if e.at <= 2 * DAY] + risen)
    assert state.open
    assert detector.learned(state, pool, 3 * DAY + HOUR)["learning"] is False  # type: ignore[index]


def test_the_rest_of_the_contract() -> None:
    assert shift().hold == HOUR
    with pytest.raises(ValueError):
        Shift(lambda d: int("x") > 0, DAY, 2.0, 0.1, "up", 0.1).observe(
            shift().start((), 0), shift().pool(), Observation(0, 0, "e", 1, {})
        )


def fed_all(detector: Shift, events: list[Seen]) -> tuple[Any, dict[Any, Any], list[Any]]:
    pool, states, said = detector.pool(), {}, []
    for seen in events:
        one = Observation(seen.at, seen.at, "e", 1, seen.document)
        if detector.observe_pool(pool, one):
            continue
        state = states.setdefault(seen.key, detector.start(seen.key, seen.at))
        said += [(seen.key, reading) for reading in detector.advance(state, pool, seen.at)]
        detector.observe(state, pool, one)
    return pool, states, said


def test_a_pinned_share_is_what_a_segment_is_compared_with_whatever_it_was_or_becomes() -> None:
    detector = shift(shares=((("k",), 0.05),), direction="both")
    high = traffic(0, 2 * DAY, MINUTE, 0.2)
    other = traffic(0, 2 * DAY, MINUTE, 0.2, key="other")
    pool, states, said = fed_all(detector, sorted(high + other, key=lambda e: e.at))
    assert {key for key, _ in said} == {("k",)}  # Its first day teaches it nothing.
    assert DAY < said[0][1].at < DAY + 2 * HOUR
    told = detector.learned(states["k",], pool, 2 * DAY)
    assert told == {"share": 0.05, "pinned": True}
    assert (detector.learned(states["other",], pool, 2 * DAY) or {})["share"] == pytest.approx(0.2, abs=0.02)  # fmt: skip
    again = detector.load(detector.dump(states["k",]))
    assert detector.dump(again) == detector.dump(states["k",])


def test_a_pinned_share_is_never_learned_again_nor_forgotten() -> None:
    detector = shift(shares=(((), 0.05),))
    deploy = [Seen(DAY + HOUR, DEPLOY)]
    quiet = traffic(0, 5 * DAY, MINUTE, 0.05)
    pool, states, said = fed_all(detector, sorted(quiet + deploy, key=lambda e: e.at))
    state = states["k",]
    assert said == []
    assert detector.learned(state, pool, 5 * DAY) == {"share": 0.05, "pinned": True}
    assert detector.advance(state, pool, 20 * DAY) == []
    detector.advance(state, pool, 20 * DAY)
    assert detector.news(state) == ()
    later = traffic(20 * DAY, 21 * DAY, MINUTE, 0.2)
    said = []
    for seen in later:
        said += detector.advance(state, pool, seen.at)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    assert said[0].active
    assert detector.pinned(("any",)) == 0.05
    assert shift(shares=((("", "b"), 0.1),)).pinned(("a", "b")) == 0.1
    assert shift(shares=((("", "b"), 0.1),)).pinned(("a", "c")) is None


def test_the_latest_hits_speak_for_a_rise_and_nothing_for_a_fall() -> None:
    detector = shift()
    state, pool = detector.start(("k",), 0), detector.pool()
    for n, document in enumerate((HIT, MISS, HIT)):
        detector.observe(state, pool, Observation(n, n, f"e{n}", 1, document))
    assert detector.examples(state) == ()
    state.open = "up"
    assert detector.examples(state) == ("e0", "e2")
    assert detector.examples(detector.load(detector.dump(state))) == ("e0", "e2")
    state.open = "down"
    assert detector.examples(state) == ()
