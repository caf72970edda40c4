"""One connection to an MQTT broker whose messages are acknowledged by hand.

Law: the only source that imports aiomqtt, and the only module that imports paho; their exceptions and values end here.

aiomqtt acknowledges a message when it enters a queue in memory, which loses it in a crash. Its paho client can leave that to us;
the switch is behind a private attribute (aiomqtt 2.5) and must be thrown before connecting, because a persistent session is
delivered right after CONNACK. ``_acknowledge_ourselves`` is the only place that knows, and a test guards it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple, cast

import aiomqtt
from paho.mqtt.client import Client as Paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from rulesd.ingest.limits import MIB
from rulesd.model.errors import RulesdError
from rulesd.sources.mqtt_broker import Broker

BATCH_MESSAGES = 500
BATCH_BYTES = 256 * 1024
"A batch ends with the message that passes this: about 4 ms of decoding."

GATHER_TURNS = 16
"How many turns of the loop a batch may wait while each brings a message: under a millisecond."

INBOX_MESSAGES = 20_000
INBOX_BYTES = 64 * MIB
"Above either, messages are left to the broker: they come again after a new connection."

WINDOW = 1_000
"MQTT 5: how many unacknowledged messages the broker may have under way to us."

SESSION_S = 7 * 24 * 3600
"MQTT 5: how long the broker keeps the session of a daemon that is away."

KEEPALIVE_S = 30
ANSWER_S = 10.0
"How long the broker may take to answer CONNECT, SUBSCRIBE and DISCONNECT."

_TAKEN_OVER = 0x8E
"MQTT 5's reason code for it; 3.1.1 has none."


class Refused(RulesdError):
    """The broker answered, and said no: to the connection or to a subscription."""


class Unreachable(RulesdError):
    """No broker answers."""


class Lost(RulesdError):
    """The connection is gone. ``taken_over`` when the broker said that another client has our name."""

    def __init__(self, message: str, *, taken_over: bool = False) -> None:
        """Say why."""
        super().__init__(message)
        self.taken_over = taken_over


class Overflowed(RulesdError):
    """More came than fits; everything that fitted is dealt with, the rest comes again after a new connection."""


class Message(NamedTuple):
    """One message as it came."""

    topic: str
    payload: bytes
    qos: int
    mid: int
    "The packet id to acknowledge; valid on this connection only."


class Connection:
    """A connection with its subscriptions granted."""

    def __init__(self, broker: Broker, *, packet_bytes: int) -> None:
        """Prepare; ``open_connection`` connects."""
        self._broker = broker
        self._inbox = _Inbox()
        self._client = _client(broker, self._inbox, packet_bytes)
        self._paho = _acknowledge_ourselves(self._client)
        self._watch: asyncio.Future[aiomqtt.Message]

    @property
    def connected(self) -> bool:
        """Whether it still stands."""
        return self._paho.is_connected()

    async def batch(self) -> list[Message]:
        """All messages that wait, at least one (empty only after ``wake``).

        Raises:
            Lost: the connection is gone. What was not acknowledged is delivered again.
            Overflowed: see there.
        """
        inbox = self._inbox
        if inbox.overflowed and not inbox.waiting:
            raise Overflowed(
                f"{inbox.overflowed} messages are left to the broker and fetched again"
            )
        if not inbox.waiting and not self._watch.done():
            await inbox.arrival()
            await inbox.gather()
        if self._watch.done() or not self.connected:
            await asyncio.wait([self._watch], timeout=1)
            raise self._end()
        return [
            Message(m.topic.value, bytes(m.payload), m.qos, m.mid)
            for m in inbox.take(BATCH_MESSAGES, BATCH_BYTES)
        ]

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Tell the broker that these are ours now (for QoS 0 there is nothing to tell)."""
        ack = self._paho.ack
        for message in batch:
            ack(message.mid, message.qos)

    def wake(self) -> None:
        """Let ``batch`` return although nothing came."""
        self._inbox.wake()

    async def _open(self) -> None:
        """Connect, and from then on notice when the connection ends."""
        name = self._broker.name
        try:
            await self._client.__aenter__()
        except aiomqtt.exceptions.MqttConnectError as error:
            self._paho.disconnect()
            raise Refused(f"{name} refused the connection: {_said(error)}") from None
        except (aiomqtt.MqttError, ValueError, UnicodeError) as error:
            # ValueError is paho's word for a host or client id it cannot use. A connection that was
            # broken off half-way still holds its socket.
            self._paho.disconnect()
            raise Unreachable(f"{name} cannot be reached: {error}") from None
        self._watch = asyncio.ensure_future(anext(self._client.messages))
        self._watch.add_done_callback(lambda _: self._inbox.wake())

    def _end(self) -> Lost:
        """Why the connection ended."""
        watch = self._watch
        error = watch.exception() if watch.done() and not watch.cancelled() else None
        if not isinstance(error, aiomqtt.MqttError):
            return Lost("it was closed")
        return Lost(_said(error), taken_over=_reason_code(error) == _TAKEN_OVER)

    async def _close(self) -> None:
        """Disconnect politely where that is still possible, and let go of everything."""
        with contextlib.suppress(aiomqtt.MqttError):
            await self._client.__aexit__(None, None, None)
        self._watch.cancel()
        await asyncio.wait([self._watch])
        self._end()
        self._paho.disconnect()

    async def _subscribe(self) -> None:
        """Subscribe with QoS 1 and look at what was granted: an unchecked SUBACK looks like silence."""
        topics = self._broker.topics
        try:
            codes = await self._client.subscribe([(topic, 1) for topic in topics])
        except aiomqtt.MqttError as error:
            raise Lost(_said(error)) from None
        granted = [code if isinstance(code, int) else code.value for code in codes]
        granted += [_TAKEN_OVER] * (len(topics) - len(granted))
        refused = [t for t, code in zip(topics, granted, strict=False) if code not in {1, 2}]
        if refused:
            raise Refused(
                f"{self._broker.name} refused the subscription to {', '.join(refused)} at QoS 1."
                f" Let client {self._broker.client_id} read it in the broker's access list"
            )


