"""An MQTT source between a scripted broker and a scripted intake."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from rulesd.ingest.decode import Decoder
from rulesd.ingest.limits import Limits
from rulesd.ports.meter import Meter
from rulesd.privacy.redact import Redactor
from rulesd.sources.mqtt import MqttSource
from rulesd.sources.mqtt_broker import broker_at
from tests.sources.broker import ScriptedBroker
from tests.sources.intake import ScriptedIntake

TOPIC = "safety/acme/events/tool"


class Clock:
    def now(self) -> int:
        return 1_767_000_000_000


def source_for(url: str, intake: Any, meter: Meter | None = None, **options: Any) -> MqttSource:
    """A source with test defaults."""
    limits = options.pop("limits", None) or Limits()
    return MqttSource(
        broker_at(url, **{"client_id": "rulesd-01234567", **options}),
        intake=intake,
        decoder=Decoder(Redactor(b"k" * 32), limits),
        clock=Clock(),
        meter=meter or Meter(),
        chance=lambda: 0.0,
    )


@dataclass
class MqttBench:
    """What a test sees of it."""

    broker: ScriptedBroker
    intake: ScriptedIntake
    source: MqttSource
    meter: Meter

    def send(self, payload: bytes) -> int:
        return self.broker.deliver(TOPIC, payload)

    def acknowledged(self) -> list[int]:
        return list(self.broker.acknowledged)

    async def until_acknowledged(self, count: int) -> None:
        await self.broker.until(lambda b: len(b.acknowledged) >= count)

    async def reconnect(self) -> None:
        connects = len(self.broker.connects)
        subscribed = len(self.broker.subscribed)
        self.broker.kick()
        self.intake.gate.set()
        await self.broker.until(lambda b: len(b.subscribed) > subscribed)
        assert len(self.broker.connects) > connects

    async def stop(self) -> None:
        await self.source.stop()

    def count(self, name: str, **labels: str) -> float:
        return self.meter.registry.get_sample_value(name, {"source": "mqtt", **labels}) or 0.0


@asynccontextmanager
async def mqtt_bench(*, wait: bool = True, **options: Any) -> AsyncIterator[MqttBench]:
    """Open one; ``script`` names attributes of the broker, other options go to the source."""
    script = options.pop("script", {})
    async with ScriptedBroker(**script) as broker:
        intake, meter = ScriptedIntake(), Meter()
        source = source_for(f"mqtt://127.0.0.1:{broker.port}", intake, meter, **options)
        bench = MqttBench(broker, intake, source, meter)
        running = asyncio.create_task(source.run())
        try:
            if wait:
                await until_up(source)
            yield bench
        finally:
            intake.gate.set()
            await source.stop()
            await running


async def until_up(source: MqttSource, seconds: float = 10) -> None:
    """Wait until every subscription is granted."""
    async with asyncio.timeout(seconds):
        while not source.status().up:
            await asyncio.sleep(0.01)
