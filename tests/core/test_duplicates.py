from hypothesis import given
from hypothesis import strategies as st

from rulesd.core.duplicates import Duplicates, Seen


def test_the_same_event_twice_is_one() -> None:
    window = Duplicates(window=1_000, least=10)
    assert window.check(1, 5, 0) is Seen.NEW
    assert window.check(1, 5, 1_000) is Seen.DUPLICATE
    assert len(window) == 1


def test_a_reused_id_with_another_body_is_a_conflict_and_then_known() -> None:
    window = Duplicates(window=1_000, least=10)
    window.check(1, 5, 0)
    assert window.check(1, 6, 10) is Seen.CONFLICT
    assert window.check(1, 6, 20) is Seen.DUPLICATE


def test_after_the_window_an_id_is_new() -> None:
    window = Duplicates(window=1_000, least=10)
    window.check(1, 5, 0)
    assert window.check(1, 5, 1_001) is Seen.NEW


def test_negative_bodies_are_bodies_too() -> None:
    window = Duplicates()
    window.remember([(-1, -5, 0)])
    assert window.check(-1, -5, 1) is Seen.DUPLICATE
    assert window.check(-1, -6, 1) is Seen.CONFLICT


@given(st.lists(st.integers(0, 60), max_size=300))
def test_the_last_ids_are_remembered_whatever_came(keys: list[int]) -> None:
    window = Duplicates(window=10**9, least=10)
    taken: list[int] = []  # As they were new: a duplicate does not make an id younger.
    for now, key in enumerate(keys):
        seen = window.check(key, 0, now)
        if key in taken[-10:]:
            assert seen is Seen.DUPLICATE
        if seen is Seen.NEW:
            taken.append(key)
    assert len(window) <= 20


def test_a_duplicate_does_not_make_an_id_younger() -> None:
    window = Duplicates(window=10**9, least=10)
    for now, key in enumerate([0, *range(6, 21), 0, *range(1, 6)]):
        window.check(key, 0, now)
    assert window.check(0, 0, 100) is Seen.NEW
    assert window.check(20, 0, 101) is Seen.DUPLICATE


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 400)), max_size=200)
)
def test_putting_back_what_was_new_gives_the_same_answers_as_having_seen_it(
    rows: list[tuple[int, int, int]],
) -> None:
    lived = Duplicates(window=1_000, least=8)
    journal, now = [], 0
    for key, body, passed in rows:
        now += passed
        if lived.check(key, body, now) is not Seen.DUPLICATE:
            journal.append((key, body, now))
    again = Duplicates(window=1_000, least=8)
    again.remember(journal)
    for key, body, at in journal[-8:]:
        asked = [d.check(key, body, now) for d in (lived, again)]
        assert asked[0] is asked[1], (key, body, at)
    assert len(again) == len(lived)


def test_a_conflict_put_back_into_a_full_generation_turns_no_page() -> None:
    window = Duplicates(window=1_000, least=2)
    window.remember([(1, 5, 0), (2, 5, 1), (1, 6, 2)])
    assert len(window) == 2
    assert window.check(1, 6, 3) is Seen.DUPLICATE
    window.remember([(1, 6, 2_000)])  # after the window it is news
    assert len(window) == 3
