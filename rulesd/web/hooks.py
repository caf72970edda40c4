"""``POST /hooks/{name}``: signed calls from other systems.

Law: first who it is, then whether it was done before, then whether it is too often, and only then what it says. A call is
remembered after it was done: one that is interrupted may be sent again, and every operation can stand being done twice.
"""

import logging
from dataclasses import dataclass
from hashlib import sha256

from aiohttp import hdrs, web

from rulesd.model.errors import RulesdError
from rulesd.model.event import Json
from rulesd.web import body
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.hook_operation import fields_of, operate
from rulesd.web.hook_replay import Replays
from rulesd.web.hook_signature import Verdict, bearer, verify
from rulesd.web.hook_spec import Hook, Hooks
from rulesd.web.room import Room
from rulesd.web.small_body import as_object

log = logging.getLogger("rulesd.web")

BURST, PER_SECOND = 100.0, 10.0
"A hook may be called so often at once, and so often in the long run."

UNPROVEN_BYTES = 16 * 1024 * 1024
"Bodies of calls that nobody has vouched for yet, at one moment; apart from the room for events."


@dataclass(slots=True)
class _Bucket:
    left: float
    at: int


class HookDoor:
    """All hooks of one daemon."""

    def __init__(self, door: Door) -> None:
        """Hooks are opened when they are first called."""
        self._door = door
        self._hooks = Hooks(door.settings)
        self._replays = Replays(door.daemon)
        self._buckets: dict[str, _Bucket] = {}
        self._room = Room(UNPROVEN_BYTES)

    async def call(self, request: web.Request) -> web.Response:
        """Answer one call."""
        hook = self._find(request.match_info["name"])
        limits = self._door.settings.limits
        with self._room.place() as place:
            raw = await body.read(request, limits, place, limits.hook_bytes)
            call = self._prove(hook, request, raw)
            if call and self._replays.done(hook.name, call):
                return answer({"result": "already"})
            self._spend(hook)
            fields = fields_of(hook, as_object(raw))
            return await self._once(hook, fields, call)

    async def _once(self, hook: Hook, fields: dict[str, Json], call: str) -> web.Response:
        if not call:
            return await operate(self._door, hook, fields, call)
        if not self._replays.begin(hook.name, call):
            raise _later("the same call is being done right now", 1)
        try:
            response = await operate(self._door, hook, fields, call)
            await self._replays.remember(hook.name, call, self._door.daemon.now())
        finally:
            self._replays.end(hook.name, call)
        return response

    def _find(self, name: str) -> Hook:
        try:
            hook = self._hooks.find(self._door.daemon.plan, name)
        except (RulesdError, LookupError) as error:
            # Texts of these errors name references and files, never a secret.
            log.error("hook %s cannot be used: %s", name, error)  # noqa: TRY400
            raise Refused(
                503,
                "hook_unavailable",
                "this hook's secret cannot be had; the daemon's log says why",
                headers={hdrs.RETRY_AFTER: "60"},
            ) from None
        if hook is None:
            raise Refused(404, "unknown_hook", "there is no such hook. See notifiers/hooks.yaml")
        return hook

    def _prove(self, hook: Hook, request: web.Request, raw: bytes) -> str:
        """The id of the call, once it is known to come from who holds the secret."""
        if hook.digest is not None:
            if not hook.digest.good(hook.keys, request.headers, raw):
                raise _refused(f"send the body's HMAC-SHA256 in {hook.digest.header}")
            # Such senders sign no time: the same body again is the same call.
            return f"body:{sha256(raw).hexdigest()}"
        if not hook.signed:
            if not bearer(hook.keys, request.headers.get(hdrs.AUTHORIZATION, "")):
                raise _refused("send the hook's secret as Authorization: Bearer <secret>")
            name = request.headers.get("webhook-id", "")
            return name if len(name) <= 256 else ""
        verdict = verify(hook.keys, request.headers, raw, self._door.daemon.now())
        if verdict is Verdict.GOOD:
            return request.headers["webhook-id"]
        if verdict is Verdict.STALE:
            raise Refused(
                401,
                str(verdict),
                "the signature is right but its time is more than 5 minutes from ours. Check both clocks",
            )
        raise _refused(
            "sign the call as Standard Webhooks has it: webhook-id, -timestamp, -signature"
        )

    def _spend(self, hook: Hook) -> None:
        now = self._door.daemon.now()
        bucket = self._buckets.setdefault(hook.name, _Bucket(BURST, now))
        bucket.left = min(BURST, bucket.left + (now - bucket.at) / 1_000 * PER_SECOND)
        bucket.at = now
        if bucket.left < 1 or not self._replays.room(hook.name, now):
            raise _later("this hook is called too often", 10)
        bucket.left -= 1


def _refused(hint: str) -> Refused:
    return Refused(401, "bad_signature", f"this call is not proven to come from its sender: {hint}")


def _later(why: str, seconds: int) -> Refused:
    return Refused(
        429,
        "too_many_requests",
        f"{why}. Send it again after Retry-After",
        headers={hdrs.RETRY_AFTER: str(seconds)},
    )
