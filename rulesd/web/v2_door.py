"""Alertmanager's API v2: which path leads to whom, with which right, and what is said of everything else.

Law: the table is the whole surface. Paths and methods that are not in it are refused as Alertmanager refuses them, so that its clients
understand; API v1 is gone, as it is there since 0.27.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from aiohttp import hdrs, web

from rulesd.model.errors import StoreError
from rulesd.ports.intake import Overloaded
from rulesd.web import v2_alerts, v2_posted, v2_silences, v2_status
from rulesd.web.answers import Refused
from rulesd.web.body import wait_for_body
from rulesd.web.door import Door
from rulesd.web.guard import admit
from rulesd.web.tokens import Scope, Token
from rulesd.web.v2_answers import QUOTED, V2Refused, coded, preflight, refusal, shown

Handler = Callable[[Door, web.Request, Token], Awaitable[web.Response]]
"Handles a request of a caller who has the scope."

Row = Mapping[str, tuple[Scope, Handler]]
"By method."

TABLE: Mapping[str, Row] = {
    "/api/v2/status": {"GET": (Scope.READ, v2_status.get_status)},
    "/api/v2/receivers": {"GET": (Scope.READ, v2_status.get_receivers)},
    "/api/v2/alerts": {
        "GET": (Scope.READ, v2_alerts.get_alerts),
        "POST": (Scope.INGEST, v2_posted.post_alerts),
    },
    "/api/v2/alerts/groups": {"GET": (Scope.READ, v2_alerts.get_groups)},
    "/api/v2/silences": {
        "GET": (Scope.READ, v2_silences.get_silences),
        "POST": (Scope.ACK, v2_silences.post_silence),
    },
    "/api/v2/silence/{id}": {
        "GET": (Scope.READ, v2_silences.get_silence),
        "DELETE": (Scope.ACK, v2_silences.delete_silence),
    },
}
GONE = (
    "API v1 is gone, as it is from Alertmanager since 0.27. Use /api/v2: "
    "Prometheus with api_version v2 (its default), amtool since 0.16"
)


def add_v2(app: web.Application, door: Door) -> None:
    """Put the API into an application."""
    for path, row in TABLE.items():
        _add(app, path, partial(_serve, door, row))
    for path in ("/api/v2", "/api/v2/{rest:.*}"):
        _add(app, path, _nothing)
    for path in ("/api/v1", "/api/v1/{rest:.*}"):
        _add(app, path, _gone)


def _add(
    app: web.Application, path: str, handler: Callable[[web.Request], Awaitable[web.Response]]
) -> None:
    app.router.add_route(hdrs.METH_ANY, path, handler, expect_handler=wait_for_body)


async def _serve(door: Door, row: Row, request: web.Request) -> web.Response:
    """One path: the right method, the right caller, and every refusal in Alertmanager's shape."""
    allowed = ",".join(row)
    if request.method == hdrs.METH_OPTIONS:
        return preflight(allowed.replace(",", ", "))
    # Whoever asks for the head of something is answered as for the whole; aiohttp leaves the body out.
    method = "GET" if request.method == hdrs.METH_HEAD else request.method
    found = row.get(method)
    if found is None:
        said = f"method {request.method[:20]} is not allowed, but [{allowed}] are"
        response = shown({"code": 405, "message": said}, 405)
        response.headers[hdrs.ALLOW] = allowed
        return response
    scope, handler = found
    try:
        return await handler(door, request, admit(door, request, scope))
    except V2Refused as refused:
        return shown(refused.body, refused.status)
    except Refused as refused:
        return refusal(refused)
    except (Overloaded, StoreError) as error:
        return _come_back(error)


def _come_back(error: Overloaded | StoreError) -> web.Response:
    wait = error.retry_after_s if isinstance(error, Overloaded) else 5
    said = "the daemon cannot make this durable right now. Send all of it again after Retry-After"
    return refusal(Refused(503, "overloaded", said, headers={hdrs.RETRY_AFTER: str(max(wait, 1))}))


async def _nothing(request: web.Request) -> web.Response:
    refused = coded(404, f"path {request.path[:QUOTED]} was not found")
    return shown(refused.body, 404)


async def _gone(_request: web.Request) -> web.Response:
    return shown({"status": "error", "errorType": "gone", "error": GONE}, 410)
