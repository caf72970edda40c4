"""How Alertmanager's API v2 answers: its two shapes of a refusal, and its headers for pages of other sites.

Law: programs compare these sentences, so they are Alertmanager's to the letter, and a few of them quote a name or an address that
was sent; what is quoted is cut short. Nothing else of a request comes back.
"""

from collections.abc import AsyncIterator, Mapping

import orjson
from aiohttp import hdrs, web

from rulesd.model.event import Json
from rulesd.web.answers import Refused

QUOTED = 200
"Characters of what was sent that a refusal repeats."

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Server": "rulesd",
    hdrs.VARY: hdrs.ORIGIN,
    # Any page may ask, as with Alertmanager; without a token of its own it is told nothing.
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "Date, Retry-After",
}


class V2Refused(Exception):
    """The request is answered with this status and body, and goes no further."""

    def __init__(self, status: int, body: Json) -> None:
        """``body``: a sentence (a JSON string), ``{"code", "message"}``, or ``None`` for an empty one."""
        super().__init__(status)
        self.status, self.body = status, body


def sentence(status: int, text: str) -> V2Refused:
    """What the handlers of Alertmanager say themselves: a bare JSON string."""
    return V2Refused(status, text)


def coded(status: int, message: str, code: int | None = None) -> V2Refused:
    """What its request reader says; ``code`` where it differs from the status (601 type, 602 missing, 612 too few)."""
    return V2Refused(status, {"code": code or status, "message": message})


def quoted(text: str) -> str:
    """As Go's ``%q`` writes it, cut short."""
    short = text if len(text) <= QUOTED else text[:QUOTED] + "..."
    out = short.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + out.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'


def shown(body: Json, status: int = 200) -> web.Response:
    """A JSON answer; ``None`` is an empty one."""
    return raw(b"" if body is None else orjson.dumps(body) + b"\n", status)


def raw(body: bytes, status: int = 200) -> web.Response:
    """An answer whose JSON is written already."""
    if not body:
        return web.Response(status=status, headers=HEADERS)
    return web.Response(body=body, status=status, headers=HEADERS, content_type="application/json")


def streamed(portions: AsyncIterator[bytes]) -> web.Response:
    """An answer that is written while it is made; whoever reads slowly is waited for."""
    return web.Response(body=portions, headers=HEADERS, content_type="application/json")


def refusal(refused: Refused) -> web.Response:
    """A refusal of the rest of the door (no token, too large, no room ...) in this shape."""
    response = shown({"code": refused.status, "message": refused.message}, refused.status)
    response.headers.update(refused.headers)
    if refused.close:
        response.force_close()
    return response


def preflight(methods: str) -> web.Response:
    """What a browser asks before it sends another site's request."""
    headers = {
        **HEADERS,
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: methods,
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Accept, Authorization, Content-Type, Origin",
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
    }
    return web.Response(status=200, headers=headers)
