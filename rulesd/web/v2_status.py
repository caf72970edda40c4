"""``GET /api/v2/status`` and ``/receivers``: what amtool asks before each command.

Law: ``config.original`` is plain Alertmanager YAML that amtool 0.25 reads strictly, and leads where rulesd leads: the owners' routes are in
it. It holds no secret.
"""

from aiohttp import web

from rulesd.config.plain_routing import plain_routing
from rulesd.web.door import Door
from rulesd.web.tokens import Token
from rulesd.web.v2_answers import shown

SPEAKS = "0.25.0"
"""The Alertmanager whose clients this is tried with. amtool compares it with its own version, karma decides by it what it may ask."""


async def get_status(door: Door, _request: web.Request, _token: Token) -> web.Response:
    """How the daemon is, in Alertmanager's words; which daemon it is, ``revision`` says."""
    daemon = door.daemon
    return shown(
        {
            "cluster": {"status": "disabled", "peers": []},
            "versionInfo": {
                "version": SPEAKS,
                "revision": f"rulesd-{door.settings.version}",
                "branch": "rulesd",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
            },
            "config": {"original": plain_routing(daemon.plan)},
            "uptime": daemon.status().get("started_at", ""),
        }
    )


async def get_receivers(door: Door, _request: web.Request, _token: Token) -> web.Response:
    """Every receiver's name."""
    return shown([{"name": name} for name in door.daemon.plan.receivers])
