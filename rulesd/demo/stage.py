"""The stage: assistants at work, and the incidents planted among them.

Law: it only sends. What it sent, and when, stands in the traces; whether anybody was paged is not its business.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count

from rulesd.demo.forge import Forge
from rulesd.demo.planted import Planted, Sending, Via
from rulesd.demo.score import Trace
from rulesd.demo.senders import Queue, Sender
from rulesd.demo.traffic import Traffic

RATE = 150
"""Ordinary events a second, all tenants together."""

TICK_S = 0.1
AGAIN_S = 0.25
"""Between an event and its repetition."""


class Stage:
    """All simulated assistants."""

    def __init__(self, forge: Forge, mqtt: Mapping[str, Sender], http: Sender) -> None:
        """``mqtt``: one sender a tenant."""
        self._forge, self._mqtt, self._http = forge, mqtt, http
        self._queues = {tenant: Queue(sender) for tenant, sender in mqtt.items()}
        self._posts = Queue(http)
        self._planted = 0
        self._turn = count()
        self._going = True
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Let the ordinary traffic begin; needs a running loop."""
        work = [self._talk(Traffic(self._forge)), self._posts.run(0.25)]
        work += [queue.run(0.02) for queue in self._queues.values()]
        self._tasks = [asyncio.create_task(each) for each in work]

    @property
    def sent(self) -> int:
        """Events that were confirmed so far, repetitions included."""
        queues = [self._posts, *self._queues.values()]
        return self._planted + sum(queue.confirmed for queue in queues)

    async def plant(self, planted: Planted, trace: Trace) -> None:
        """Let an incident happen, or happen again: the clock runs from the first time only."""
        first = not trace.sent_at
        for sending in planted.make(self._forge, time.time()):
            if sending.again:
                await asyncio.sleep(AGAIN_S)
            else:
                trace.events.update(str(event["id"]) for event in sending.events)
            await self._send(sending, trace if first and not sending.again else None)

    async def _send(self, sending: Sending, clock: Trace | None) -> None:
        # One at a time over MQTT: the clock of an incident starts when its last event leaves.
        step = 1 if sending.via is Via.MQTT else len(sending.events)
        for first in range(0, len(sending.events), step):
            part = sending.events[first : first + step]
            tenant = str(part[0].get("tenant", ""))
            sender = self._mqtt[tenant] if sending.via is Via.MQTT else self._http
            if clock is not None:
                clock.sent_at = time.time()
            await sender.send(part)
            self._planted += len(part)

    async def hush(self, patience_s: float) -> None:
        """No more ordinary traffic; wait until what was sent is confirmed, at most ``patience_s``."""
        self._going = False
        limit = time.monotonic() + patience_s
        queues: Sequence[Queue] = [self._posts, *self._queues.values()]
        for queue in queues:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, limit - time.monotonic())):
                    await queue.emptied()

    async def stop(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _talk(self, traffic: Traffic) -> None:
        """Ordinary events at a steady rate; a slow machine gets fewer, never a flood to catch up."""
        per_tick = round(RATE * TICK_S)
        while self._going:
            for _ in range(per_tick):
                event = traffic.next(time.time())
                over_mqtt = next(self._turn) // len(self._queues) % 2 == 0
                queue = self._queues[event["tenant"]] if over_mqtt else self._posts
                queue.put(event)
            await asyncio.sleep(TICK_S)
