"""Reading a body: never more than allowed, never slower than allowed.

Law: no body is read outside this module. aiohttp neither times a body out nor bounds what it inflates, so its own
decompression is off (``server.py``) and every wait here has a deadline: grace, plus the time the bytes that have come
would take at the lowest allowed rate.
"""

import asyncio

from aiohttp import web

from rulesd.ingest.inflate import open_body
from rulesd.ingest.limits import Limits
from rulesd.web.answers import Refused
from rulesd.web.room import Place
from rulesd.web.settings import WebLimits

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_INLINE = 4 * 1024
"A compressed body up to this size is inflated at once (at most 4 MiB come out); larger ones in a thread."


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


async def unpack(body: bytes, encoding: str, limits: WebLimits, place: Place) -> bytes:
    """Undo ``Content-Encoding``.

    Raises:
        EventError: an encoding other than gzip, too large once inflated, or damaged.
        Refused: 503 no room.
    """
    if not encoding:
        return body
    caps = Limits(body=limits.body_bytes, inflated=limits.inflated_bytes)
    if len(body) <= _INLINE:
        out = open_body(body, encoding, caps)
    else:
        async with place.inflating():
            out = await asyncio.to_thread(open_body, body, encoding, caps)
    place.hold(len(body) + len(out))
    return out


def _too_large(cap: int) -> Refused:
    size = f"{cap // 1024 // 1024} MiB" if cap >= 1024 * 1024 else f"{cap // 1024} KiB"
    words = f"the body is larger than {size}; nothing was taken. Send smaller ones"
    return Refused(413, "too_large", words, close=True)
