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
    window.remember(-1, -5, 0)
    assert window.check(-1, -5, 1) is Seen.DUPLICATE
    assert window.check(-1, -6, 1) is Seen.CONFLICT


@given(st.lists(st.integers(0, 60), max_size=300))
def test_the_last_ids_are_remembered_whatever_came(keys: list[int]) -> None:
    window = Duplicates(window=10**9, least=10)
    for now, key in enumerate(keys):
        recent = list(dict.fromkeys(reversed(keys[:now])))[:10]
        seen = window.check(key, 0, now)
        if key in recent:
            assert seen is Seen.DUPLICATE
    assert len(window) <= 20
