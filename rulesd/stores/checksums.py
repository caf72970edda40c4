"""Checksums of what is stored, so that a flipped bit is found when it is read and never used.

Law: pure. CRC-32: against a disk's mistakes, not against a forger (the audit log is for that).
"""

from typing import TypeAlias
from zlib import crc32

Value: TypeAlias = "int | str | bytes"

_SLICE = 4_096
"``crc32`` lets go of the interpreter lock above 5 KiB; in slices below that it keeps it (``segment`` says why that matters)."


class Damaged(ValueError):
    """Stored bytes are not the bytes that were stored."""


def checksum(data: bytes) -> int:
    """CRC-32 of some bytes, without letting go of the interpreter lock."""
    if len(data) <= _SLICE:
        return crc32(data)
    view, value = memoryview(data), 0
    for start in range(0, len(data), _SLICE):
        value = crc32(view[start : start + _SLICE], value)
    return value


def decision_sum(seq: int, at: int, kind: str, rule: str, alert: str, body: bytes) -> int:
    """CRC-32 of a decision; cheaper than ``row_sum``, as there may be one for every event."""
    return crc32(f"{seq},{at},{kind},{rule},{alert}".encode("utf-8", "surrogatepass"), crc32(body))


def row_sum(*values: Value) -> int:
    """CRC-32 of the columns of a row, each with its type and length."""
    total = 0
    for value in values:
        if isinstance(value, bytes):
            total = crc32(b"b%d,%d;" % (len(value), checksum(value)), total)
        else:
            text = str(value).encode("utf-8", "surrogatepass")
            total = crc32(b"t%d,%s;" % (len(text), text), total)
    return total
