"""A door that does what a test says: commits at once, holds commits back, or refuses."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from rulesd.model.errors import RulesdError
from rulesd.model.event import Event, Rejected
from rulesd.ports.intake import Receipt


@dataclass
class ScriptedIntake:
    """Every call is remembered in ``calls``; what was committed, in ``batches``."""

    refusals: list[RulesdError] = field(default_factory=list)
    "Raised by the next calls, one each."

    calls: int = 0
    batches: list[tuple[str, list[Event], list[Rejected]]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    "Closed: commits take as long as that."

    waiting: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def submit(
        self, source: str, events: Sequence[Event], rejected: Sequence[Rejected]
    ) -> Receipt:
        self.calls += 1
        self._changed.set()
        if self.refusals:
            raise self.refusals.pop(0)
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        self.batches.append((source, list(events), list(rejected)))
        self._changed.set()
        return Receipt(len(events), 0)

    @property
    def events(self) -> list[Event]:
        return [event for _, events, _ in self.batches for event in events]

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]

    @property
    def rejected(self) -> list[Rejected]:
        return [bad for _, _, rejected in self.batches for bad in rejected]

    async def until(self, calls: int = 0, events: int = 0, rejected: int = 0) -> None:
        """Wait until so much has come."""
        async with asyncio.timeout(30):
            while self.calls < calls or len(self.events) < events or len(self.rejected) < rejected:
                self._changed.clear()
                await self._changed.wait()
