"""The schema of the SQLite store, from its first version on.

Law: a migration, once released, never changes; a new one is added at the end. Each runs whole in one transaction with its
version number, so a store is at one version or the next, never between. A store from a newer rulesd is refused.

Choices of the schema:

* ``auto_vacuum=INCREMENTAL``: after a storm the file can shrink a little at a time (``compact``), never all at once.
* ``segment`` holds runs of journal rows (see ``segment``), short columns first, so that the duplicates window and the look-up
  by event id read the first pages of a row and leave its payloads alone.
* ``segment_names`` holds the names once more, in the order they come: looking for an event reads 4 bytes for each event and
  nothing else, and keeping it costs next to nothing, as it only ever grows at its end.
* ``mention`` does the same for decisions: an index by alert would write a page somewhere for each decision.
* ``key_run`` see ``keyruns``.
* ``outbox_names`` does it for the alerts of pages.
* ``outbox.position`` is never used twice, also when the newest page was forgotten.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import NamedTuple

from rulesd.model.errors import StoreError

APPLICATION_ID = 0x72756C65
"``rule``, in the header of the file: tells a store of rulesd from any other SQLite file."


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    "The version a store has after it."

    what: str
    statements: Sequence[str]


MIGRATIONS: Sequence[Migration] = (
    Migration(
        1,
        "journal, decision log, outbox, references, checkpoint, key states, settings, plans",
        (
            """CREATE TABLE segment (
                first INTEGER PRIMARY KEY, rows INTEGER NOT NULL, earlier INTEGER NOT NULL,
                events INTEGER NOT NULL, newest INTEGER NOT NULL, kinds TEXT NOT NULL,
                names BLOB NOT NULL, columns BLOB NOT NULL, index_sum INTEGER NOT NULL,
                payload_sum INTEGER NOT NULL, payloads BLOB NOT NULL)""",
            "CREATE INDEX segment_names ON segment (first, names)",
            """CREATE TABLE decision (
                seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,
                rule TEXT NOT NULL, alert TEXT NOT NULL, body BLOB NOT NULL,
                body_sum INTEGER NOT NULL)""",
            """CREATE TABLE mention (
                first INTEGER PRIMARY KEY, last INTEGER NOT NULL, names BLOB NOT NULL)""",
            """CREATE TABLE outbox (
                position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,
                receiver TEXT NOT NULL, channel TEXT NOT NULL, incident TEXT NOT NULL,
                priority INTEGER NOT NULL, created INTEGER NOT NULL, body BLOB NOT NULL,
                attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, page_sum INTEGER NOT NULL,
                state TEXT NOT NULL DEFAULT 'pending', detail TEXT NOT NULL DEFAULT '',
                at INTEGER, state_sum INTEGER NOT NULL, UNIQUE (id, receiver, channel))""",
            "CREATE INDEX outbox_pending ON outbox (position) WHERE state = 'pending'",
            "CREATE INDEX outbox_finished ON outbox (at) WHERE state <> 'pending'",
            "CREATE INDEX outbox_incident ON outbox (incident)",
            """CREATE TABLE reference (
                incident TEXT NOT NULL, receiver TEXT NOT NULL, channel TEXT NOT NULL,
                body BLOB NOT NULL, body_sum INTEGER NOT NULL, at INTEGER NOT NULL,
                PRIMARY KEY (incident, receiver, channel)) WITHOUT ROWID""",
            "CREATE INDEX reference_at ON reference (at)",
            """CREATE TABLE checkpoint (
                one INTEGER PRIMARY KEY CHECK (one = 1), journal_seq INTEGER NOT NULL,
                decision_seq INTEGER NOT NULL, newest INTEGER NOT NULL, plan_digest TEXT NOT NULL,
                engine BLOB NOT NULL, runs INTEGER NOT NULL, run_bytes INTEGER NOT NULL,
                row_sum INTEGER NOT NULL)""",
            """CREATE TABLE key_run (
                number INTEGER PRIMARY KEY, part INTEGER NOT NULL, body_sum INTEGER NOT NULL,
                body BLOB NOT NULL)""",
            "CREATE INDEX key_run_part ON key_run (part)",
            """CREATE TABLE setting (
                name TEXT PRIMARY KEY, value BLOB NOT NULL, value_sum INTEGER NOT NULL) WITHOUT ROWID""",
            """CREATE TABLE plan (
                digest TEXT PRIMARY KEY, archive BLOB NOT NULL, archive_sum INTEGER NOT NULL)""",
        ),
    ),
    Migration(
        2,
        "every attempt to deliver a page, and the alerts a page is about",
        (
            "ALTER TABLE outbox ADD COLUMN names BLOB NOT NULL DEFAULT x''",
            "CREATE INDEX outbox_names ON outbox (position, names)",
            """CREATE TABLE attempt (
                position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, receiver TEXT NOT NULL,
                channel TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
                state TEXT NOT NULL, detail TEXT NOT NULL, reference BLOB NOT NULL,
                row_sum INTEGER NOT NULL)""",
            "CREATE INDEX attempt_page ON attempt (id, receiver, channel)",
        ),
    ),
)


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring a store to the newest version; a connection in autocommit mode.

    Raises:
        StoreError: the store is of a newer version, or is no store of rulesd at all.
        sqlite3.Error: a step failed; the store is as it was before that step.
    """
    newest = migrations[-1].version
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if version > newest:
        raise StoreError(
            f"the state was written by a newer rulesd (schema {version}, this one knows up to "
            f"{newest}). Start that newer version, or restore the copy made before the upgrade"
        )
    if application != APPLICATION_ID and version:
        raise StoreError("the state file is a database of another program. Choose another --state")
    for migration in migrations:
        if migration.version > version:
            _apply(connection, migration)


def _apply(connection: Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in migration.statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {migration.version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
