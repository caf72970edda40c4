from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.aggregate import PANES, Aggregate
from rulesd.core.detectors.protocol import Observation
from rulesd.model.instant import HOUR, MINUTE
from tests.core.detectors.harness import Seen, episodes, run
from tests.core.detectors.metamorphic import same_alerts
from tests.core.plans import field

X = field("x")


def aggregate(fn: str, **changes: Any) -> Aggregate:
    return Aggregate(**{"field": X, "fn": fn, "within": 40 * MINUTE, **changes})


def values(*given_: tuple[float, Any]) -> list[Seen]:
    return [Seen(round(at * MINUTE), {"x": x}) for at, x in given_]


def said(
    detector: Aggregate, events: list[Seen], until: float = 600
) -> list[tuple[int, int | None]]:
    found = run(detector, events, until=round(until * MINUTE)).get(("k",), [])
    return [(a // MINUTE, None if b is None else b // MINUTE) for a, b in episodes(found)]


def test_a_minimum_above_its_bound_needs_enough_values() -> None:
    low = aggregate("min", above=50, min_count=6)
    assert said(low, values(*((n * 5, 80) for n in range(6)))) == [(26, 41)]
    assert said(low, values(*((n * 5, 80) for n in range(5)))) == []
    assert said(low, values(*((n * 5, 80 if n else 3) for n in range(6)))) == []
    assert said(low, values(*((n, 50) for n in range(9)))) == []


def test_a_sum_and_an_average_are_judged_when_their_window_is_complete() -> None:
    assert said(aggregate("sum", above=10), values((0, 6), (30, 6))) == [(31, 41)]
    assert said(aggregate("sum", above=10), values((0, 6), (30, 6), (30.5, -5))) == []
    assert said(aggregate("avg", above=10, min_count=2), values((0, 30), (1, 1), (2, 1))) == [
        (2, 41)
    ]
    assert said(aggregate("avg", below=10), values((0, 3))) == [(1, 41)]


def test_what_can_only_grow_fires_at_once() -> None:
    for detector, events in (
        (aggregate("max", above=10), values((0, 3), (5.5, 30))),
        (aggregate("min", below=10), values((0, 30), (5.5, 3))),
        (aggregate("count", above=1), values((0, None), (5.5, "any event counts"))),
    ):
        state = detector.start(("k",), 0)
        found = run(detector, events, until=0)[("k",)]
        assert [r.at for r in found] == [330_000]
        assert found[0].until == 6 * MINUTE
        assert not state.open


def test_too_little_is_told_once_the_key_is_a_window_old_and_lasts() -> None:
    for fn, bound in (("count", 2), ("sum", 5)):
        few = aggregate(fn, below=bound)
        assert said(few, values((0, 1))) == [(40, None)]
        assert said(few, values(*((n * 5, 3) for n in range(20)))) == [(131, None)]
        assert said(few, values((0, 1), (100, 9), (101, 9)), 120)[0][0] == 40
    state = aggregate("count", below=2).start(("k",), 0)
    assert not aggregate("count", below=2).forgettable(state, 10**12)


def test_late_evidence_completes_a_window_that_was_judged() -> None:
    detector = aggregate("sum", above=10)
    events = values((0, 6), (20, 1), (200, 1), (180.5, 1), (2, 6))
    assert said(detector, events[:4]) == []
    assert said(aggregate("sum", above=10), [*events[:2], *values((30, 1), (2, 6))], 31) == [
        (2, None)
    ]
    ages = values((0, 6), (500, 1), (2, 60))
    assert said(aggregate("max", above=10), ages) == []


def test_much_that_no_one_window_holds_is_not_too_much() -> None:
    few = aggregate("count", above=3)
    assert said(few, values(*((n * 18, 1) for n in range(9)))) == []
    assert said(few, values(*((n * 18, 1) for n in range(9)), (150, 1), (151, 1))) != []


def test_odd_values_are_not_counted() -> None:
    for fn in ("sum", "avg", "min", "max"):
        odd = values(*((n, x) for n, x in enumerate([None, True, "9", [9], 1e305])))
        assert said(aggregate(fn, above=-1), odd) == []


def test_it_is_forgotten_when_no_window_holds_anything() -> None:
    detector = aggregate("sum", above=10)
    state = detector.start(("k",), 0)
    assert detector.deadline(state, None) is None
    assert detector.forgettable(state, 2 * HOUR)
    state.open = True
    assert not detector.forgettable(state, 2 * HOUR)
    assert detector.hold == PANES * MINUTE


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(-5, 9)), max_size=15),
    st.sampled_from(["sum", "avg", "min", "max", "count"]),
    st.booleans(),
    st.integers(0, 9),
)
def test_order_and_restarts_change_nothing(
    given_: list[tuple[int, int]], fn: str, upper: bool, seed: int
) -> None:
    bound = {"above": 6} if upper else {"below": 1}
    same_alerts(aggregate(fn, **bound), values(*given_), seed, until=200 * MINUTE)


@pytest.mark.parametrize("fn", ["sum", "count"])
def test_a_silent_key_asks_for_nothing_more(fn: str) -> None:
    detector = aggregate(fn, below=2)
    state = detector.start(("k",), 0)
    run(detector, values((0, 1)), until=HOUR)
    assert detector.deadline(state, None) is None


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(-5, 5)), min_size=1, max_size=60),
    st.sampled_from(["sum", "avg", "min", "max", "count"]),
    st.sampled_from([{"above": 3}, {"below": -3}, {"above": -1}, {"above": 4, "below": -4}]),
)
def test_what_is_remembered_of_the_values_spares_no_look_that_matters(
    events: list[tuple[int, int]], fn: str, bound: dict[str, float]
) -> None:
    detector = aggregate(fn, **bound)
    state = detector.load(detector.dump(detector.start(("k",), 0)))
    for n, (minute, x) in enumerate(sorted(events)):
        seen = Observation(minute * MINUTE, minute * MINUTE, f"e{n}", 1, {"x": x})
        fresh = detector.load(detector.dump(state))
        fresh.floor, fresh.limit = float("inf"), float("-inf")  # it looks each time
        assert detector.advance(state, None, seen.at) == detector.advance(fresh, None, seen.at)
        assert detector.observe(state, None, seen) == detector.observe(fresh, None, seen)
        assert detector.dump(state) == detector.dump(fresh)
