"""Kill switches for OpenFeature: OFREP 0.3 over the switch table (open-feature/protocol service/openapi.yaml).

Law: an evaluation is a dictionary look-up, never refused for its rate (clients pause *all* evaluations on 429) and never logged. Every
answer has a ``variant`` and a ``reason`` of the specification, because the SDKs fail without. A switch without a default of its own
leaves out ``value``: the service's code default holds.
"""

from collections.abc import Mapping
from hashlib import blake2b

import orjson
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from rulesd.core.switch_table import KNOWN_KEYS, SwitchTable, Verdict
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.model.switch import Switch, places
from rulesd.web import body
from rulesd.web.answers import Refused
from rulesd.web.door import Door
from rulesd.web.tokens import Token

LONGEST_BODY = 64 * 1024
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_FOUND = CIMultiDictProxy(CIMultiDict({**_HEADERS, "Content-Type": "application/json"}))


class _Bad(Exception):
    """The request cannot be evaluated: OFREP's error code and words."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(code)
        self.code, self.details = code, details


async def evaluate_one(door: Door, request: web.Request, token: Token) -> web.Response:
    """``POST /ofrep/v1/evaluate/flags/{key}``."""
    key = request.match_info["key"]
    try:
        labels = await _context(door, request, token)
    except _Bad as bad:
        return _json(400, {"key": key, "errorCode": bad.code, "errorDetails": bad.details})
    table = door.daemon.acting.table
    verdict = table.verdict(key, labels)
    if verdict is None:
        words = "no switch of switches.yaml has this key"
        return _json(404, {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": words})
    place = (key, "" if verdict.setting is None else verdict.setting.id)
    made = table.answers.get(place)
    if made is None:
        made = orjson.dumps(shown(key, verdict))
        if len(table.answers) < KNOWN_KEYS:
            table.answers[place] = made
    return web.Response(body=made, headers=_FOUND)


async def evaluate_all(door: Door, request: web.Request, token: Token) -> web.Response:
    """``POST /ofrep/v1/evaluate/flags``: every flag with a value of its own now; 304 when nothing changed for this context."""
    try:
        labels = await _context(door, request, token)
    except _Bad as bad:
        return _json(400, {"errorCode": bad.code, "errorDetails": bad.details})
    tag = _tag(door.daemon.plan.digest, door.daemon.acting.version, labels)
    headers = {"ETag": tag}
    if tag in (t.strip() for t in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")):
        return web.Response(status=304, headers={**_HEADERS, **headers})
    rows = flags(door.daemon.acting.table, labels, token.tenant)
    return _json(200, {"flags": rows, "metadata": {}}, headers)


def flags(table: SwitchTable, labels: Mapping[str, str], tenant: str = "") -> list[Json]:
    """Every key's value for a context; for a ``tenant``'s token without keys that exist because of others alone: names tell, too."""
    out: list[Json] = []
    for key in table.current_keys():
        verdict = table.verdict(key, labels)
        if verdict is not None and not (tenant and _of_others(table, key, verdict.switch, tenant)):
            out.append(shown(key, verdict))
    return out


def _of_others(table: SwitchTable, key: str, switch: Switch, tenant: str) -> bool:
    rows = table.by_key.get(key, ())
    mine = any(s.scope.get("tenant", tenant) == tenant for s in rows)
    return bool(places(switch.key)) and not mine


def shown(key: str, verdict: Verdict) -> dict[str, Json]:
    """One evaluation as OFREP answers it."""
    value, setting, switch = verdict
    out: dict[str, Json] = {"key": key, "variant": "default", "reason": "STATIC"}
    metadata: dict[str, Json] = {"switch": switch.name}
    if setting is not None:
        out["variant"], out["reason"] = (
            "contained",
            "TARGETING_MATCH" if setting.scope else "STATIC",
        )
        metadata |= {
            "setting": setting.id,
            "set_by": setting.by,
            "set_at": format_instant(setting.set_at),
        }
        if setting.alert:
            metadata |= {"alert": setting.alert, "rule": setting.rule}
        if setting.expires_at is not None:
            metadata["expires_at"] = format_instant(setting.expires_at)
    if value is not None:
        out["value"] = _number(value, switch) if switch.type == "number" else value
    out["metadata"] = metadata
    return out


def _number(value: Json, switch: Switch) -> Json:
    """SDKs tell 1 and 1.0 apart: a switch that is written with a fraction anywhere is a float everywhere."""
    fraction = isinstance(switch.safe, float) or isinstance(switch.default, float)
    return float(value) if fraction and isinstance(value, int) else value


async def _context(door: Door, request: web.Request, token: Token) -> dict[str, str]:
    """The evaluation context as labels; a tenant's token evaluates for its tenant only."""
    with door.room.place() as place:
        try:
            raw = await body.read(request, door.settings.limits, place, LONGEST_BODY)
        except Refused as refused:
            raise _Bad("PARSE_ERROR", refused.message) from None
    fields: object = {}
    if raw.strip():
        try:
            fields = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise _Bad("PARSE_ERROR", "the body is not JSON") from None
    context = fields.get("context", {}) if isinstance(fields, dict) else None
    if not isinstance(context, dict):
        raise _Bad("INVALID_CONTEXT", "context must be an object")
    labels = {name: _text(value) for name, value in context.items() if _plain(value)}
    if token.tenant:
        labels["tenant"] = token.tenant
    return labels


def _plain(value: object) -> bool:
    return isinstance(value, (str, int, float))


def _text(value: object) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _tag(digest: str, version: int, labels: Mapping[str, str]) -> str:
    text = orjson.dumps([digest, version, dict(labels)], option=orjson.OPT_SORT_KEYS)
    return f'"{blake2b(text, digest_size=12).hexdigest()}"'


def _json(
    status: int, fields: Mapping[str, Json], headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=orjson.dumps(fields),
        status=status,
        content_type="application/json",
        headers={**_HEADERS, **(headers or {})},
    )
