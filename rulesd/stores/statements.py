"""The SQL of the SQLite store by name, from ``queries.sql``.

Law: no SQL but the schema stands anywhere else, and no value is ever pasted into it.

A statement for many rows is written for as many as there are, so that a batch is one step of the database and not one a row
(``segment`` says what a step costs). Lengths are few, so that compiled statements are used again: any up to 64, then powers of
two.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from sqlite3 import Cursor
from typing import Final

_HEAD = re.compile(r"^-- (\w+) --$", re.MULTILINE)
_EACH = re.compile(r"/\* each \*/ (\([^)]*\))")
_EXACT, _MOST = 64, 1_024


def _load() -> dict[str, str]:
    text = files("rulesd.stores").joinpath("queries.sql").read_text("utf-8")
    _, *parts = _HEAD.split(text)
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


SQL: Final = _load()
"Statements by name."


def execute_many(cursor: Cursor, name: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Run a statement for many rows, in order, in as few steps as possible."""
    for start, length in lengths(len(rows)):
        chunk = rows[start : start + length]
        cursor.execute(_for_rows(name, length), list(chain.from_iterable(chunk)))


def lengths(count: int) -> Iterator[tuple[int, int]]:
    """Cut a batch of ``count`` rows in (start, length) pieces of few different lengths."""
    start = 0
    while start < count:
        left = count - start
        length = left if left <= _EXACT else min(1 << (left.bit_length() - 1), _MOST)
        yield start, length
        start += length


@lru_cache(maxsize=512)
def _for_rows(name: str, count: int) -> str:
    return _EACH.sub(lambda found: ", ".join([found[1]] * count), SQL[name])
