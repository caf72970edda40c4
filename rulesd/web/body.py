"""Reading a body: never more than allowed, never slower than allowed.

Law: no body is read outside this module. aiohttp neither times a body out nor bounds what it inflates, so its own
decompression is off (``server.py``) and every wait here has a deadline: grace, plus the time the bytes that have come
would take at the lowest allowed rate.
"""

import asyncio
import zlib

from aiohttp import web

from rulesd.web.answers import Refused
from rulesd.web.room import Place
from rulesd.web.settings import WebLimits

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_INLINE = 4 * 1024
"A compressed body up to this size is inflated at once (at most 4 MiB come out); larger ones in a thread."

_STEP = 16 * 1024
_MEMBERS = 10_000
"A body of nothing but empty gzip members would cost much time for nothing."


async def wait_for_body(request: web.Request) -> None:
    """Say nothing to ``Expect: 100-continue`` yet: ``read`` does, once the request has a right to a body."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed


async def read(request: web.Request, limits: WebLimits, place: Place, cap: int) -> bytes:
    """The body as it came, at most ``cap`` bytes.

    Raises:
        Refused: 413 too large (before reading on), 408 too slow, 503 no room, 400 broken off.
    """
    length = request.content_length
    if length is not None:
        if length > cap:
            raise _too_large(cap)
        if length == 0:
            return b""
        place.hold(length)
    if request.headers.get("Expect"):
        await request.writer.write(_CONTINUE)
    content = request.content
    loop = asyncio.get_running_loop()
    started = loop.time()
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout_at(started + limits.body_s) as deadline:
            while not content.at_eof():
                piece = await content.readany()
                size += len(piece)
                if size > cap:
                    raise _too_large(cap)
                place.hold(size)
                pieces.append(piece)
                deadline.reschedule(started + limits.body_s + size / limits.body_rate)
    except TimeoutError:
        raise Refused(
            408, "too_slow", "the body did not come in time; nothing was taken", close=True
        ) from None
    except web.RequestPayloadError:
        raise Refused(
            400, "broken_body", "the body broke off or is malformed", close=True
        ) from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def unpack(
    body: bytes, encoding: str, limits: WebLimits, place: Place, *, cap: int | None = None
) -> bytes:
    """Undo ``Content-Encoding``: none or gzip.

    Raises:
        Refused: 415 another encoding, 413 larger than allowed once inflated, 400 not gzip after all.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip"):
        raise Refused(
            415,
            "unsupported_media_type",
            "this Content-Encoding is not understood. Send gzip, or none",
            headers={"Accept-Encoding": "gzip"},
        )
    most = cap or limits.inflated_bytes
    try:
        if len(body) <= _INLINE:
            out = inflate(body, most)
        else:
            place.hold(len(body) + most)
            out = await asyncio.to_thread(inflate, body, most)
    except (zlib.error, EOFError):
        raise Refused(400, "broken_body", "the body is not the gzip it says it is") from None
    if out is None:
        raise _too_large(most, "once inflated")
    place.hold(len(body) + len(out))
    return out


def inflate(body: bytes, cap: int) -> bytes | None:
    """Inflate gzip, one member after another; ``None`` as soon as there are more than ``cap`` bytes.

    Raises:
        zlib.error: when it is not gzip.
        EOFError: when it breaks off, or has more members than anybody's compressor makes.
    """
    out: list[bytes] = []
    size = position = members = 0
    member = None
    while position < len(body):
        piece = body[position : position + _STEP]
        if member is None:
            # Zero bytes after a member are padding, as gzip(1) has it.
            padded, piece = len(piece), piece.lstrip(b"\0")
            position += padded - len(piece)
            if not piece:
                continue
            members += 1
            if members > _MEMBERS:
                raise EOFError
            member = zlib.decompressobj(wbits=31)
        got = member.decompress(piece, cap - size + 1)
        size += len(got)
        if size > cap:
            return None
        out.append(got)
        position += len(piece) - len(member.unused_data)
        if member.eof:
            member = None
    if member is not None:
        raise EOFError
    return out[0] if len(out) == 1 else b"".join(out)


def _too_large(cap: int, where: str = "") -> Refused:
    size = f"{cap // 1024 // 1024} MiB" if cap >= 1024 * 1024 else f"{cap // 1024} KiB"
    words = f"the body is larger than {size}{' ' if where else ''}{where}; nothing was taken. Send smaller ones"
    return Refused(413, "too_large", words, close=True)
