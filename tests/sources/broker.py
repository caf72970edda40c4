"""A scripted MQTT 3.1.1 broker on loopback: it does what a test says, and remembers what the client did.

It keeps one session: what was delivered and not acknowledged is delivered again, marked as a duplicate, after the next
CONNECT, as a broker does for a persistent session.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Connect:
    """What a client said in CONNECT."""

    client_id: str
    level: int
    clean: bool
    keepalive: int
    username: str = ""
    password: str = ""


@dataclass
class Sent:
    """One message of the session."""

    topic: str
    payload: bytes
    qos: int
    mid: int


@dataclass
class ScriptedBroker:
    """Start it with ``async with``; ``port`` is where it listens."""

    connack: int = 0
    suback: Callable[[str], int] = lambda topic: 1
    "The code to grant for a topic filter."

    port: int = 0
    connects: list[Connect] = field(default_factory=list)
    subscribed: list[tuple[str, int]] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    disconnects: int = 0
    "Polite ones."

    session: dict[int, Sent] = field(default_factory=dict)
    before_suback: Callable[["ScriptedBroker"], None] = lambda broker: None
    _writer: asyncio.StreamWriter | None = None
    _mid: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None
    _readers: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def listen(self) -> None:
        """Listen (again, on the same port)."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop the client."""
        assert self._server is not None
        self._server.close()
        self.kick()
        await asyncio.gather(*self._readers)

    def kick(self) -> None:
        """Drop the connection without a word, as 3.1.1 does when another client takes the session over."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def deliver(self, topic: str, payload: bytes, qos: int = 1) -> int:
        """Send a message; it stays in the session until acknowledged."""
        self._mid += 1
        sent = Sent(topic, payload, qos, self._mid)
        if qos:
            self.session[sent.mid] = sent
        self._send(sent, duplicate=False)
        return sent.mid

    async def until(
        self, happened: Callable[["ScriptedBroker"], object], seconds: float = 5
    ) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: bool(happened(self)))

    # ------------------------------------------------------------------ the wire

    def _send(self, sent: Sent, *, duplicate: bool) -> None:
        if self._writer is None:
            return
        topic = sent.topic.encode()
        body = len(topic).to_bytes(2, "big") + topic
        if sent.qos:
            body += sent.mid.to_bytes(2, "big")
        flags = 0x30 | (8 if duplicate else 0) | (sent.qos << 1)
        self._writer.write(_packet(flags, body + sent.payload))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._readers.add(task)
        try:
            while True:
                kind, body = await _read(reader)
                self._take(kind, body, writer)
                async with self._changed:
                    self._changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()
            self._readers.discard(task)

    def _take(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        match kind >> 4:
            case 1:
                self.connects.append(_connect(body))
                writer.write(_packet(0x20, bytes([1 if self.session else 0, self.connack])))
                if not self.connack:
                    self._writer = writer
                    for sent in self.session.values():
                        self._send(sent, duplicate=True)
            case 8:
                topics = _topics(body[2:])
                self.subscribed += topics
                self.before_suback(self)
                codes = bytes(self.suback(topic) for topic, _ in topics)
                writer.write(_packet(0x90, body[:2] + codes))
            case 4:
                mid = int.from_bytes(body[:2], "big")
                self.acknowledged.append(mid)
                self.session.pop(mid, None)
            case 12:
                writer.write(_packet(0xD0, b""))
            case 14:
                self.disconnects += 1


def _packet(first: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = rest >> 7, rest & 127
        length.append(digit | (128 if rest else 0))
        if not rest:
            return bytes([first]) + bytes(length) + body


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 127) << shift
        shift += 7
        if digit < 128:
            return kind, await reader.readexactly(length)


def _text(body: bytes, at: int) -> tuple[str, int]:
    end = at + 2 + int.from_bytes(body[at : at + 2], "big")
    return body[at + 2 : end].decode(), end


def _connect(body: bytes) -> Connect:
    _, at = _text(body, 0)
    level, flags = body[at], body[at + 1]
    keepalive = int.from_bytes(body[at + 2 : at + 4], "big")
    client_id, at = _text(body, at + 4)
    out = Connect(client_id, level, bool(flags & 2), keepalive)
    if flags & 0x80:
        out.username, at = _text(body, at)
    if flags & 0x40:
        out.password, at = _text(body, at)
    return out


def _topics(body: bytes) -> list[tuple[str, int]]:
    out, at = [], 0
    while at < len(body):
        topic, at = _text(body, at)
        out.append((topic, body[at]))
        at += 1
    return out
