"""``POST /integrations/pagerduty``: what people did in PagerDuty (webhooks v3).

Law: an authentic call is answered with 202 whatever it says: PagerDuty stops sending after a few refusals. Only when an act could
not be made durable in time the answer is 503, because then PagerDuty sends the event again, for two days if need be.
"""

import asyncio
import logging
from collections.abc import Mapping
from hashlib import sha256

import orjson
from aiohttp import hdrs, web

from rulesd.model.errors import StoreError
from rulesd.model.event import Json
from rulesd.ports.intake import Overloaded
from rulesd.web import body
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.hooks import UNPROVEN_BYTES
from rulesd.web.integration_keys import IntegrationKeys
from rulesd.web.pagerduty_signature import verify
from rulesd.web.pagerduty_sync import Happened, Incidents, Result, read_event
from rulesd.web.room import Room

log = logging.getLogger("rulesd.web")

ANSWER_S = 4.0
"PagerDuty gives up after 5 s."


class PagerDutyEvents:
    """The endpoint of one daemon."""

    def __init__(self, door: Door, *, answer_s: float = ANSWER_S) -> None:
        """Secrets are opened when the first event comes."""
        self._door = door
        self._keys = IntegrationKeys(door.settings, "pagerduty")
        self._incidents = Incidents(door.daemon)
        self._room = Room(UNPROVEN_BYTES)
        self._answer_s = answer_s
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Result]] = set()

    async def call(self, request: web.Request) -> web.Response:
        """Answer one call."""
        limits = self._door.settings.limits
        with self._room.place() as place:
            raw = await body.read(request, limits, place, limits.hook_bytes)
        if not verify(self._keys.keys(self._door.daemon.plan), request.headers, raw):
            hint = "this call is not proven to come from PagerDuty. Compare signing_secret with the subscription's"
            raise Refused(401, "bad_signature", hint)
        happened = read_event(_object(raw))
        if happened is None:
            return answer({"result": str(Result.IGNORED)}, 202)
        # What is signed tells a repeat: a retry is the same bytes. Headers are not signed, and may be missing.
        call = sha256(raw).hexdigest()[:16]
        work = asyncio.get_running_loop().create_task(self._take(happened, call))
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({work}, timeout=self._answer_s)
        if not done:
            work.add_done_callback(_late)
            raise _again()
        try:
            result = work.result()
        except (StoreError, Overloaded):
            raise _again() from None
        return answer({"result": str(result)}, 202)

    async def _take(self, happened: Happened, call: str) -> Result:
        """One at a time: the order in which events are judged is the order in which they are kept."""
        async with self._turn:
            return await self._incidents.take(happened, call)

    async def close(self, _app: object = None) -> None:
        """What was not answered for is sent again."""
        for work in list(self._running):
            work.cancel()


def _late(work: "asyncio.Task[Result]") -> None:
    if not work.cancelled() and (error := work.exception()) is not None:
        log.error("an event of PagerDuty failed: %s", type(error).__name__)


def _again() -> Refused:
    return Refused(
        503,
        "overloaded",
        "the daemon cannot make this durable right now. Send it again after Retry-After",
        headers={hdrs.RETRY_AFTER: "30"},
    )


def _object(raw: bytes) -> Mapping[str, Json]:
    try:
        out = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return out if isinstance(out, dict) else {}
