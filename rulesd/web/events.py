"""``POST /v1/events``: a 202 means every accepted event is on the disk.

Law: the answer is written after ``intake.submit`` has returned, never before. A large body is taken in parts; if the
daemon cannot take more half way, the answer says how many events are durable. Nothing is done here for each event.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from rulesd.ingest.limits import Decoded
from rulesd.model.errors import EventError, StoreError
from rulesd.model.event import Json
from rulesd.model.reasons import ErrorCode
from rulesd.ports.intake import Overloaded
from rulesd.web import body as bodies
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.tokens import Token

SOURCE = "http"
"The label of this source in metrics."

_STATUS = {ErrorCode.MEDIA: 415, ErrorCode.SIZE: 413}
"What a delivery that cannot be taken at all is answered with; 400 for the rest."

_ACCEPT: dict[str, str] = {
    hdrs.ACCEPT: "application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson",
    hdrs.ACCEPT_ENCODING: "gzip",
}


@dataclass(slots=True)
class _Tally:
    """What has been taken of one body so far."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[Json] = field(default_factory=list)
    single: bool = False
    "The body was one event, or could not be read at all."

    def body(self) -> dict[str, Json]:
        """As the contract has it."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
        }

    def status(self) -> int:
        """202 for every batch that could be read; what is wrong with a single event is wrong with the request."""
        if not self.single or not self.rejected:
            return 202
        first = self.rejected[0]
        assert isinstance(first, dict)
        return 413 if first["code"] == ErrorCode.SIZE else 400


async def post_events(door: Door, request: web.Request, token: Token) -> web.Response:
    """Take events in any of the forms of contract 2.8."""
    limits = door.settings.limits
    tally = _Tally()
    try:
        with door.room.place() as place:
            raw = await bodies.read(request, limits, place, limits.body_bytes)
            encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")
            body = await bodies.unpack(raw, encoding, limits, place)
            del raw
            if len(body) > limits.lines_per_body and body.count(b"\n") > limits.lines_per_body:
                raise EventError(
                    ErrorCode.SIZE, f"the body has more than {limits.lines_per_body} lines"
                )
            parts = door.decoder.http_parts(
                request.headers.get(hdrs.CONTENT_TYPE, ""),
                request.headers,
                body,
                now=door.daemon.now(),
                tenant=token.tenant,
            )
            await _take_all(door, parts, tally)
    except EventError as error:
        raise _unreadable(error, tally) from None
    except Refused as refused:
        refused.facts.update(tally.body())
        raise
    except (Overloaded, StoreError) as error:
        raise _come_back(error, tally) from None
    return answer(tally.body(), tally.status())


async def handshake(_door: Door, request: web.Request) -> web.Response:
    """The permission a CloudEvents sender asks for before it delivers (CloudEvents webhooks, section 4).

    It grants nothing by itself: every delivery still needs a token.
    """
    headers: dict[str, str] = {hdrs.ALLOW: "POST, OPTIONS"}
    origin = request.headers.get("WebHook-Request-Origin", "")
    if origin:
        plain = len(origin) <= 253 and all(
            c.isascii() and (c.isalnum() or c in ".:-_/") for c in origin
        )
        headers["WebHook-Allowed-Origin"] = origin if plain else "*"
        headers["WebHook-Allowed-Rate"] = "*"
    return answer({}, 200, headers)


async def _take_all(door: Door, parts: Iterator[Decoded], tally: _Tally) -> None:
    """Decode a part while the one before is being committed."""
    pending: asyncio.Task[None] | None = None
    try:
        for part in parts:
            if pending is not None:
                running, pending = pending, None
                await running
            pending = asyncio.create_task(_take(door, part, tally))
            # Let the commit begin, and everybody else have a turn.
            await asyncio.sleep(0)
    finally:
        # Also when a later part cannot be read: the answer counts what is durable.
        if pending is not None:
            await pending


async def _take(door: Door, part: Decoded, tally: _Tally) -> None:
    for notice, count in part.notices.items():
        door.meter.notices.labels(notice).inc(count)
    receipt = await door.daemon.intake.submit(SOURCE, part.events, part.rejected)
    tally.single = part.single
    tally.accepted += receipt.accepted
    tally.duplicates += receipt.duplicates
    tally.rejected += [
        {
            "index": one.position,
            "code": str(one.code),
            "message": one.message,
            "pointer": one.pointer,
        }
        for one in part.rejected
    ]


def _unreadable(error: EventError, tally: _Tally) -> Refused:
    status = _STATUS.get(ErrorCode(error.code), 400)
    return Refused(
        status,
        error.code,
        error.message,
        headers=_ACCEPT if status == 415 else None,
        facts=tally.body(),
    )


def _come_back(error: Overloaded | StoreError, tally: _Tally) -> Refused:
    wait = error.retry_after_s if isinstance(error, Overloaded) else 5
    taken = tally.accepted + tally.duplicates + len(tally.rejected)
    words = (
        f"the daemon cannot take more now; the first {taken} events of this request are dealt with "
        "and counted here. Send the rest, or all again (repeats are recognised), after Retry-After"
        if taken
        else "the daemon cannot take more now; nothing of this request was taken. Send it again after Retry-After"
    )
    return Refused(
        503,
        "overloaded",
        words,
        headers={hdrs.RETRY_AFTER: str(max(wait, 1))},
        facts=tally.body(),
    )
