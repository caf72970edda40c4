"""Name resolution for pages: in threads of its own, and with the last good answer when the name server is gone.

Law: a name server that does not answer delays only the hosts it does not answer for, and a receiver that was reached before is
reached again. The event loop's own resolver shares one small pool of threads (four under uvloop) among everything.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

_Key: TypeAlias = tuple[str, int, socket.AddressFamily]
_Lookup: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]

REMEMBERED = 1_000
"Hosts whose last answer is kept."


class PatientResolver(AbstractResolver):
    """``getaddrinfo`` with at most one thread per host, answers remembered against an outage."""

    def __init__(self, lookup: _Lookup = socket.getaddrinfo) -> None:
        """``lookup`` is called as ``getaddrinfo`` is."""
        self._lookup = lookup
        self._known: dict[_Key, list[ResolveResult]] = {}
        self._running: dict[_Key, Future[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of ``host``. Raises ``OSError`` when there are none and never were."""
        key = (host, port, family)
        future = self._running.get(key) or self._start(key)
        patience = 2.0 if key in self._known else None
        try:
            async with asyncio.timeout(patience):
                found = await asyncio.shield(asyncio.wrap_future(future))
        except (OSError, TimeoutError):
            if key in self._known:
                return self._known[key]
            raise
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[key] = found
        return found

    def _start(self, key: _Key) -> Future[list[ResolveResult]]:
        """A daemon thread: one that hangs never keeps the process from ending."""
        future: Future[list[ResolveResult]] = Future()
        future.set_running_or_notify_cancel()

        def run() -> None:
            try:
                found = self._ask(key)
            except OSError as error:
                self._running.pop(key, None)
                future.set_exception(error)
            else:
                self._running.pop(key, None)
                future.set_result(found)

        self._running[key] = future
        threading.Thread(target=run, name=f"resolve {key[0]}", daemon=True).start()
        return future

    def _ask(self, key: _Key) -> list[ResolveResult]:
        host, port, family = key
        answers = self._lookup(host, port, family=family, type=socket.SOCK_STREAM)
        found: list[ResolveResult] = []
        for got, _, proto, _, address in answers:
            if got not in (socket.AF_INET, socket.AF_INET6):
                continue
            found.append(
                ResolveResult(
                    hostname=host,
                    host=address[0],
                    port=address[1],
                    family=got,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST,
                )
            )
        if not found:
            raise OSError(f"no address for {host}")
        return found

    async def close(self) -> None:
        """Nothing to give back: threads end with their answer."""
