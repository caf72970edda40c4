"""``burst`` against a plain re-count of every window, in every order of arrival."""

import gc
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.burst import Burst, Stamps
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.instant import HOUR
from tests.core.plans import field


def run(burst: Burst, stamps: list[int], values: list[str] | None = None) -> list[Reading | None]:
    state = burst.start(("k",), 0)
    out = []
    for n, at in enumerate(stamps):
        document = {"user": values[n]} if values else {}
        assert burst.advance(state, None, at) == ()
        out.append(burst.observe(state, None, Observation(at, at, f"e{n}", 1, document)))
        state = burst.load(burst.dump(state))  # every step through a restart
    return out


def test_it_fires_on_the_event_that_fills_the_window() -> None:
    found = run(Burst(3, 100), [0, 50, 99])
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert (found[2].value, found[2].threshold, found[2].until, found[2].since) == (
        3.0,
        3.0,
        100,
        0,
    )


def test_the_window_is_half_open_an_event_exactly_as_old_as_it_is_out() -> None:
    assert run(Burst(2, 60), [0, 60]) == [None, None]
    assert run(Burst(2, 60), [0, 59])[1] is not None


def test_a_late_event_completes_the_window_it_belongs_to() -> None:
    found = run(Burst(3, 10), [0, 1, 100, 2])
    assert found[3] is not None
    assert found[3].since == 0
    assert found[3].until == 10


def test_a_late_event_that_completes_nothing_is_quiet() -> None:
    assert run(Burst(3, 10), [0, 1, 100, 50])[3] is None
    assert run(Burst(3, 10), [100, 0]) == [None, None]


def test_tumbling_needs_fresh_events_after_each_match() -> None:
    found = run(Burst(3, 100, tumbling=True), [0, 1, 2, 3, 4, 5])
    assert [n for n, r in enumerate(found) if r] == [2, 5]
    assert found[2] is not None
    assert found[2].until == 2


def test_a_sampled_event_weighs_as_many_as_it_stands_for() -> None:
    burst = Burst(5, 100)
    state = burst.start(("k",), 0)
    assert burst.observe(state, None, Observation(0, 0, "e", 5, {})) is not None
    assert burst.observe(state, None, Observation(0, 0, "e", 10**9, {})) is not None


def test_memory_stays_bounded() -> None:
    burst = Burst(20, 10**9)
    state = burst.start(("k",), 0)
    for at in range(1_000):
        burst.observe(state, None, Observation(at, at, "e", 1, {}))
    assert len(state.at) == 60


def test_a_key_is_forgotten_when_its_last_stamp_is_out_of_reach() -> None:
    for burst in (Burst(3, 100), Burst(3, 100, distinct=field("user"))):
        state = burst.start(("k",), 0)
        burst.observe(state, None, Observation(50, 50, "e", 1, {"user": "u"}))
        assert not burst.forgettable(state, 50 + 100 + HOUR - 1)
        assert burst.forgettable(state, 50 + 100 + HOUR)
    assert Burst(3, 100).forgettable(Burst(3, 100).start(("k",), 0), 10**10)


def test_distinct_counts_values_and_leaves_out_what_has_none() -> None:
    burst = Burst(2, 100, distinct=field("user"))
    assert run(burst, [0, 1, 2], ["a", "a", "b"])[2] is not None
    state = burst.start(("k",), 0)
    for document in ({}, {"user": ["a"]}, {"user": {"a": 1}}):
        assert burst.observe(state, None, Observation(0, 0, "e", 1, document)) is None
    tumbling = Burst(2, 100, distinct=field("user"), tumbling=True)
    assert [r is not None for r in run(tumbling, [0, 1, 2, 3], ["a", "b", "b", "a"])] == [
        False,
        True,
        False,
        True,
    ]


def test_the_rest_of_the_contract() -> None:
    burst = Burst(2, 100)
    state = burst.start(("k",), 0)
    assert burst.hold == 100
    assert not burst.observe_pool(None, Observation(0, 0, "e", 1, {}))
    assert burst.pool() is None
    assert burst.deadline(state, None) is None
    assert burst.load_pool(burst.dump_pool(None)) is None


def windows(stamps: list[int], within: int, count: int) -> bool:
    ordered = sorted(stamps)
    return any(
        ordered[i + count - 1] - ordered[i] < within for i in range(len(ordered) - count + 1)
    )


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 5), st.integers(1, 60))
def test_in_any_order_it_fires_exactly_when_some_window_is_full(
    stamps: list[int], count: int, within: int
) -> None:
    # Everything that arrives is within a lateness of one window of the newest: what a rule waits for.
    kept: list[int] = []
    for at in stamps:
        if not kept or at > max(kept) - within:
            kept.append(at)
    fired = any(r is not None for r in run(Burst(count, within), kept))
    assert fired is windows(kept, within, count)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_value_is_what_lies_in_the_window(count: int) -> None:
    found = run(Burst(count, 1_000), list(range(count)))
    assert found[-1] is not None
    assert found[-1].value == count


