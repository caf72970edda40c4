"""Silences over HTTP: see what they do, try them on the past, make, change, approve and end them.

Law: a token of one tenant silences that tenant's alerts and no others: its silences name the tenant outright, and those of others are
not there for it. Whoever asks is on record; a name in the body counts as a person only when an administrator's token says it.
"""

from collections.abc import Callable
from dataclasses import replace

from aiohttp import web

from rulesd.model.event import Json
from rulesd.model.instant import DAY, Milliseconds
from rulesd.model.silence import Silence
from rulesd.ports.daemon import Done
from rulesd.ports.silences import SilenceRefusal, SilenceResult
from rulesd.web.alerts import signed
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.silence_body import flag, length, read_silence, shown, shown_preview, shown_view
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Scope, Token

LOOK_BACK: Milliseconds = 7 * DAY
"How far a preview looks when nobody says."

MOST_LOOK_BACK: Milliseconds = 90 * DAY

LISTED, MOST_LISTED = 1_000, 10_000
"Silences of one answer: when nobody says, and at most."

_STATUS = {
    SilenceRefusal.UNKNOWN: 404,
    SilenceRefusal.OVER: 409,
    SilenceRefusal.LONG: 409,
    SilenceRefusal.LIMIT: 409,
    SilenceRefusal.AUTHOR: 403,
}
"400 for all others."

_HINTS = {
    SilenceRefusal.UNKNOWN: "It was over more than 120 hours ago, or never was. See: rulesd silence list",
    SilenceRefusal.TIMES: "Send an end after the start",
    SilenceRefusal.PAST: "Send an end in the future",
    SilenceRefusal.INVALID: "Correct it and send it again",
    SilenceRefusal.LIMIT: "End some that are no longer needed",
    SilenceRefusal.OVER: "Make a new one",
    SilenceRefusal.AUTHOR: "Ask somebody else, who calls with a token of their own",
    SilenceRefusal.LONG: "Shorten it first, then have it approved",
}


async def list_silences(door: Door, request: web.Request, token: Token) -> web.Response:
    """Pending, active and lately expired silences with what they hide now; ``state``, ``created_by`` and ``limit`` choose."""
    wanted = request.query
    now = door.daemon.now()
    choose = mine(token)
    views = await door.daemon.silence_views(
        lambda s: (
            choose(s)
            and wanted.get("state") in (None, str(s.state(now)))
            and wanted.get("created_by") in (None, s.created_by)
        )
    )
    most = _limit(wanted.get("limit", str(LISTED)))
    listed: list[Json] = [shown_view(view, now) for view in views[:most]]
    return answer({"silences": listed, "more": max(0, len(views) - most)})


async def get_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """One silence with its history."""
    name, choose = request.match_info["id"], mine(token)
    views = await door.daemon.silence_views(lambda s: s.id == name and choose(s))
    if not views:
        raise refusal_of(SilenceResult(refused=SilenceRefusal.UNKNOWN, message="silence not found"))
    return answer(shown_view(views[0], door.daemon.now()))


async def create_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """Make one; ``dry_run`` only says whether it could be made, and what it would have hidden."""
    fields = await read_object(door, request)
    who = text(fields, "by", most=100)
    silence = read(door, fields, token)
    silence = replace(silence, created_by=signed(who, token))
    if flag(fields, "dry_run"):
        return await _tried(door, silence)
    result = await door.daemon.set_silence(silence, author(who, token), whole=True)
    return answer({"id": accept(result)})


async def update_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """Change one; what the body does not name stays. The answer's id is another when it could not be changed in place."""
    fields = await read_object(door, request)
    who = text(fields, "by", most=100)
    before = find(door, request.match_info["id"], token)
    silence = read(door, fields, token, before)
    if flag(fields, "dry_run"):
        return await _tried(door, silence)
    result = await door.daemon.set_silence(silence, author(who, token), whole=True)
    id_ = accept(result)
    return answer({"id": id_, "replaced": before.id if id_ != before.id else None})


