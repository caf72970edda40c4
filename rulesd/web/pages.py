"""Pages: templates and static files that come with the package, and the one environment that renders them.

Law: every value is escaped by the template engine; only ``markdown.render`` hands over HTML, which it has cleaned. Pages hold no
inline script or style and nothing from elsewhere.
"""

import mimetypes
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import minijinja
from aiohttp import hdrs, web

from rulesd.model.alert import SEVERITIES
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND, Instant
from rulesd.web.answers import page
from rulesd.web.door import Door

_HERE = files("rulesd.web")


@cache
def _environment() -> minijinja.Environment:
    texts = {
        one.name: one.read_text("utf-8")
        for one in (_HERE / "templates").iterdir()
        if one.name.endswith(".html")
    }
    environment = minijinja.Environment(
        templates=texts, globals={"static": static_url, "severities": list(SEVERITIES)}
    )
    environment.fuel = 2_000_000
    return environment


@cache
def _static() -> dict[str, tuple[bytes, str, str]]:
    out = {}
    for one in (_HERE / "static").iterdir():
        body = one.read_bytes()
        kind = mimetypes.guess_type(one.name)[0] or "application/octet-stream"
        out[one.name] = (body, kind, sha256(body).hexdigest()[:12])
    return out


def static_url(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it."""
    return f"/static/{name}?v={_static()[name][2]}"


def render(template: str, status: int = 200, **values: Any) -> web.Response:
    """A page from a template."""
    return page(_environment().render_template(template, **values), status)


async def static_file(_door: Door, request: web.Request) -> web.Response:
    """A file of the package's ``static`` folder."""
    known = _static().get(request.match_info["name"])
    if known is None:
        raise web.HTTPNotFound
    body, kind, _ = known
    headers = {
        hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    charset = "utf-8" if kind.startswith("text/") or kind.endswith("javascript") else None
    return web.Response(body=body, content_type=kind, charset=charset, headers=headers)


def ago(then: Instant, now: Instant) -> str:
    """How long ago something was, in one unit: ``12 s``, ``4 min``, ``3 h``, ``2 d``."""
    past = max(now - then, 0)
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if past >= length * (2 if length == DAY else 1):
            return f"{past // length} {unit}"
    return f"{past // SECOND} s"


def wants_page(request: web.Request) -> bool:
    """Whether a person's browser asks, rather than a program."""
    return "text/html" in request.headers.get(hdrs.ACCEPT, "")
