"""Kill switches over HTTP: what is set and by whom, set and revert, approve, and a stream of changes.

Law: what is shown is what is enforced. Every act has a name, a reason and an end; a token of one tenant sees and sets only what is
scoped to its tenant.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import hdrs, web

from rulesd.core.switch_state import describe
from rulesd.model.duration import parse_duration
from rulesd.model.event import Json
from rulesd.model.instant import DAY, format_instant
from rulesd.model.switch import Setting, SettingState, Switch, key_part, labels_in, places
from rulesd.ports.acting import SwitchAnswer, Wish
from rulesd.web import ofrep
from rulesd.web.alerts import signed
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token

STREAMS = web.AppKey("streams", set[asyncio.Task[Any]])
"Streams that are open: a daemon that stops does not wait for their readers."

HEARTBEAT_S = 15.0
"A stream says something at least this often, so that both ends know it is alive."

LONGEST_TTL = 30 * DAY
MOST_LABELS = 20
FIELDS = frozenset(
    {"labels", "scope", "value", "ttl", "reason", "by", "alert", "dry_run", "id", "revert"}
)
"What ``PUT /v1/switches/{key}`` reads. A field that is passed over would be a wider setting than was meant."


async def list_switches(door: Door, request: web.Request, token: Token) -> web.StreamResponse:
    """Every switch with what is set; as a stream of changes where the caller accepts ``text/event-stream``."""
    if "text/event-stream" in request.headers.get(hdrs.ACCEPT, ""):
        return await _stream(door, request, token)
    return answer(listing(door, token))


def listing(door: Door, token: Token) -> dict[str, Json]:
    """All switches, open settings, and the latest of the history."""
    acting = door.daemon.acting
    context = {"tenant": token.tenant} if token.tenant else {}
    switches: list[Json] = [_switch(s) for s in door.daemon.plan.switches.values()]
    settings: list[Json] = [shown(s) for s in acting.settings() if visible(s, token)]
    return {
        "version": acting.version,
        "humans_only": acting.humans_only,
        "switches": switches,
        "settings": settings,
        "flags": ofrep.flags(acting.table, context, token.tenant),
    }


async def history(door: Door, request: web.Request, token: Token) -> web.Response:
    """Settings that have ended or were refused, the latest first; ``switch`` chooses."""
    wanted = request.query.get("switch")
    rows: list[Json] = [
        shown(s)
        for s in door.daemon.acting.history()
        if visible(s, token) and wanted in (None, s.switch)
    ]
    return answer({"settings": rows})


async def put_switch(door: Door, request: web.Request, token: Token) -> web.Response:
    """``PUT /v1/switches/{key}``: set a switch, by its flag key or its name; ``revert: true`` ends what is set for these labels."""
    fields = await read_object(door, request)
    if unknown := sorted(fields.keys() - FIELDS):
        words = f"the body has {len(unknown)} field(s) that mean nothing here. Write {', '.join(sorted(FIELDS))}"
        raise Refused(400, "unknown_field", words)
    switch, labels = find_switch(door, request.match_info["key"])
    labels |= _own(switch, meant(switch, labels_of(fields)), token)
    by = signed(text(fields, "by", most=100), token)
    reason = text(fields, "reason", most=door.settings.limits.note_chars, required=True)
    if fields.get("revert") is True:
        return await _revert_all(door, switch, labels, by, reason, token)
    wish = Wish(
        switch=switch.name,
        by=by,
        reason=reason,
        labels=labels,
        value=fields.get("value"),
        ttl=ttl_of(fields),
        alert=text(fields, "alert", most=100),
        dry_run=fields.get("dry_run") is True,
        id=own_id(text(fields, "id", most=100), token),
    )
    return _answered(await door.daemon.acting.set(wish))


async def _revert_all(
    door: Door, switch: Switch, labels: Mapping[str, str], by: str, reason: str, token: Token
) -> web.Response:
    ended: list[Json] = []
    wider: list[Json] = []
    for setting in door.daemon.acting.settings():
        if setting.switch != switch.name or not visible(setting, token):
            continue
        if about(switch, setting, labels):
            done = await door.daemon.acting.revert(setting.id, by, reason)
            if done.setting is not None and not done.refused:
                ended.append(shown(done.setting))
        elif _agrees(setting, labels):
            wider.append(shown(setting))
    result = "reverted" if ended else "already"
    return answer({"result": result, "settings": ended, "wider": wider})


async def act(door: Door, request: web.Request, token: Token) -> web.Response:
    """``POST /v1/switches/settings/{id}/{approve|revert}``."""
    fields = await read_object(door, request)
    id_, verb = request.match_info["id"], request.match_info["act"]
    by = signed(text(fields, "by", most=100), token)
    reason = text(fields, "reason", most=door.settings.limits.note_chars)
    acting = door.daemon.acting
    rows = (*acting.settings(), *acting.history())
    if not any(s.id == id_ and visible(s, token) for s in rows):
        raise _unknown()
    if verb == "approve":
        if token.tenant:
            raise Refused(403, "forbidden", "a token of one tenant cannot approve")
        return _answered(await acting.approve(id_, by))
    return _answered(await acting.revert(id_, by, reason))


async def only_people(door: Door, request: web.Request, token: Token) -> web.Response:
    """``PUT /v1/switches/humans-only``: ``{"on": true, "reason": ...}``."""
    fields = await read_object(door, request)
    on = fields.get("on")
    if not isinstance(on, bool) or token.tenant:
        raise Refused(400, "wrong_type", "on must be true or false, and the token one of no tenant")
    reason = text(fields, "reason", most=door.settings.limits.note_chars)
    by = signed(text(fields, "by", most=100), token)
    await door.daemon.acting.only_people(on, by, reason)
    return answer({"humans_only": on})


def plain(value: Json) -> str:
    """A value as people read it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def about(switch: Switch, setting: Setting, labels: Mapping[str, str]) -> bool:
    """Whether a setting is one of those these labels choose: as wide as they say, or narrower.

    What is set for everybody is not one tenant's to lift.
    """
    named = all(name in setting.scope for name in switch.scope if name in labels)
    return named and _agrees(setting, labels)