async def preview_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """What a silence (or one that is there, by ``id``) would have hidden in the ``last`` days (7d)."""
    fields = dict(await read_object(door, request))
    back = length(fields, "last") if "last" in fields else LOOK_BACK
    if not 0 < back <= MOST_LOOK_BACK:
        raise Refused(400, "out_of_range", "last is not between a moment and 90d. Send 7d, say")
    fields.pop("last", None)
    id_ = text(fields, "id", most=100)
    if id_:
        silence = find(door, id_, token)
    else:
        # Only whom it speaks of matters here; why and until when may be said later.
        end: dict[str, Json] = {} if "ends_at" in fields else {"for": "1h"}
        silence = read(door, {"comment": "preview", **end, **fields}, token)
        accept(door.daemon.check_silence(silence))
    preview = await door.daemon.preview_silence(silence, door.daemon.now() - back)
    return answer(shown_preview(preview))


async def expire_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """End one now; twice is fine."""
    fields = await read_object(door, request)
    who = text(fields, "by", most=100)
    id_ = find(door, request.match_info["id"], token).id
    done = await door.daemon.expire_silence(id_, author(who, token))
    result = "already" if done is Done.ALREADY else "done"
    return answer({"id": id_, "result": result})


async def approve_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """A second person agrees that it may hold back must-never-happen alerts."""
    fields = await read_object(door, request)
    who = text(fields, "by", most=100)
    before = find(door, request.match_info["id"], token)
    result = await door.daemon.approve_silence(before.id, author(who, token))
    done = "already" if before.approved_by else "done"
    return answer({"id": accept(result), "result": done})


def author(who: str, token: Token) -> str:
    """Who did it, for the rule that nobody approves their own: the token; an administrator's may speak for a person."""
    return signed(who, token) if Scope.ADMIN in token.scopes else token.name


def may_silence(silence: Silence, tenant: str) -> bool:
    """Whether it speaks of this tenant's alerts only; an empty tenant stands for all."""
    return not tenant or any(
        m.name == "tenant" and m.value == tenant and m.is_equal and not m.is_regex
        for m in silence.matchers
    )


def _limit(text_: str) -> int:
    if not text_.isascii() or not text_.isdigit() or not 0 < int(text_[:9]) <= MOST_LISTED:
        raise Refused(400, "out_of_range", f"limit is not between 1 and {MOST_LISTED}")
    return int(text_)


def mine(token: Token) -> Callable[[Silence], bool]:
    """Tells the silences a token may see and change."""
    return lambda silence: may_silence(silence, token.tenant)


def read(
    door: Door, fields: dict[str, Json], token: Token, before: Silence | None = None
) -> Silence:
    """A silence from the fields of a request, within what the token may silence. Raises ``Refused`` (400, 403)."""
    silence = read_silence(
        fields,
        door.daemon.now(),
        comment_chars=door.settings.limits.note_chars,
        before=before,
    )
    if not may_silence(silence, token.tenant):
        raise Refused(
            403,
            "forbidden",
            f'this token silences alerts of one tenant only. Add the matcher tenant="{token.tenant}"',
        )
    return silence


def find(door: Door, id_: str, token: Token) -> Silence:
    """One silence the token may see. Raises ``Refused`` (404)."""
    for silence in door.daemon.silences(door.daemon.now()):
        if silence.id == id_ and may_silence(silence, token.tenant):
            return silence
    raise refusal_of(SilenceResult(refused=SilenceRefusal.UNKNOWN, message="silence not found"))


async def _tried(door: Door, silence: Silence) -> web.Response:
    """What would come of it, and nothing done."""
    accept(door.daemon.check_silence(silence))
    now = door.daemon.now()
    preview = await door.daemon.preview_silence(silence, now - LOOK_BACK)
    body: dict[str, Json] = {"silence": shown(silence, now), "preview": shown_preview(preview)}
    return answer({"dry_run": True, **body})


def accept(result: SilenceResult) -> str:
    """The id of what was done. Raises ``Refused`` with what was wrong."""
    if result.refused is not None:
        raise refusal_of(result)
    return result.id


def refusal_of(result: SilenceResult) -> Refused:
    """The answer a refusal becomes: what is wrong, and what to do."""
    refused = result.refused or SilenceRefusal.INVALID
    said = result.message.removeprefix("Failed to create silence: ")
    return Refused(_STATUS.get(refused, 400), str(refused), f"{said}. {_HINTS[refused]}")
