"""Silences over API v2: list, make, change (import is many of these), see one, end one.

Law: Alertmanager's checks in Alertmanager's order and words; whether a silence may be as it is, the daemon decides. A token of one
tenant sees and makes silences of that tenant alone: each carries a matcher that says so.
"""

import re
from dataclasses import replace
from typing import TypeAlias

import msgspec
from aiohttp import web

from rulesd.model.errors import EventError
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant, parse_instant
from rulesd.model.silence import Silence, SilenceMatcher, SilenceState
from rulesd.ports.daemon import Done
from rulesd.ports.silences import SilenceRefusal
from rulesd.web import body as bodies
from rulesd.web.alerts import signed
from rulesd.web.door import Door
from rulesd.web.silences import may_silence
from rulesd.web.tokens import Token
from rulesd.web.v2_answers import V2Refused, coded, quoted, sentence, shown
from rulesd.web.v2_filters import filters, fits
from rulesd.web.v2_posted import expect_json

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ORDER = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.EXPIRED: 2}


class _WireMatcher(msgspec.Struct):
    name: str | None = None
    value: str | None = None
    isRegex: bool | None = None  # noqa: N815 - the names of the wire
    isEqual: bool | None = None  # noqa: N815


class _Wire(msgspec.Struct):
    id: str | None = None
    matchers: list[_WireMatcher] | None = None
    startsAt: str | None = None  # noqa: N815
    endsAt: str | None = None  # noqa: N815
    createdBy: str | None = None  # noqa: N815
    comment: str | None = None
    annotations: dict[str, str] | None = None


_decode = msgspec.json.Decoder(_Wire | None).decode
Key: TypeAlias = tuple[int, int, str]


async def get_silences(door: Door, request: web.Request, token: Token) -> web.Response:
    """Those whose matchers the filters agree with: active ones first, each kind in Alertmanager's order."""
    matchers = filters(request)
    now = door.daemon.now()
    found = [
        one
        for one in door.daemon.silences(now)
        if may_silence(one, token.tenant)
        and fits(matchers, {m.name: m.value for m in one.matchers})
    ]
    found.sort(key=lambda one: _key(one, now))
    return shown([_shown(one, now) for one in found])


async def get_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """One silence; an unknown one is a 404 without words, as there."""
    now = door.daemon.now()
    found = _find(door, _id(request), token)
    return shown(None, 404) if found is None else shown(_shown(found, now))


async def post_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """Make one, or change the one whose id is named; the answer is the id in force."""
    silence = _read(await _body(door, request))
    if silence.id and (not _UUID.fullmatch(silence.id) or _find(door, silence.id, token) is None):
        raise sentence(404, "silence not found")
    if token.tenant:
        silence = _limited(silence, token.tenant)
    result = await door.daemon.set_silence(silence, signed(silence.created_by, token))
    if result.refused is None:
        return shown({"silenceID": result.id})
    raise sentence(404 if result.refused is SilenceRefusal.UNKNOWN else 400, result.message)


async def delete_silence(door: Door, request: web.Request, token: Token) -> web.Response:
    """End one; one that is over already is fine."""
    name = _id(request)
    found = _find(door, name, token)
    if found is None or await door.daemon.expire_silence(name, token.name) is Done.UNKNOWN:
        # Not our fault, and yet 500: what 0.25 answers, and the only refusal its clients can read here.
        raise sentence(500, "silence not found")
    return shown(None)


async def _body(door: Door, request: web.Request) -> bytes:
    expect_json(request)
    limits = door.settings.limits
    with door.room.place() as place:
        given = await bodies.read(request, limits, place, limits.form_bytes)
        encoding = request.headers.get("Content-Encoding", "")
        try:
            return await bodies.unpack(given, encoding, limits, place)
        except EventError as error:
            raise coded(400, error.message) from None


def _read(text: bytes) -> Silence:
    """A silence as sent. Raises ``V2Refused`` (400, 422)."""
    if not text.strip():
        raise coded(422, "silence in body is required", 602)
    try:
        wire = _decode(text) or _Wire()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = str(error) if isinstance(error, msgspec.DecodeError) else "it is not UTF-8"
        raise coded(400, f'parsing silence body from "" failed, because {said}') from None
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if getattr(wire, name) is None:
            raise _missing(name)
    assert wire.matchers is not None
    if not wire.matchers:
        raise coded(422, "matchers in body should have at least 1 items", 612)
    return Silence(
        id=wire.id or "",
        matchers=tuple(_matcher(one, n) for n, one in enumerate(wire.matchers)),
        starts_at=_instant(wire.startsAt, "startsAt"),
        ends_at=_instant(wire.endsAt, "endsAt"),
        updated_at=0,
        created_by=wire.createdBy or "",
        comment=wire.comment or "",
        annotations=wire.annotations or {},
    )


def _matcher(wire: _WireMatcher, position: int) -> SilenceMatcher:
    for name in ("isRegex", "name", "value"):
        if getattr(wire, name) is None:
            raise _missing(f"matchers.{position}.{name}")
    return SilenceMatcher(
        name=wire.name or "",
        value=wire.value or "",
        is_regex=wire.isRegex is True,
        is_equal=wire.isEqual is not False,
    )


def _missing(name: str) -> V2Refused:
    return coded(422, f"{name} in body is required", 602)


def _instant(text: str | None, name: str) -> Instant:
    try:
        return parse_instant(text or "")
    except (ValueError, OverflowError):
        said = f'parsing silence body from "" failed, because {name} is not a time as in 2026-01-05T09:00:00Z'
        raise coded(400, said) from None


def _id(request: web.Request) -> str:
    name = request.match_info["id"]
    if not _UUID.fullmatch(name):
        raise coded(422, f"silenceID in path must be of type uuid: {quoted(name)}", 601)
    return name


def _find(door: Door, name: str, token: Token) -> Silence | None:
    return next(
        (
            one
            for one in door.daemon.silences(door.daemon.now())
            if one.id == name and may_silence(one, token.tenant)
        ),
        None,
    )


def _limited(silence: Silence, tenant: str) -> Silence:
    """The same for one tenant's alerts only."""
    if may_silence(silence, tenant):
        return silence
    own = SilenceMatcher(name="tenant", value=tenant)
    return replace(silence, matchers=(*silence.matchers, own))


def _key(silence: Silence, now: Instant) -> Key:
    state = silence.state(now)
    if state is SilenceState.ACTIVE:
        return _ORDER[state], silence.ends_at, silence.id
    if state is SilenceState.PENDING:
        return _ORDER[state], silence.starts_at, silence.id
    return _ORDER[state], -silence.ends_at, silence.id


def _shown(silence: Silence, now: Instant) -> dict[str, Json]:
    matchers: list[Json] = [
        {"isEqual": m.is_equal, "isRegex": m.is_regex, "name": m.name, "value": m.value}
        for m in silence.matchers
    ]
    out: dict[str, Json] = {
        "id": silence.id,
        "status": {"state": str(silence.state(now))},
        "updatedAt": format_instant(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": format_instant(silence.ends_at),
        "matchers": matchers,
        "startsAt": format_instant(silence.starts_at),
    }
    if silence.annotations:
        out["annotations"] = dict(silence.annotations)
    return out
