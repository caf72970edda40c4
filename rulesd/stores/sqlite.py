"""The durable store of one daemon: SQLite with a write-ahead log and ``synchronous=FULL``.

Law: ``commit`` returns after ``fsync``, so ``kill -9`` and power loss take nothing back; it raises and changes nothing
otherwise, and the same ``Commit`` may be tried again. One process has it open, one thread at a time writes, any thread reads.

How little there is to do per event: the inputs of a commit become one row (``segment``), other rows go in as one statement for
all of them (``statements``), and a commit of inputs alone is a single statement in a transaction of its own.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from rulesd.model.errors import StoreError
from rulesd.model.instant import Instant
from rulesd.ports.store import (
    Checkpoint,
    Commit,
    DecisionRow,
    JournalRow,
    OutboxDone,
    OutboxRow,
    Recovered,
)
from rulesd.stores.checksums import decision_sum, row_sum
from rulesd.stores.compaction import Limits, compact
from rulesd.stores.faults import blamed, damaged, translated
from rulesd.stores.files import DATABASE, LOCK, check, connect, make_directory, prepare
from rulesd.stores.folding import attempts, final_outcomes, last_number, last_values
from rulesd.stores.keyruns import KeyRuns
from rulesd.stores.lock import ProcessLock
from rulesd.stores.migrations import MIGRATIONS, Migration, migrate
from rulesd.stores.reading import SqliteReader
from rulesd.stores.segment import MOST_ROWS, Segment, name_bytes, pack, verify
from rulesd.stores.statements import SQL, execute_many

_NO_CHECKPOINT = (0, 0, 0, "", None, 0, 0, 0)


class SqliteStore(SqliteReader):
    """``rulesd.db`` in the state directory. See the port for every promise."""

    def __init__(self, directory: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        super().__init__(directory / DATABASE)
        self._directory = directory
        self._migrations = migrations
        self._lock = ProcessLock(directory / LOCK)
        self._connection: sqlite3.Connection | None = None
        self._keys = KeyRuns()
        self._opened = False
        self._seq = 0
        self._events = 0
        self._decided = 0
        self._newest: Instant = 0

    def open(self) -> Recovered:
        """Take the lock, open or create, migrate, look for damage, and say where things stand.

        Raises:
            StoreError: the state is in use, damaged, of a newer version, or its disk cannot be used.
        """
        if self._opened:
            raise StoreError("the store is open already. Close it first")
        self._keys = KeyRuns()
        make_directory(self._directory)
        self._lock.acquire()
        try:
            with translated(self._path):
                prepare(self._directory, self._migrations)
                connection = self._connect()
                migrate(connection, self._migrations)
                check(connection, self._path)
                recovered = self._recover(connection)
        except BaseException:
            self._disconnect()
            self._lock.release()
            raise
        self._opened = True
        self._start_reading()
        return recovered

    def commit(self, commit: Commit) -> None:
        """Make it durable, all or nothing.

        Raises:
            StoreError: the disk or the file failed; nothing changed, and the same commit may be tried again.
            ValueError: the commit itself is wrong (decision numbers that do not go up, a number of more than 64 bits): a
                mistake of the caller; nothing changed.
        """
        decided = last_number(commit.decisions, self._decided)
        segments = self._segments_of(commit.inputs)
        newest = max((segment.newest for segment in segments), default=self._newest)
        newest = max(newest, self._newest)
        with translated(self._path):
            connection = self._writing()
            try:
                with blamed():
                    self._make(connection, commit, segments, newest)
            except BaseException:
                self._roll_back(connection)
                raise
        self._decided = decided
        self._newest = newest
        self._seq += len(commit.inputs)
        self._events += sum(segment.events for segment in segments)

    def compact(self, *, journal_before: Instant, keep_events: int, budget_rows: int) -> int:
        """Drop what is old and needed by nothing, at most ``budget_rows``; return how many rows went.

        Call again while it returns ``budget_rows``. One call is one short transaction; some free pages (1 MiB) are given back
        to the disk when more than a quarter of the file is free.

        Raises:
            StoreError: the disk failed; nothing changed.
        """
        limits = Limits(
            before=journal_before, events=self._events - keep_events, budget=budget_rows
        )
        with translated(self._path):
            connection = self._writing()
            try:
                return compact(connection, limits)
            except BaseException:
                self._roll_back(connection)
                raise

    def close(self) -> None:
        """Close; everything committed stays. Closing twice is fine."""
        self._stop_reading()
        self._opened = False
        self._disconnect()
        self._lock.release()

    def _connect(self) -> sqlite3.Connection:
        connection = self._connection = connect(self._path)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(
                f"{self._path.name} cannot use a write-ahead log here. Put the state on a local disk"
            )
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _writing(self) -> sqlite3.Connection:
        """The writer's connection; made anew when a fault took the last one."""
        if not self._opened:
            raise StoreError("the store is not open. Open it first")
        return self._connection or self._connect()

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """Undo the transaction; if even that fails, drop the connection, which undoes it too."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._disconnect()

    def _recover(self, connection: sqlite3.Connection) -> Recovered:
        row = connection.execute(SQL["checkpoint"]).fetchone()
        covered, decided, newest, digest, engine, *runs, expected = row or _NO_CHECKPOINT
        if row and row_sum(*row[:-1]) != expected:
            raise damaged(self._path, "the checkpoint")
        oldest, seq, events = self._standing(connection)
        (tail_newest,) = connection.execute(SQL["newest_now"], {"after": covered}).fetchone()
        last_decision, noted = connection.execute(SQL["last_decision"]).fetchone()
        if last_decision != noted:
            raise damaged(self._path, "the decision log")
        if list(connection.execute(SQL["runs_standing"]).fetchone()) != runs:
            raise damaged(self._path, "key states are missing, or the checkpoint they belong to")
        if oldest > covered + 1:
            raise damaged(self._path, "a checkpoint or journal rows after it are missing")
        self._seq = max(seq, covered)
        self._events = events
        self._decided = last_decision or 0
        self._newest = max(newest, tail_newest or 0)
        return Recovered(
            engine=engine,
            plan_digest=digest,
            checkpoint_journal_seq=covered,
            checkpoint_decision_seq=decided,
            last_journal_seq=self._seq,
            last_decision_seq=max(last_decision or 0, decided),
            last_now=self._newest,
        )

    def _standing(self, connection: sqlite3.Connection) -> tuple[int, int, int]:
        """First and last sequence number of the journal and number of events ever, from runs that are looked at first."""
        ends = [
            Segment._make(row)
            for name in ("oldest_segment", "last_segment")
            for row in connection.execute(SQL[name])
        ]
        for end in ends:
            verify(end)
        if not ends:
            return 0, 0, 0
        last = ends[-1]
        return ends[0].first, last.first + last.rows - 1, last.earlier + last.events

    def _segments_of(self, inputs: Sequence[JournalRow]) -> list[Segment]:
        segments: list[Segment] = []
        earlier = self._events
        for start in range(0, len(inputs), MOST_ROWS):
            rows = inputs[start : start + MOST_ROWS]
            segments.append(pack(self._seq + 1 + start, earlier, rows))
            earlier += segments[-1].events
        return segments

    def _make(
        self,
        connection: sqlite3.Connection,
        commit: Commit,
        segments: Sequence[Segment],
        newest: Instant,
    ) -> None:
        """Everything of one commit, in the order the port's readers rely on: what is owed stands before what became of it."""
        cursor = connection.cursor()
        if _is_inputs_only(commit) and len(segments) <= 1:
            execute_many(cursor, "add_segments", segments)
            return
        cursor.execute("BEGIN IMMEDIATE")
        execute_many(cursor, "add_segments", segments)
        _decide(cursor, commit.decisions)
        execute_many(cursor, "add_outbox", _owed(commit.outbox))
        _finish(cursor, commit)
        if commit.checkpoint:
            covered = self._seq + len(commit.inputs)
            standing = self._keys.write(cursor, commit.checkpoint)
            _checkpoint(cursor, commit.checkpoint, covered, newest, standing)
        if commit.plan:
            cursor.execute(SQL["put_plan"], (*commit.plan, row_sum(*commit.plan)))
        _settle(cursor, last_values(commit.settings))
        cursor.execute("COMMIT")
        if commit.checkpoint:
            self._keys.settle()