@contextlib.asynccontextmanager
async def open_connection(broker: Broker, *, packet_bytes: int) -> AsyncIterator[Connection]:
    """Connect, subscribe, and disconnect at the end; the broker keeps the session.

    Raises:
        Refused: the broker does not want us, or not on these topics.
        Unreachable: no broker answers, or not in time, or not under this name.
        Lost: it went away while we subscribed.
    """
    connection = Connection(broker, packet_bytes=packet_bytes)
    await connection._open()  # noqa: SLF001
    try:
        await connection._subscribe()  # noqa: SLF001
        yield connection
    finally:
        await connection._close()  # noqa: SLF001


def _acknowledge_ourselves(client: aiomqtt.Client) -> Paho:
    """Leave acknowledgements to us; to be called before connecting."""
    paho = client._client  # noqa: SLF001 - aiomqtt 2.5 has no public way.
    paho.manual_ack_set(True)
    return paho


def _client(broker: Broker, inbox: "_Inbox", packet_bytes: int) -> aiomqtt.Client:
    options: dict[str, Any] = {"clean_session": False}
    if broker.protocol == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = WINDOW
        properties.MaximumPacketSize = packet_bytes
        options = {"clean_start": False, "properties": properties}
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username or None,
        password=broker.password or None,
        identifier=broker.client_id,
        protocol=aiomqtt.ProtocolVersion.V5
        if broker.protocol == "5"
        else aiomqtt.ProtocolVersion.V311,
        queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", lambda maxsize: inbox),
        keepalive=KEEPALIVE_S,
        timeout=ANSWER_S,
        tls_context=broker.tls,
        **options,
    )


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """What the broker has sent and no batch has taken; full means: leave it to the broker.

    aiomqtt puts messages in with ``put_nowait``. Its ``get`` never answers, so that waiting for the next message, which is
    aiomqtt's one public way to learn that a connection ended, waits for just that, without a task for each message.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting: deque[aiomqtt.Message] = deque()
        self.held = 0
        "Bytes in it."

        self.overflowed = 0
        "Messages that did not fit; the order is kept by letting none pass after the first."

        self._arrival: asyncio.Future[None] | None = None

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Take a message in, or count it out."""
        full = len(self.waiting) >= INBOX_MESSAGES or self.held > INBOX_BYTES
        if self.overflowed or full:
            self.overflowed += 1
            return
        self.held += len(item.payload)
        self.waiting.append(item)
        if self._arrival is not None:
            self.wake()

    async def get(self) -> aiomqtt.Message:
        """Wait for ever (see above)."""
        never: asyncio.Future[aiomqtt.Message] = asyncio.get_running_loop().create_future()
        return await never

    async def arrival(self) -> None:
        """Wait for a message or for ``wake``."""
        self._arrival = asyncio.get_running_loop().create_future()
        try:
            await self._arrival
        finally:
            self._arrival = None

    async def gather(self) -> None:
        """Let a stream that is flowing fill the batch: paho reads one message in a turn of the loop."""
        before = 0
        for _ in range(GATHER_TURNS):
            if len(self.waiting) == before:
                return
            before = len(self.waiting)
            await asyncio.sleep(0)

    def wake(self) -> None:
        """End ``arrival``."""
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def take(self, messages: int, size: int) -> list[aiomqtt.Message]:
        """The oldest so many messages, up to the one that passes so many bytes."""
        waiting, taken = self.waiting, 0
        out: list[aiomqtt.Message] = []
        while waiting and len(out) < messages and taken < size:
            out.append(waiting.popleft())
            taken += len(out[-1].payload)
        self.held -= taken
        return out


def _reason_code(error: aiomqtt.MqttError) -> int:
    """The code of the broker's DISCONNECT, where there was one."""
    inner = error if isinstance(error, aiomqtt.MqttCodeError) else error.__cause__
    code = getattr(inner, "rc", None)
    return code if isinstance(code, int) else int(getattr(code, "value", 0))


def _said(error: aiomqtt.MqttError) -> str:
    """The library's words, from the cause where that says more."""
    return str(error.__cause__ or error)
