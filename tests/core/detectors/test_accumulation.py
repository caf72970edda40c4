"""``accumulation`` against its formula at every event time, in every order of arrival."""

from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.accumulation import Accumulation
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.instant import DAY, HOUR
from tests.core.detectors.harness import Seen
from tests.core.detectors.metamorphic import same_alerts


def feed(detector: Accumulation, stamps: list[int], weight: int = 1) -> list[Reading | None]:
    state = detector.start(("k",), 0)
    out = []
    for n, at in enumerate(stamps):
        out.append(detector.observe(state, None, Observation(at, at, f"e{n}", weight, {})))
        state = detector.load(detector.dump(state))
    return out


def score(stamps: list[int], at: int, half_life: int) -> float:
    return sum(2.0 ** (-(at - t) / half_life) for t in stamps if t <= at)


def test_the_score_halves_every_half_life() -> None:
    found = feed(Accumulation(100, 1.75), [0, 100, 200])
    assert found[:2] == [None, None]
    assert found[2] == Reading(200, True, 1.75, 1.75, until=200)
    (at_once,) = feed(Accumulation(100, 1.0), [0], weight=4)
    assert at_once == Reading(0, True, 4.0, 1.0, until=200)


def test_a_late_event_counts_with_what_has_decayed_since() -> None:
    detector = Accumulation(100, 1.75)
    late = feed(detector, [200, 0, 100])[2]
    assert late == Reading(200, True, 1.75, 1.75, until=200)
    # The peak may lie in the past: three at once an hour ago, and one now.
    (found,) = [r for r in feed(Accumulation(10, 2.5), [0, 0, 1_000, 0]) if r]
    assert (found.at, found.value) == (0, 3.0)


def test_memory_is_bounded_and_what_is_older_lives_on_as_a_sum() -> None:
    detector = Accumulation(10**6, 10**6)
    state = detector.start(("k",), 0)
    stamps = list(range(0, 300 * 1000, 1000))
    for at in stamps:
        detector.observe(state, None, Observation(at, at, "e", 1, {}))
    assert len(state.at) == 64
    assert abs(state.score - score(stamps, stamps[-1], 10**6)) < 1e-6
    detector.observe(state, None, Observation(5, 5, "e", 1, {}))
    assert len(state.at) == 64
    assert abs(state.score - score([*stamps, 5], stamps[-1], 10**6)) < 1e-6


def test_it_is_forgotten_when_nothing_is_left() -> None:
    detector = Accumulation(HOUR, 4.0)
    state = detector.start(("k",), 0)
    assert detector.forgettable(state, HOUR)
    detector.observe(state, None, Observation(0, 0, "e", 1, {}))
    assert not detector.forgettable(state, 7 * HOUR)
    assert detector.forgettable(state, 8 * HOUR)
    assert detector.forgettable(state, 100_000 * DAY)
    assert detector.hold == HOUR


@given(st.lists(st.integers(0, 400_000), max_size=20), st.integers(1, 4), st.integers(0, 9))
def test_order_and_restarts_change_nothing(stamps: list[int], threshold: int, seed: int) -> None:
    detector = Accumulation(60_000, threshold + 0.3)
    fired = same_alerts(detector, [Seen(at, {}) for at in stamps], seed, until=10**7)
    assert bool(fired) is any(score(stamps, t, 60_000) >= threshold + 0.3 for t in stamps)


def test_what_it_measures_now_is_the_score_of_now() -> None:
    pile = Accumulation(HOUR, 3)
    state = pile.start((), 0)
    assert pile.current(state, 5) == 0
    for at in (0, 0, HOUR):
        pile.observe(state, None, Observation(at, at, "e", 1, {}))
    assert [pile.current(state, at) for at in (0, HOUR, 2 * HOUR)] == [2.0, 2.0, 1.0]
