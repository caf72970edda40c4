"""What a verified call of a hook does: an act on an alert, a silence, a switch, a rollout, a review, or an event.

Law: only what the hook may. What the body says is data: it becomes an alert's id, a name, a note or an event that is decoded
and redacted like any other.
"""

from collections.abc import Mapping
from secrets import token_hex

import orjson
from aiohttp import web

from rulesd.model.errors import RulesdError
from rulesd.model.event import Json
from rulesd.ports.daemon import Done
from rulesd.web.alerts import perform
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.hook_acting import revert_switch, review, rollout, set_switch
from rulesd.web.hook_silence import silence
from rulesd.web.hook_spec import Hook
from rulesd.web.small_body import text

_ACTS = {"acknowledge": "ack", "unacknowledge": "unack", "resolve": "resolve"}
_CHANGE = ("kind", "component", "from_version", "to_version", "stage", "owner", "rollout_percent")
"What a hook may say of the change whose watch it begins; names as in ``deploy.change``."

_ATTRIBUTES = frozenset({"id", "source", "type", "time", "subject", "tenant", "data"})


def fields_of(hook: Hook, body: Mapping[str, Json]) -> dict[str, Json]:
    """The operation's fields: through the hook's mapping, or as the body names them."""
    if not hook.mapping:
        return dict(body)
    out: dict[str, Json] = {}
    for name, value in hook.mapping.items():
        try:
            out[name] = value(body)  # type: ignore[assignment]
        except RulesdError:
            raise Refused(
                400,
                "mapping_failed",
                f"the hook's mapping of {name} cannot be computed from this body",
            ) from None
    return out


async def operate(door: Door, hook: Hook, fields: Mapping[str, Json], call: str) -> web.Response:
    """Do it. ``call`` is the id of the call, or empty."""
    operation = text(fields, "operation", most=40) or (hook.may[0] if len(hook.may) == 1 else "")
    if not operation:
        raise Refused(
            400,
            "missing_field",
            f"this hook may do several things. Say which as operation: {', '.join(hook.may)}",
        )
    if operation not in hook.may:
        raise Refused(403, "forbidden", "this hook may not do that. hooks.yaml lists what it may")
    if operation in _ACTS:
        return await _act(door, hook, _ACTS[operation], fields)
    if operation == "submit_event" and hook.mapping and fields.get("type") in (None, ""):
        # A sender's ping, or an event that is none of ours: refused, it would be sent again or the hook switched off.
        return answer({"result": "nothing_to_do"})
    if operation == "submit_event":
        return await _submit(door, hook, fields, call)
    if operation == "silence":
        return await silence(door, hook, fields, call)
    if operation == "set_switch":
        return await set_switch(door, hook, fields, call)
    if operation == "revert_switch":
        return await revert_switch(door, hook, fields)
    if operation == "rollout" and text(fields, "act", most=20) == "start":
        return await _submit(door, hook, _begin(hook, fields), call)
    if operation == "rollout":
        return await rollout(door, hook, fields)
    return await review(door, hook, fields)


async def _act(door: Door, hook: Hook, verb: str, fields: Mapping[str, Json]) -> web.Response:
    alert = text(fields, "alert", most=200)
    if not alert:
        # Senders tell of much that is none of ours; to refuse it would only make them send it again.
        return answer({"result": "nothing_to_do"})
    who = text(fields, "by", most=100)
    note = text(fields, "note", most=door.settings.limits.note_chars)
    by = f"{who} (hook {hook.name})" if who else f"hook {hook.name}"
    done: Done = await perform(door, verb, alert, by, note, None)
    return answer({"result": str(done)})


def _begin(hook: Hook, fields: Mapping[str, Json]) -> dict[str, Json]:
    """The ``deploy.change`` event that begins a watch over ``change``. Raises ``Refused`` (400)."""
    data: dict[str, Json] = {"change_id": text(fields, "change", most=200, required=True)}
    data |= {name: fields[name] for name in _CHANGE if fields.get(name) is not None}
    data.setdefault("stage", "start")
    around: dict[str, Json] = {
        name: fields[name] for name in ("tenant", "time") if fields.get(name) is not None
    }
    event: dict[str, Json] = {"type": "deploy.change", **around}
    if hook.mapping:
        return event | {f"data.{name}": value for name, value in data.items()}
    return event | {"data": data}


async def _submit(door: Door, hook: Hook, fields: Mapping[str, Json], call: str) -> web.Response:
    # A sender that proves itself by a token names no call: each of its calls is an event of its own.
    event = _event(hook, fields, call or f"call-{token_hex(16)}")
    decoded = door.decoder.http(
        "application/cloudevents+json",
        {},
        orjson.dumps(event),
        now=door.daemon.now(),
        tenant="",
    )
    for notice, count in decoded.notices.items():
        door.meter.notices.labels(str(notice)).inc(count)
    receipt = await door.daemon.intake.submit(f"hook:{hook.name}", decoded.events, decoded.rejected)
    if decoded.rejected:
        first = decoded.rejected[0]
        raise Refused(
            400,
            str(first.code),
            f"the event cannot be taken: {first.message}",
            facts={"pointer": first.pointer},
        )
    done: Json = "done" if receipt.accepted else "already"
    return answer({"result": done})


def _event(hook: Hook, fields: Mapping[str, Json], call: str) -> dict[str, Json]:
    if not hook.mapping:
        return {
            "specversion": "1.0",
            "source": f"hook/{hook.name}",
            "id": call,
            **fields,
        }
    event: dict[str, Json] = {"specversion": "1.0", "source": f"hook/{hook.name}", "id": call}
    inside: dict[str, Json] = {}
    for name, value in fields.items():
        if name.startswith("data."):
            inside[name.removeprefix("data.")] = value
        elif name in _ATTRIBUTES and value is not None:
            event[name] = value
    whole = event.get("data")
    if inside or isinstance(whole, dict):
        event["data"] = {**(whole if isinstance(whole, dict) else {}), **inside}
    return event
