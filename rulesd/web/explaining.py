"""Why an alert paged, why an event did not, and where labels lead.

Law: read only. A token of one tenant asks about its own alerts; an event's tree may show labels of any tenant, so ``why-not`` and ``route``
need a token of none.
"""

from aiohttp import web

from rulesd.web.alerts import tenant_of, unknown
from rulesd.web.answers import Refused, answer
from rulesd.web.door import Door
from rulesd.web.tokens import Token

MOST_LABELS = 100


async def why(door: Door, request: web.Request, token: Token) -> web.Response:
    """``GET /v1/alerts/{id}/why``."""
    id_ = request.match_info["id"]
    if token.tenant:
        mine = any(a.alert == id_ and tenant_of(a) == token.tenant for a in door.daemon.alerts())
        if not mine:
            raise unknown()
    story = await door.daemon.explaining.why(id_)
    if story is None:
        raise unknown()
    return answer(story.as_json())


async def why_not(door: Door, request: web.Request, token: Token) -> web.Response:
    """``GET /v1/events/{id}/why-not``; ``rule`` chooses one."""
    _all_tenants(token)
    rule = request.query.get("rule", "")
    if rule and rule not in door.daemon.plan.by_id:
        raise Refused(
            404, "unknown_rule", "there is no rule of this id in force. See: rulesd check"
        )
    story = await door.daemon.explaining.why_not(request.match_info["id"], rule)
    return answer(story.as_json())


async def route(door: Door, request: web.Request, token: Token) -> web.Response:
    """``GET /v1/route?alertname=...&severity=...``: the query holds the labels."""
    _all_tenants(token)
    labels = {name: value for name, value in request.query.items() if value}
    if not labels or len(labels) > MOST_LABELS:
        raise Refused(400, "missing_field", "send labels: /v1/route?alertname=NAME&severity=high")
    return answer(door.daemon.explaining.route(labels).as_json())


def _all_tenants(token: Token) -> None:
    if token.tenant:
        raise Refused(403, "forbidden", "a token of one tenant cannot ask this")
