"""The rules in force, and test pages along an owner's whole path."""

from aiohttp import web

from rulesd.core.plan import Rule
from rulesd.model.alert import SEVERITIES
from rulesd.model.duration import format_duration
from rulesd.model.event import Json
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.small_body import read_object, text
from rulesd.web.tokens import Token


async def list_rules(door: Door, _request: web.Request, _token: Token) -> web.Response:
    """Every rule of the plan in force."""
    plan = door.daemon.plan
    out: list[Json] = [_shown(rule) for rule in plan.rules]
    return answer({"plan": plan.digest, "rules": out})


async def send_test_page(door: Door, request: web.Request, token: Token) -> web.Response:
    """Send a marked test page to an owner and answer with every attempt."""
    fields = await read_object(door, request)
    owner = text(fields, "owner", most=200, required=True)
    severity = text(fields, "severity", most=20) or "critical"
    if severity not in SEVERITIES:
        raise Refused(400, "invalid_value", f"severity is not one of {', '.join(SEVERITIES)}")
    if owner not in door.daemon.plan.owners:
        raise Refused(
            404,
            "unknown_owner",
            "there is no such owner. See notifiers/owners.yaml for their names",
        )
    attempts = await door.daemon.test_page(owner, severity, token.name)
    listed: list[Json] = [
        {
            "receiver": one.receiver,
            "channel": one.channel,
            "outcome": one.outcome,
            "reason": one.reason,
            "detail": one.detail,
            "seconds": round(one.seconds, 3),
        }
        for one in attempts
    ]
    delivered = any(one.outcome == "delivered" for one in attempts)
    return answer(
        {"owner": owner, "severity": severity, "delivered": delivered, "attempts": listed}
    )


def _shown(rule: Rule) -> dict[str, Json]:
    return {
        "id": rule.id,
        "title": rule.title,
        "owner": rule.owner,
        "severity": rule.worst_severity,
        "maturity": str(rule.maturity),
        "never": rule.never,
        "on": list(rule.on),
        "by": [field.label for field in rule.by],
        "context": [field.label for field in rule.context],
        "for": format_duration(rule.pending_for),
        "keep_firing_for": None
        if rule.keep_firing_for is None
        else format_duration(rule.keep_firing_for),
        "covers": list(rule.covers),
        "actions": list(rule.actions),
        "runbook": {
            "title": rule.runbook.title,
            "path": rule.runbook.url or f"/runbooks/{rule.id}",
        },
        "digest": rule.digest,
    }
