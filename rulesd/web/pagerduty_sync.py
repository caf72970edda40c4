"""What an event of PagerDuty does to an alert, and what must be remembered of it.

Law: events may come twice, late and in any order. An event older than what was last heard of its incident changes nothing; at one
and the same moment the end wins. An incident's alert is its ``incident_key``, which is the ``dedup_key`` rulesd gave it.

Kept in the store, one small setting for each incident that is rulesd's: the alert, the last thing heard, and the calls that
brought it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson

from rulesd.model.alert import Alert
from rulesd.model.event import Json
from rulesd.model.fingerprint import group_dedup_key
from rulesd.model.instant import Instant, parse_instant
from rulesd.ports.daemon import Daemon, Done
from rulesd.ports.echo import ACKNOWLEDGED, RESOLVED

PREFIX = "pagerduty/"
INCIDENTS = 5_000
"Incidents remembered; the ones not heard of for longest go first."

GROUP_KEY = 64
"Characters of a group's ``dedup_key`` (SHA-256 in hex)."

CALLS = 16
"Calls remembered for each incident."


class Result(StrEnum):
    """What became of an event."""

    DONE = "done"
    ALREADY = "already"
    OLDER = "older_than_what_is_known"
    ECHO = "own_echo"
    "PagerDuty tells what rulesd told it."

    NOT_ACTIVE = "not_active"
    UNKNOWN = "unknown_incident"
    IGNORED = "nothing_to_do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event of a webhook."""

    kind: str
    "``incident.acknowledged`` ..."

    at: Instant
    incident: str
    key: str
    "``incident_key``; empty when the event does not tell it."

    who: str
    by_integration: bool
    "Done through an Events API integration, such as rulesd's own."


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is remembered of one incident."""

    key: str
    at: Instant
    kind: str
    calls: tuple[str, ...]


def read_event(body: Mapping[str, Json]) -> Happened | None:
    """The event of a webhook; ``None`` when it is about no incident."""
    event = _object(body, "event")
    data, agent = _object(event, "data"), _object(event, "agent")
    kind, incident = _text(event, "event_type"), _text(data, "id")
    if not kind.startswith("incident.") or not incident:
        return None
    try:
        at = parse_instant(_text(event, "occurred_at"))
    except ValueError:
        return None
    return Happened(
        kind=kind.removeprefix("incident."),
        at=at,
        incident=incident,
        key=_text(data, "incident_key"),
        who=_text(agent, "summary") or "somebody",
        by_integration="integration" in _text(agent, "type"),
    )


class Incidents:
    """PagerDuty's incidents, as far as they are rulesd's."""

    def __init__(self, daemon: Daemon) -> None:
        """Nothing is read before the first event."""
        self._daemon = daemon
        self._known: dict[str, Known] | None = None

    async def take(self, happened: Happened, call: str) -> Result:
        """Act on one event; durable when it returns."""
        known = self._read().get(happened.incident)
        key = happened.key or (known.key if known else "")
        if known is not None and call in known.calls:
            return Result.ALREADY
        alerts = self._alerts(key)
        if known is None and not alerts:
            return Result.UNKNOWN
        if known is not None and _older(happened, known):
            await self._keep(happened, key, call, last=known)
            return Result.OLDER
        result = Result.ECHO if happened.by_integration else await self._act(happened, alerts)
        await self._keep(happened, key, call, last=None, calls=known.calls if known else ())
        return result

    def _alerts(self, key: str) -> list[Alert]:
        """The alerts of an incident: an episode, or every alert of a group (``pagerduty_configs``)."""
        found = [a for a in self._daemon.alerts() if a.alert == key]
        if found or len(key) != GROUP_KEY:
            return found
        groups = (g for g in self._daemon.groups() if group_dedup_key(g.key) == key)
        return list({a.alert: a for g in groups for a in g.alerts}.values())

    async def _act(self, happened: Happened, alerts: Sequence[Alert]) -> Result:
        """Act on every alert; the most that came of it for any of them."""
        results = [await self._act_on(happened, alert) for alert in alerts]
        return min(results, key=list(Result).index, default=Result.UNKNOWN)

    async def _act_on(self, happened: Happened, alert: Alert) -> Result:
        name = alert.alert
        if happened.at < alert.started_at:
            return Result.OLDER
        match happened.kind:
            case "acknowledged":
                done = await self._daemon.acknowledge(name, happened.who + ACKNOWLEDGED, "")
            case "unacknowledged" | "reopened":
                done = await self._daemon.unacknowledge(name, happened.who + ACKNOWLEDGED)
            case "resolved":
                done = await self._daemon.resolve(name, happened.who + RESOLVED, "")
            case _:
                return Result.IGNORED
        return _RESULTS[done]

    async def _keep(
        self,
        happened: Happened,
        key: str,
        call: str,
        *,
        last: Known | None,
        calls: tuple[str, ...] = (),
    ) -> None:
        """Remember an event; ``last``: what stays the last thing heard, for an event that came too late."""
        before = last.calls if last else calls
        seen = (*before, call)[-CALLS:] if call else before
        now = last or Known(key=key, at=happened.at, kind=happened.kind, calls=())
        made = Known(key=now.key, at=now.at, kind=now.kind, calls=seen)
        known = self._read()
        known.pop(happened.incident, None)
        known[happened.incident] = made
        await self._daemon.put_setting(PREFIX + happened.incident, _packed(made))
        while len(known) > INCIDENTS:
            oldest = next(iter(known))
            del known[oldest]
            await self._daemon.put_setting(PREFIX + oldest, b"")

    def _read(self) -> dict[str, Known]:
        if self._known is None:
            stored = self._daemon.store.settings(PREFIX)
            found = {n.removeprefix(PREFIX): _unpacked(v) for n, v in stored.items() if v}
            self._known = dict(sorted(found.items(), key=lambda pair: pair[1].at))
        return self._known


_RESULTS = {
    Done.DONE: Result.DONE,
    Done.ALREADY: Result.ALREADY,
    Done.NOT_ACTIVE: Result.NOT_ACTIVE,
    Done.UNKNOWN: Result.UNKNOWN,
}


def _older(happened: Happened, known: Known) -> bool:
    """Whether something later has been heard; of one moment the end is the later."""
    if happened.at != known.at:
        return happened.at < known.at
    return known.kind == "resolved" and happened.kind != "resolved"


def _packed(known: Known) -> bytes:
    return orjson.dumps([known.key, known.at, known.kind, list(known.calls)])


def _unpacked(body: bytes) -> Known:
    key, at, kind, calls = orjson.loads(body)
    return Known(key=key, at=at, kind=kind, calls=tuple(calls))


def _object(fields: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    plain = value if isinstance(value, str) else ""
    return "".join(c for c in plain if c.isprintable())[:255].strip()
