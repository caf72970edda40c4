"""Who is on call over HTTP, and overrides: see them, make them, take them back.

Law: people are not a tenant's, so a token of one tenant asks nothing here. Whoever asks is on record. A time without an offset is on the
schedule's own wall clock, as in the files.
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from aiohttp import web

from rulesd.config.oncall import moment
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant, parse_instant
from rulesd.model.oncall import OnCallOverride
from rulesd.ports.oncall import OnDuty, OverrideRefusal
from rulesd.web.alerts import signed
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.silence_body import length
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token

FIELDS = frozenset({"schedule", "person", "from", "until", "for", "reason", "by"})
MOST_PEOPLE = 20

_STATUS = {
    OverrideRefusal.SCHEDULE: 404,
    OverrideRefusal.PERSON: 404,
    OverrideRefusal.RECEIVER: 409,
    OverrideRefusal.LIMIT: 409,
}
"400 for all others."


async def who(door: Door, request: web.Request, token: Token) -> web.Response:
    """``GET /v1/oncall``: every schedule, now or ``at`` a time; ``schedule`` chooses one."""
    _all_tenants(token)
    wanted = request.query.get("schedule")
    at = door.daemon.now()
    if "at" in request.query:
        at = _instant(request.query["at"], door.daemon.oncall.zone(wanted or ""), "at")
    rows = [d for d in door.daemon.oncall.who(at) if wanted in (None, d.schedule)]
    if wanted is not None and not rows:
        there = ", ".join(d.schedule for d in door.daemon.oncall.who(at)) or "none"
        raise Refused(404, "unknown_schedule", f"there is no such schedule. There are: {there}")
    schedules: list[Json] = [_duty(d) for d in rows]
    return answer({"at": format_instant(at), "schedules": schedules})


async def list_overrides(door: Door, request: web.Request, token: Token) -> web.Response:
    """``GET /v1/oncall/overrides``: those that are not over."""
    del request
    _all_tenants(token)
    now = door.daemon.now()
    rows: list[Json] = [shown(row, now) for row in door.daemon.oncall.overrides()]
    return answer({"overrides": rows})


async def create_override(door: Door, request: web.Request, token: Token) -> web.Response:
    """``POST /v1/oncall/overrides``: somebody else is on call for a while."""
    _all_tenants(token)
    fields = await read_object(door, request)
    for name in fields:
        if name not in FIELDS:
            there = ", ".join(sorted(FIELDS))
            raise Refused(400, "unknown_field", f"a field is not known. There are: {there}")
    now = door.daemon.now()
    schedule = text(fields, "schedule", most=200, required=True)
    begins, ends = _times(fields, door.daemon.oncall.zone(schedule), now)
    by = signed(text(fields, "by", most=100), token)
    wish = OnCallOverride(
        id="",
        schedule=schedule,
        people=_people(fields.get("person")),
        begins=begins,
        ends=ends,
        by=by,
        reason=text(fields, "reason", most=door.settings.limits.note_chars, required=True),
        made_at=now,
    )
    done = await door.daemon.oncall.override(wish)
    if done.override is None:
        refused = done.refused or OverrideRefusal.TIMES
        raise Refused(_STATUS.get(refused, 400), str(refused), done.message)
    result = "already" if done.already else "done"
    return answer({"result": result, "override": shown(done.override, door.daemon.now())})


async def remove_override(door: Door, request: web.Request, token: Token) -> web.Response:
    """``DELETE /v1/oncall/overrides/{id}``: take it back, or end it now."""
    _all_tenants(token)
    by = signed(text({"by": request.query.get("by", "")}, "by", most=100), token)
    if not await door.daemon.oncall.remove(request.match_info["id"], by):
        words = "there is no such override: it is over, or never was. See: rulesd oncall list"
        raise Refused(404, "unknown_override", words)
    return answer({"id": request.match_info["id"], "result": "done"})


def shown(row: OnCallOverride, now: Instant) -> dict[str, Json]:
    """An override as the API shows it."""
    people: list[Json] = list(row.people)
    return {
        "id": row.id,
        "schedule": row.schedule,
        "people": people,
        "from": format_instant(row.begins),
        "until": format_instant(row.ends),
        "by": row.by,
        "reason": row.reason,
        "made_at": format_instant(row.made_at),
        "state": "active" if row.holds(now) else "pending",
    }


def _duty(duty: OnDuty) -> dict[str, Json]:
    people: list[Json] = list(duty.people)
    owners: list[Json] = list(duty.owners)
    return {
        "schedule": duty.schedule,
        "zone": duty.zone,
        "people": people,
        "until": None if duty.until is None else format_instant(duty.until),
        "owners": owners,
        "override": duty.override or None,
    }


def _people(value: Json) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or len(names) > MOST_PEOPLE:
        raise Refused(400, "missing_field", "person is missing. Send a name, or a list of names")
    if not all(isinstance(n, str) and n and len(n) <= 200 for n in names):
        raise Refused(400, "wrong_type", "person is neither a name nor a list of names")
    return tuple(dict.fromkeys(str(n) for n in names))


def _times(fields: Mapping[str, Json], zone: str, now: Instant) -> tuple[Instant, Instant]:
    if ("for" in fields) == ("until" in fields):
        raise Refused(400, "missing_field", 'send its end: until (a time), or for, such as "8h"')
    begins = _instant(fields["from"], zone, "from") if fields.get("from") else now
    if "for" in fields:
        return begins, max(begins, now) + length(fields, "for")
    return begins, _instant(fields["until"], zone, "until")


def _instant(value: Json, zone: str, name: str) -> Instant:
    """A time as people write it: with an offset, or on the schedule's wall clock. Raises ``Refused`` (400)."""
    words = str(value)
    try:
        return parse_instant(words) if words.endswith("Z") else moment(words, ZoneInfo(zone))
    except (ValueError, OverflowError):
        hint = (
            "Write one such as 2026-01-05T09:00 (the schedule's wall clock) or 2026-01-05T09:00:00Z"
        )
        raise Refused(400, "invalid_time", f"{name} is no time. {hint}") from None


def _all_tenants(token: Token) -> None:
    if token.tenant:
        raise Refused(403, "forbidden", "a token of one tenant cannot ask this")
