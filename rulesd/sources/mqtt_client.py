"""One connection to an MQTT broker whose messages are acknowledged by hand.

Law: the only importer of aiomqtt and paho; their exceptions and values end here.

aiomqtt acknowledges a message when it enters a queue in memory, which loses it in a crash. Its paho client can leave that to us;
the switch is behind a private attribute (aiomqtt 2.5) and must be thrown before connecting, because a persistent session is
delivered right after CONNACK. ``_acknowledge_ourselves`` is the only place that knows, and a test guards it.
"""

import asyncio
import contextlib
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
        if inbox.overflowed and inbox.empty():
            raise Overflowed(
                f"{inbox.overflowed} messages are left to the broker and fetched again"
            )
        try:
            taken = [await anext(self._client.messages)]
            if not self.connected:
                inbox.clear()
                await anext(self._client.messages)
        except aiomqtt.MqttError as error:
            raise Lost(_said(error), taken_over=_reason_code(error) == _TAKEN_OVER) from None
        size = len(taken[0].payload)
        while not inbox.empty() and len(taken) < BATCH_MESSAGES and size < BATCH_BYTES:
            taken.append(inbox.get_nowait())
            size += len(taken[-1].payload)
        inbox.held -= size
        return [
            Message(m.topic.value, bytes(m.payload), m.qos, m.mid) for m in taken if m is not _WAKE
        ]

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Tell the broker that these are ours now (for QoS 0 there is nothing to tell)."""
        ack = self._paho.ack
        for message in batch:
            ack(message.mid, message.qos)

    def wake(self) -> None:
        """Let ``batch`` return although nothing came."""
        self._inbox.put_nowait(_WAKE)

    async def _see_it_off(self) -> None:
        """Hear why a broken connection broke, or asyncio complains that nobody did."""
        if not self.connected:
            self._inbox.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await anext(self._client.messages)

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
    client = connection._client  # noqa: SLF001
    try:
        await client.__aenter__()
    except aiomqtt.exceptions.MqttConnectError as error:
        _close(client)
        raise Refused(f"{broker.name} refused the connection: {_said(error)}") from None
    except (aiomqtt.MqttError, ValueError, UnicodeError) as error:
        # ValueError is paho's word for a host or client id it cannot use.
        _close(client)
        raise Unreachable(f"{broker.name} cannot be reached: {error}") from None
    try:
        await connection._subscribe()  # noqa: SLF001
        yield connection
    finally:
        try:
            await connection._see_it_off()  # noqa: SLF001
            await client.__aexit__(None, None, None)
        except aiomqtt.MqttError:
            pass
        finally:
            _close(client)


def _acknowledge_ourselves(client: aiomqtt.Client) -> Paho:
    """Leave acknowledgements to us; to be called before connecting."""
    paho = client._client  # noqa: SLF001 - aiomqtt 2.5 has no public way.
    paho.manual_ack_set(True)
    return paho


def _close(client: aiomqtt.Client) -> None:
    """Let go of the socket that a connection broken off half-way still holds."""
    client._client.disconnect()  # noqa: SLF001


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
    """What the broker has sent and no batch has taken; full means: leave it to the broker."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0
        "Bytes in it."

        self.overflowed = 0
        "Messages that did not fit; the order is kept by letting none pass after the first."

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Take a message in, or count it out."""
        full = self.qsize() >= INBOX_MESSAGES or self.held > INBOX_BYTES
        if item is not _WAKE and (self.overflowed or full):
            self.overflowed += 1
            return
        self.held += len(item.payload)
        super().put_nowait(item)

    def clear(self) -> None:
        """Forget everything: its connection is gone, and all of it comes again."""
        while not self.empty():
            self.get_nowait()
        self.held = 0


_WAKE = aiomqtt.Message("wake", b"", 0, False, 0, None)


def _reason_code(error: aiomqtt.MqttError) -> int:
    """The code of the broker's DISCONNECT, where there was one."""
    inner = error if isinstance(error, aiomqtt.MqttCodeError) else error.__cause__
    code = getattr(inner, "rc", None)
    return code if isinstance(code, int) else int(getattr(code, "value", 0))


def _said(error: aiomqtt.MqttError) -> str:
    """The library's words, from the cause where that says more."""
    return str(error.__cause__ or error)
