"""Tell somebody outside this machine that rulesd watches, for as long as it does.

Law: silence means trouble. Nothing is sent while the daemon is unhealthy, so that the dead-man's switch outside raises the
alarm which a broken daemon cannot raise itself. A failed heartbeat is counted and logged, and never fatal.

The URL often holds a key of its own (healthchecks.io, Dead Man's Snitch), so neither it nor an answer's body is logged.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import orjson

from rulesd.ports.meter import Meter

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What the heartbeat says about the daemon."""

    version: str
    "The version of rulesd."

    healthy: bool
    "Whether the daemon does its work; False withholds the heartbeat."

    oldest_undelivered_page_seconds: float
    "Age of the oldest page that is still to be delivered; 0 when there is none."

    last_commit_age_seconds: float | None
    "Seconds since the last commit; None before the first."


class Heartbeat:
    """Posts the vitals to ``url`` every ``every_s`` seconds while they are healthy.

    Any 2xx answer counts. After a failure the next try comes after a quarter of the time, so that one lost packet does not
    raise the alarm. Redirects are not followed: a switch that moved is a setting to correct.
    """

    def __init__(
        self, *, url: str, every_s: float, vitals: Callable[[], Vitals], meter: Meter
    ) -> None:
        """Prepare; ``run`` does it."""
        self._url, self._every_s, self._vitals, self._meter = url, every_s, vitals, meter
        self._last = "sent"

    async def run(self) -> None:
        """Beat until cancelled."""
        timeout = aiohttp.ClientTimeout(total=min(TIMEOUT_S, self._every_s))
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                outcome = await self._beat(session)
                await asyncio.sleep(self._every_s / 4 if outcome == "failed" else self._every_s)

    async def _beat(self, session: aiohttp.ClientSession) -> str:
        vitals = self._vitals()
        outcome, why = ("withheld", "unhealthy")
        if vitals.healthy:
            outcome, why = await self._post(session, vitals)
        self._meter.heartbeats.labels(outcome=outcome).inc()
        if outcome != self._last:
            level = logging.INFO if outcome == "sent" else logging.WARNING
            log.log(level, "heartbeat outcome=%s reason=%s", outcome, why)
        self._last = outcome
        return outcome

    async def _post(self, session: aiohttp.ClientSession, vitals: Vitals) -> tuple[str, str]:
        try:
            async with session.post(
                self._url,
                data=orjson.dumps(vitals),
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
            ) as answer:
                done = 200 <= answer.status < 300
                return ("sent" if done else "failed"), f"http_{answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return "failed", type(error).__name__
