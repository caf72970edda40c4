"""The schema: a state of version 1 is brought up whole or not at all, a newer one is refused."""

import sqlite3

import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.store import Commit
from rulesd.stores.checksums import row_sum
from rulesd.stores.migrations import APPLICATION_ID, MIGRATIONS, Migration, migrate
from rulesd.stores.sqlite import SqliteStore
from tests.stores.child import inputs
from tests.stores.filled import everything, filled

NEXT = Migration(
    len(MIGRATIONS) + 1,
    "a label for each setting, and a table",
    (
        "ALTER TABLE setting ADD COLUMN label TEXT NOT NULL DEFAULT 'none'",
        "CREATE TABLE extra (x INTEGER)",
        "INSERT INTO extra SELECT count(*) FROM segment",
    ),
)
BROKEN = NEXT._replace(statements=(*NEXT.statements, "INSERT INTO nowhere VALUES (1)"))


def version_of(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def first_version(directory):
    """A state as the first version of the schema makes it, with rows in it."""
    store = SqliteStore(directory, MIGRATIONS[:1])
    store.open()
    store.commit(Commit(inputs=inputs(1, 30), settings=[("token", b"t")]))
    store.close()
    assert version_of(directory / "rulesd.db") == 1


def test_versions_go_up_one_by_one_from_one():
    assert [migration.version for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    assert all(migration.what and migration.statements for migration in MIGRATIONS)


def test_a_state_of_the_first_version_is_brought_to_the_newest(tmp_path):
    first_version(tmp_path)
    store = SqliteStore(tmp_path)
    assert store.open().last_journal_seq == 30
    assert store.setting("token") == b"t"
    store.close()
    assert version_of(tmp_path / "rulesd.db") == MIGRATIONS[-1].version


def test_a_later_version_keeps_what_is_there(tmp_path):
    first_version(tmp_path)
    later = (*MIGRATIONS, NEXT)
    store = SqliteStore(tmp_path, later)
    assert store.open().last_journal_seq == 30
    assert [row.key for _, row in store.tail(0)] == list(range(1, 31))
    assert store._connection.execute("SELECT label FROM setting").fetchall() == [("none",)]
    assert store._connection.execute("SELECT x FROM extra").fetchall() == [(1,)]
    store.close()
    assert version_of(tmp_path / "rulesd.db") == NEXT.version
    store.open()
    store.close()


def test_pages_of_the_first_version_are_found_by_their_incident(tmp_path):
    first_version(tmp_path)
    connection = sqlite3.connect(tmp_path / "rulesd.db")
    values = ("n1", "ops", "slack", "a1", 0, 1, b"{}", 0, 0)
    sums = (row_sum(*values[:7]), row_sum("pending", 0, 0, "", 0))
    connection.execute(
        "INSERT INTO outbox (id, receiver, channel, incident, priority, created, body, attempts, next_at,"
        " page_sum, state_sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, *sums),
    )
    connection.commit()
    connection.close()
    store = SqliteStore(tmp_path)
    store.open()
    assert [row.id for row, _ in store.read_outbox(alert="a1")] == ["n1"]
    assert store.read_attempts("n1") == []
    store.close()


def test_a_new_state_starts_at_the_newest_version(tmp_path):
    store = SqliteStore(tmp_path, (*MIGRATIONS, NEXT))
    store.open()
    store.close()
    assert version_of(tmp_path / "rulesd.db") == NEXT.version


def test_a_failed_migration_leaves_the_version_before(tmp_path):
    filled(tmp_path)
    before = everything(tmp_path)
    with pytest.raises(StoreError, match="nowhere"):
        SqliteStore(tmp_path, (*MIGRATIONS, BROKEN)).open()
    assert version_of(tmp_path / "rulesd.db") == MIGRATIONS[-1].version
    assert everything(tmp_path) == before


def test_a_newer_state_is_refused_with_what_to_do_and_left_alone(tmp_path):
    store = SqliteStore(tmp_path, (*MIGRATIONS, NEXT))
    store.open()
    store.commit(Commit(inputs=inputs(1, 3)))
    store.close()
    data = (tmp_path / "rulesd.db").read_bytes()
    with pytest.raises(
        StoreError, match=f"schema {NEXT.version}, this one knows up to 1"
    ) as caught:
        SqliteStore(tmp_path, MIGRATIONS[:1]).open()
    assert "restore the copy made before the upgrade" in str(caught.value)
    assert (tmp_path / "rulesd.db").read_bytes() == data


def test_the_header_tells_whose_file_it_is():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    migrate(connection)
    connection.execute("PRAGMA application_id = 7")
    with pytest.raises(StoreError, match="another program"):
        migrate(connection)
    connection.close()
