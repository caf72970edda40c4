"""``GET /runbooks/{id}``: what to do, readable on a phone at three in the morning.

Law: a signed link opens this one runbook and nothing else; it shows no alert. With a token or a log-in the page also tells
which alerts of the rule are open, and what the rule has learned. A link that no longer works says what to do instead.
"""

from aiohttp import web

from rulesd.core.plan import Rule
from rulesd.web.alerts import visible
from rulesd.web.baselines import rule_rows
from rulesd.web.console import alert_card
from rulesd.web.door import Door
from rulesd.web.guard import caller
from rulesd.web.links import LinkState
from rulesd.web.login import login_page
from rulesd.web.markdown import render as render_markdown
from rulesd.web.pages import render
from rulesd.web.tokens import Scope, Token


async def get_runbook(door: Door, request: web.Request) -> web.Response:
    """The runbook of a rule."""
    name = request.match_info["id"]
    token = caller(door, request)
    if token is not None and not token.may(Scope.READ):
        token = None
    if token is None:
        link = _link(door, request, name)
        if link is LinkState.EXPIRED:
            return _expired(request)
        if link is LinkState.INVALID:
            return login_page(door, request)
    plan = door.daemon.plan
    position = plan.by_id.get(name)
    if position is None:
        return render(
            "notice.html",
            404,
            title="There is no such rule",
            text="No rule of this name is in force. It may have been renamed or removed since the page was sent.",
            steps=[
                "The page itself holds the first five minutes in text: follow those.",
                "Look for the rule under its new name in the console, or ask its owner.",
            ],
        )
    return await _page(door, plan.rules[position], token)


async def _page(door: Door, rule: Rule, token: Token | None) -> web.Response:
    plan = door.daemon.plan
    owner = plan.owners.get(rule.owner)
    now = door.daemon.now()
    alerts = [one for one in door.daemon.alerts() if one.rule == rule.id] if token else []
    open_now = [
        alert_card(door, one, now)
        for one in (visible(alerts, token) if token else [])
        if str(one.state) != "resolved"
    ]
    return render(
        "runbook.html",
        title=rule.runbook.title or rule.title,
        rule=rule.id,
        rule_title=rule.title,
        severity=rule.worst_severity,
        meaning=plan.severities.get(rule.worst_severity, ""),
        never=rule.never,
        owner=rule.owner,
        contact=owner.contact if owner else "",
        elsewhere=rule.runbook.url,
        parts=render_markdown(rule.runbook.markdown),
        alerts=open_now,
        learned=await rule_rows(door, rule.id, token) if token else None,
        logged_in=token is not None,
        may_ack=False,
    )


def _link(door: Door, request: web.Request, name: str) -> LinkState:
    if door.settings.links is None:
        return LinkState.INVALID
    query = request.query
    return door.settings.links.check(
        name, query.get("exp", ""), query.get("sig", ""), door.daemon.now()
    )


def _expired(request: web.Request) -> web.Response:
    return render(
        "notice.html",
        410,
        title="This link has expired",
        text="Links in pages open a runbook for seven days.",
        steps=[
            "A newer page of the same alert holds a fresh link.",
            "Or log in with a token: then every runbook opens.",
        ],
        login=request.path,
    )