def _is_inputs_only(commit: Commit) -> bool:
    return not (
        commit.decisions
        or commit.outbox
        or commit.done
        or commit.checkpoint
        or commit.plan
        or commit.settings
    )


def _decide(cursor: sqlite3.Cursor, decisions: Sequence[DecisionRow]) -> None:
    plain = [(row.seq, row.at, row.kind, row.rule, row.alert, row.body) for row in decisions]
    rows = [(*row, decision_sum(*row)) for row in plain]
    execute_many(cursor, "add_decisions", rows)
    if rows:
        about = {row.rule for row in decisions} | {row.alert for row in decisions}
        names = b"".join(name_bytes(one) for one in sorted(about) if one)
        cursor.execute(SQL["add_mention"], (rows[0][0], rows[-1][0], names))


def _owed(rows: Sequence[OutboxRow]) -> list[tuple[object, ...]]:
    first: dict[tuple[str, str, str], OutboxRow] = {}
    for row in rows:
        first.setdefault((row.id, row.receiver, row.channel), row)
    return [
        (
            row.id,
            row.receiver,
            row.channel,
            row.incident,
            row.priority,
            row.created,
            row.body,
            row.attempts,
            row.next_at,
            row_sum(
                row.id,
                row.receiver,
                row.channel,
                row.incident,
                row.priority,
                row.created,
                row.body,
            ),
            row_sum("pending", row.attempts, row.next_at, "", 0),
            b"".join(name_bytes(one) for one in row.alerts),
        )
        for row in first.values()
    ]


