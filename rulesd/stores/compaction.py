"""Forgetting: which old rows of the SQLite store nothing needs any more.

Law: never a row that recovery reads (after the last checkpoint), that the duplicates window reads (the newest events), or that
is still owed. Without a checkpoint nothing goes. Work per call is bounded by its budget, so the writer is never held up long.

Rows go from the oldest on and stop at the first that must stay, so the journal never has a hole.
"""

import sqlite3
from itertools import takewhile
from typing import NamedTuple

from rulesd.model.instant import DAY, Instant
from rulesd.stores.segment import Segment, pack, unpack
from rulesd.stores.statements import SQL, execute_many

REFERENCE_REST = 30 * DAY
"How much longer than their pages references stay: an incident may be quiet for weeks before it is over."

GIVEN_UP_REST = 30 * DAY
"How much longer pages that were given up stay: somebody may find out only then, and send them again."

FREE_SHARE = 4
"Free pages are given back to the disk when they are more than one in so many."

FREE_PAGES = 256
"Pages given back in one call: 1 MiB."


class Limits(NamedTuple):
    """What may go."""

    before: Instant
    events: int
    "Events up to this position, counted from the first ever, are outside of the duplicates window."

    budget: int


def compact(connection: sqlite3.Connection, limits: Limits) -> int:
    """Drop what may go in one transaction and return how many rows went.

    Raises:
        sqlite3.Error: it failed; the caller rolls back.
    """
    covered = connection.execute(SQL["checkpoint_position"]).fetchone()
    if covered is None or limits.budget <= 0:
        return 0
    journal_seq, decision_seq, checkpoint_now = covered
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    left = limits.budget
    left -= _journal(cursor, journal_seq, limits, left)
    left -= _decisions(cursor, decision_seq, limits.before, left)
    # A page finished after the checkpoint stays: recovery may come to owe it again, and must find it delivered.
    finished = min(limits.before, checkpoint_now)
    left -= _pages(cursor, finished, left)
    quiet = {"before": limits.before - REFERENCE_REST, "limit": left}
    left -= cursor.execute(SQL["drop_references"], quiet).rowcount
    cursor.execute("COMMIT")
    _give_back(cursor)
    return limits.budget - left


def _journal(cursor: sqlite3.Cursor, covered: int, limits: Limits, budget: int) -> int:
    gone = 0
    while gone < budget:
        row = cursor.execute(SQL["first_segment"]).fetchone()
        if row is None:
            break
        segment = Segment._make(row)
        going = _going(segment, covered, limits, budget - gone)
        if going == 0:
            break
        cursor.execute(SQL["drop_segment"], {"first": segment.first})
        gone += going
        if going < segment.rows:
            execute_many(cursor, "add_segments", [_rest(segment, going)])
            break
    return gone


def _going(segment: Segment, covered: int, limits: Limits, budget: int) -> int:
    """How many rows from the start of a run may go."""
    last = segment.first + segment.rows - 1
    if (
        segment.rows <= budget
        and last <= covered
        and segment.newest < limits.before
        and segment.earlier + segment.events <= limits.events
    ):
        return segment.rows
    going, position = 0, segment.earlier
    for seq, row in unpack(segment):
        position += row.kind == "event"
        needed = row.kind == "event" and position > limits.events
        if going == budget or seq > covered or row.now >= limits.before or needed:
            break
        going += 1
    return going


def _rest(segment: Segment, going: int) -> Segment:
    rows = [row for _, row in unpack(segment)]
    gone = sum(row.kind == "event" for row in rows[:going])
    return pack(segment.first + going, segment.earlier + gone, rows[going:])


def _decisions(cursor: sqlite3.Cursor, covered: int, before: Instant, budget: int) -> int:
    oldest = cursor.execute(SQL["oldest_decisions"], {"covered": covered, "limit": budget})
    going = list(takewhile(lambda row: row[1] < before, oldest.fetchall()))
    if going:
        cursor.execute(SQL["drop_decisions"], {"through": going[-1][0]})
        cursor.execute(SQL["drop_mentions"], {"through": going[-1][0]})
    return len(going)


def _pages(cursor: sqlite3.Cursor, before: Instant, budget: int) -> int:
    values = {"before": before, "given_up_before": before - GIVEN_UP_REST, "limit": budget}
    gone = cursor.execute(SQL["drop_outbox"], values).fetchall()
    for place in gone:
        cursor.execute(SQL["drop_attempts"], place)
    return len(gone)


def _give_back(cursor: sqlite3.Cursor) -> None:
    ((free,), (pages,)) = (
        cursor.execute(f"PRAGMA {what}").fetchone() for what in ("freelist_count", "page_count")
    )
    if free * FREE_SHARE > pages:
        # A script: a plain ``execute`` steps this pragma once, which gives back a single page.
        cursor.executescript(f"PRAGMA incremental_vacuum({FREE_PAGES})")
