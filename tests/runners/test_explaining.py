"""Asking changes nothing."""

import asyncio

from rulesd.runners.explaining import Explaining
from tests.runners.living import denied, lived
from tests.runners.room import Room


def test_asking_changes_nothing() -> None:
    async def tell(room: Room, explaining: Explaining) -> None:
        await room.send(denied(1), denied(2), denied(3))
        (alert,) = room.engine.alerts()
        before = room.engine.snapshot()
        await explaining.why(alert.alert)
        await asyncio.gather(*(explaining.why_not(f"e{n}", "") for n in (1, 2, 3)))
        explaining.route({"alertname": "tool.denied"})
        assert room.engine.snapshot() == before

    lived(tell)
