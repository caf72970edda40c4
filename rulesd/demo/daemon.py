"""The real daemon, as a process of its own: ``python -m rulesd run``.

Law: it is started as an operator starts it and asked only what an operator may ask. It counts as up once ``/-/ready`` says
200 with nothing to complain about.
"""

import asyncio
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from rulesd.demo.children import Child, Children, DemoError
from rulesd.demo.folder import Secrets, environment, settings

START_S = 60.0
ATTEMPTS = 3
"""Between picking a free port and listening there somebody else may take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """Where it listens and what opens it."""

    url: str
    token: str
    child: Child


def free_port() -> int:
    """A port on the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def start_daemon(
    children: Children, session: aiohttp.ClientSession, folder: Path, broker: str, made: Secrets
) -> Daemon:
    """Start it and wait until it takes events from both sources.

    Raises:
        DemoError: with its last words.
    """
    for attempt in range(1, ATTEMPTS + 1):
        port = free_port()
        (folder / "rulesd.yaml").write_text(settings(folder, port=port, broker=broker))
        child = await children.start(
            "rulesd",
            [sys.executable, "-m", "rulesd", "run", "--config", "rulesd.yaml"],
            cwd=folder,
            env=environment(os.environ, folder, made),
        )
        url = f"http://127.0.0.1:{port}"
        why = await _ready(session, url, child)
        if not why:
            return Daemon(url=url, token=made.admin_token, child=child)
        if attempt == ATTEMPTS or "in use" not in child.tail():
            break
        await children.stop(child)
    raise DemoError(f"the daemon cannot start: {why}. Its last words:\n{child.tail()}")


async def _ready(session: aiohttp.ClientSession, url: str, child: Child) -> str:
    """Wait until it is ready; why it never was."""
    said = "nothing listens"
    try:
        async with asyncio.timeout(START_S):
            while not child.ended:
                said = await _ask(session, url)
                if not said:
                    return ""
                await asyncio.sleep(0.05)
    except TimeoutError:
        return f"after {START_S:.0f} s it is not ready ({said})"
    return f"it ended with code {child.process.returncode}"


async def _ask(session: aiohttp.ClientSession, url: str) -> str:
    """Empty when it is ready without complaint, else what it says."""
    try:
        wish = {"Accept": "application/json"}
        limit = aiohttp.ClientTimeout(total=5)
        async with session.get(f"{url}/-/ready", headers=wish, timeout=limit) as answer:
            body = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return str(error) or type(error).__name__
    reasons = body.get("reasons") or []
    return "" if answer.status == 200 and not reasons else "; ".join(map(str, reasons)) or "waits"
