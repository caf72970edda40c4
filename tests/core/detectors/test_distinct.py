from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.detectors.distinct import Values


def feed(pairs: list[tuple[int, str]], within: int, count: int) -> list[tuple[int, int] | None]:
    values = Values()
    out = []
    for at, value in pairs:
        out.append(values.add(value, at, within, count))
        values = Values.load(values.dump())  # every step through a restart
    return out


def test_values_not_events_are_counted() -> None:
    assert feed([(0, "a"), (1, "a"), (2, "b"), (3, "c")], 10, 3) == [None, None, None, (3, 1)]


def test_a_value_leaves_the_window_with_its_last_stamp() -> None:
    assert feed([(0, "a"), (9, "b"), (10, "c")], 10, 3)[-1] is None
    assert feed([(0, "a"), (5, "a"), (9, "b"), (10, "c")], 10, 3)[-1] == (3, 5)


def test_a_late_value_completes_its_own_window() -> None:
    assert feed([(0, "a"), (1, "b"), (100, "a"), (2, "c")], 10, 3)[-1] == (3, 0)
    assert feed([(0, "a"), (100, "b"), (50, "c")], 10, 2)[-1] is None


def test_a_late_value_still_counts_in_the_window_of_now() -> None:
    assert feed([(5, "a"), (3, "b"), (7, "c")], 10, 3)[-1] == (3, 3)
    assert feed([(5, "a"), (4, "a"), (7, "c")], 10, 2)[-1] == (2, 5)


def test_memory_stays_bounded_and_clear_forgets() -> None:
    values = Values()
    for n in range(1_000):
        values.add(f"v{n}", n, 10**9, 4)
    dumped = values.dump()
    assert isinstance(dumped, dict)
    assert len(dumped["last"]) <= 16  # type: ignore[arg-type]
    assert len(dumped["pairs"]) == 16  # type: ignore[arg-type]
    values.clear()
    assert values.add("x", 2_000, 10, 2) is None


def test_nothing_seen_is_written_and_read_back() -> None:
    assert Values.load(Values().dump()).newest is None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from("abcde")), max_size=14),
    st.integers(1, 4),
    st.integers(1, 20),
)
def test_in_any_order_within_the_window_it_finds_every_full_window(
    pairs: list[tuple[int, str]], count: int, within: int
) -> None:
    kept: list[tuple[int, str]] = []
    for at, value in pairs:
        if not kept or at > max(t for t, _ in kept) - within:
            kept.append((at, value))
    fired = any(feed(kept, within, count))
    full = any(len({v for t, v in kept if end - within < t <= end}) >= count for end, _ in kept)
    assert fired is full


def test_the_in_order_view_is_bounded_too() -> None:
    assert feed([(n, f"v{n}") for n in range(40)], 10**9, 4)[-1] == (16, 36)
    assert feed([(0, "a"), (100, "b")], 1, 1) == [(1, 0), (1, 100)]


def test_the_number_of_values_in_a_window() -> None:
    values = Values()
    for at, value in ((0, "a"), (5, "b"), (9, "a")):
        values.add(value, at, 10, 2)
    assert [values.number(end, 10) for end in (4, 9, 14, 15, 19)] == [1, 2, 2, 1, 0]
