"""How the assistants' events reach the daemon: MQTT at QoS 1, one connection a tenant, and HTTP in NDJSON batches.

Law: a sender keeps what it sends until it is confirmed (PUBACK, 202) and sends it again after a failure, as a good producer does;
so an event may arrive twice and none is lost.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import aiohttp
import aiomqtt
import orjson

from rulesd.demo.forge import Event

RETRY_S = 0.3
BATCH = 500
WAITING = 5_000
"""Ordinary events that may wait for a slow machine; more are not made."""


class Sender(Protocol):
    """Takes events and confirms them."""

    async def send(self, events: Sequence[Event]) -> None:
        """Return once all are confirmed."""
        ...


class MqttSender:
    """One tenant's connection to the broker."""

    def __init__(self, port: int, tenant: str) -> None:
        """The broker listens on ``port`` of the loopback."""
        self._port, self._tenant = port, tenant
        self._client: aiomqtt.Client | None = None
        self._turn = asyncio.Lock()

    async def send(self, events: Sequence[Event]) -> None:
        """Publish one message an event; what was not confirmed is published again."""
        async with self._turn:
            for event in events:
                await self._publish(event)

    async def _publish(self, event: Event) -> None:
        service = str(event["source"]).rpartition("/")[2]
        topic = f"safety/{self._tenant}/events/{service}"
        while True:
            try:
                client = await self._connected()
                await client.publish(topic, orjson.dumps(event), qos=1, timeout=10)
            except aiomqtt.MqttError:
                await self._drop()
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _connected(self) -> aiomqtt.Client:
        if self._client is None:
            client = aiomqtt.Client("127.0.0.1", self._port, timeout=10)
            await client.__aenter__()
            self._client = client
        return self._client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.__aexit__(None, None, None)
            except aiomqtt.MqttError:
                return

    async def close(self) -> None:
        """Disconnect."""
        await self._drop()


class HttpSender:
    """Posts NDJSON to ``/v1/events``."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        """``url``: the daemon's address."""
        self._session, self._url = session, f"{url}/v1/events"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
        }

    async def send(self, events: Sequence[Event]) -> None:
        """Post, and post again until the daemon has taken them."""
        for first in range(0, len(events), BATCH):
            body = b"\n".join(orjson.dumps(e) for e in events[first : first + BATCH])
            while True:
                if await self._post(body):
                    break
                await asyncio.sleep(RETRY_S)

    async def _post(self, body: bytes) -> bool:
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=20),
            ) as answer:
                await answer.read()
                return answer.status == 202
        except (aiohttp.ClientError, TimeoutError):
            return False


class Queue:
    """Ordinary events on their way through one sender, in batches, without holding anybody up."""

    def __init__(self, sender: Sender) -> None:
        """Nothing is sent before ``run``."""
        self._sender = sender
        self._events: list[Event] = []
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.confirmed = 0

    def put(self, event: Event) -> bool:
        """Whether there was room."""
        if len(self._events) >= WAITING:
            return False
        self._events.append(event)
        self._empty.clear()
        self._news.set()
        return True

    async def emptied(self) -> None:
        """Return once everything is confirmed."""
        await self._empty.wait()

    async def run(self, pause_s: float) -> None:
        """Send what is there, then rest ``pause_s``, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            batch, self._events = self._events, []
            await self._sender.send(batch)
            self.confirmed += len(batch)
            if not self._events:
                self._empty.set()
            await asyncio.sleep(pause_s)
