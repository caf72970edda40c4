"""Fetch events from an MQTT broker: a message is acknowledged when what it held is committed, and never before.

Law: what is not acknowledged stays the broker's. On any doubt (the store is full, the connection broke, the daemon stops) we
keep still, and the broker delivers again, in order, after the next connection; duplicates are recognised by their id.

Messages are taken in batches: all that queued up while the last batch was committed, with one wake-up for each batch.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rulesd.ingest.decode import Decoder
from rulesd.ingest.limits import Decoded
from rulesd.model.errors import RulesdError
from rulesd.model.event import Rejected
from rulesd.model.reasons import ErrorCode
from rulesd.ports.clock import Clock
from rulesd.ports.intake import Intake, Overloaded
from rulesd.ports.meter import Meter
from rulesd.sources.backoff import Backoff
from rulesd.sources.mqtt_broker import Broker
from rulesd.sources.mqtt_client import (
    Connection,
    Lost,
    Message,
    Overflowed,
    Refused,
    Unreachable,
    open_connection,
)
from rulesd.sources.mqtt_topics import Topics

log = logging.getLogger(__name__)

SHORT_S = 10.0
"Two sessions in a row that the broker ends sooner than this: another client has our name."


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How a source is."""

    up: bool
    "Connected, and every subscription granted."

    problem: str
    "What is wrong, a sentence for the operator; empty when all is well."

    down_s: float
    "For how long it has not been up; 0 while it is."


