"""Health, readiness, metrics and reload: what supervisors and operators ask.

Law: degraded is not dead. ``/-/ready`` stays 200 while events can be taken, and says what is wrong all the same.
"""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rulesd.model.event import Json
from rulesd.web.answers import Refused, answer, text_answer
from rulesd.web.door import Door
from rulesd.web.guard import admit, caller, near
from rulesd.web.tokens import Scope, Token


async def healthy(door: Door, _request: web.Request) -> web.Response:
    """200 while the daemon lives, else 503; the word is Alertmanager's."""
    health = door.daemon.health()
    return text_answer("OK" if health.live else "not alive\n", 200 if health.live else 503)


async def ready(door: Door, request: web.Request) -> web.Response:
    """200 when events are taken, with what is degraded; 503 with the reasons when not.

    The code is for everybody: supervisors elsewhere probe it. When all is well and nobody asks for JSON, the answer is Alertmanager's.
    """
    health = door.daemon.health()
    if health.ready and not health.degraded and not _wants_json(request):
        return text_answer("OK")
    reasons: list[Json] = list(health.degraded) if _may_see(door, request) else []
    status = (
        "degraded" if health.ready and health.degraded else "ready" if health.ready else "not_ready"
    )
    body: dict[str, Json] = {"status": status, "ready": health.ready, "reasons": reasons}
    return answer(body, 200 if health.ready else 503)


def _wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


async def metrics(door: Door, request: web.Request) -> web.Response:
    """Every number, in the Prometheus text format."""
    if not _may_see(door, request):
        admit(door, request, Scope.READ)
    text = generate_latest(door.meter.registry).decode()
    return text_answer(text, content_type=CONTENT_TYPE_LATEST)


def _may_see(door: Door, request: web.Request) -> bool:
    """Whether numbers and reasons may be shown: to this machine itself (where so set), and to who may read."""
    if door.settings.open_metrics and near(request):
        return True
    token = caller(door, request)
    return token is not None and token.may(Scope.READ)


async def reload(door: Door, _request: web.Request, _token: Token) -> web.Response:
    """Load rules and notifiers again: all of it, or nothing and every problem (500, as Alertmanager answers)."""
    problems = [one for one in await door.daemon.reload() if one.severity == "error"]
    if not problems:
        return answer({"status": "reloaded", "plan": door.daemon.plan.digest})
    listed: list[Json] = [str(one) for one in problems]
    raise Refused(
        500,
        "invalid_configuration",
        f"{len(problems)} problems; the rules in force before stay in force. Correct them and reload again",
        facts={"problems": listed},
    )