def _finish(cursor: sqlite3.Cursor, commit: Commit) -> None:
    finished = final_outcomes(commit.done)
    execute_many(
        cursor,
        "finish_outbox",
        [
            (
                *place,
                done.state,
                done.attempts,
                done.next_at,
                done.detail,
                done.at,
                row_sum(done.state, done.attempts, done.next_at, done.detail, done.at),
            )
            for place, done in finished.items()
        ],
    )
    execute_many(cursor, "add_attempts", [_attempt(one) for one in attempts(commit.done)])
    remembered = [
        (*place, row_sum(*place), done.at)
        for done in commit.done
        if done.reference
        and (incident := done.incident or _incident_of(cursor, done))
        and (place := (incident, done.receiver, done.channel, done.reference))
    ]
    execute_many(cursor, "put_references", remembered)


def _attempt(done: OutboxDone) -> tuple[object, ...]:
    row = (
        *(done.id, done.receiver, done.channel, done.attempts),
        *(done.at, done.state, done.detail, done.reference),
    )
    return (*row, row_sum(*row))


def _incident_of(cursor: sqlite3.Cursor, done: OutboxDone) -> str:
    values = {"id": done.id, "receiver": done.receiver, "channel": done.channel}
    row = cursor.execute(SQL["incident_of"], values).fetchone()
    return str(row[0]) if row else ""


def _checkpoint(
    cursor: sqlite3.Cursor,
    checkpoint: Checkpoint,
    covered: int,
    newest: Instant,
    standing: tuple[int, int],
) -> None:
    values = (
        covered,
        checkpoint.decision_seq,
        newest,
        checkpoint.plan_digest,
        checkpoint.engine,
        *standing,
    )
    cursor.execute(SQL["put_checkpoint"], (*values, row_sum(*values)))


def _settle(cursor: sqlite3.Cursor, values: Mapping[str, bytes]) -> None:
    execute_many(
        cursor,
        "put_settings",
        [(name, value, row_sum(name, value)) for name, value in values.items() if value],
    )
    execute_many(cursor, "drop_settings", [(name,) for name, value in values.items() if not value])