class MqttSource:
    """One session on one broker, kept up for as long as ``run`` runs."""

    def __init__(
        self,
        broker: Broker,
        *,
        intake: Intake,
        decoder: Decoder,
        clock: Clock,
        meter: Meter,
        name: str = "mqtt",
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; nothing connects before ``run``.

        Args:
            broker: where, and under which name.
            intake: takes batches and answers when they are durable.
            decoder: turns messages into events; used from the loop's thread only.
            clock: tells when messages arrive.
            meter: counts messages and sessions.
            name: the source's name in metrics and messages.
            chance: draws the jitter of the waits.
        """
        self.name = name
        self._broker = broker
        self._intake = intake
        self._decoder = decoder
        self._clock = clock
        self._meter = meter
        self._topics = Topics(broker.topics)
        self._backoff = Backoff(chance)
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._connection: Connection | None = None
        self._problem = f"not connected to {broker.name} yet"
        self._withheld = ""
        self._since: float | None = None
        self._up = False
        self._short = 0
        meter.source_up.labels(name).set(0)

    # ------------------------------------------------------------------ for the daemon

    async def run(self) -> None:
        """Connect, receive and reconnect until ``stop``."""
        self._ended.clear()
        try:
            self._turn(up=False)
            while not self._stopping.is_set():
                least = await self._attempt()
                lasted = self._lasted() if self._up else 0.0
                self._turn(up=False)
                await self._pause(self._backoff.after(lasted, least))
        finally:
            self._problem = "stopped"
            self._ended.set()

    async def stop(self) -> None:
        """Finish the batch in hand, acknowledge it, disconnect. The session stays on the broker."""
        self._stopping.set()
        if self._connection is not None:
            self._connection.wake()
        await self._ended.wait()

    def status(self) -> SourceStatus:
        """How the source is, for ``/-/ready`` and the console."""
        down = 0.0 if self._up else self._lasted()
        return SourceStatus(up=self._up, problem=self.problem(), down_s=down)

    def problem(self) -> str:
        """What is wrong, empty when all is well."""
        return self._problem or self._withheld

    # ------------------------------------------------------------------ sessions

    async def _attempt(self) -> float:
        """One session from connecting to its end; the least seconds to wait before the next."""
        try:
            await self._session()
        except Refused as error:
            self._trouble("refused", str(error))
        except Unreachable as error:
            self._trouble("unreachable", str(error))
        except Overflowed as error:
            self._trouble("overflow", str(error))
        except Lost as error:
            return self._lost(error)
        finally:
            self._connection = None
        return 0.0

    async def _session(self) -> None:
        room = self._decoder.limits.body + 128 * 1024
        async with open_connection(self._broker, packet_bytes=room) as connection:
            self._connection = connection
            self._turn(up=True)
            self._meter.mqtt_sessions.labels(self.name, "connected").inc()
            log.info("source=%s connected: broker=%s", self.name, self._broker.name)
            while not self._stopping.is_set():
                batch = await connection.batch()
                if batch and not await self._deliver(batch, connection):
                    return

    async def _deliver(self, batch: Sequence[Message], connection: Connection) -> bool:
        """Hand over a batch and acknowledge it; ``False`` when it must be left to the broker."""
        decoded = await self._decode(batch)
        while True:
            try:
                await self._intake.submit(self.name, decoded.events, decoded.rejected)
                break
            except RulesdError as error:
                self._withhold(error, len(batch))
                await self._pause(error.retry_after_s if isinstance(error, Overloaded) else 1)
            if self._stopping.is_set():
                return False
            if not connection.connected:
                raise Lost("while messages waited for the store")
        self._withheld = ""
        connection.acknowledge(batch)
        self._meter.mqtt_messages.labels(self.name, "acknowledged").inc(len(batch))
        for word, number in decoded.notices.items():
            self._meter.notices.labels(word).inc(number)
        return True

    async def _decode(self, batch: Sequence[Message]) -> Decoded:
        out = Decoded()
        now = self._clock.now()
        for message in batch:
            tenant = self._topics.tenant(message.topic)
            if tenant is None:
                out.rejected.append(_no_tenant(len(message.payload)))
                continue
            item = self._decoder.lone(message.payload, now, tenant, out.notices)
            if item is not None:
                out.add(item)
                continue
            parts = self._decoder.mqtt_parts(message.payload, now=now, tenant=tenant)
            for number, part in enumerate(parts):
                if number:
                    await asyncio.sleep(0)
                out.extend(part)
        return out

    # ------------------------------------------------------------------ how it is going

    def _turn(self, *, up: bool) -> None:
        if self._since is None or up != self._up:
            self._since = asyncio.get_running_loop().time()
        self._up = up
        self._withheld = ""
        if up:
            self._problem = ""
        self._meter.source_up.labels(self.name).set(int(up))

    def _lasted(self) -> float:
        """Seconds since it last went up or down."""
        return 0.0 if self._since is None else asyncio.get_running_loop().time() - self._since

    def _lost(self, error: Lost) -> float:
        """Tell that the connection broke, and whether somebody else took it."""
        self._short = self._short + 1 if self._lasted() < SHORT_S else 0
        if error.taken_over or self._short > 1:
            self._trouble(
                "taken_over",
                f"{self._broker.name} keeps ending the session: another client seems to use the client"
                f" id {self._broker.client_id}. Give each daemon a state directory or a client_id of"
                " its own",
            )
            return SHORT_S
        self._trouble("lost", f"the connection to {self._broker.name} was lost: {error}")
        return 0.0

    def _trouble(self, outcome: str, problem: str) -> None:
        self._problem = problem
        self._meter.mqtt_sessions.labels(self.name, outcome).inc()
        log.warning("source=%s outcome=%s %s", self.name, outcome, problem)

    def _withhold(self, error: RulesdError, messages: int) -> None:
        if not self._withheld:
            log.warning("source=%s withholds acknowledgements: %s", self.name, error)
        self._withheld = f"messages wait at the broker: {error}"
        self._meter.mqtt_messages.labels(self.name, "withheld").inc(messages)

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the source is told to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _no_tenant(size: int) -> Rejected:
    return Rejected(
        0,
        str(ErrorCode.TOPIC),
        "the topic names no tenant. Publish to safety/<tenant>/events/..., the tenant in at most 128"
        " letters, digits and ._:@+-",
        "",
        size,
    )
