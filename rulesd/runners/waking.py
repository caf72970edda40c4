"""What of a checkpoint a restart reads at once, and what it leaves as it is written.

Law: nothing is decided here, and nothing is guessed: a key sleeps only when it is written that it has no episode and no deadline, by the rule that
is in force and under the version its detector writes; so it can have nothing to say before its next event, which wakes it (``rulesd.core.book``).
A million quiet keys of a burst are then a million keys of a dictionary, and the first events of the day pay for what they touch.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import msgspec

from rulesd.core.book import NOT_DUE, Book
from rulesd.core.engine import KeyState
from rulesd.core.labels import Key
from rulesd.model.event import Json
from rulesd.ports.store import KeyRow

_pack = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder().decode
_labels = msgspec.msgpack.Decoder(tuple[str, ...]).decode

_QUIET = _pack(None) + _pack(NOT_DUE)
"How a row ends that has no episode and no deadline."


def awake(rows: Iterable[KeyRow], small: Json, books: Sequence[Book]) -> Iterator[KeyState]:
    """The rows that have to be read; the others are put to sleep in their books. ``small``: the small state of the same checkpoint."""
    beds = _beds(small, books)
    for row in rows:
        bed = beds.get(row.rule)
        if bed is not None and row.state.startswith(bed[0]) and row.state.endswith(_QUIET):
            bed[1][_labels(row.key)] = row.state
        else:
            yield KeyState(row.rule, _labels(row.key), _read(row.state))


def _beds(small: Json, books: Sequence[Book]) -> dict[str, tuple[bytes, dict[Key, bytes]]]:
    """By rule that is the same as it was: how its rows begin, and where they may sleep."""
    assert isinstance(small, dict)
    known = small["books"]
    assert isinstance(known, dict)
    beds = {}
    for book in books:
        meta = known.get(book.id)
        if isinstance(meta, list) and meta[0] == book.rule.digest:
            book.read = _json
            beds[book.id] = (b"\x94" + _pack(book.detector.version), book.asleep)
    return beds


def _json(written: bytes) -> Json:
    return cast("Json", _read(written))
