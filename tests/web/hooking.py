"""A door with hooks, and senders for them."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook

from tests.web.fakes import FakeDaemon, World, opened
from tests.web.plans import plan

SECRETS = {
    name: "whsec_" + base64.b64encode(name.encode() * 8).decode()
    for name in ("PAGER", "OLD", "NEW")
}
FEED = "feed-secret-long-enough"


def resolve(reference: Any) -> str:
    known = {**SECRETS, "FEED": FEED}
    if reference["env"] not in known:
        raise LookupError(f"the environment variable {reference['env']} is not set")
    return known[reference["env"]]


@asynccontextmanager
async def hooked(daemon: FakeDaemon | None = None, **more: Any) -> AsyncIterator[World]:
    daemon = daemon or FakeDaemon()
    daemon.plan = plan()
    async with opened(daemon, resolve_secret=resolve, **more) as world:
        yield world


async def call(
    world: World,
    hook: str,
    body: Any,
    *,
    secret: str = SECRETS["PAGER"],
    name: str = "msg_1",
    tamper: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any], Any]:
    """Send as the standard's own package signs."""
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    moment = datetime.fromtimestamp(world.daemon.clock // 1_000, UTC)
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(world.daemon.clock // 1_000),
        "webhook-signature": Webhook(secret).sign(name, moment, text),
        **(tamper or {}),
    }
    async with world.nobody.post(f"/hooks/{hook}", data=text.encode(), headers=headers) as response:
        return response.status, await response.json(), response.headers
