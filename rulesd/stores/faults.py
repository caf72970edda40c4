"""What a fault of the database means to the person who must act.

Law: every ``sqlite3.Error`` leaves the store as a ``StoreError`` that says what is wrong and what to do, or, when the commit
itself is wrong (a mistake of the caller that no retry can cure), as a ``ValueError``. No text holds stored content.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rulesd.model.errors import StoreError
from rulesd.stores.checksums import Damaged

_CALLERS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
)

RESTORE = (
    "Stop rulesd, keep a copy of the state directory, and restore your last copy of it; or save what can be read with: "
    "sqlite3 {name} .recover | sqlite3 recovered.db. To start with nothing, move the directory away yourself: "
    "pages owed and events not yet judged in it are then lost"
)


def damaged(path: Path, what: str) -> StoreError:
    """The error for a file that is not what rulesd wrote."""
    return StoreError(
        f"the state in {path.name} is damaged ({what}). {RESTORE.format(name=path.name)}"
    )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn database faults inside the block into ``StoreError``.

    Raises:
        StoreError: the disk or the file cannot keep the promise.
    """
    try:
        yield
    except Damaged as error:
        raise damaged(path, str(error)) from None
    except UnicodeDecodeError:
        raise damaged(path, "it holds text that is no text") from None
    except sqlite3.Error as error:
        if not hasattr(error, "sqlite_errorcode"):
            # The driver's own, and it may quote what it read: nothing of it may go further.
            raise damaged(path, f"unreadable values, {type(error).__name__}") from None
        raise _explain(path, error) from error


@contextmanager
def blamed() -> Iterator[None]:
    """Turn what is wrong with the values themselves into ``ValueError``: the caller's mistake, which no retry can cure.

    Raises:
        ValueError: these values can never be stored.
    """
    try:
        yield
    except _CALLERS as error:
        raise ValueError(f"the store cannot take this: {error}") from error
    except OverflowError as error:
        raise ValueError("the store cannot take a number of more than 64 bits") from error


def _explain(path: Path, error: sqlite3.Error) -> StoreError:
    name = error.sqlite_errorname
    match error.sqlite_errorcode & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreError(
                f"no space is left for {path.name}. Free some on its disk; rulesd tries again by itself"
            )
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"the disk of {path.name} failed ({name}). Check it for errors, quotas and space; "
                "rulesd tries again by itself"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_TOOBIG:
            return damaged(path, name)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreError(
                f"{path.name} cannot be written ({name}). Give the user of rulesd write permission on the "
                "state directory and mount its disk writable"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError(
                f"another program holds {path.name} locked. Close it (an open sqlite3 shell, a backup)"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"{path.name} cannot be opened. Check that the state directory exists and belongs to the "
                "user of rulesd"
            )
        case _:
            return StoreError(
                f"{path.name} failed ({name}: {error}). Look at the disk and the file"
            )
