from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.ring import Ring
from rulesd.model.instant import MINUTE


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 3), st.booleans()), max_size=60),
    st.integers(0, 320),
    st.integers(1, 60),
)
def test_a_window_is_what_a_plain_count_says(
    events: list[tuple[int, int, bool]], last: int, panes: int
) -> None:
    ring = Ring(MINUTE, 60)
    kept = []
    for at, weight, hit in events:
        if ring.add(at * 1_000 * 6, weight, hit=hit) is not None:
            kept.append((at * 6_000 // MINUTE, weight, hit))
        again = Ring(MINUTE, 60)
        again.fill(ring.dump())
        ring = again
    held = [e for e in kept if max(last - panes, ring.newest - 70) < e[0] <= last]
    trials = sum(w for _, w, _ in held)
    squares = sum(w * w for _, w, _ in held)
    assert ring.window(last, panes) == (
        trials,
        sum(w for _, w, h in held if h),
        squares / trials if trials else 1.0,
    )


def test_it_forgets_what_it_no_longer_reaches() -> None:
    ring = Ring(MINUTE, 60)
    assert ring.add(200 * MINUTE, 1, hit=True) == 200
    assert ring.oldest == 131
    assert ring.add(131 * MINUTE, 1, hit=False) == 131
    assert ring.add(130 * MINUTE, 1, hit=False) is None
    assert ring.pane(200) == (1, 1)
    assert ring.pane(131) == (1, 0)
    ring.add(10_000 * MINUTE, 5, hit=False)
    assert ring.window(10_000, 60) == (5, 0, 5.0)


def test_times_before_the_epoch_are_not_counted() -> None:
    assert Ring(MINUTE, 60).add(-MINUTE * 2, 1, hit=True) is None


def test_short_windows_have_room_for_two_minutes_and_no_window_too_much() -> None:
    assert len(Ring(1_000, 60).trials) == 60 + 121
    assert len(Ring(10, 60).trials) == 360


def test_a_window_may_wrap_around_the_ring_or_hold_nothing() -> None:
    ring = Ring(MINUTE, 60)
    size = len(ring.trials)
    for pane in range(size - 3, size + 3):
        ring.add(pane * MINUTE, 1, hit=True)
    assert ring.window(size + 2, 6) == (6, 6, 1.0)
    assert ring.window(size + 2, 2) == (2, 2, 1.0)
    assert ring.window(size + 500, 2) == (0, 0, 1.0)


def test_counts_beyond_four_bytes_are_counted_and_survive_a_restart() -> None:
    ring = Ring(MINUTE, 60)
    assert ring.trials.itemsize == 4
    for hit in (True, True, False):
        ring.add(0, 1_500_000_000, hit=hit)
    assert ring.pane(0) == (4_500_000_000, 3_000_000_000)
    again = Ring(MINUTE, 60)
    again.fill(ring.dump())
    assert again.dump() == ring.dump()
    again.add(500 * MINUTE, 1, hit=True)
    assert again.window(500, 60) == (1, 1, 1.0)
    assert ring.trials.itemsize == again.trials.itemsize == 8


def test_squares_are_kept_from_the_first_event_on_that_stands_for_several() -> None:
    ring = Ring(MINUTE, 60)
    ring.add(0, 1, hit=True)
    assert ring.squares is None
    ring.add(MINUTE, 3, hit=False)
    assert ring.window(1, 60) == (4, 1, 10 / 4)
    ring.add(2 * MINUTE, 1, hit=True)
    ring.add(9 * MINUTE, 1, hit=True)
    assert ring.window(9, 60) == (6, 3, 12 / 6)


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(1, 3), st.booleans()), min_size=1, max_size=80
    ),
    st.integers(1, 40),
)
def test_that_there_are_fewer_is_only_said_when_no_window_holds_so_many(
    events: list[tuple[int, int, bool]], enough: int
) -> None:
    ring = Ring(MINUTE, 10)
    for at, weight, hit in events:
        ring.add(at * MINUTE, weight, hit=hit)
        hits, misses = sum(ring._hits()), sum(ring.trials) - sum(ring._hits())
        assert ring.fewer(enough) is (hits < enough)
        assert ring.fewer_misses(enough) is (misses < enough)


def test_a_ring_of_hits_alone_keeps_them_once() -> None:
    ring = Ring(MINUTE, 60)
    for minute in range(3):
        for _ in range(3):
            ring.add(minute * MINUTE, 1_500_000_000, hit=True)
    assert ring.hits is None
    assert ring.pane(1) == (4_500_000_000, 4_500_000_000)
    again = Ring(MINUTE, 60)
    again.fill(ring.dump())
    assert again.hits is None
    assert again.dump() == ring.dump()
    again.add(0, 1, hit=False)
    assert again.pane(0) == (4_500_000_001, 4_500_000_000)
    assert again.window(2, 60)[:2] == (13_500_000_001, 13_500_000_000)
