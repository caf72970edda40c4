"""``rollout``: the e-process promises its false rate under continuous peeking, and finds what a release broke."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.rollout import Rollout
from rulesd.core.detectors.slots import WIDTH
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND
from rulesd.model.reasons import Reason
from tests.core.detectors.harness import LATENESS, Seen, episodes, run

HIT, MISS, DEPLOY = {"hit": True}, {"hit": False}, {"deploy": True}
K = ("k",)


def rollout(**changes: Any) -> Rollout:
    given_: dict[str, Any] = {
        "numerator": lambda d: d["hit"],
        "change": lambda d: "deploy" in d,
        "alpha": 0.01,
        "tolerance": 0.25,
        "watch": DAY,
    }
    return Rollout(**{**given_, **changes})


def traffic(
    start: int, end: int, step: int, share: float, key: tuple[str, ...] = K, weight: int = 1
) -> list[Seen]:
    return [
        Seen(at, HIT if int((n + 1) * share) > int(n * share) else MISS, key, weight)
        for n, at in enumerate(range(start, end, step))
    ]


BEFORE = traffic(0, DAY, MINUTE, 0.05)
RELEASE = [Seen(DAY, DEPLOY)]


def test_a_release_that_breaks_something_fires_until_it_is_repaired_or_its_watch_ends() -> None:
    broken = traffic(DAY, DAY + 6 * HOUR, MINUTE, 0.3)
    said = run(rollout(), BEFORE + RELEASE + broken, until=4 * DAY)[K]
    ((start, end),) = episodes(said)
    assert DAY < start < DAY + HOUR + 30 * MINUTE
    assert end == 2 * DAY
    assert said[0].value > 0.2
    assert said[0].since == DAY
    assert said[0].detail == {"before": said[0].detail["before"], "direction": "up"}  # type: ignore[index]
    repaired = broken + traffic(DAY + 6 * HOUR, 2 * DAY, 10 * SECOND, 0.05)
    assert episodes(run(rollout(), BEFORE + RELEASE + repaired, until=4 * DAY)[K])[0][1] < 2 * DAY  # type: ignore[operator]


def test_a_pause_in_what_is_broken_is_no_all_clear() -> None:
    """Hysteresis: evidence that dips a little below what it takes to fire is evidence still."""
    back = DAY + 2 * HOUR
    broken = traffic(DAY, DAY + 70 * MINUTE, MINUTE, 0.25)
    pause = traffic(DAY + 70 * MINUTE, back, MINUTE, 0.05)
    events = BEFORE + RELEASE + broken + pause + traffic(back, DAY + 14 * HOUR, MINUTE, 0.25)
    ((start, end),) = episodes(run(rollout(), events, until=4 * DAY)[K])
    assert start < DAY + HOUR
    assert end == 2 * DAY


def test_a_gate_that_falls_silent_is_a_change_too() -> None:
    before = traffic(0, DAY, MINUTE, 0.4)
    said = run(rollout(), before + RELEASE + traffic(DAY, DAY + 6 * HOUR, MINUTE, 0.02))[K]
    assert said[0].detail is not None
    assert said[0].detail["direction"] == "down"
    assert said[0].threshold is not None
    assert said[0].value < said[0].threshold


def test_without_a_release_or_within_the_agreed_band_it_is_quiet() -> None:
    after = traffic(DAY, 2 * DAY, MINUTE, 0.3)
    assert run(rollout(), BEFORE + after)[K] == []
    assert (
        run(rollout(tolerance=1.0), BEFORE + RELEASE + traffic(DAY, 2 * DAY, MINUTE, 0.08))[K] == []
    )
    assert run(rollout(), BEFORE + RELEASE + traffic(DAY, 2 * DAY, MINUTE, 0.05))[K] == []


def test_too_little_before_the_release_says_nothing() -> None:
    assert (
        run(
            rollout(),
            [
                *traffic(0, HOUR, MINUTE, 0.05),
                Seen(HOUR, DEPLOY),
                *traffic(HOUR, 9 * HOUR, MINUTE, 0.5),
            ],
        )[K]
        == []
    )


def test_a_quiet_watch_becomes_part_of_the_level_and_a_broken_one_does_not() -> None:
    def level_after(share: float) -> list[int]:
        detector = rollout()
        pool, state = detector.pool(), detector.start(K, 0)
        for seen in [
            *BEFORE,
            *RELEASE,
            *traffic(DAY, 2 * DAY, MINUTE, share),
            Seen(3 * DAY, MISS),
            Seen(3 * DAY + HOUR, MISS),
        ]:
            observation = Observation(seen.at, seen.at, "e", 1, seen.document)
            if not detector.observe_pool(pool, observation):
                detector.advance(state, pool, seen.at)
                detector.observe(state, pool, observation)
        return state.before

    assert level_after(0.05)[0] > 2_800
    assert level_after(0.4)[0] < 1_500


def test_the_next_release_starts_afresh() -> None:
    broken = traffic(DAY, DAY + 6 * HOUR, MINUTE, 0.3)
    repaired = [
        Seen(DAY + 6 * HOUR, DEPLOY),
        *traffic(DAY + 6 * HOUR, DAY + 12 * HOUR, MINUTE, 0.05),
    ]
    ((start, end),) = episodes(run(rollout(), BEFORE + RELEASE + broken + repaired)[K])
    assert start < DAY + 2 * HOUR
    assert end == DAY + 6 * HOUR + MINUTE
    quiet = traffic(DAY, DAY + 6 * HOUR, MINUTE, 0.05)
    assert run(rollout(), BEFORE + RELEASE + quiet + repaired)[K] == []


def test_many_segments_are_controlled_together() -> None:
    rng = Random(4)
    before, after = [], []
    for n in range(40):
        share = 0.4 if n < 2 else 0.1
        key = (f"t{n}",)
        before += [
            Seen(at, HIT if rng.random() < 0.1 else MISS, key) for at in range(n, DAY, 10 * MINUTE)
        ]
        after += [
            Seen(at, HIT if rng.random() < share else MISS, key)
            for at in range(DAY + n, 2 * DAY, 10 * MINUTE)
        ]
    events = sorted(before, key=lambda e: e.at) + RELEASE + sorted(after, key=lambda e: e.at)
    fired = {
        key for key, said in run(rollout(alpha=0.05), events).items() if any(r.active for r in said)
    }
    assert fired == {("t0",), ("t1",)}


def test_sampled_events_weigh_what_they_stand_for() -> None:
    def weighted(weight: int) -> list[Seen]:
        return (
            traffic(0, DAY, MINUTE, 0.05, weight=weight)
            + RELEASE
            + traffic(DAY, DAY + 6 * HOUR, MINUTE, 0.3, weight=weight)
        )

    assert (
        episodes(run(rollout(), weighted(1))[K])[0][0]
        == episodes(run(rollout(), weighted(5))[K])[0][0]
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_neither_order_within_the_lateness_nor_a_restart_changes_what_is_said(
    seed: int, restart: bool
) -> None:
    rng = Random(seed)
    events = (
        BEFORE[::4]
        + RELEASE
        + traffic(DAY, DAY + 4 * HOUR, 2 * MINUTE, 0.4)
        + traffic(DAY + 4 * HOUR, DAY + 9 * HOUR, MINUTE, 0.05)
    )
    expected = run(rollout(), events, until=3 * DAY)
    assert expected[K]
    # The release itself is told when it happens, not with the lateness of the traffic.
    late = [
        (e.at + rng.randrange(LATENESS) if e.document is not DEPLOY else e.at, n, e)
        for n, e in enumerate(events)
    ]
    assert (
        run(
            rollout(),
            [e for _, _, e in sorted(late, key=lambda x: x[:2])],
            restart=restart,
            lazy=seed % 2 == 0,
            until=3 * DAY,
        )
        == expected
    )


def _as_the_engine_does(events: list[Seen]) -> dict[tuple[str, ...], int]:
    """When each segment fired: every key is woken a minute after its deadline, or read when one of its own events comes."""
    detector = rollout(alpha=0.05)
    pool, states, fired, newest = detector.pool(), {}, {}, 0
    for n, (at, document, key, weight) in enumerate(events):
        newest = max(newest, at)
        seen = Observation(at, newest, f"e{n}", weight, document)
        if detector.observe_pool(pool, seen):
            continue
        states.setdefault(key, detector.start(key, at))
        for other, state in states.items():
            due = detector.deadline(state, pool)
            if due is None or due > newest - LATENESS - (0 if other == key else MINUTE):
                continue
            for reading in detector.advance(state, pool, newest - LATENESS):
                if reading.active:
                    fired.setdefault(other, reading.at)
        detector.observe(states[key], pool, seen)
    return fired


def test_segments_that_pass_together_do_so_in_any_order_of_arrival() -> None:
    found = 0
    for seed in range(6):
        rng = Random(seed)
        events = []
        for n in range(8):
            for at in range(0, 2 * DAY, 10 * MINUTE):
                share = 0.22 if n < 5 and at >= DAY + 10 * MINUTE else 0.1
                hit = HIT if rng.random() < share else MISS
                events.append(Seen(at + rng.randrange(10 * MINUTE), hit, (f"t{n}",)))
        events.sort(key=lambda e: e.at)
        events.insert(next(i for i, e in enumerate(events) if e.at >= DAY), Seen(DAY, DEPLOY))
        expected = _as_the_engine_does(events)
        found += len(expected) > 1
        late = sorted(
            (e.at + (0 if e.document is DEPLOY else rng.randrange(LATENESS)), n, e)
            for n, e in enumerate(events)
        )
        assert _as_the_engine_does([e for _, _, e in late]) == expected
    assert found >= 2  # otherwise nothing was tried


def test_old_traffic_gives_way_and_a_silent_segment_is_forgotten() -> None:
    detector = rollout()
    pool, state = detector.pool(), detector.start(K, 0)
    state.learn(20_001, 4_000)
    assert state.before == [10_000, 2_000]
    detector.observe(state, pool, Observation(31 * DAY, 31 * DAY, "e", 200, MISS))
    assert not detector.forgettable(state, 90 * DAY)
    detector.advance(state, pool, 32 * DAY)
    assert state.before == [200, 0]
    (said,) = detector.news(state)
    assert said == (Reason.RELEARN_SILENT, "silent for 30 days; it was 20%")
    assert detector.news(state) == ()
    forgets = detector.deadline(state, pool)
    assert forgets == state.last + 30 * DAY
    assert not detector.forgettable(state, 62 * DAY)  # not before it has said so
    detector.advance(state, pool, forgets - 1)
    assert detector.news(state) == ()
    detector.advance(state, pool, forgets)
    assert [n.detail for n in detector.news(state)] == ["silent for 30 days; it was 0%"]
    assert detector.deadline(state, pool) is None
    state.learn(99, 1)  # too little to be a level
    assert detector.deadline(state, pool) is None
    few = detector.load(detector.dump(state))
    detector.observe(few, pool, Observation(90 * DAY, 90 * DAY, "e", 1, MISS))
    detector.advance(few, pool, 91 * DAY)
    assert (few.before, detector.news(few)) == ([1, 0], ())
    assert not detector.forgettable(state, 60 * DAY)
    assert detector.forgettable(state, 62 * DAY)


def test_a_watch_before_a_long_silence_is_forgotten_with_the_rest() -> None:
    detector = rollout()
    pool, state = detector.pool(), detector.start(K, 0)
    for seen in BEFORE + RELEASE + traffic(DAY, DAY + HOUR, MINUTE, 0.05):
        observation = Observation(seen.at, seen.at, "e", 1, seen.document)
        if not detector.observe_pool(pool, observation):
            detector.advance(state, pool, seen.at)
            detector.observe(state, pool, observation)
    detector.advance(state, pool, 2 * DAY)
    assert state.after == [59, 3]
    once = detector.load(detector.dump(state))
    detector.advance(state, pool, 40 * DAY)  # woken by its deadline
    late = Observation(40 * DAY, 40 * DAY, "e", 1, MISS)
    detector.observe(once, pool, late)  # or found out by its next event
    detector.advance(once, pool, 41 * DAY)
    for each in (state, once):
        assert [n.detail for n in detector.news(each)] == ["silent for 30 days; it was 5%"]
    assert (state.before, once.before) == ([0, 0], [1, 0])


def test_nothing_is_told_later_than_by_one_who_always_looks() -> None:
    def told(events: list[Seen], *, lazy: bool) -> list[tuple[int, Any]]:
        """(when it was told, what)."""
        detector = rollout(alpha=0.05, tolerance=0.0, watch=DAY)
        pool, said = detector.pool(), []
        states: dict[tuple[str, ...], Any] = {}
        due: dict[tuple[str, ...], int | None] = {}
        for n, (at, document, key, weight) in enumerate(events):
            seen = Observation(at, at, f"e{n}", weight, document)
            if detector.observe_pool(pool, seen):
                continue
            if key not in states:
                states[key], due[key] = detector.start(key, at), at
            for other, state in states.items():  # the engine wakes the others
                wakes = due[other]
                if not lazy or (wakes is not None and wakes <= at - LATENESS):
                    readings = detector.advance(state, pool, at - LATENESS)
                    said += [(at, other, reading) for reading in readings]
                    due[other] = detector.deadline(state, pool)
            detector.observe(states[key], pool, seen)
            due[key] = detector.deadline(states[key], pool)
        return said

    fired = 0
    for seed in range(8):
        rng = Random(seed)
        events = []
        for n in range(4):
            start = rng.randrange(HOUR)
            for at in range(start, 3 * DAY, rng.choice((2, 5, 11)) * MINUTE):
                share = 0.2 if at > DAY + HOUR and n < 2 else 0.1
                events.append(Seen(at, HIT if rng.random() < share else MISS, (f"t{n}",)))
        events += [Seen(DAY, DEPLOY), Seen(DAY + 30 * HOUR, DEPLOY)]
        if seed % 2:
            events.append(Seen(DAY + 6 * HOUR, DEPLOY))
        events.sort(key=lambda e: e.at)
        always = told(events, lazy=False)
        assert told(events, lazy=True) == always
        fired += bool(always)
    assert fired > 5  # otherwise nothing was tried


def test_slots_read_late_and_together_say_what_they_say_one_by_one() -> None:
    rng, fired = Random(5), 0
    for _ in range(6):
        events = [*BEFORE, *RELEASE]
        for start in range(DAY, 3 * DAY, 3 * HOUR):
            events += traffic(start, start + 3 * HOUR, MINUTE, rng.choice((0.05, 0.05, 0.05, 0.3)))
        events += [Seen(2 * DAY - 7 * HOUR, DEPLOY)]
        events.sort(key=lambda e: e.at)
        detector = rollout(alpha=0.05, tolerance=0.0)
        one_by_one = run(detector, events, until=5 * DAY)
        assert run(detector, events, until=5 * DAY, every=rng.choice((7, 60, 300))) == one_by_one
        fired += len(episodes(one_by_one[K]))
    assert fired > 4  # otherwise nothing was tried


def test_the_first_slot_of_each_watch_is_read_at_once_and_judged_by_a_level_of_its_own() -> None:
    detector = rollout()
    pool, state = detector.pool(), detector.start(K, 0)
    bands = []
    for seen in [
        *BEFORE,
        *RELEASE,
        *traffic(DAY + 1, 2 * DAY, MINUTE, 0.05),
        Seen(2 * DAY - 10 * SECOND, DEPLOY),
        *traffic(2 * DAY + 1, 2 * DAY + HOUR, MINUTE, 0.05),
    ]:
        observation = Observation(seen.at, seen.at, "e", 1, seen.document)
        if detector.observe_pool(pool, observation):
            assert state.calm > 0 or seen.at == DAY
            continue
        detector.observe(state, pool, observation)
        due = detector.deadline(state, pool)
        if seen.at in {DAY + 1, 2 * DAY + 1}:
            assert due == state.slots.oldest * WIDTH + WIDTH
        if seen.at >= DAY:
            detector.advance(state, pool, seen.at + WIDTH)
            bands.append(state.band)
    assert len({*bands} - {None}) == 2  # a quiet watch made the level surer


def test_slots_in_which_nothing_can_fire_are_read_as_one_and_give_the_same_state() -> None:
    detector = rollout(alpha=0.05)
    events = BEFORE + RELEASE + traffic(DAY, 3 * DAY, 2 * MINUTE, 0.06)
    one, other = detector.start(K, 0), detector.start(K, 0)
    pools = detector.pool(), detector.pool()
    reads = 0
    for seen in events:
        observation = Observation(seen.at, seen.at, "e", 1, seen.document)
        for state, pool in zip((one, other), pools, strict=True):
            if not detector.observe_pool(pool, observation):
                due = detector.deadline(other, pool) if state is other else seen.at
                if due is not None and due <= seen.at:
                    reads += state is other
                    detector.advance(state, pool, seen.at)
                detector.observe(state, pool, observation)
    for state, pool in zip((one, other), pools, strict=True):
        detector.advance(state, pool, 5 * DAY)
    assert detector.dump(one) == detector.dump(other)
    assert reads < len(events) / 8


def test_it_wakes_for_slots_while_a_release_is_watched() -> None:
    detector = rollout()
    pool, state = detector.pool(), detector.start(K, 0)
    assert detector.hold == HOUR
    assert detector.deadline(state, pool) is None
    detector.observe(state, pool, Observation(HOUR, HOUR, "e", 1, MISS))
    assert detector.deadline(state, pool) == 2 * HOUR + 15 * SECOND
    pool.change(MINUTE)
    assert detector.deadline(state, pool) == HOUR + 15 * SECOND


def test_the_level_before_a_release_can_be_looked_at() -> None:
    detector = rollout()
    pool, state = detector.pool(), detector.start(K, 0)

    def fed(events: list[Seen]) -> None:
        for seen in events:
            observation = Observation(seen.at, seen.at, "e", 1, seen.document)
            if not detector.observe_pool(pool, observation):
                detector.advance(state, pool, seen.at)
                detector.observe(state, pool, observation)

    fed(BEFORE[:90])
    assert detector.learned(state, pool, HOUR) is None  # too few
    fed(BEFORE[90:])
    told = detector.learned(state, pool, DAY)
    assert told is not None
    assert (told["events"], told["learning"]) == (1_439, True)
    assert told["low"] < 0.05 < told["high"]  # type: ignore[operator]
    fed(RELEASE + traffic(DAY, 2 * DAY, MINUTE, 0.05))
    during = detector.learned(state, pool, 2 * DAY)
    assert during is not None
    assert (during["events"], during["learning"]) == (1_441, False)
    assert (during["watch_since"], during["watch_until"]) == (
        "1970-01-02T00:00:00.000Z",
        "1970-01-03T00:00:00.000Z",
    )
    assert 0.04 < during["low"] < 0.05 < during["high"] < 0.07  # type: ignore[operator]
    after = detector.learned(state, pool, 2 * DAY + HOUR)  # a quiet watch is part of the level
    assert after is not None
    assert (after["events"], after["learning"]) == (1_441 + 1_438, True)
    state.spoilt = True
    assert detector.learned(state, pool, 2 * DAY + HOUR)["events"] == 1_441  # type: ignore[index]


def test_the_latest_hits_speak_for_a_rise_and_nothing_for_a_fall() -> None:
    detector = rollout()
    state, pool = detector.start(K, 0), detector.pool()
    for n, document in enumerate((HIT, MISS, HIT)):
        detector.observe(state, pool, Observation(n, n, f"e{n}", 1, document))
    state.before, state.after = [10, 1], [10, 9]
    assert detector.examples(state) == ("e0", "e2")
    assert detector.examples(detector.load(detector.dump(state))) == ("e0", "e2")
    state.after = [10, 0]
    assert detector.examples(state) == ()
