"""The files: private, created whole, and refused with words of recovery when they are not what rulesd wrote."""

import os
import sqlite3
import stat

import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.store import Commit
from rulesd.stores import files
from rulesd.stores.sqlite import SqliteStore
from tests.stores.child import inputs
from tests.stores.filled import everything, filled


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def store(directory):
    store = SqliteStore(directory)
    store.open()
    yield store
    store.close()


@pytest.mark.parametrize("how", ["empty", "short", "text", "header", "gone"])
def test_a_damaged_file_is_refused_with_words_of_recovery(directory, how):
    path = filled(directory)
    data = path.read_bytes()
    match how:
        case "empty":
            path.write_bytes(b"")
        case "short":
            path.write_bytes(data[: len(data) // 2])
        case "text":
            path.write_bytes(b"this is not a database at all, but text\n" * 100)
        case "header":
            path.write_bytes(b"\xff" * 100 + data[100:])
        case "gone":
            path.rename(path.with_name("rulesd.db-wal"))
    with pytest.raises(StoreError, match="damaged") as caught:
        SqliteStore(directory).open()
    assert ".recover" in str(caught.value)
    assert "restore your last copy" in str(caught.value)
    # It was not replaced, and the lock was let go.
    left = {
        "empty": b"",
        "short": data[: len(data) // 2],
        "header": b"\xff" * 100 + data[100:],
    }
    if how in left:
        assert path.read_bytes() == left[how]
    with pytest.raises(StoreError, match="damaged"):
        SqliteStore(directory).open()


def test_a_database_of_another_program_is_refused(directory):
    directory.mkdir()
    other = sqlite3.connect(directory / "rulesd.db")
    other.execute("CREATE TABLE t (x)")
    other.execute("PRAGMA user_version = 1")
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(directory).open()


def test_files_are_private(store, directory):
    store.commit(Commit(inputs=inputs(1, 1)))
    old = os.umask(0)
    os.umask(old)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    names = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert names == dict.fromkeys(
        ("rulesd.db", "rulesd.db-wal", "rulesd.db-shm", "rulesd.lock"), 0o600
    )


def test_files_are_private_under_a_loose_umask_and_made_so_again(tmp_path):
    old = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "state")
        store.open()
        store.commit(Commit(inputs=inputs(1, 1)))
        assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in (tmp_path / "state").iterdir())
        store.close()
        (tmp_path / "state" / "rulesd.db").chmod(0o644)
        store.open()
        assert stat.S_IMODE((tmp_path / "state" / "rulesd.db").stat().st_mode) == 0o600
        store.close()
    finally:
        os.umask(old)


def test_it_can_be_opened_again_after_a_failed_open(directory):
    directory.mkdir()
    (directory / "rulesd.db").write_bytes(b"")
    store = SqliteStore(directory)
    with pytest.raises(StoreError):
        store.open()
    (directory / "rulesd.db").unlink()
    store.open()
    with pytest.raises(StoreError, match="open already"):
        store.open()
    store.close()


def test_a_directory_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another --state"):
        SqliteStore(tmp_path / "file" / "state").open()


def test_a_crash_while_creating_leaves_nothing_behind(directory, monkeypatch):
    """The file appears whole or not at all."""
    directory.mkdir(mode=0o700)
    (directory / "rulesd.db.new").write_bytes(b"half of a file")
    store = SqliteStore(directory)
    store.open()
    store.close()
    assert not (directory / "rulesd.db.new").exists()


def test_damage_that_no_row_shows_is_found_at_the_start(directory):
    """The root page of an index that only look-ups use: its table reads well, but the structure is broken."""
    path = filled(directory)
    connection = sqlite3.connect(path)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'segment_names'"
    (page,) = connection.execute(query).fetchone()
    connection.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 + 3 : (page - 1) * 4096 + 5] = b"\x7f\xff"
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        SqliteStore(directory).open()


def test_a_large_file_is_looked_at_without_its_journal_runs(directory, monkeypatch):
    path = filled(directory)
    monkeypatch.setattr(files, "_WHOLE_CHECK", 1)
    asked = []
    connection = files.connect(path)
    connection.set_trace_callback(asked.append)
    files.check(connection, path)
    connection.close()
    assert "PRAGMA quick_check(key_run)" in asked
    assert not any("segment" in one for one in asked)
    assert "PRAGMA quick_check" not in asked
    everything(directory)


def test_an_old_sqlite_is_refused(directory, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    with pytest.raises(StoreError, match="or newer"):
        SqliteStore(directory).open()


def test_a_disk_without_write_ahead_log_is_refused(directory, monkeypatch):
    real = files.connect

    class NoLog:
        def __init__(self, path):
            self._real = real(path)

        def execute(self, statement, *values):
            if statement == "PRAGMA journal_mode = WAL":
                return self._real.execute("PRAGMA journal_mode = DELETE")
            return self._real.execute(statement, *values)

        def close(self):
            self._real.close()

    monkeypatch.setattr("rulesd.stores.sqlite.connect", NoLog)
    with pytest.raises(StoreError, match="local disk"):
        SqliteStore(directory).open()
