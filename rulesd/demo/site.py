"""The inbox page: served here, rendered here, brought up to date over server-sent events. Works offline.

Law: the page holds no script or style but the package's own files. Its way to the console logs the visitor in with the demo's own
token, which opens this demo's daemon and nothing else.
"""

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Self

import aiohttp
import minijinja
import orjson
from aiohttp import hdrs, web

from rulesd.demo import view
from rulesd.demo.daemon import Daemon
from rulesd.demo.show import Show

LIVE_S = 0.4
_HERE = files("rulesd.demo")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LISTS = {
    "planted": "planted",
    "messages": "message",
    "incidents": "incident",
    "tickets": "ticket",
}
"""Lists of the page, and the macro that renders one item."""


@cache
def _environment() -> minijinja.Environment:
    texts = {
        one.name: one.read_text("utf-8")
        for one in (_HERE / "templates").iterdir()
        if one.name.endswith(".html")
    }
    return minijinja.Environment(templates=texts, globals={"static": _static_url})


@cache
def _static() -> Mapping[str, bytes]:
    return {one.name: one.read_bytes() for one in (_HERE / "static").iterdir()}


def _static_url(name: str) -> str:
    return f"/static/{name}?v={sha256(_static()[name]).hexdigest()[:12]}"


def render(show: Show) -> str:
    """The whole page."""
    return _environment().render_template("inbox.html", **view.page(show), url=show.daemon_url)


def parts(show: Show) -> dict[str, Any]:
    """The page in pieces for those who have it open: each list's items by key, and what stands above them."""
    data = view.page(show)
    environment = _environment()
    out: dict[str, Any] = {
        "tiles": environment.render_template("tiles.html", **data),
        "channels": environment.render_template("channels.html", **data),
        "verdict": environment.render_template("verdict.html", **data),
    }
    for name, one in LISTS.items():
        out[name] = [
            [item["key"], environment.render_template(f"{one}.html", one=item).strip()]
            for item in data[name]
        ]
    return out


class Site:
    """The inbox's server; ``async with Site(show)``."""

    def __init__(self, show: Show, session: aiohttp.ClientSession) -> None:
        """``session`` reaches the daemon."""
        self._show, self._session = show, session
        self.daemon: Daemon | None = None
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Listen on a free port of the loopback."""
        app = web.Application()
        routes: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
            "/": self._page,
            "/live": self._live,
            "/console": self._console,
            "/runbooks/{rule}": self._console,
            "/static/{name}": _file,
        }
        for path, handler in routes.items():
            app.router.add_get(path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._show.inbox_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; open pages are told."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(text=render(self._show), content_type="text/html", headers=_HEADERS)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store"}
        )
        await response.prepare(request)
        last = b""
        while not self._closing.is_set():
            body = orjson.dumps(parts(self._show))
            if body != last:
                try:
                    await response.write(b"data: " + body + b"\n\n")
                except ConnectionError:
                    break  # The visitor closed the page.
                last = body
            try:
                async with asyncio.timeout(LIVE_S):
                    await self._closing.wait()
            except TimeoutError:
                continue
        return response

    async def _console(self, request: web.Request) -> web.StreamResponse:
        """Log in at the daemon for the visitor (cookies know hosts, not ports) and lead there."""
        rule = request.match_info.get("rule", "")
        daemon = self.daemon
        if daemon is None:
            return web.Response(status=503, text="The daemon is not up yet. Try again in a moment.")
        answer = await self._session.post(
            f"{daemon.url}/login",
            data={"token": daemon.token, "then": "/"},
            headers={"Origin": daemon.url},
            allow_redirects=False,
        )
        to = web.Response(status=303)
        to.headers[hdrs.LOCATION] = f"{daemon.url}/runbooks/{rule}" if rule else f"{daemon.url}/"
        for cookie in answer.headers.getall(hdrs.SET_COOKIE, []):
            to.headers.add(hdrs.SET_COOKIE, cookie)
        answer.release()
        return to


async def _file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    body = _static().get(name)
    if body is None:
        return web.Response(status=404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {**_HEADERS, hdrs.CACHE_CONTROL: "max-age=31536000, immutable"}
    return web.Response(body=body, content_type=kind, headers=headers)
