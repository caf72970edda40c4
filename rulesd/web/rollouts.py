"""Rollouts over HTTP: what is watched, the verdict with its evidence, signing off, ending a watch.

Law: the verdict shown is the one the facts give at this moment. A token of one tenant sees only its own changes.
"""

from aiohttp import web

from rulesd.model.event import Json
from rulesd.model.instant import format_instant
from rulesd.model.rollout import Finding, Rollout
from rulesd.web.alerts import signed
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token


async def list_rollouts(door: Door, request: web.Request, token: Token) -> web.Response:
    """Watches that are open, then those that are over, the latest first."""
    del request
    rows: list[Json] = [
        shown(rollout, finding)
        for rollout, finding in door.daemon.acting.rollouts()
        if visible(rollout, token)
    ]
    return answer({"rollouts": rows})


async def get_rollout(door: Door, request: web.Request, token: Token) -> web.Response:
    """One change: ``verdict`` is ``pass``, ``fail`` or ``inconclusive``, with what failed and what is missing."""
    return answer(shown(*_find(door, request, token)))


async def act(door: Door, request: web.Request, token: Token) -> web.Response:
    """``POST /v1/rollouts/{id}/{signoff|finish}``."""
    fields = await read_object(door, request)
    note = text(fields, "note", most=door.settings.limits.note_chars)
    by = signed(text(fields, "by", most=100), token)
    rollout, _ = _find(door, request, token)
    if request.match_info["act"] == "signoff":
        await door.daemon.acting.sign_off(rollout.id, by, note)
    else:
        await door.daemon.acting.finish(rollout.id, by, note)
    return answer(shown(*_find(door, request, token)))


def _find(door: Door, request: web.Request, token: Token) -> tuple[Rollout, Finding]:
    id_ = request.match_info["id"]
    for rollout, finding in door.daemon.acting.rollouts():
        if rollout.id == id_ and visible(rollout, token):
            return rollout, finding
    raise Refused(
        404,
        "unknown_change",
        "no deploy.change event with this change_id has been seen; send one when the release begins",
    )


def visible(rollout: Rollout, token: Token) -> bool:
    """Whether a token may see a change: its tenant's, or all."""
    return not token.tenant or rollout.tenant == token.tenant


def shown(rollout: Rollout, finding: Finding) -> dict[str, Json]:
    """A rollout as the API shows it."""
    alerts: list[Json] = [
        {
            "alert": seen.alert,
            "rule": seen.rule,
            "severity": seen.severity,
            "at": format_instant(seen.at),
            "labels": dict(seen.labels),
            "tied": seen.why,
        }
        for seen in rollout.alerts
    ]
    return {
        "change": rollout.id,
        "kind": rollout.kind,
        "component": rollout.component,
        "from_version": rollout.from_version,
        "to_version": rollout.to_version,
        "stage": rollout.stage,
        "owner": rollout.owner,
        "verdict": str(finding.verdict),
        "failures": list(finding.failures),
        "missing": list(finding.missing),
        "started_at": format_instant(rollout.started_at),
        "ends_at": format_instant(rollout.ends_at),
        "over": rollout.over,
        "ended_early": rollout.ended_early,
        "events": rollout.seen,
        "min_events": rollout.criteria.min_events,
        "alerts": alerts,
        "alerts_before": dict(rollout.before),
        "redteam": {"passed": rollout.passed, "failed": rollout.failed},
        "signed_by": rollout.signed_by,
        "note": rollout.note,
    }
