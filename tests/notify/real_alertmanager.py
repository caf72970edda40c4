"""A real Alertmanager beside us: the same receivers, the same alerts, what each sends."""

import asyncio
import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

BINARY = shutil.which("prometheus-alertmanager")
EXTERNAL = "http://am.example/x"


async def sent_by(
    folder: Path, config: str, *posts: tuple[Any, Callable[[], Awaitable[None]]]
) -> None:
    """Start one with ``config``; post each batch of alerts and wait for what is beside it."""
    assert BINARY is not None
    (folder / "c.yml").write_text(config)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            BINARY,
            f"--config.file={folder}/c.yml",
            f"--storage.path={folder}/state",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            f"--web.external-url={EXTERNAL}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for alerts, wait in posts:
            await asyncio.to_thread(_post, f"http://127.0.0.1:{port}/x", alerts)
            await wait()
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


def _post(address: str, alerts: Any) -> None:
    import time

    for _ in range(100):
        try:
            urllib.request.urlopen(f"{address}/-/ready", timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    request = urllib.request.Request(
        f"{address}/api/v2/alerts",
        data=json.dumps(alerts).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()
