"""SQL by name: every statement compiles against the schema and is used; many rows are few steps."""

import re
import sqlite3
from pathlib import Path

import pytest

from rulesd.stores import statements
from rulesd.stores.migrations import migrate
from rulesd.stores.statements import SQL, execute_many, lengths

FOLDER = Path(statements.__file__).parent


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def test_every_statement_compiles(connection):
    for text in SQL.values():
        named = dict.fromkeys(re.findall(r":(\w+)", text), 0)
        values = named or [0] * text.count("?")
        connection.execute(f"EXPLAIN {text.rstrip(';')}", values)


def test_every_statement_is_explained_and_used():
    text = (FOLDER / "queries.sql").read_text()
    code = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    for name in SQL:
        assert re.search(rf"^-- {name} --\n-- [A-Z]", text, re.MULTILINE), name
        assert f'"{name}"' in code, name


def test_no_sql_stands_elsewhere():
    for path in FOLDER.glob("*.py"):
        if path.name != "migrations.py":
            found = re.findall(r'"(?:SELECT|INSERT|UPDATE|DELETE) [^"]*"', path.read_text())
            assert found in ([], ["\"SELECT name FROM sqlite_master WHERE type = 'table'\""]), path


def test_reading_by_key_or_name_never_scans_a_table_of_events(connection):
    """What the daemon asks while it runs is answered from an index or the end of a table."""
    for name in ("last_segment", "oldest_segment", "first_segment", "segment", "incident_of"):
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN {SQL[name]}",
            dict.fromkeys(re.findall(r":(\w+)", SQL[name]), 0),
        ).fetchall()
        assert not any("USE TEMP B-TREE" in row[3] for row in plan), name
    plans = {
        "segments_named": "USING COVERING INDEX segment_names",
        "pending": "USING INDEX outbox_pending",
        "drop_outbox": "USING INDEX outbox_finished",
        "drop_references": "outbox_incident",
        "runs_of_part": "USING INDEX key_run_part",
    }
    for name, index in plans.items():
        values = dict.fromkeys(re.findall(r":(\w+)", SQL[name]), 0)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", values).fetchall()
        assert any(index in row[3] for row in plan), (name, plan)


def test_lengths_are_few_and_cover_everything():
    assert list(lengths(0)) == []
    assert list(lengths(5)) == [(0, 5)]
    assert list(lengths(1_000)) == [(0, 512), (512, 256), (768, 128), (896, 64), (960, 40)]
    seen = set()
    for count in range(5_000):
        pieces = list(lengths(count))
        assert [start for start, _ in pieces] == [
            sum(n for _, n in pieces[:i]) for i in range(len(pieces))
        ]
        assert sum(length for _, length in pieces) == count
        assert len(pieces) <= 9
        seen |= {length for _, length in pieces}
    assert len(seen) <= 64 + 4


def test_many_rows_are_inserted_in_order(connection):
    rows = [(f"name{n:05d}", b"%d" % n, n) for n in range(3_333)]
    connection.execute("BEGIN")
    execute_many(connection.cursor(), "put_settings", rows)
    connection.execute("COMMIT")
    stored = connection.execute("SELECT name, value, value_sum FROM setting ORDER BY name")
    assert stored.fetchall() == rows
