"""What a database fault says: what is wrong, what to do, and nothing of what was stored."""

import sqlite3
from pathlib import Path

import pytest

from rulesd.model.errors import StoreError
from rulesd.stores.checksums import Damaged
from rulesd.stores.faults import blamed, translated

PATH = Path("/somewhere/state/rulesd.db")


def fault(code: int, name: str, kind=sqlite3.OperationalError):
    error = kind("as SQLite says it")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    return error


def said(error: Exception) -> str:
    with pytest.raises(StoreError) as caught, translated(PATH):
        raise error
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        (sqlite3.SQLITE_FULL, "SQLITE_FULL", "no space is left"),
        (sqlite3.SQLITE_IOERR | 3 << 8, "SQLITE_IOERR_WRITE", "SQLITE_IOERR_WRITE"),
        (sqlite3.SQLITE_CORRUPT, "SQLITE_CORRUPT", "damaged"),
        (sqlite3.SQLITE_NOTADB, "SQLITE_NOTADB", "damaged"),
        (sqlite3.SQLITE_READONLY, "SQLITE_READONLY", "write permission"),
        (sqlite3.SQLITE_BUSY, "SQLITE_BUSY", "sqlite3 shell"),
        (sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN", "belongs to the user"),
        (sqlite3.SQLITE_ERROR, "SQLITE_ERROR", "as SQLite says it"),
    ],
)
def test_each_fault_has_its_advice(code, name, words):
    text = said(fault(code, name))
    assert words in text
    assert "rulesd.db" in text
    assert "/somewhere" not in text


def test_damage_names_the_place_and_the_way_back():
    text = said(Damaged("key states"))
    assert "damaged (key states)" in text
    assert "restore your last copy" in text


def test_text_that_is_no_text_is_damage_and_is_not_quoted(tmp_path):
    connection = sqlite3.connect(":memory:")
    with pytest.raises(StoreError) as caught, translated(PATH):
        connection.execute("SELECT CAST(x'736563726574ff' AS TEXT)").fetchall()
    connection.close()
    assert "damaged" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "damaged" in said(UnicodeDecodeError("utf-8", b"secret\xff", 6, 7, "invalid"))


def test_the_callers_mistakes_are_value_errors():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (1)")
    for values in ((1,), (2**63,), (object(),)):
        with pytest.raises(ValueError, match="cannot take"), translated(PATH), blamed():
            connection.execute("INSERT INTO t VALUES (?)", values)
    connection.close()


def test_other_exceptions_pass():
    with pytest.raises(KeyError), translated(PATH), blamed():
        raise KeyError
