"""``/v1/deliveries``: pages and what became of them; dead letters are sent again from here.

Law: what is shown was kept by the store: every attempt with its time, its outcome and the receiver's own words, shortened. A token
with a tenant sees pages that are about that tenant alone.
"""

import asyncio
from collections.abc import Mapping, Sequence

import orjson
from aiohttp import web

from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.ports.daemon import Done
from rulesd.ports.store import AttemptRow, OutboxDone, OutboxRow, Store
from rulesd.web.alerts import signed
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token

STATES = ("pending", "delivered", "failed", "skipped")
MOST = 1_000
SCANNED = 20_000
"Pages that are looked at when a filter leaves most of them out."

Found = tuple[OutboxRow, OutboxDone | None]


async def list_deliveries(door: Door, request: web.Request, token: Token) -> web.Response:
    """Pages, newest first; ``state``, ``receiver``, ``alert`` and ``limit`` choose."""
    wanted = request.query
    state, receiver = wanted.get("state", ""), wanted.get("receiver", "")
    if state not in ("", *STATES):
        hint = f"there is no state of that name. Use one of: {', '.join(STATES)}"
        raise Refused(400, "unknown_state", hint)
    store, alert = door.daemon.store, wanted.get("alert", "")
    narrow = bool(receiver or token.tenant)
    limit = _limit(wanted.get("limit", "100"))
    found = await asyncio.to_thread(
        store.read_outbox, state=state, alert=alert, limit=SCANNED if narrow else limit
    )
    chosen = [one for one in found if receiver in ("", one[0].receiver) and _may_see(one[0], token)]
    shown: list[Json] = [_shown(*one) for one in chosen[:limit]]
    return answer({"deliveries": shown})


async def of_alert(door: Door, request: web.Request, token: Token) -> web.Response:
    """Every page about an alert, oldest first, each with all its attempts: the proof of delivery."""
    alert = request.match_info["id"]
    found = await asyncio.to_thread(proof, door.daemon.store, alert)
    chosen: list[Json] = [shown for row, shown in found if _may_see(row, token)]
    return answer({"alert": alert, "deliveries": chosen})


async def redeliver(door: Door, request: web.Request, token: Token) -> web.Response:
    """Send a page again that was given up."""
    fields = await read_object(door, request)
    by = signed(text(fields, "by", most=100), token)
    receiver = text(fields, "receiver", most=200)
    page = request.match_info["id"]
    known = await asyncio.to_thread(door.daemon.store.read_outbox, page=page)
    visible = all(_may_see(row, token) for row, _ in known)
    done = await door.daemon.redeliver(page, receiver, by) if visible else Done.UNKNOWN
    if done is Done.UNKNOWN:
        hint = "there is no such page. See: rulesd deliveries list --state failed"
        raise Refused(404, "unknown_delivery", hint)
    return answer({"id": page, "result": str(done)})


def proof(store: Store, alert: str) -> list[tuple[OutboxRow, dict[str, Json]]]:
    """Every page about an alert, oldest first, with its attempts; for the API and for ``why``."""
    out: list[tuple[OutboxRow, dict[str, Json]]] = []
    for row, done in reversed(store.read_outbox(alert=alert)):
        mine = [
            one
            for one in store.read_attempts(row.id)
            if (one.receiver, one.channel) == (row.receiver, row.channel)
        ]
        attempts: list[Json] = [_attempt(one) for one in mine]
        out.append((row, {**_shown(row, done), "attempts": attempts}))
    return out


def _shown(row: OutboxRow, done: OutboxDone | None) -> dict[str, Json]:
    page = _page(row)
    alerts: list[Json] = [one.get("alert", "") for one in _alerts(page)]
    first = next(iter(_alerts(page)), {})
    return {
        "id": row.id,
        "receiver": row.receiver,
        "channel": row.channel,
        "state": done.state if done else "pending",
        "detail": done.detail if done else "",
        "attempts_made": row.attempts,
        "created_at": format_instant(row.created),
        "ended_at": format_instant(done.at) if done and done.state != "pending" else None,
        "next_attempt_at": format_instant(row.next_at) if _waits(row, done) else None,
        "incident": row.incident,
        "status": page.get("status", ""),
        "reason": page.get("reason", ""),
        "page": page.get("page", False),
        "failover": page.get("failover", ""),
        "title": page.get("title") or first.get("title", ""),
        "severity": first.get("severity", ""),
        "alerts": alerts,
    }


def _waits(row: OutboxRow, done: OutboxDone | None) -> bool:
    return row.next_at > 0 and (done is None or done.state == "pending")


def _attempt(row: AttemptRow) -> dict[str, Json]:
    reason, _, detail = row.detail.partition(": ")
    reference: Json = orjson.loads(row.reference) if row.reference else {}
    return {
        "number": row.number,
        "at": format_instant(row.at),
        "outcome": "retry" if row.state == "pending" else row.state,
        "reason": reason,
        "detail": detail,
        "reference": reference,
    }


def _page(row: OutboxRow) -> Mapping[str, Json]:
    try:
        out = orjson.loads(row.body)
    except orjson.JSONDecodeError:
        return {}
    return out if isinstance(out, dict) else {}


def _alerts(page: Mapping[str, Json]) -> Sequence[Mapping[str, Json]]:
    given = page.get("alerts")
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _may_see(row: OutboxRow, token: Token) -> bool:
    """Whether everything in a page is about the token's tenant; what is about nobody in particular is not."""
    if not token.tenant:
        return True
    alerts = _alerts(_page(row))
    labels = [one.get("labels") for one in alerts]
    mine = [isinstance(one, dict) and one.get("tenant") == token.tenant for one in labels]
    return bool(mine) and all(mine)


def _limit(given: str) -> int:
    if given.isascii() and given.isdigit() and 0 < int(given[:9]) <= MOST:
        return int(given)
    raise Refused(400, "invalid_limit", f"limit must be a number from 1 to {MOST}")