def test_the_value_counts_every_kept_stamp_of_the_window_before_and_after() -> None:
    found = run(Burst(3, 100), [0, 1, 2, 3, 4])
    assert [r.value for r in found if r] == [3.0, 4.0, 5.0]
    late = run(Burst(3, 100), [60, 60, 60, 50])
    assert late[3] is not None
    assert late[3].value == 4.0


def test_a_burst_opens_with_the_latest_events_as_evidence_and_the_newest_as_its_time() -> None:
    found = run(Burst(5, 100), [0, 1, 2, 3, 4])
    assert found[4] is not None
    assert found[4].causes == ("e2", "e3", "e4")
    backwards = run(Burst(3, 100), [50, 40, 30])
    assert backwards[2] is not None
    assert (backwards[2].at, backwards[2].since) == (50, 30)
    named = run(Burst(2, 100, distinct=field("user")), [0, 1], ["a", "b"])
    assert named[1] is not None
    assert named[1].causes == ("e0", "e1")


DAY = 24 * HOUR


def test_stamps_weigh_four_bytes_and_what_lies_far_apart_still_counts() -> None:
    burst = Burst(2, 1_000)
    state = burst.start(("k",), 10 * DAY)

    def see(at: int) -> Reading | None:
        return burst.observe(state, None, Observation(at, at, "e", 1, {}))

    assert see(10 * DAY) is None
    assert state.at.itemsize == 4
    assert see(80 * DAY) is None, "beyond what 32 bits reach from the first one"
    late = see(10 * DAY + 999)
    assert late is not None
    assert (late.since, late.at, late.value) == (10 * DAY, 10 * DAY + 999, 2.0)
    assert see(81 * DAY) is None
    assert see(81 * DAY + 999) is not None
    kept = [10 * DAY, 10 * DAY + 999, 80 * DAY, 81 * DAY, 81 * DAY + 999]
    assert burst.dump(state) == [0, kept, ["e", "e", "e"]]
    again = burst.load(burst.dump(state))
    assert (again.newest, again.base, again.at.itemsize) == (81 * DAY + 999, 0, 8)


def test_a_key_that_lives_for_a_year_goes_on_in_four_bytes() -> None:
    burst = Burst(2, 1_000)
    state = burst.start(("k",), 0)
    for at in range(0, 365 * DAY, DAY):
        assert burst.observe(state, None, Observation(at, at, "e", 1, {})) is None
        found = burst.observe(state, None, Observation(at + 999, at, "e", 1, {}))
        assert found is not None
        assert found.since == at
        assert state.at.itemsize == 4
    before = burst.observe(state, None, Observation(-DAY, 0, "e", 1, {}))
    assert before is None


def test_ids_of_any_kind_are_evidence() -> None:
    ids = ["a\x00b", "c", "d", "e", "f\x00"]
    burst = Burst(4, 100)
    state = burst.start(("k",), 0)
    found = []
    for at, event in enumerate(ids):
        found.append(burst.observe(state, None, Observation(at, at, event, 1, {})))
        state = burst.load(burst.dump(state))
    assert found[3] is not None
    assert found[3].causes == ("c", "d", "e")
    assert found[4] is not None
    assert found[4].causes == ("c", "d", "e", "f\x00")
    again = burst.observe(state, None, Observation(9, 9, "g", 1, {}))
    assert again is not None
    assert again.causes == ("d", "e", "f\x00", "g")


def test_a_full_key_weighs_less_than_600_bytes() -> None:
    burst = Burst(20, HOUR)
    now = 1_767_600_000_000
    seen = [Observation(now + n, now, f"{n:036d}", 1, {}) for n in range(60)]

    def full() -> Stamps:
        state = burst.start(("k",), now)
        for each in seen:
            assert (burst.observe(state, None, each) is None) is (each.at < now + 19)
        return state

    full()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    states = [full() for _ in range(20)]
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(states[0].at) == 60
    assert held / 20 < 600


def test_what_it_measures_now_is_what_the_window_of_now_holds() -> None:
    burst = Burst(3, 100)
    state = burst.start((), 0)
    for at in (0, 50, 99, 130):
        burst.observe(state, None, Observation(at, at, "e", 1, {}))
    assert [burst.current(state, at) for at in (130, 149, 150, 199, 230)] == [3, 3, 2, 1, 0]
    named = Burst(2, 100, distinct=field("u"))
    values = named.start((), 0)
    for at, user in ((0, "a"), (50, "b"), (99, "a")):
        named.observe(values, None, Observation(at, at, "e", 1, {"u": user}))
    assert [named.current(values, at) for at in (99, 149, 150, 199)] == [2, 2, 1, 0]
