"""``POST /v1/events``: a 202 means every accepted event is on the disk.

Law: the answer is written after ``intake.submit`` has returned, never before. A large body is taken in pieces; if the
daemon cannot take more half way, the answer says how many events are durable. Nothing is done here for each event.
"""

import asyncio
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from rulesd.model.errors import EventError, StoreError
from rulesd.model.event import Json, Rejected
from rulesd.model.reasons import ErrorCode
from rulesd.ports.intake import Overloaded
from rulesd.web import body as bodies
from rulesd.web.answers import Refused, answer
from rulesd.web.decoding import Decoded
from rulesd.web.door import Door
from rulesd.web.slices import cut
from rulesd.web.tokens import Token

SOURCE = "http"
"The label of this source in metrics."

LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
"Content types of one event a line."


@dataclass(slots=True)
class _Tally:
    """What has been taken of one body so far."""

    most_listed: int
    accepted: int = 0
    duplicates: int = 0
    seen: int = 0
    rejected: list[Json] = field(default_factory=list)
    not_listed: int = 0

    def refuse(self, rejected: list[Rejected]) -> None:
        """List them, up to a bound; count the rest."""
        room = self.most_listed - len(self.rejected)
        self.not_listed += max(len(rejected) - room, 0)
        self.rejected += [
            {
                "index": one.position,
                "code": str(one.code),
                "message": one.message,
                "pointer": one.pointer,
            }
            for one in rejected[: max(room, 0)]
        ]

    def body(self) -> dict[str, Json]:
        """As the contract has it."""
        out: dict[str, Json] = {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
        }
        if self.not_listed:
            out["rejected_not_listed"] = self.not_listed
        return out


async def post_events(door: Door, request: web.Request, token: Token) -> web.Response:
    """Take events in any of the forms of contract 2.8."""
    limits = door.settings.limits
    tally = _Tally(limits.rejected_listed)
    try:
        with door.room.place() as place:
            raw = await bodies.read(request, limits, place, limits.body_bytes)
            encoding = request.headers.get(hdrs.CONTENT_ENCODING, "")
            body = await bodies.unpack(raw, encoding, limits, place)
            del raw
            if request.content_type in LINES and len(body) > 0:
                single = await _take_lines(door, request, token, body, tally)
            else:
                decoded = _decode(door, request, token, body)
                single = decoded.single
                await _take(door, decoded, list(decoded.rejected), tally)
    except Refused as refused:
        raise _with_counts(refused, tally) from None
    except (Overloaded, StoreError) as refused:
        raise _come_back(refused, tally) from None
    bad = single and not tally.accepted and not tally.duplicates
    return answer(tally.body(), 400 if bad else 202)


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


def _decode(door: Door, request: web.Request, token: Token, body: bytes) -> Decoded:
    try:
        decoded = door.decoder.http(
            request.headers.get(hdrs.CONTENT_TYPE, ""),
            request.headers,
            body,
            now=door.daemon.now(),
            tenant=token.tenant,
        )
    except EventError as error:
        if error.code == ErrorCode.MEDIA:
            raise Refused(
                415,
                "unsupported_media_type",
                error.message,
                headers={
                    "Accept": "application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson"
                },
            ) from None
        raise
    for notice, count in decoded.notices.items():
        door.meter.notices.labels(str(notice)).inc(count)
    return decoded


async def _take(door: Door, decoded: Decoded, rejected: list[Rejected], tally: _Tally) -> None:
    receipt = await door.daemon.intake.submit(SOURCE, decoded.events, rejected)
    tally.accepted += receipt.accepted
    tally.duplicates += receipt.duplicates
    tally.refuse(rejected)


async def _take_lines(
    door: Door, request: web.Request, token: Token, body: bytes, tally: _Tally
) -> bool:
    """Decode a piece while the one before is being committed; whether the body was one unreadable thing."""
    limits = door.settings.limits
    if len(body) > limits.slice_bytes and body.count(b"\n") >= limits.events_per_body:
        raise Refused(
            413,
            "too_large",
            f"the body has more than {limits.events_per_body} lines; nothing was taken. Send smaller ones",
        )
    single, pieces = False, 0
    pending: asyncio.Task[None] | None = None
    try:
        for piece in cut(body, limits.slice_bytes, limits.slice_lines):
            decoded = _decode(door, request, token, piece)
            rejected = [
                one._replace(position=one.position + tally.seen) for one in decoded.rejected
            ]
            tally.seen += len(decoded.events) + len(rejected)
            single, pieces = decoded.single, pieces + 1
            if pending is not None:
                running, pending = pending, None
                await running
            pending = asyncio.create_task(_take(door, decoded, rejected, tally))
            # Let the commit begin, and everybody else have a turn.
            await asyncio.sleep(0)
    finally:
        if pending is not None:
            await pending
    return single and pieces == 1


def _with_counts(refused: Refused, tally: _Tally) -> Refused:
    refused.facts.update(tally.body())
    return refused


def _come_back(error: Overloaded | StoreError, tally: _Tally) -> Refused:
    wait = error.retry_after_s if isinstance(error, Overloaded) else 5
    taken = tally.accepted + tally.duplicates + len(tally.rejected) + tally.not_listed
    words = (
        "the daemon cannot take more now; nothing of this request was taken. Send it again after Retry-After"
        if not taken
        else f"the daemon cannot take more now; the first {taken} events of this request are dealt with "
        "and counted here. Send the rest, or all again (repeats are recognised), after Retry-After"
    )
    return Refused(
        503,
        "overloaded",
        words,
        headers={hdrs.RETRY_AFTER: str(max(int(wait), 1))},
        facts=tally.body(),
    )
