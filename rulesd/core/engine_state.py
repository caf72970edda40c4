"""The engine's state as plain data: everything, what changed, and back.

Law: an engine that is restored decides what the one that was written would have decided. What there may be many of (keys of rules, foreign
alerts, groups, silences) is kept row by row, so that a checkpoint costs what changed; the rest is small and written whole.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from rulesd.core.detection import Detection
from rulesd.core.dispatch import Dispatch
from rulesd.core.foreign import ForeignAlerts
from rulesd.core.labels import Key
from rulesd.core.machine import Machine, Rows
from rulesd.model.event import Json
from rulesd.model.instant import Instant
from rulesd.model.reasons import Outcome

VERSION = 1
"Of the shape of the small state."


class KeyState(NamedTuple):
    """One (rule, key) as plain data; ``data`` ``None`` means that it is gone. A tuple, because a restart makes a million.

    ``rule`` is a rule's id, or the name of a part that is kept row by row (``@foreign``, which no rule can be called).
    """

    rule: str
    key: Key
    data: Json


class Parts(Protocol):
    """What of an engine is state."""

    detection: Detection
    dispatch: Dispatch
    foreign: ForeignAlerts
    machines: tuple[Machine, ...]
    rows: dict[str, Rows]
    now: Instant
    outcomes: dict[Outcome, int]


def small_state(engine: Parts) -> Json:
    """Everything but the rows and the duplicates window."""
    books: dict[str, Json] = {
        book.rule.id: [
            book.rule.digest,
            book.newest,
            book.limit_told,
            book.rule.detector.dump_pool(book.pool),
        ]
        for book in engine.detection.books
    }
    return {
        "version": VERSION,
        "now": engine.now,
        "books": books,
        "dispatch": engine.dispatch.dump(),
        "machines": {machine.name: machine.dump() for machine in engine.machines},
        "outcomes": {str(k): v for k, v in engine.outcomes.items()},
        "pages": list(engine.dispatch.throttle.allowed),
    }


def changes(engine: Parts) -> Iterator[KeyState]:
    """The rows that changed since the last call; forgets that they did."""
    for book in engine.detection.books:
        dirty, book.dirty = book.dirty, {}
        for key in dirty:
            entry = book.peek(key)
            data = None if entry is None else book.dump_entry(entry)
            yield KeyState(book.rule.id, key, data)
    for name, part in engine.rows.items():
        for key, data in part.changes():
            yield KeyState(name, key, data)


def everything(engine: Parts) -> list[KeyState]:
    """Every row."""
    keys = [
        KeyState(book.rule.id, entry.key, book.dump_entry(entry))
        for book in engine.detection.books
        for entry in book.entries()
    ]
    for name, part in engine.rows.items():
        keys += [KeyState(name, key, data) for key, data in part.rows()]
    return keys


def restore(engine: Parts, small: Json, keys: Iterable[KeyState]) -> list[str]:
    """Fill an engine that is new; returns the ids of rules whose stored state is void because they are others now."""
    assert isinstance(small, dict)
    assert small["version"] == VERSION
    now, outcomes, pages = small["now"], small["outcomes"], small["pages"]
    assert isinstance(now, int)
    assert isinstance(outcomes, dict)
    engine.now = now
    engine.outcomes = {o: int(str(outcomes.get(str(o), 0))) for o in Outcome}
    good = _books(engine, small["books"])
    by_id = {book.rule.id: book for book in engine.detection.books}
    for state in keys:
        if good.get(state.rule):
            by_id[state.rule].load_entry(state.key, state.data)
        elif state.rule in engine.rows:
            engine.rows[state.rule].load_row(state.key, state.data)
    engine.detection.rebuild()
    assert isinstance(pages, list)
    limit, window = pages
    assert isinstance(limit, int)
    assert isinstance(window, int)
    engine.dispatch.throttle.allow(limit, window)
    machines = small.get("machines", {})
    assert isinstance(machines, dict)
    for machine in engine.machines:
        if machine.name in machines:
            machine.load(machines[machine.name])
    engine.dispatch.load(small["dispatch"], engine.foreign.known)
    return [rule for rule, ok in good.items() if not ok]


def _books(engine: Parts, books: Json) -> dict[str, bool]:
    """What rules know beside their keys; by rule, whether it is still the same rule."""
    assert isinstance(books, dict)
    by_id = {book.rule.id: book for book in engine.detection.books}
    good: dict[str, bool] = {}
    for rule, meta in books.items():
        assert isinstance(meta, list)
        digest, newest, limit_told, pool = meta
        book = by_id.get(rule)
        good[rule] = book is not None and book.rule.digest == digest
        if book is not None and good[rule]:
            assert isinstance(newest, int)
            assert isinstance(limit_told, int)
            book.newest, book.limit_told = newest, limit_told
            book.pool = book.rule.detector.load_pool(pool)
    return good
