"""Telling that a limit of a rule was reached.

Law: nothing is given up without a word, and the word comes at most once an hour.
"""

from rulesd.core.book import Book
from rulesd.model.decision import Decision, LimitReached
from rulesd.model.instant import HOUR, Instant
from rulesd.model.reasons import Reason


def limit_reached(
    book: Book, reason: Reason, limit: int, detail: str, now: Instant, out: list[Decision]
) -> None:
    """Say so, unless that was said within the hour."""
    if book.limit_told == 0 or now - book.limit_told >= HOUR:
        book.limit_told = now
        out.append(LimitReached(at=now, reason=reason, rule=book.id, limit=limit, detail=detail))


def values_dropped(book: Book, state: object, now: Instant, out: list[Decision]) -> None:
    """Say what a detector that keeps a bounded number of things for a key had to give up."""
    assert book.dropped is not None
    limit, detail = book.dropped(state, book.pool)
    if detail:
        limit_reached(book, Reason.VALUE_LIMIT, limit, detail, now, out)
