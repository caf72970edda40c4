"""The HTTP door put together: which path leads to whom, with which right.

Law: the tables here are the whole surface. Whatever is not in ``OPEN`` needs a token with the scope named beside it.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import hdrs, web

from rulesd.ingest.decode import Decoder
from rulesd.ports.daemon import Daemon
from rulesd.ports.meter import Meter
from rulesd.web import (
    alerts,
    baselines,
    console,
    console_acting,
    console_silences,
    deliveries,
    events,
    explaining,
    login,
    ofrep,
    oncall,
    openapi,
    operations,
    pages,
    reports,
    reviews,
    rollouts,
    rules,
    runbooks,
    silences,
    switches,
    token_api,
)
from rulesd.web.body import wait_for_body
from rulesd.web.door import Door
from rulesd.web.frame import frame
from rulesd.web.guard import admit
from rulesd.web.hooks import HookDoor
from rulesd.web.pagerduty_events import PagerDutyEvents
from rulesd.web.room import Room
from rulesd.web.sessions import Sessions
from rulesd.web.settings import WebSettings
from rulesd.web.slack_actions import SlackActions
from rulesd.web.tokens import Scope, Token, Tokens
from rulesd.web.v2_door import add_v2

Open = Callable[[Door, web.Request], Awaitable[web.StreamResponse]]
"Handles a request of anybody."

Guarded = Callable[[Door, web.Request, Token], Awaitable[web.StreamResponse]]
"Handles a request of a caller who has the scope."

OPEN: tuple[tuple[str, str, Open], ...] = (
    (hdrs.METH_OPTIONS, "/v1/events", events.handshake),
    (hdrs.METH_GET, "/-/healthy", operations.healthy),
    (hdrs.METH_GET, "/-/ready", operations.ready),
    (hdrs.METH_GET, "/metrics", operations.metrics),
    (hdrs.METH_GET, "/openapi.json", openapi.get_openapi),
    (hdrs.METH_GET, "/login", login.get_login),
    (hdrs.METH_POST, "/login", login.post_login),
    (hdrs.METH_POST, "/logout", login.post_logout),
    (hdrs.METH_GET, "/static/{name}", pages.static_file),
    # These look at the caller themselves: a person is asked to log in, a signed link opens one runbook.
    (hdrs.METH_GET, "/", console.get_console),
    (hdrs.METH_POST, "/console/alerts/{id}/{act}", console.post_act),
    (hdrs.METH_POST, "/console/settings/{id}/{act}", console_acting.post_setting),
    (hdrs.METH_POST, "/console/reviews/{id}", console_acting.post_review),
    (hdrs.METH_GET, "/silences", console_silences.get_silences),
    (hdrs.METH_GET, "/silences/new", console_silences.get_new),
    (hdrs.METH_GET, "/silences/about/{id}", console_silences.get_about),
    (hdrs.METH_POST, "/console/silences", console_silences.post_new),
    (hdrs.METH_POST, "/console/silences/{id}/{act}", console_silences.post_act),
    (hdrs.METH_GET, "/runbooks/{id}", runbooks.get_runbook),
)
GUARDED: tuple[tuple[str, str, Scope, Guarded], ...] = (
    (hdrs.METH_POST, "/v1/events", Scope.INGEST, events.post_events),
    (hdrs.METH_GET, "/v1/alerts", Scope.READ, alerts.list_alerts),
    (hdrs.METH_GET, "/v1/alerts/{id}", Scope.READ, alerts.get_alert),
    (hdrs.METH_POST, "/v1/alerts/{id}/{act:ack|unack|resolve}", Scope.ACK, alerts.act),
    (hdrs.METH_GET, "/v1/switches", Scope.FLAGS, switches.list_switches),
    (hdrs.METH_GET, "/v1/switches/history", Scope.READ, switches.history),
    (hdrs.METH_PUT, "/v1/switches/humans-only", Scope.SWITCH, switches.only_people),
    (hdrs.METH_PUT, "/v1/switches/{key}", Scope.SWITCH, switches.put_switch),
    (hdrs.METH_POST, "/v1/switches/settings/{id}/{act:approve|revert}", Scope.SWITCH, switches.act),
    (hdrs.METH_POST, "/ofrep/v1/evaluate/flags", Scope.FLAGS, ofrep.evaluate_all),
    (hdrs.METH_POST, "/ofrep/v1/evaluate/flags/{key}", Scope.FLAGS, ofrep.evaluate_one),
    (hdrs.METH_GET, "/v1/reviews", Scope.READ, reviews.list_reviews),
    (hdrs.METH_POST, "/v1/reviews/{id}/complete", Scope.SWITCH, reviews.complete),
    (hdrs.METH_GET, "/v1/silences", Scope.READ, silences.list_silences),
    (hdrs.METH_POST, "/v1/silences", Scope.ACK, silences.create_silence),
    (hdrs.METH_POST, "/v1/silences/preview", Scope.READ, silences.preview_silence),
    (hdrs.METH_GET, "/v1/silences/{id}", Scope.READ, silences.get_silence),
    (hdrs.METH_PUT, "/v1/silences/{id}", Scope.ACK, silences.update_silence),
    (hdrs.METH_POST, "/v1/silences/{id}/expire", Scope.ACK, silences.expire_silence),
    (hdrs.METH_POST, "/v1/silences/{id}/approve", Scope.ACK, silences.approve_silence),
    (hdrs.METH_GET, "/v1/oncall", Scope.READ, oncall.who),
    (hdrs.METH_GET, "/v1/oncall/overrides", Scope.READ, oncall.list_overrides),
    (hdrs.METH_POST, "/v1/oncall/overrides", Scope.ACK, oncall.create_override),
    (hdrs.METH_DELETE, "/v1/oncall/overrides/{id}", Scope.ACK, oncall.remove_override),
    (hdrs.METH_GET, "/v1/rollouts", Scope.READ, rollouts.list_rollouts),
    (hdrs.METH_GET, "/v1/rollouts/{id}", Scope.READ, rollouts.get_rollout),
    (hdrs.METH_POST, "/v1/rollouts/{id}/{act:signoff|finish}", Scope.SWITCH, rollouts.act),
    (hdrs.METH_GET, "/v1/alerts/{id}/deliveries", Scope.READ, deliveries.of_alert),
    (hdrs.METH_GET, "/v1/deliveries", Scope.READ, deliveries.list_deliveries),
    (hdrs.METH_POST, "/v1/deliveries/{id}/redeliver", Scope.ADMIN, deliveries.redeliver),
    (hdrs.METH_GET, "/v1/alerts/{id}/why", Scope.READ, explaining.why),
    (hdrs.METH_GET, "/v1/events/{id}/why-not", Scope.READ, explaining.why_not),
    (hdrs.METH_GET, "/v1/route", Scope.READ, explaining.route),
    (hdrs.METH_GET, "/v1/reports/pages", Scope.READ, reports.pages),
    (hdrs.METH_GET, "/v1/rules", Scope.READ, rules.list_rules),
    (hdrs.METH_GET, "/v1/baselines", Scope.READ, baselines.list_baselines),
    (hdrs.METH_POST, "/v1/baselines/relearn", Scope.ACK, baselines.relearn),
    (hdrs.METH_POST, "/v1/test-page", Scope.ADMIN, rules.send_test_page),
    (hdrs.METH_GET, "/v1/tokens", Scope.ADMIN, token_api.list_tokens),
    (hdrs.METH_POST, "/v1/tokens", Scope.ADMIN, token_api.create_token),
    (hdrs.METH_DELETE, "/v1/tokens/{name}", Scope.ADMIN, token_api.delete_token),
    (hdrs.METH_POST, "/-/reload", Scope.ADMIN, operations.reload),
)

DOOR = web.AppKey("DOOR", Door)
"Where an application keeps its ``Door``."


def make_app(
    daemon: Daemon, decoder: Decoder, tokens: Tokens, meter: Meter, settings: WebSettings
) -> web.Application:
    """The whole door for one daemon; ``rulesd.web.server.serve`` opens it."""
    door = Door(
        daemon=daemon,
        decoder=decoder,
        tokens=tokens,
        meter=meter,
        settings=settings,
        sessions=Sessions(tokens, secure=settings.external_url.startswith("https://")),
        room=Room(settings.limits.bodies_in_memory),
    )
    app = web.Application(middlewares=[frame(door)], client_max_size=settings.limits.form_bytes)
    app[DOOR] = door
    app[switches.STREAMS] = set()
    app.on_shutdown.append(switches.end_streams)
    for method, path, handler in OPEN:
        _add(app, method, path, partial(handler, door))
    _add(app, hdrs.METH_POST, "/hooks/{name}", HookDoor(door).call)
    slack = SlackActions(door)
    app.on_cleanup.append(slack.close)
    _add(app, hdrs.METH_POST, "/integrations/slack", slack.call)
    pagerduty = PagerDutyEvents(door)
    app.on_cleanup.append(pagerduty.close)
    _add(app, hdrs.METH_POST, "/integrations/pagerduty", pagerduty.call)
    add_v2(app, door)
    for method, path, scope, guarded in GUARDED:
        _add(app, method, path, partial(_guard, door, scope, guarded))
    return app


def _add(
    app: web.Application,
    method: str,
    path: str,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> None:
    app.router.add_route(method, path, handler, expect_handler=wait_for_body)
    if method == hdrs.METH_GET:
        app.router.add_route(hdrs.METH_HEAD, path, handler, expect_handler=wait_for_body)


async def _guard(
    door: Door, scope: Scope, handler: Guarded, request: web.Request
) -> web.StreamResponse:
    return await handler(door, request, admit(door, request, scope))
