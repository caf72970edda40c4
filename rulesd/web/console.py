"""The console: what is firing, who has it, what was sent, and whether the daemon is well.

Law: one page, rendered here from what the daemon says. It shows labels and derived facts, never content. Its buttons are
forms that do what the API does, under the name of the token that logged in.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import hdrs, web

from rulesd.model.alert import Alert, severity_rank
from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.model.reasons import AlertState
from rulesd.model.switch import Setting
from rulesd.ports.daemon import Done
from rulesd.ports.store import OutboxDone, OutboxRow
from rulesd.web.alerts import ACTS, find, perform, visible
from rulesd.web.answers import Refused
from rulesd.web.console_acting import acting_part
from rulesd.web.console_said import back, once, said_before
from rulesd.web.contained import contained, containing, offered
from rulesd.web.door import Door
from rulesd.web.guard import caller
from rulesd.web.login import login_page, read_form
from rulesd.web.pages import ago, render
from rulesd.web.small_body import text
from rulesd.web.tokens import Scope, Token

MOST_ALERTS = 200
MOST_PAGES = 25
MOST_FACTS = 40
_TOLD = frozenset({"sources", "rules", "version", "now"})
_DIGEST = re.compile(r"[0-9a-f]{32,}")
_ORDER = {"firing": 0, "pending": 1, "resolved": 2}
_SAID = {
    Done.DONE: "",
    Done.ALREADY: "It was so already.",
    Done.UNKNOWN: "That alert is no longer there.",
    Done.NOT_ACTIVE: "That alert has resolved meanwhile.",
}


async def get_console(door: Door, request: web.Request) -> web.Response:
    """The front page."""
    token = caller(door, request)
    if token is None or not token.may(Scope.READ):
        return login_page(door, request)
    now = door.daemon.now()
    shown = sorted(
        visible(door.daemon.alerts(), token),
        key=lambda one: (
            _ORDER.get(str(one.state), 3),
            severity_rank(one.severity),
            -one.started_at,
        ),
    )
    standing = door.daemon.acting.settings()
    duty = {} if token.tenant else _on_call(door, now)
    cards = [
        alert_card(door, one, now)
        | _held(door, one)
        | _can(door, one, token, standing)
        | {"on_call": duty.get(one.owner, "")}
        for one in shown[:MOST_ALERTS]
    ]
    health, status = door.daemon.health(), door.daemon.status()
    page = render(
        "console.html",
        title="rulesd",
        now=format_instant(now),
        version=door.settings.version,
        ready=health.ready,
        reasons=list(health.degraded),
        facts=_facts(status),
        sources=_sources(status.get("sources")),
        firing=[one for one in cards if one["state"] != "resolved"],
        resolved=[one for one in cards if one["state"] == "resolved"],
        more=max(len(shown) - MOST_ALERTS, 0),
        pages=[] if token.tenant else await _pages(door, now),
        tenant=token.tenant,
        rules=len(door.daemon.plan.rules),
        name=token.name,
        may_ack=token.may(Scope.ACK),
        said=said_before(request) or _SAID.get(_done(request.query.get("said", "")), ""),
        acting=acting_part(door, token, now),
    )
    return once(request, page)


async def post_act(door: Door, request: web.Request) -> web.Response:
    """A button of the console; then back to the front page."""
    token = caller(door, request)
    verb = request.match_info["act"]
    scope = Scope.SWITCH if verb == "contain" else Scope.ACK
    if token is None or not token.may(scope):
        raise Refused(403, "forbidden", f"log in with a token that has the scope {scope}")
    if verb == "contain":
        return await _contain(door, request, token)
    if verb not in ACTS:
        raise web.HTTPNotFound
    form = await read_form(door, request)
    fields: dict[str, Json] = dict(form)
    note = text(fields, "note", most=door.settings.limits.note_chars)
    try:
        done = await perform(door, verb, request.match_info["id"], token.name, note, token)
    except Refused:
        done = Done.UNKNOWN
    return web.Response(
        status=303, headers={hdrs.LOCATION: f"/?said={done}" if _SAID[done] else "/"}
    )


async def _contain(door: Door, request: web.Request, token: Token) -> web.Response:
    """Carry out the actions of the alert's rule, as the button in Slack does."""
    await read_form(door, request)
    try:
        alert = find(door, request.match_info["id"], token)
    except Refused:
        return back(_SAID[Done.UNKNOWN])
    if alert.state is AlertState.RESOLVED:
        return back("Nothing was contained: the alert has resolved meanwhile.")
    if not containing(door.daemon.plan, alert, token.tenant):
        return back("Nothing was contained: there is nothing here that you may set.")
    done = await door.daemon.acting.contain(alert.alert, token.name)
    if done is None:
        return back("Nothing was contained: the alert has resolved meanwhile.")
    return back(" ".join(dict.fromkeys(map(contained, done))))


