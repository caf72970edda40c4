"""The files of the SQLite store: created complete, private, and looked at before they are trusted.

Law: an existing state is never silently replaced. A new file is built under another name and moved into place whole, so an
empty or short ``rulesd.db`` is always damage and never a beginning.

The directory is created with mode 0700 (one that exists keeps its mode: it may not be ours alone), files with 0600; SQLite
gives its companions ``-wal`` and ``-shm`` the mode of the database.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from rulesd.model.errors import StoreError
from rulesd.stores.faults import damaged
from rulesd.stores.migrations import MIGRATIONS, Migration, migrate

DATABASE = "rulesd.db"
LOCK = "rulesd.lock"

_MAGIC = b"SQLite format 3\x00"
_WHOLE_CHECK = 1 << 30
"Above this size a start checks everything but the journal runs, which carry checksums of their own: 1 GiB is about 1 s."

_OLDEST = (3, 37, 0)

_SETTINGS = (
    "synchronous = FULL",
    "cache_size = -8000",  # At most 8 MB, used only when needed. Measured: 32 MB made nothing faster, and 25 MB larger.
    "wal_autocheckpoint = 2000",  # 8 MB: folding back costs two more flushes, so not too often.
    "journal_size_limit = 67108864",
    "trusted_schema = OFF",
)


def prepare(directory: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Path:
    """Make sure a database file is there, creating directory and file when both are new; return its path.

    Raises:
        StoreError: the directory cannot be used, or what is in it cannot be a state of rulesd.
        sqlite3.Error: the file cannot be created.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} is too old. Use a Python built with SQLite 3.37 or newer"
        )
    path = directory / DATABASE
    if not path.exists():
        if path.with_name(f"{DATABASE}-wal").exists():
            raise damaged(path, "the file is gone but its write-ahead log is here")
        _create(path, migrations)
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head != _MAGIC:
        raise damaged(path, "it is empty" if not head else "it is no SQLite database")
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return path


def make_directory(directory: Path) -> None:
    """Create the state directory for its owner only.

    Raises:
        StoreError: it cannot be created.
    """
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    try:
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
            _flush_directory(one.parent)
    except OSError as error:
        raise StoreError(
            f"the state directory {directory} cannot be created ({error.strerror}). Create it for the "
            "user of rulesd, or choose another --state"
        ) from error


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that waits up to 5 s for another program's lock."""
    connection = sqlite3.connect(
        path, timeout=5.0, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Look at the structure of the file, whole up to 1 GiB.

    Raises:
        StoreError: it is damaged.
        sqlite3.DatabaseError: it is damaged so badly that it cannot be looked at.
    """
    checks = ["integrity_check(outbox)", "integrity_check(key_run)", "quick_check"]
    if path.stat().st_size > _WHOLE_CHECK:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        checks[2:] = [f"quick_check({name})" for (name,) in found if name != "segment"]
    for one in checks:
        (first, *_) = connection.execute(f"PRAGMA {one}").fetchone()
        if first != "ok":
            raise damaged(path, "its structure does not hold together")


def _create(path: Path, migrations: Sequence[Migration]) -> None:
    new = path.with_name(f"{DATABASE}.new")
    for left in (new, new.with_name(f"{new.name}-wal"), new.with_name(f"{new.name}-shm")):
        left.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = connect(new)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        migrate(connection, migrations)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    new.rename(path)
    _flush_directory(path.parent)


def _flush_directory(directory: Path) -> None:
    """Make the names in a directory survive a power loss, too."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
