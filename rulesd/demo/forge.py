"""Events as an assistant makes them: CloudEvents with an id of their own.

Law: pure but for the random numbers it is given; the same seed makes the same events. No event holds content.
"""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]


class Forge:
    """Makes CloudEvents."""

    def __init__(self, seed: int) -> None:
        """The seed decides ids and, for whoever borrows ``random``, everything else."""
        self.random = random.Random(seed)  # noqa: S311 - simulated traffic, nothing secret

    def event(
        self,
        name: str,
        at: float,
        data: Mapping[str, Any],
        *,
        tenant: str = "",
        service: str = "assistant",
    ) -> Event:
        """One event. ``name``: the bare type; ``at``: seconds since the epoch."""
        moment = datetime.fromtimestamp(at, UTC)
        made: Event = {
            "specversion": "1.0",
            "id": f"{self.random.getrandbits(64):016x}",
            "source": f"/svc/{service}",
            "type": f"ai.safety.{name}.v1",
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {"service": service, "env": "production", **data},
        }
        if tenant:
            made["tenant"] = tenant
        return made