def alert_card(door: Door, alert: Alert, now: int) -> dict[str, Any]:
    """An alert as pages show it."""
    plan = door.daemon.plan
    position = plan.by_id.get(alert.rule)
    rule = plan.rules[position] if position is not None else None
    owner = plan.owners.get(alert.owner)
    labels = {**alert.labels, **{k: v for k, v in alert.context.items() if v}}
    return {
        "id": alert.alert,
        "rule": alert.rule,
        "title": rule.title if rule else alert.rule,
        "severity": alert.severity,
        "state": str(alert.state),
        "owner": alert.owner,
        "contact": owner.contact if owner else "",
        "labels": sorted(labels.items()),
        "count": alert.count,
        "value": f"{alert.value:g}",
        "threshold": "" if alert.threshold is None else f"{alert.threshold:g}",
        "since": format_instant(alert.since),
        "since_ago": ago(alert.since, now),
        "ended_ago": "" if alert.ended_at is None else ago(alert.ended_at, now),
        "never": alert.never,
        "by": alert.acknowledged_by,
        "broken": alert.could_not_evaluate,
        "runbook": rule.runbook.url or f"/runbooks/{alert.rule}" if rule else "",
        "causes": list(alert.causes)[:5],
    }


def _on_call(door: Door, now: int) -> dict[str, str]:
    """By owner: who is on call, or that nobody is."""
    return {
        owner: ", ".join(duty.people) or "nobody"
        for duty in door.daemon.oncall.who(now)
        for owner in duty.owners
    }


def _held(door: Door, alert: Alert) -> dict[str, Any]:
    """What keeps an alert from people now."""
    if alert.state is not AlertState.FIRING:
        return {}
    standing = door.daemon.standing(alert)
    return {
        "silenced": bool(standing.silenced_by),
        "inhibited": bool(standing.inhibited_by),
        "muted": ", ".join(standing.muted_by),
    }


def _can(door: Door, alert: Alert, token: Token, standing: Sequence[Setting]) -> dict[str, Any]:
    """What the caller may do to an alert beside taking it."""
    may = alert.state is AlertState.FIRING and token.may(Scope.SWITCH)
    switches = containing(door.daemon.plan, alert, token.tenant) if may else ()
    rows = list(filter(None, (offered(switch, alert, standing) for switch in switches)))
    return {
        "may_silence": alert.state is not AlertState.RESOLVED and token.may(Scope.ACK),
        "contain": [words for words, holds in rows if not holds],
        "contained": [words for words, holds in rows if holds],
    }


async def _pages(door: Door, now: int) -> list[dict[str, Any]]:
    rows = await asyncio.to_thread(door.daemon.store.read_outbox, limit=MOST_PAGES)
    return [_page_row(row, done, now) for row, done in rows]


def _page_row(row: OutboxRow, done: OutboxDone | None, now: int) -> dict[str, Any]:
    try:
        body = orjson.loads(row.body)
    except orjson.JSONDecodeError:
        body = {}
    alerts = body.get("alerts") or [{}]
    state = done.state if done else "pending"
    return {
        "at": format_instant(row.created),
        "ago": ago(row.created, now),
        "summary": str(alerts[0].get("summary") or alerts[0].get("title") or row.incident),
        "severity": str(alerts[0].get("severity", "")),
        "status": str(body.get("status", "")),
        "page": bool(body.get("page", True)),
        "test": bool(body.get("test", False)),
        "more": max(len(alerts) - 1 + int(body.get("more", 0)), 0),
        "to": f"{row.receiver} {row.channel}",
        "state": state,
        "detail": done.detail if done and state != "delivered" else "",
        "attempts": done.attempts if done else row.attempts,
    }


def _facts(status: Mapping[str, Json]) -> list[tuple[str, str]]:
    """The plain facts of ``status``, and those one level down, but for what the page tells anyway."""
    out: list[tuple[str, str]] = []
    for name, value in status.items():
        if name in _TOLD:
            continue
        if isinstance(value, dict):
            out += [(f"{name} {inner}", _plain(v)) for inner, v in value.items() if _is_plain(v)]
        elif _is_plain(value):
            out.append((name, _plain(value)))
    return [(name.replace("_", " "), value) for name, value in out][:MOST_FACTS]


def _sources(value: Json) -> list[dict[str, str]]:
    """Each source with its facts: ``{name: "ok" or what is wrong}``, or a list of flat objects with ``name`` and ``up``."""
    if isinstance(value, dict):
        return [
            {"name": name, "up": "yes" if said == "ok" else "no", "state": _plain(said)}
            for name, said in value.items()
            if _is_plain(said)
        ]
    rows = value if isinstance(value, list) else []
    return [
        {k: _plain(v) for k, v in row.items() if _is_plain(v)}
        for row in rows
        if isinstance(row, dict)
    ]


def _is_plain(value: Json) -> bool:
    return isinstance(value, str | int | float | bool)


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    if isinstance(value, float):
        return f"{value:.4g}"
    words = str(value)
    return words[:12] if _DIGEST.fullmatch(words) else words


def _done(word: str) -> Done:
    return Done(word) if word in {str(one) for one in Done} else Done.DONE
