"""The tool path that is locked: a stand-in service that reads its flag, and a stand-in reviewer who releases it.

Law: the lock is set by the shipped rule and read as any service would (OFREP); the review is completed over the public API. What is shown is
what the service saw.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

TOOL, TENANT = "email_send", "globex"
"The tool of the planted burst of denials."

FLAG = f"tool.{TOOL}.enabled"
POLL_S = 0.1
LOOK_S = 4.0
"How long the reviewer looks before the verdict."


@dataclass(slots=True)
class Containment:
    """What the service saw."""

    locked_at: float | None = None
    released_at: float | None = None

    @property
    def state(self) -> str:
        """In a word."""
        if self.locked_at is None:
            return "open"
        return "locked" if self.released_at is None else "released"

    @property
    def said(self) -> str:
        """In a sentence, empty before anything happened."""
        if self.locked_at is None:
            return ""
        words = f"{TOOL} was locked for {TENANT} by tool.denied_burst"
        if self.released_at is None:
            return f"{words}, until a review"
        return f"{words}; a review released it after {self.released_at - self.locked_at:.1f} s"

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        return {"flag": FLAG, "tenant": TENANT, "state": self.state}

    async def run(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        """Read the flag all the time; after the lock, review and see it released."""
        headers = {"Authorization": f"Bearer {token}"}
        while await _flag(session, url, headers) is not False:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(POLL_S)
        self.locked_at = time.monotonic()
        await asyncio.sleep(LOOK_S)
        while await _flag(session, url, headers) is not True:
            await _review(session, url, headers)
            await asyncio.sleep(POLL_S)
        self.released_at = time.monotonic()


async def _flag(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> object:
    """The flag's value as the service of that tenant reads it; ``None`` when it cannot be read."""
    body = {"context": {"targetingKey": "assistant-1", "tenant": TENANT}}
    address = f"{url}/ofrep/v1/evaluate/flags/{FLAG}"
    try:
        async with session.post(address, json=body, headers=headers) as answer:
            found = await answer.json(content_type=None)
            return found.get("value") if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


async def _review(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> None:
    """Complete the review that holds the lock."""
    try:
        async with session.get(f"{url}/v1/reviews", headers=headers) as answer:
            items = (await answer.json(content_type=None)).get("reviews", [])
        verdict = {
            "verdict": "fixed",
            "by": "demo reviewer",
            "note": "the assistant's rights were corrected",
        }
        for item in items:
            if item["locked"] and item["rule"] == "tool.denied_burst":
                address = f"{url}/v1/reviews/{item['review']}/complete"
                async with session.post(address, json=verdict, headers=headers) as answer:
                    await answer.read()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return
