"""A run of journal rows as one row of the database, and back.

Law: pure, and what is unpacked is exactly what was packed or ``Damaged`` is raised; nothing here opens a file.

Why runs. ``sqlite3`` lets go of the interpreter lock for every statement it steps, and a thread that wants the lock back from
a busy event loop waits up to a switch interval (5 ms). Measured with a busy loop beside the writer, 1,000 rows a transaction:
``executemany`` 650 rows/s, many-row ``VALUES`` 19,000, one run 95,000. So a commit writes its inputs as one row: columns side by
side, payloads one after the other. Payloads stay as they are, uncompressed, so that a search of the file for text that must
never be there is an honest test.

Every run carries two checksums (CRC-32): one over the columns, which the duplicates window reads alone, one over the payloads.
"""

import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias
from zlib import crc32

import msgspec

from rulesd.ports.store import JournalRow
from rulesd.stores.checksums import Damaged, checksum, row_sum

MOST_ROWS = 1_024
"Rows of one run: bounds what has to be read and rewritten at once."

Numbers: TypeAlias = "array[int]"

_EVENT = "event"


class Segment(NamedTuple):
    """One run: the row of the table ``segment``, in the order of its columns."""

    first: int
    "Sequence number of its first row; the others follow without a gap."

    rows: int
    earlier: int
    "Events committed before this run, ever: the position of its first event."

    events: int
    newest: int
    "The latest ``now`` in it."

    kinds: str
    "One word when all rows are of one kind, else one for each, separated by commas."

    names: bytes
    "CRC-32 of each row's event id, 4 bytes each, 0 for rows without."

    columns: bytes
    "``now``, ``key``, ``body``, ``at`` (8 bytes each), then payload lengths (4 bytes each), column by column."

    index_sum: int
    payload_sum: int
    payloads: bytes


class _Document(msgspec.Struct):
    id: str = ""


class _Named(msgspec.Struct):
    id: str = ""
    document: _Document | None = None


_decode_named = msgspec.json.Decoder(
    _Named | list[_Document | str | int | float | bool | None]
).decode


def event_id(payload: bytes) -> str:
    """The CloudEvents id in an event's payload; empty when it has none.

    The payload is an object with a member ``id`` or ``document``, or an array in which the document stands, as the journal's
    writers please; a document is an object with the member ``id``.
    """
    try:
        named = _decode_named(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    if isinstance(named, _Named):
        return named.id or (named.document.id if named.document else "")
    for one in named:
        if isinstance(one, _Document) and one.id:
            return one.id
    return ""


def name_bytes(identity: str) -> bytes:
    """The 4-byte name of an id, by which rows that may hold it are found."""
    return _name(identity).to_bytes(4, "little")


def pack(first: int, earlier: int, rows: Sequence[JournalRow]) -> Segment:
    """Make a run of at most ``MOST_ROWS`` rows, numbered from ``first``; ``earlier`` events came before it.

    Raises:
        ValueError: a kind is not a plain word, or a number needs more than 64 bits.
    """
    kinds = [row.kind for row in rows]
    if any(not kind or "," in kind for kind in set(kinds)):
        raise ValueError("the kind of a journal row must be a word without a comma")
    payloads = [row.payload for row in rows]
    try:
        columns = b"".join(
            (
                _bytes(array("q", [row.now for row in rows])),
                _bytes(array("q", [row.key for row in rows])),
                _bytes(array("q", [row.body for row in rows])),
                _bytes(array("q", [row.at for row in rows])),
                _bytes(array("I", [len(payload) for payload in payloads])),
            )
        )
    except OverflowError as error:
        raise ValueError("a number of a journal row needs more than 64 bits") from error
    names = _bytes(array("I", map(_event_name, rows)))
    events = kinds.count(_EVENT)
    same = kinds[0] if len(set(kinds)) == 1 else ",".join(kinds)
    joined = b"".join(payloads)
    segment = Segment(
        first=first,
        rows=len(rows),
        earlier=earlier,
        events=events,
        newest=max(row.now for row in rows),
        kinds=same,
        names=names,
        columns=columns,
        index_sum=0,
        payload_sum=checksum(joined),
        payloads=joined,
    )
    return segment._replace(index_sum=_index_sum(segment))


def unpack(segment: Segment) -> Iterator[tuple[int, JournalRow]]:
    """The rows of a run with their sequence numbers, oldest first.

    Raises:
        Damaged: the run is not as it was packed.
    """
    kinds, nows, keys, bodies, ats, lengths = _columns(segment)
    if checksum(segment.payloads) != segment.payload_sum:
        raise Damaged(f"journal rows from {segment.first} on")
    starts = accumulate(lengths, initial=0)
    for position, (kind, now, key, body, at, length, start) in enumerate(
        zip(kinds, nows, keys, bodies, ats, lengths, starts, strict=False)
    ):
        yield (
            segment.first + position,
            JournalRow(
                now=now,
                kind=kind,
                payload=segment.payloads[start : start + length],
                key=key,
                body=body,
                at=at,
            ),
        )


def identities(segment: Segment) -> Iterator[tuple[int, int, int]]:
    """(key, body, now) of each event of a run, oldest first; needs no payloads.

    Raises:
        Damaged: the run is not as it was packed.
    """
    kinds, nows, keys, bodies, _, _ = _columns(segment)
    found = zip(keys, bodies, nows, strict=True)
    if segment.events == segment.rows:
        return found
    return (one for kind, one in zip(kinds, found, strict=True) if kind == _EVENT)


def positions(segment: Segment, name: bytes) -> Iterator[int]:
    """Where in a run an event of this name may be: positions from 0."""
    at = segment.names.find(name)
    while at >= 0:
        if at % 4 == 0:
            yield at // 4
        at = segment.names.find(name, at + 1)


def _name(identity: str) -> int:
    return crc32(identity.encode("utf-8", "surrogatepass"))


def _event_name(row: JournalRow) -> int:
    if row.kind != _EVENT:
        return 0
    identity = event_id(row.payload)
    return _name(identity) if identity else 0


def _columns(
    segment: Segment,
) -> tuple[list[str], Numbers, Numbers, Numbers, Numbers, Numbers]:
    verify(segment)
    count, wide = segment.rows, 8 * segment.rows
    kinds = segment.kinds.split(",") if "," in segment.kinds else [segment.kinds] * count
    now, key, body, at = (
        _array("q", segment.columns[wide * column : wide * (column + 1)]) for column in range(4)
    )
    return kinds, now, key, body, at, _array("I", segment.columns[4 * wide :])


def verify(segment: Segment) -> None:
    """Look at everything of a run but its payloads.

    Raises:
        Damaged: it is not as it was packed.
    """
    if _index_sum(segment) != segment.index_sum:
        raise Damaged(f"journal rows from {segment.first} on")


def _index_sum(segment: Segment) -> int:
    return row_sum(*segment[:8])


def _bytes(numbers: Numbers) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _array(code: str, data: bytes) -> Numbers:
    numbers: Numbers = array(code)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
