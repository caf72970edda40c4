"""Alerts over HTTP: see them, take them, give them back, say that they are over.

Law: acts are idempotent and recorded under the token's name; an act is answered after it is durable. A token of one tenant
cannot tell another tenant's alert from one that does not exist.
"""

from collections.abc import Iterable, Mapping

from aiohttp import web

from rulesd.model.alert import Alert
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.ports.daemon import Done
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token

ACTS = ("ack", "unack", "resolve")
STATES = ("pending", "firing", "resolved")


async def list_alerts(door: Door, request: web.Request, token: Token) -> web.Response:
    """Pending, firing and lately resolved alerts; ``state``, ``rule``, ``owner``, ``severity``, ``tenant`` choose."""
    wanted = request.query
    if wanted.get("state") not in (None, *STATES):
        # An empty list would say that all is well.
        hint = f"there is no state of that name. Use one of: {', '.join(STATES)}"
        raise Refused(400, "unknown_state", hint)
    out: list[Json] = [
        shown(door, alert)
        for alert in visible(door.daemon.alerts(), token)
        if wanted.get("state") in (None, str(alert.state))
        and wanted.get("rule") in (None, alert.rule)
        and wanted.get("owner") in (None, alert.owner)
        and wanted.get("severity") in (None, alert.severity)
        and wanted.get("tenant") in (None, tenant_of(alert))
    ]
    return answer({"alerts": out})


async def get_alert(door: Door, request: web.Request, token: Token) -> web.Response:
    """One alert."""
    return answer(shown(door, find(door, request.match_info["id"], token)))


async def act(door: Door, request: web.Request, token: Token) -> web.Response:
    """Acknowledge, give back or resolve."""
    fields = await read_object(door, request)
    note = text(fields, "note", most=door.settings.limits.note_chars)
    who = text(fields, "by", most=100)
    verb, alert = request.match_info["act"], request.match_info["id"]
    done = await perform(door, verb, alert, signed(who, token), note, token)
    if done is Done.UNKNOWN:
        raise unknown()
    if done is Done.NOT_ACTIVE:
        raise Refused(
            409, str(done), "this alert has resolved meanwhile; there is nothing left to take"
        )
    return answer({"alert": alert, "result": str(done)})


async def perform(
    door: Door, verb: str, alert: str, by: str, note: str, token: Token | None
) -> Done:
    """Do one of ``ACTS``; ``token`` limits it to a tenant, ``None`` (a hook) does not."""
    if token is not None and token.tenant:
        find(door, alert, token)
    if verb == "ack":
        return await door.daemon.acknowledge(alert, by, note)
    if verb == "unack":
        return await door.daemon.unacknowledge(alert, by)
    return await door.daemon.resolve(alert, by, note)


def signed(who: str, token: Token) -> str:
    """Under which name an act is recorded: the token's, and the person it says it acts for."""
    return f"{who} ({token.name})" if who else token.name


def tenant_of(alert: Alert) -> str:
    """The tenant an alert is about, empty when it tells none."""
    return alert.labels.get("tenant") or alert.context.get("tenant") or ""


def visible(alerts: Iterable[Alert], token: Token) -> list[Alert]:
    """Those alerts a token may see."""
    return [one for one in alerts if token.tenant in ("", tenant_of(one))]


def find(door: Door, name: str, token: Token) -> Alert:
    """One alert the token may see. Raises ``Refused`` (404)."""
    for alert in visible(door.daemon.alerts(), token):
        if alert.alert == name:
            return alert
    raise unknown()


def unknown() -> Refused:
    """404: there is no such alert, or it is another tenant's."""
    return Refused(
        404,
        "unknown_alert",
        "there is no such alert: it has never been, or it resolved more than an hour ago. See: rulesd alerts",
    )


def shown(door: Door, alert: Alert) -> dict[str, Json]:
    """An alert as the API shows it."""
    plan = door.daemon.plan
    position = plan.by_id.get(alert.rule)
    rule = plan.rules[position] if position is not None else None
    causes: list[Json] = list(alert.causes)
    return {
        "alert": alert.alert,
        "rule": alert.rule,
        "title": rule.title if rule else alert.rule,
        "fingerprint": alert.fingerprint,
        "labels": _plain(alert.labels),
        "context": _plain(alert.context),
        "severity": alert.severity,
        "owner": alert.owner,
        "state": str(alert.state),
        "value": alert.value,
        "threshold": alert.threshold,
        "count": alert.count,
        "since": format_instant(alert.since),
        "event_time": format_instant(alert.event_time),
        "started_at": format_instant(alert.started_at),
        "ended_at": format_instant(alert.ended_at) if alert.ended_at is not None else None,
        "causes": causes,
        "never": alert.never,
        "acknowledged_by": alert.acknowledged_by,
        "could_not_evaluate": alert.could_not_evaluate,
        "runbook_url": (rule.runbook.url if rule else "") or door.daemon.runbook_link(alert.rule),
    }


def _plain(labels: Mapping[str, str]) -> dict[str, Json]:
    return dict(labels)
