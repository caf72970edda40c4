"""Spans in which a condition held, in whatever order they are told."""

from itertools import permutations

from rulesd.core.pending import OPEN, Spans, drop, hold, lasted, next_look, stop


def spans(*told: tuple[int, int | None]) -> Spans:
    out: Spans = []
    for start, end in told:
        hold(out, start, end)
    return out


def test_spans_join_where_they_touch_in_any_order() -> None:
    told = [(10, 20), (20, 30), (40, 50), (45, 60), (0, 5)]
    for order in permutations(told):
        assert spans(*order) == [0, 5, 10, 30, 40, 60]
    assert spans((10, 20), (40, 50), (15, 45)) == [10, 50]
    assert spans((10, None), (5, 12)) == [5, OPEN]
    assert spans((10, 7)) == [10, 10]


def test_a_break_begins_anew() -> None:
    apart = spans((0, 50), (60, 140))
    assert not lasted(apart, 100, 1_000)
    assert lasted(apart, 80, 140)
    assert not lasted(apart, 80, 139)  # not yet
    assert lasted(spans((0, 50), (60, 140), (49, 61)), 100, 100)


def test_what_the_watermark_has_passed_is_over() -> None:
    apart = spans((0, 50), (60, 140))
    drop(apart, 50)
    assert apart == [0, 50, 60, 140]  # an event of that very instant may still come
    drop(apart, 51)
    assert apart == [60, 140]
    drop(apart, 141)
    assert apart == []


def test_an_inactive_reading_ends_what_was_open() -> None:
    told = spans((10, None))
    stop(told, 30)
    assert told == [10, 30]
    told = spans((10, 20), (25, None))
    stop(told, 22)
    assert told == [10, 20]


def test_the_next_look_is_when_something_can_be_decided() -> None:
    assert next_look([], 10) == OPEN
    assert next_look(spans((0, 50), (60, 140)), 100) == 51
    assert next_look(spans((0, 50)), 50) == 50
    assert next_look(spans((5, None)), 50) == 55