def _agrees(setting: Setting, labels: Mapping[str, str]) -> bool:
    """None of the setting's labels, of key and scope, is another than these."""
    key = all(
        name not in labels or key_part(labels[name]) == key_part(value)
        for name, value in setting.labels.items()
    )
    return key and all(labels.get(name, value) == value for name, value in setting.scope.items())


def visible(setting: Setting, token: Token) -> bool:
    """Whether a token may see a setting: its tenant's, or all."""
    return not token.tenant or setting.scope.get("tenant") == token.tenant


# ---------------------------------------------------------------------- what was sent


def find_switch(door: Door, key: str) -> tuple[Switch, dict[str, str]]:
    """The switch of a name or a flag key, and the labels the key shows. Raises ``Refused`` (404)."""
    switch = door.daemon.plan.switches.get(key)
    if switch is not None:
        return switch, {}
    switch = door.daemon.acting.table.switch_of(key)
    if switch is None:
        known = ", ".join(sorted(door.daemon.plan.switches)) or "none"
        words = f"no switch has this name or key. There are: {known}"
        raise Refused(404, "unknown_switch", words)
    return switch, labels_in(switch.key, key) or {}


def labels_of(fields: Mapping[str, Json]) -> dict[str, str]:
    """``labels``, or ``scope`` as answers call them, as texts. Raises ``Refused`` (400)."""
    if "labels" in fields and "scope" in fields:
        raise Refused(400, "wrong_type", "labels and scope are the same thing. Send one of them")
    given = fields.get("labels", fields.get("scope", {}))
    if not isinstance(given, dict) or len(given) > MOST_LABELS:
        raise Refused(400, "wrong_type", "labels must be an object of texts")
    if not all(isinstance(value, str) for value in given.values()):
        raise Refused(400, "wrong_type", "labels must be an object of texts")
    return {name: str(value) for name, value in given.items()}


def meant(switch: Switch, labels: dict[str, str]) -> dict[str, str]:
    """The labels, unless one is passed over while another is missing: a slip would contain everybody. Raises ``Refused`` (400)."""
    used = {*switch.scope, *places(switch.key)}
    if labels.keys() - used and any(name not in labels for name in switch.scope):
        words = f"{switch.name} is set by {', '.join(sorted(used))}; another label was sent, and not all of these"
        raise Refused(400, "unknown_label", words)
    return labels


