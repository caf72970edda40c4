"""Reading the SQLite store, from any thread, without ever holding up the writer.

Law: reads change nothing and keep no transaction open between two items: long answers are read in chunks, each a statement of
its own, so the write-ahead log can always be folded back. Checksums are looked at: what was stored comes back, or ``StoreError``.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from rulesd.model.errors import StoreError
from rulesd.model.instant import Instant
from rulesd.ports.store import AttemptRow, DecisionRow, JournalRow, KeyRow, OutboxDone, OutboxRow
from rulesd.stores.checksums import Damaged, decision_sum, row_sum
from rulesd.stores.faults import translated
from rulesd.stores.files import connect
from rulesd.stores.folding import is_about
from rulesd.stores.keyruns import PARTS, key_rows, lay
from rulesd.stores.segment import (
    Segment,
    event_id,
    identities,
    name_bytes,
    positions,
    unpack,
    verify,
)
from rulesd.stores.statements import SQL

_Row = tuple[Any, ...]


class SqliteReader:
    """The reading half of the SQLite store: a few read-only connections shared by all threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = Lock()
        self._readable = False

    def keys(self) -> Iterator[KeyRow]:
        """Every (rule, key) state of the last checkpoint, in no order."""
        for part in range(PARTS):
            with translated(self._path):
                live = lay(part, self._all("runs_of_part", part=part))
            yield from key_rows(live)

    def tail(self, after_seq: int) -> Iterator[tuple[int, JournalRow]]:
        """Journal rows after ``after_seq`` with their sequence numbers, oldest first."""
        following = False
        while segments := self._segments("segments_after", after=after_seq):
            for segment in segments:
                with translated(self._path):
                    if following and segment.first != after_seq + 1:
                        raise Damaged(f"journal rows from {after_seq + 1} on are missing")
                    rows = list(unpack(segment))
                yield from rows[max(0, after_seq + 1 - segment.first) :]
                after_seq, following = segment.first + segment.rows - 1, True

    def recent_ids(self, since: Instant, at_least: int) -> Iterator[tuple[int, int, Instant]]:
        """(key, body, now) of the newest events, oldest first, as the port says."""
        ends = self._segments("oldest_segment") + self._segments("last_segment")
        if not ends:
            return
        with translated(self._path):
            for end in ends:
                verify(end)
        oldest, total = ends[0].earlier, ends[-1].earlier + ends[-1].events
        lowest = max(oldest, total - 2 * at_least)
        start = max(oldest, total - at_least)
        for (earlier,) in self._all("window_start", lowest=lowest, since=since):
            start = min(start, self._window_start(earlier, lowest, since, total))
        for segment, found in self._window(start, total):
            yield from found[max(0, start - segment.earlier) :]

    def pending(self) -> Iterator[OutboxRow]:
        """Outbox rows that still have to be delivered, oldest first."""
        position = 0
        while rows := self._all("pending", after=position):
            for row in rows:
                with translated(self._path):
                    owed = _outbox_row(row)
                yield owed
            position = rows[-1][9]

    def references(self, incident: str) -> dict[tuple[str, str], bytes]:
        """By (receiver, channel): what to remember for updating this incident's message in place."""
        rows = self._all("references", incident=incident)
        with translated(self._path):
            return {row[:2]: _checked("a reference", incident, *row) for row in rows}

    def read_decisions(
        self, *, alert: str = "", rule: str = "", after_seq: int = 0, limit: int = 1000
    ) -> Sequence[DecisionRow]:
        """Decisions in order, filtered."""
        if not alert and not rule:
            rows = self._all("decisions", after=after_seq, limit=max(0, limit))
        else:
            rows = self._decisions_about(alert, rule, after_seq, limit)
        with translated(self._path):
            return [_decision(*row) for row in rows]

    def read_event(self, event_id: str) -> Sequence[tuple[int, JournalRow]]:
        """Journal rows of events with this CloudEvents id, oldest first."""
        found: list[tuple[int, JournalRow]] = []
        name = name_bytes(event_id)
        for (first,) in self._all("segments_named", name=name) if event_id else ():
            for segment in self._segments("segment", first=first):
                with translated(self._path):
                    found += _events(segment, name, event_id)
        return found

    def read_outbox(
        self, *, state: str = "", alert: str = "", page: str = "", limit: int = 1000
    ) -> Sequence[tuple[OutboxRow, OutboxDone | None]]:
        """Outbox rows with what became of them, newest first."""
        most = max(0, limit)
        if page:
            rows = self._all("outbox_of_page", page=page, state=state, limit=-1)
        elif alert:
            rows = self._all("outbox_of_alert", alert=alert, name=name_bytes(alert), state=state)
        else:
            rows = self._all("outbox_in_state" if state else "outbox", state=state, limit=most)
        with translated(self._path):
            found = [(_outbox_row(row), _outbox_done(row)) for row in rows]
        return [one for one in found if not alert or is_about(one[0], alert)][:most]

    def read_attempts(self, page: str) -> Sequence[AttemptRow]:
        """Every attempt to deliver the page with this id, oldest first."""
        rows = self._all("attempts", page=page)
        with translated(self._path):
            return [_attempt(row) for row in rows]

    def setting(self, name: str) -> bytes | None:
        """A small durable value."""
        rows = self._all("setting", name=name)
        with translated(self._path):
            return _checked("a setting", *rows[0]) if rows else None

    def settings(self, prefix: str) -> dict[str, bytes]:
        """Small durable values whose name starts so."""
        rows = self._all("settings", prefix=prefix)
        with translated(self._path):
            return {row[0]: _checked("a setting", *row) for row in rows}

    def plan_archive(self, digest: str) -> bytes | None:
        """The files of a plan that was once in force."""
        rows = self._all("plan", digest=digest)
        with translated(self._path):
            return _checked("a plan", *rows[0]) if rows else None

    def _decisions_about(self, alert: str, rule: str, after: int, limit: int) -> list[_Row]:
        rows: list[_Row] = []
        named = self._all("mentions", after=after, name=name_bytes(alert or rule))
        for first, last in named:
            left = limit - len(rows)
            if left <= 0:
                break
            rows += self._all(
                "decisions_about",
                first=first,
                last=last,
                after=after,
                alert=alert,
                rule=rule,
                limit=left,
            )
        return rows

    def _window_start(self, earlier: int, lowest: int, since: Instant, total: int) -> int:
        """The position of the first event of ``since`` or later, from ``earlier`` on."""
        for segment, found in self._window(earlier, total):
            for position, (_, _, now) in enumerate(found, segment.earlier):
                if position >= lowest and now >= since:
                    return position
        return total

    def _window(
        self, position: int, total: int
    ) -> Iterator[tuple[Segment, list[tuple[int, int, Instant]]]]:
        """Runs with the events from a position on, and these; a hole in them is damage."""
        after, expected = -1, position
        while expected < total:
            segments = self._segments("window_segments", after=after, position=expected)
            with translated(self._path):
                if not segments:
                    raise Damaged("events of the duplicates window are missing")
            for segment in segments:
                with translated(self._path):
                    found = list(identities(segment))
                    if segment.earlier > expected or len(found) != segment.events:
                        raise Damaged("events of the duplicates window are missing")
                yield segment, found
                after, expected = segment.first, segment.earlier + segment.events

    def _segments(self, name: str, /, **values: object) -> list[Segment]:
        return [Segment._make(row) for row in self._all(name, **values)]

    def _all(self, name: str, /, **values: object) -> list[_Row]:
        """Run a statement and fetch everything it gives."""
        with self._reading() as connection, translated(self._path):
            return connection.execute(SQL[name], values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a read-only connection; one that saw an error is not used again."""
        with self._guard:
            if not self._readable:
                raise StoreError("the store is not open. Open it first")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            with translated(self._path):
                connection = connect(self._path)
                connection.execute("PRAGMA query_only = ON")
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if self._readable:
                self._idle.append(connection)
                return
        connection.close()

    def _start_reading(self) -> None:
        self._readable = True

    def _stop_reading(self) -> None:
        with self._guard:
            self._readable = False
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _events(segment: Segment, name: bytes, wanted: str) -> list[tuple[int, JournalRow]]:
    places = list(positions(segment, name))
    if not places:
        return []
    rows = list(unpack(segment))
    return [rows[place] for place in places if event_id(rows[place][1].payload) == wanted]


def _decision(
    seq: int, at: int, kind: str, rule: str, alert: str, body: bytes, expected: int
) -> DecisionRow:
    if decision_sum(seq, at, kind, rule, alert, body) != expected:
        raise Damaged(f"decision {seq}")
    return DecisionRow(seq=seq, at=at, kind=kind, rule=rule, alert=alert, body=body)


def _checked(what: str, *row: Any) -> bytes:
    """The last column but one of a row, if the last, its checksum, is right."""
    *values, expected = row
    if row_sum(*values) != expected:
        raise Damaged(what)
    value: bytes = values[-1]
    return value


def _outbox_row(row: _Row) -> OutboxRow:
    (identity, receiver, channel, incident, priority, created, body, attempts, next_at) = row[:9]
    position, page_sum, state, detail, at, state_sum = row[9:]
    if (
        row_sum(*row[:7]) != page_sum
        or row_sum(state, attempts, next_at, detail, at or 0) != state_sum
    ):
        raise Damaged(f"page {position} of the outbox")
    return OutboxRow(
        id=identity,
        receiver=receiver,
        channel=channel,
        incident=incident,
        priority=priority,
        created=created,
        body=body,
        attempts=attempts,
        next_at=next_at,
        row=position,
    )


def _attempt(row: _Row) -> AttemptRow:
    *values, expected = row
    if row_sum(*values) != expected:
        raise Damaged("an attempt to deliver a page")
    page, receiver, channel, number, at, state, detail, reference = values
    return AttemptRow(
        id=page,
        receiver=receiver,
        channel=channel,
        number=number,
        at=at,
        state=state,
        detail=detail,
        reference=reference,
    )


def _outbox_done(row: _Row) -> OutboxDone | None:
    state, detail, at = row[11:14]
    if at is None:
        return None
    return OutboxDone(
        id=row[0],
        receiver=row[1],
        channel=row[2],
        incident=row[3],
        attempts=row[7],
        next_at=row[8],
        state=state,
        detail=detail,
        at=at,
    )
