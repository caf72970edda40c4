"""``drift``: windows by count against a baseline that is learned once."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core.detectors.drift import Drift
from rulesd.core.detectors.protocol import Observation
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND, format_instant
from rulesd.model.reasons import Reason
from tests.core.detectors.harness import Seen, episodes, run, shuffled
from tests.core.plans import field


def drift(**changes: Any) -> Drift:
    return Drift(
        **{"field": field("v"), "bins": None, "top": 10, "baseline": DAY, "budget": 0.1, **changes}
    )


def values(
    start: int, end: int, step: int, shares: dict[Json, float], seed: int = 0, weight: int = 1
) -> list[Seen]:
    rng = Random(seed)
    picks = rng.choices(list(shares), list(shares.values()), k=len(range(start, end, step)))
    return [
        Seen(at, {"v": v}, weight=weight)
        for at, v in zip(range(start, end, step), picks, strict=True)
    ]


OLD: dict[Json, float] = {"a": 0.5, "b": 0.3, "c": 0.2}
NEW: dict[Json, float] = {"a": 0.2, "b": 0.3, "c": 0.5}
BEFORE = values(0, DAY, MINUTE, OLD)


def test_it_fires_within_a_block_or_two_and_clears_when_the_old_mix_is_back() -> None:
    events = (
        BEFORE
        + values(DAY, DAY + 6 * HOUR, MINUTE, OLD, 1)
        + values(DAY + 6 * HOUR, DAY + 12 * HOUR, MINUTE, NEW, 2)
    )
    said = run(drift(), events + values(DAY + 12 * HOUR, 3 * DAY, MINUTE, OLD, 3))[("k",)]
    ((start, end),) = episodes(said)
    assert DAY + 6 * HOUR < start < DAY + 9 * HOUR
    assert end is not None
    assert DAY + 12 * HOUR < end < DAY + 22 * HOUR
    assert said[0].threshold is not None
    assert said[0].value > said[0].threshold
    assert said[0].detail is not None
    assert int(said[0].detail["events"]) in {50, 100, 200}


def test_a_mix_that_stays_a_little_different_is_one_alert() -> None:
    """Hysteresis: fifty events that look usual do not end what four hundred still show."""
    mild: dict[Json, float] = {"a": 0.36, "b": 0.3, "c": 0.34}
    for seed in (4, 8, 11):
        events = BEFORE + values(DAY, 5 * DAY, MINUTE, mild, seed)
        assert len(episodes(run(drift(), events)[("k",)])) == 1, seed


def test_more_traffic_in_the_same_mix_is_quiet() -> None:
    assert run(drift(), BEFORE + values(DAY, 2 * DAY, 15 * SECOND, OLD, 4))[("k",)] == []


def test_the_order_of_the_values_does_not_matter_the_mix_does() -> None:
    # By turns instead of at random: the same shares.
    turns = [Seen(DAY + n * MINUTE, {"v": "aaaaabbbcc"[n % 10]}) for n in range(1_000)]
    assert run(drift(), BEFORE + turns)[("k",)] == []


def test_a_value_that_takes_over_is_found_whether_it_was_rare_or_new() -> None:
    rare = {**OLD, "d": 0.01}
    for name in ("d", "never seen"):
        said = run(
            drift(),
            values(0, DAY, MINUTE, rare)
            + values(DAY, DAY + 3 * HOUR, MINUTE, {**OLD, name: 1.0}, 1),
        )[("k",)]
        assert said[0].at < DAY + 2 * HOUR


def test_a_missing_value_is_a_value() -> None:
    said = run(drift(), BEFORE + [Seen(DAY + n * MINUTE, {}) for n in range(120)])[("k",)]
    assert said[0].active


def test_values_beyond_the_top_are_one() -> None:
    many: dict[Json, float] = {f"v{n}": 1.0 for n in range(600)}
    detector = drift(top=2)
    assert (
        run(
            detector,
            values(0, DAY, MINUTE, {**many, "a": 600.0})
            + values(DAY, 2 * DAY, MINUTE, {**many, "a": 600.0}, 1),
        )[("k",)]
        == []
    )
    assert (
        run(
            detector,
            values(0, DAY, MINUTE, {**many, "a": 600.0}) + values(DAY, 2 * DAY, MINUTE, many, 1),
        )[("k",)]
        != []
    )


def test_numbers_are_put_into_bins_at_edges_given_or_learned() -> None:
    def numbers(start: int, end: int, centre: float, seed: int) -> list[Seen]:
        rng = Random(seed)
        return [Seen(at, {"v": rng.gauss(centre, 1.0)}) for at in range(start, end, MINUTE)]

    for bins in (8, (-1.0, 0.0, 1.0)):
        assert (
            run(drift(bins=bins), numbers(0, DAY, 0.0, 1) + numbers(DAY, 2 * DAY, 0.0, 2))[("k",)]
            == []
        )
        said = run(
            drift(bins=bins), numbers(0, DAY, 0.0, 1) + numbers(DAY, DAY + 4 * HOUR, 1.5, 2)
        )[("k",)]
        assert said[0].at < DAY + 2 * HOUR
    odd = [
        Seen(at, {"v": v})
        for at, v in enumerate([True, "x", None, float("nan"), float("inf"), [1.0]])
    ]
    assert run(drift(bins=4), odd)[("k",)] == []


def test_clumped_traffic_raises_its_own_threshold() -> None:
    def clumps(start: int, end: int, seed: int) -> list[Seen]:
        rng, out = Random(seed), []
        for at in range(start, end, 10 * MINUTE):
            value = rng.choices("abc", [0.5, 0.3, 0.2])[0]
            out += [Seen(at + n * SECOND, {"v": value}) for n in range(10)]
        return out

    events = clumps(0, 2 * DAY, 1) + clumps(2 * DAY, 8 * DAY, 2)
    assert run(drift(baseline=2 * DAY), events)[("k",)] == []
    loose = drift(baseline=2 * DAY)
    pool, state = loose.pool(), loose.start(("k",), 0)
    for seen in events:
        loose.advance(state, pool, seen.at)
        loose.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    assert state.dispersion[0] > 4.0


def test_sampled_events_weigh_in_the_shares_and_prove_one_each() -> None:
    def weighted(weight: int) -> list[Seen]:
        return values(0, DAY, MINUTE, OLD, weight=weight) + values(
            DAY, DAY + 6 * HOUR, MINUTE, NEW, 1, weight
        )

    assert episodes(run(drift(), weighted(1))[("k",)]) == episodes(
        run(drift(), weighted(50))[("k",)]
    )


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([None, 6, (1.5, 2.5)]))
def test_the_order_within_the_lateness_does_not_change_what_is_said(seed: int, bins: Any) -> None:
    rng = Random(seed)
    events = values(0, DAY, 2 * MINUTE, {1: 0.5, 2: 0.3, 3: 0.2}, seed) + values(
        DAY, DAY + 8 * HOUR, MINUTE, {1: 0.1, 2: 0.3, 3: 0.6}, seed
    )
    detector = drift(bins=bins)
    expected = run(detector, events, until=3 * DAY)
    assert expected[("k",)]
    found = run(detector, shuffled(events, rng), lazy=seed % 2 == 0, until=3 * DAY)
    assert found == expected


@pytest.mark.parametrize("bins", [None, 6, (1.5, 2.5)])
def test_a_restart_anywhere_changes_nothing(bins: Any) -> None:
    detector = drift(bins=bins)
    events = values(0, DAY, 3 * MINUTE, {1: 0.5, 2: 0.3, 3: 0.2}) + values(
        DAY, DAY + 5 * HOUR, 2 * MINUTE, {1: 0.1, 2: 0.3, 3: 0.6}
    )
    expected = run(detector, events, until=3 * DAY)
    assert expected[("k",)]
    assert run(detector, events, restart=True, until=3 * DAY) == expected


def test_too_little_is_no_baseline() -> None:
    assert (
        run(
            drift(), values(0, DAY, 10 * MINUTE, OLD) + values(DAY, DAY + HOUR, 2 * MINUTE, NEW, 1)
        )[("k",)]
        == []
    )


def test_an_alert_ends_when_its_key_is_silent_for_a_baseline_and_four_start_it_afresh() -> None:
    detector = drift()
    events = BEFORE + values(DAY, DAY + 3 * HOUR, MINUTE, NEW, 1)
    ((start, end),) = episodes(run(detector, events, until=7 * DAY)[("k",)])
    assert start < DAY + 3 * HOUR
    assert end == 2 * DAY + 3 * HOUR - 45 * SECOND
    pool, state = detector.pool(), detector.start(("k",), 0)
    for seen in events:
        detector.advance(state, pool, seen.at)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    assert not detector.forgettable(state, 9 * DAY)
    detector.advance(state, pool, 3 * DAY)
    # What it knows it forgets aloud, at a time of its own; then nobody misses it.
    assert not detector.forgettable(state, 9 * DAY)
    forgets = detector.deadline(state, pool)
    assert forgets == state.last + 4 * DAY
    assert detector.news(state) == []
    detector.advance(state, pool, forgets)
    ((reason, said),) = detector.news(state)
    assert (reason, said[:21]) == (Reason.RELEARN_SILENT, "silent for 4 days; a ")
    assert detector.news(state) == []
    assert detector.deadline(state, pool) is None
    assert detector.forgettable(state, 11 * DAY)
    detector.observe(state, pool, Observation(9 * DAY, 9 * DAY, "e", 1, {"v": "a"}))
    detector.advance(state, pool, 9 * DAY + HOUR)
    assert state.dispersion == []
    assert detector.learning(state, pool, 9 * DAY + HOUR) == {
        "events": 0,
        "learning_since": "1970-01-10T00:00:00.000Z",
        "learning_until": "1970-01-11T00:00:00.000Z",
    }
    detector.advance(state, pool, 20 * DAY)
    assert detector.news(state) == []  # It had learned nothing yet.


DEPLOY: dict[str, Json] = {"type": "deploy.change"}


def test_after_a_deploy_less_is_enough_for_a_day() -> None:
    """A mix that chance gives once in some thousand looks: too little at a budget of 0.1 a week, enough in a watch."""
    little: dict[Json, float] = {"a": 0.41, "b": 0.345, "c": 0.245}

    def fires(*deploys: int) -> bool:
        events = BEFORE + values(DAY, 3 * DAY, MINUTE, OLD, 1)
        events += [Seen(at, DEPLOY) for at in deploys]
        events += values(3 * DAY, 3 * DAY + 7 * HOUR, MINUTE, little, 3)
        return run(drift(), sorted(events, key=lambda e: e.at))[("k",)] != []

    assert not fires()
    assert fires(3 * DAY - HOUR)
    assert not fires(DAY + HOUR)


MANY: dict[Json, float] = {"a": 0.4, "b": 0.3, "c": 0.1, "e": 0.07, "f": 0.07, "g": 0.06}
ONE_NEW: dict[Json, float] = {"a": 0.4, "b": 0.3, "c": 0.1, "d": 0.2}
"With three told apart the same mix, until it is learned anew: of the others one is frequent now."


def released(detector: Drift) -> tuple[Any, Any, list[Any]]:
    """A day to learn, a deploy that puts one value in the place of three, and three days more."""
    pool, state = detector.pool(), detector.start(("k",), 0)
    events = [*values(0, DAY + HOUR, MINUTE, MANY), Seen(DAY + HOUR, DEPLOY)]
    said: list[Any] = []
    for seen in [*events, *values(DAY + HOUR, 4 * DAY, MINUTE, ONE_NEW, 1)]:
        one = Observation(seen.at, seen.at, "e", seen.weight, seen.document)
        if not detector.observe_pool(pool, one):
            said += detector.advance(state, pool, seen.at - 30_000)
            detector.observe(state, pool, one)
    return state, pool, said


def test_after_the_watch_a_key_learns_anew_and_says_what_it_was_and_is() -> None:
    detector = drift(top=3)
    state, pool, said = released(detector)
    assert said == []
    ((reason, line),) = detector.news(state)
    assert reason is Reason.RELEARNED
    before, after = line.split(" before, ")
    assert ("c " in before, "d " in before, "d " in after) == (True, False, True)
    assert after.endswith("from now on")
    told = detector.learned(state, pool, 4 * DAY)
    assert told is not None
    assert told["shares"]["d"] == pytest.approx(0.2, abs=0.04)  # type: ignore[index, call-overload]
    assert told["learning"] is False
    assert str(told["since"]) > "1970-01-04"


def test_until_the_new_level_is_complete_the_one_before_is_in_force() -> None:
    detector = drift(top=3)
    state, pool, _ = released(detector)
    detector.news(state)
    detector.observe_pool(pool, Observation(4 * DAY, 4 * DAY, "e", 1, DEPLOY))
    for seen in values(4 * DAY, 5 * DAY + 6 * HOUR, MINUTE, ONE_NEW, 2):
        detector.advance(state, pool, seen.at)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    told = detector.learned(state, pool, 5 * DAY + 6 * HOUR)
    assert told is not None
    assert told["learning"] is True
    assert str(told["learning_since"]) > "1970-01-06"
    assert "d" in told["shares"]  # type: ignore[operator]
    again = detector.load(detector.dump(state))
    assert detector.dump(again) == detector.dump(state)
    again.known = 0  # As an older version wrote it.
    assert "since" not in (detector.learned(again, pool, 5 * DAY + 6 * HOUR) or {})


def with_deploys(seed: int) -> list[Seen]:
    """Two deploys, a value that comes with the first one, and a drift in the watch of the second."""
    small: dict[Json, float] = {1: 0.5, 2: 0.3, 3: 0.2}
    return [
        *values(0, 6 * HOUR, MINUTE, small, seed),
        Seen(6 * HOUR, DEPLOY),
        *values(6 * HOUR, 2 * DAY, 3 * MINUTE, {**small, 7: 0.1}, seed),
        Seen(2 * DAY, DEPLOY),
        *values(2 * DAY, 2 * DAY + 5 * HOUR, MINUTE, {1: 0.1, 2: 0.3, 3: 0.6}, seed),
    ]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([None, (1.5, 2.5)]))
def test_deploys_and_the_order_of_arrival(seed: int, bins: Any) -> None:
    detector = drift(bins=bins, baseline=5 * HOUR, top=3)
    events = with_deploys(seed)
    expected = run(detector, events, until=3 * DAY)
    assert expected[("k",)]
    found = run(detector, shuffled(events, Random(seed)), lazy=seed % 2 == 0, until=3 * DAY)
    assert found == expected


def test_deploys_and_a_restart_anywhere() -> None:
    detector = drift(baseline=5 * HOUR, top=3)
    expected = run(detector, with_deploys(1), until=3 * DAY)
    assert expected[("k",)]
    assert run(detector, with_deploys(1), restart=True, until=3 * DAY) == expected


def test_what_happens_during_an_alert_is_not_learned() -> None:
    """A deploy, and two days later, while the next level is learned, another mix for some hours."""
    detector = drift(baseline=2 * DAY)
    pool, state = detector.pool(), detector.start(("k",), 0)
    events = [
        *values(0, 2 * DAY + HOUR, MINUTE, OLD),
        Seen(2 * DAY + HOUR, DEPLOY),
        *values(2 * DAY + HOUR, 4 * DAY, MINUTE, OLD, 1),
        *values(4 * DAY, 4 * DAY + 8 * HOUR, MINUTE, NEW, 2),
        *values(4 * DAY + 8 * HOUR, 6 * DAY, MINUTE, OLD, 3),
    ]
    said: list[Any] = []
    for seen in events:
        one = Observation(seen.at, seen.at, "e", 1, seen.document)
        if not detector.observe_pool(pool, one):
            said += detector.advance(state, pool, seen.at - 30_000)
            detector.observe(state, pool, one)
    ((_, end),) = episodes(said)
    told = detector.learned(state, pool, 6 * DAY)
    assert told is not None
    assert told["learning_since"] == format_instant(end or 0)


def test_numbers_and_pinned_shares_hear_of_deploys_too() -> None:
    numbers = [Seen(at, {"v": float(at // MINUTE % 4)}) for at in range(0, 4 * DAY, MINUTE)]
    detector = drift(bins=(2.0, 3.0))
    pool, state = detector.pool(), detector.start(("k",), 0)
    for seen in numbers:
        if seen.at == DAY + HOUR:
            detector.observe_pool(pool, Observation(seen.at, seen.at, "d", 1, DEPLOY))
        detector.advance(state, pool, seen.at)
        detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
    ((_, said),) = detector.news(state)
    assert said.endswith("% by bin from now on")
    pinned = drift(pinned=(("a", 0.5), ("b", 0.3), ("c", 0.2)))
    state, _, _ = released(pinned)
    assert state.lesson is None
    assert pinned.news(state) == []
    assert pinned.learning(state, pinned.pool(), 0) == {"events": 0}


def test_the_rest_of_the_contract() -> None:
    detector = drift()
    state = detector.start(("k",), 7)
    assert detector.hold == 0
    assert not detector.observe_pool(detector.pool(), Observation(0, 0, "e", 1, {}))
    assert detector.deadline(state, detector.pool()) is None


def test_what_it_has_learned_can_be_seen() -> None:
    def told(detector: Drift, events: list[Seen]) -> Any:
        pool, state = detector.pool(), detector.start(("k",), 0)
        for seen in events:
            detector.observe(state, pool, Observation(seen.at, seen.at, "e", 1, seen.document))
        detector.advance(state, pool, 3 * DAY)
        return detector.learned(state, pool, 3 * DAY)

    assert told(drift(), BEFORE[:100]) is None
    labels = told(drift(top=2), values(0, DAY + HOUR, MINUTE, OLD))
    assert labels["shares"] == {
        "a": pytest.approx(0.5, abs=0.05),
        "b": pytest.approx(0.3, abs=0.05),
        "(others)": pytest.approx(0.2, abs=0.05),
    }
    assert labels["events"] >= 1_400
    numbers = [Seen(at, {"v": float(at // MINUTE % 4)}) for at in range(0, DAY + HOUR, MINUTE)]
    binned = told(drift(bins=(2.0, 3.0)), numbers)["shares"]
    assert {k: round(v, 2) for k, v in binned.items()} == {"< 2": 0.5, ">= 2": 0.25, ">= 3": 0.25}
    same = [Seen(at, {"v": 7.0}) for at in range(0, DAY + HOUR, MINUTE)]
    assert told(drift(bins=4), same)["shares"] == {"any": 1.0}


def test_a_pinned_baseline_is_judged_from_the_start_and_never_learned_again() -> None:
    pinned = drift(pinned=(("a", 0.5), ("b", 0.3), ("c", 0.2)), baseline=HOUR)
    assert run(pinned, values(0, DAY, MINUTE, OLD))[("k",)] == []
    said = run(pinned, values(0, 6 * HOUR, MINUTE, NEW))[("k",)]
    assert said[0].at <= 4 * HOUR
    later = values(2 * DAY, 2 * DAY + 6 * HOUR, MINUTE, NEW)  # a silence that makes a new key
    assert len(episodes(run(pinned, BEFORE + later)[("k",)])) == 1
    strange = values(0, 6 * HOUR, MINUTE, {"a": 0.5, "b": 0.3, "x": 0.2})
    assert run(pinned, strange)[("k",)] != []
    edges = drift(bins=(0.0,), pinned=(("0", 0.5), ("1", 0.5)))
    up = [Seen(at, {"v": -1.0 if at % (4 * MINUTE) == 0 else 1.0}) for at in range(0, DAY, MINUTE)]
    even = [
        Seen(at, {"v": -1.0 if at % (2 * MINUTE) == 0 else 1.0}) for at in range(0, DAY, MINUTE)
    ]
    assert run(edges, up, restart=True)[("k",)] != []
    assert run(edges, even)[("k",)] == []
    told = pinned.learned(pinned.start(("k",), 0), pinned.pool(), 0)
    assert told == {"shares": {"a": 0.5, "b": 0.3, "c": 0.2}, "events": 10_000, "pinned": True}
