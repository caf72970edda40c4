"""A limit is told, at most once an hour."""

from rulesd.core.book import Book
from rulesd.core.limit import limit_reached, values_dropped
from rulesd.model.decision import Decision, LimitReached
from rulesd.model.instant import HOUR
from rulesd.model.reasons import Reason
from tests.core.plans import T0, rule


def test_once_an_hour() -> None:
    book, out = Book(rule("t.x"), None), list[Decision]()
    for at in (T0, T0 + HOUR - 1, T0 + HOUR):
        limit_reached(book, Reason.KEY_LIMIT, 7, "full", at, out)
    assert [d.at for d in out] == [T0, T0 + HOUR]
    first = out[0]
    assert isinstance(first, LimitReached)
    assert (first.rule, first.limit, first.detail) == ("t.x", 7, "full")


def test_what_a_key_had_to_give_up_is_told_when_there_is_something() -> None:
    book, out = Book(rule("t.x"), None), list[Decision]()
    said = iter([(24, ""), (24, "two went")])
    book.dropped = lambda state, pool: next(said)
    values_dropped(book, None, T0, out)
    assert out == []
    values_dropped(book, None, T0, out)
    first = out[0]
    assert isinstance(first, LimitReached)
    assert (first.reason, first.limit, first.detail) == (Reason.VALUE_LIMIT, 24, "two went")
