"""Opening the door: sockets, connection caps and deadlines.

Law: a client that is silent, slow or greedy holds one connection for seconds and nothing else. What is not HTTP gets a
bare 400 without an echo, and none of it is logged.
"""

import asyncio
import logging
import os
import socket
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import web

from rulesd.model.errors import ConfigurationError, Located
from rulesd.web.answers import Refused, refusal
from rulesd.web.settings import WebLimits

log = logging.getLogger("rulesd.web")

UNREAD_MS = 30_000
"A peer that takes nothing of an answer for this long is gone."

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: 24\r\n\r\n"
    b'{"error": "overloaded"}\n'
)


@dataclass(slots=True)
class _Open:
    """How many connections there are, in all and by peer."""

    limits: WebLimits
    total: int = 0
    by_peer: Counter[str] = field(default_factory=Counter)

    def enter(self, peer: str) -> bool:
        """Count one in, if there is room."""
        limits = self.limits
        if self.total >= limits.connections or self.by_peer[peer] >= limits.connections_per_peer:
            return False
        self.total += 1
        self.by_peer[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        """Count one out."""
        self.total -= 1
        self.by_peer[peer] -= 1
        if not self.by_peer[peer]:
            del self.by_peer[peer]


class _Connection(web.RequestHandler):
    """aiohttp's connection, with caps, and quiet about what it cannot read."""

    __slots__ = ("_entered", "_open")

    def __init__(self, open_now: _Open, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._open = open_now
        self._entered: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or turn it away at once."""
        peer = transport.get_extra_info("peername")
        # A Unix socket has no address: all its peers are one.
        name = str(peer[0]) if isinstance(peer, tuple) else "local"
        if not self._open.enter(name):
            plain = cast("asyncio.Transport", transport)
            plain.write(_FULL)
            plain.close()
            self.force_close()
            return
        self._entered = name
        _give_up_on_silent_readers(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        if self._entered is None:
            return
        self._open.leave(self._entered)
        self._entered = None
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read or handled, without a word of it."""
        log.debug("bad request: %s", type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer is already out")
        if status < 500:
            return refusal(
                Refused(status, "bad_request", "this is not HTTP as we read it", close=True)
            )
        return refusal(Refused(status, "internal", "the request failed", close=True))

    def log_exception(self, *args: Any, **_kw: Any) -> None:
        """Say that there was one, not what it says."""
        log.error("connection failed: %s", args[0] if args else "")


class _Site(web.BaseSite):
    """A listening socket whose connections are counted."""

    __slots__ = ("_host", "_limits", "_port", "_sock")

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        sock: socket.socket | None,
        limits: WebLimits,
    ) -> None:
        super().__init__(runner, backlog=512)
        self._host, self._port, self._sock, self._limits = host, port, sock, limits

    @property
    def name(self) -> str:
        """Where it listens."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen."""
        await super().start()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None
        open_now = _Open(self._limits)

        def connection() -> _Connection:
            return _Connection(
                open_now,
                server,
                loop=loop,
                keepalive_timeout=self._limits.head_s,
                lingering_time=self._limits.linger_s,
                auto_decompress=False,
                access_log=None,
                logger=log,
                # Small enough that a slow consumer of many connections holds little.
                read_bufsize=128 * 1024,
            )

        if self._sock is not None:
            self._server = await loop.create_server(connection, sock=self._sock, backlog=512)
        else:
            self._server = await loop.create_server(
                connection, self._host, self._port, backlog=512, reuse_address=True
            )


async def serve(
    app: web.Application,
    host: str = "127.0.0.1",
    port: int = 9095,
    sock: socket.socket | None = None,
    *,
    limits: WebLimits | None = None,
) -> web.AppRunner:
    """Open the door; ``await runner.cleanup()`` closes it after the requests in progress.

    ``sock`` (already bound, as systemd hands it over) wins over ``host`` and ``port``. ``runner.addresses`` says where it listens.

    Raises:
        ConfigurationError: when the address cannot be had.
    """
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=10.0)
    await runner.setup()
    try:
        await _Site(runner, host, port, sock, limits or WebLimits()).start()
    except OSError as error:
        await runner.cleanup()
        raise _taken(host, port, error) from None
    except BaseException:
        await runner.cleanup()
        raise
    return runner


def _taken(host: str, port: int, error: OSError) -> ConfigurationError:
    why = os.strerror(error.errno) if error.errno else "it has no address"
    said = f"nothing can listen on {host}:{port}: {why.lower()}"
    hint = "Stop what listens there, or write an address of this machine: --listen HOST:PORT"
    return ConfigurationError([Located("settings", 1, 1, "cannot_listen", said, hint)])


def _give_up_on_silent_readers(transport: asyncio.BaseTransport) -> None:
    sock = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if sock is not None and option is not None and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, option, UNREAD_MS)
