"""Open gzip bodies without trusting them.

Law: never more memory than the limit, whatever the body claims; every way a body can be damaged is one clear error.
"""

import zlib

from rulesd.ingest.limits import MIB, Limits
from rulesd.model.errors import EventError
from rulesd.model.reasons import ErrorCode

_GZIP = 31
"zlib's window setting for gzip with its header and checksum."

_STEP = 16 * 1024
_MEMBERS = 10_000
"Most gzip members in one body: each costs time even when it is empty."

_DAMAGED = "the gzip body is damaged or cut off. Send it again, or without Content-Encoding"


def open_body(body: bytes, encoding: str, limits: Limits) -> bytes:
    """The body as it was before ``Content-Encoding`` (``gzip``, ``identity`` or nothing).

    Raises:
        EventError: the encoding is unknown, the body is damaged, or it is larger than the limits.
    """
    if len(body) > limits.body:
        raise too_large(limits.body)
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return inflate(body, limits.inflated)
    raise EventError(
        ErrorCode.MEDIA, "this Content-Encoding is not supported. Send gzip, or no encoding"
    )


def inflate(body: bytes, limit: int) -> bytes:
    """Inflate gzip, of one member or several, up to ``limit`` bytes.

    Raises:
        EventError: the body is no gzip, is damaged or cut off, or inflates beyond the limit.
    """
    if not body:
        return b""
    view = memoryview(body)
    parts: list[bytes] = []
    total = at = members = 0
    while at < len(view):
        members += 1
        if members > _MEMBERS:
            raise EventError(
                ErrorCode.GZIP, "the gzip body has too many members. Compress it as one"
            )
        member = zlib.decompressobj(_GZIP)
        while not member.eof:
            if at >= len(view) and not member.unconsumed_tail:
                raise EventError(ErrorCode.GZIP, _DAMAGED)
            given = member.unconsumed_tail or view[at : at + _STEP]
            if not member.unconsumed_tail:
                at += len(given)
            parts.append(_step(member, given, limit + 1 - total))
            total += len(parts[-1])
            if total > limit:
                raise too_large(limit)
        at -= len(member.unused_data)
        if not any(view[at : at + _STEP]):
            # Some tools pad the end with zeros.
            break
    return b"".join(parts)


def _step(member: "zlib._Decompress", given: bytes | memoryview, room: int) -> bytes:
    try:
        return member.decompress(given, room)
    except zlib.error:
        raise EventError(ErrorCode.GZIP, _DAMAGED) from None


def too_large(limit: int) -> EventError:
    """The fault of a body above a limit, which is told in MiB."""
    return EventError(
        ErrorCode.SIZE, f"the body is larger than {limit / MIB:g} MiB. Send smaller batches"
    )