def _own(switch: Switch, labels: dict[str, str], token: Token) -> dict[str, str]:
    """The labels, narrowed to the token's tenant. Raises ``Refused`` (403)."""
    if not token.tenant:
        return labels
    if "tenant" not in switch.scope:
        words = f"{switch.name} is not set per tenant, and this token is one of a tenant"
        raise Refused(403, "forbidden", words)
    if labels.setdefault("tenant", token.tenant) != token.tenant:
        raise Refused(403, "forbidden", "this token may set switches of its own tenant only")
    return labels


def own_id(given: str, token: Token) -> str:
    """An idempotency id as it is kept: tenants choose among their own, and learn of nobody else's."""
    return f"{token.tenant}:{given}" if given and token.tenant else given


def ttl_of(fields: Mapping[str, Json]) -> int | None:
    """``ttl`` in milliseconds, ``None`` when absent. Raises ``Refused`` (400)."""
    given = fields.get("ttl")
    if given is None:
        return None
    try:
        ttl = parse_duration(given if isinstance(given, str | int) else "")
    except ValueError as error:
        raise Refused(400, "invalid_duration", f"ttl: {error}") from None
    if not 0 < ttl <= LONGEST_TTL:
        raise Refused(400, "out_of_range", "ttl must be above 0 and at most 30 days")
    return ttl


# ---------------------------------------------------------------------- what is shown


def _answered(done: SwitchAnswer) -> web.Response:
    if done.reason is None or done.setting is None:
        raise _unknown()
    body: dict[str, Json] = {"result": str(done.reason), "setting": shown(done.setting)}
    if done.refused:
        raise Refused(409, str(done.reason), done.refused, facts=body)
    return answer(body, 202 if done.setting.state is SettingState.PENDING else 200)


def _unknown() -> Refused:
    return Refused(
        404, "unknown_setting", "there is no such setting of a switch. See: rulesd switch list"
    )


def _switch(switch: Switch) -> dict[str, Json]:
    scope: list[Json] = list(switch.scope)
    askers: list[Json] = list(switch.may_set)
    return {
        "name": switch.name,
        "key": switch.key,
        "type": switch.type,
        "safe": switch.safe,
        "default": switch.default,
        "scope": scope,
        "until": str(switch.until),
        "ttl_ms": switch.ttl,
        "priority": switch.priority,
        "limit_per_hour": switch.limit_per_hour,
        "approvals": str(switch.approvals),
        "may_set": askers,
        "dry_run": switch.dry_run,
        "action": switch.action,
        "description": switch.description,
    }


def shown(setting: Setting) -> dict[str, Json]:
    """A setting as the API shows it."""

    def time(at: int | None) -> str | None:
        return None if at is None else format_instant(at)

    return {
        "id": setting.id,
        "switch": setting.switch,
        "key": setting.key,
        "scope": dict(setting.scope),
        "value": setting.value,
        "state": str(setting.state),
        "priority": setting.priority,
        "by": setting.by,
        "reason": setting.reason,
        "origin": setting.origin,
        "set_at": time(setting.set_at),
        "expires_at": time(setting.expires_at),
        "until": str(setting.until),
        "alert": setting.alert,
        "rule": setting.rule,
        "owner": setting.owner,
        "approved_by": setting.approved_by,
        "ended_at": time(setting.ended_at),
        "ended_by": setting.ended_by,
        "ended_why": setting.ended_why,
        "result": setting.result,
        "text": describe(setting),
    }


async def _stream(door: Door, request: web.Request, token: Token) -> web.StreamResponse:
    """Server-sent events: the whole listing at first and after each change."""
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "text/event-stream",
            hdrs.CACHE_CONTROL: "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    task, streams = asyncio.current_task(), request.app[STREAMS]
    assert task is not None
    streams.add(task)
    task.add_done_callback(streams.discard)
    version = -1
    while door.tokens.named(token.name, token.digest) is not None:
        try:
            if version == door.daemon.acting.version:
                if not await door.daemon.acting.changed(version, HEARTBEAT_S):
                    await response.write(b": still here\n\n")
                continue
            version = door.daemon.acting.version
            data = orjson.dumps(listing(door, token))
            await response.write(b"event: switches\nid: %d\ndata: %s\n\n" % (version, data))
        except (ConnectionError, asyncio.CancelledError):
            break
    return response


async def end_streams(app: web.Application) -> None:
    """When the door closes."""
    streams = app[STREAMS]
    for task in tuple(streams):
        task.cancel()
