"""The MQTT sources of a daemon, made from its settings.

Law: the client id is made once and kept with the state, so that the broker's session outlives a restart; several brokers have
names of their own.
"""

import secrets
from collections.abc import Callable, Sequence

from rulesd.config.settings import Mqtt
from rulesd.ingest.decode import Decoder
from rulesd.notify.retained import RetainedSwitches
from rulesd.ports.daemon import Daemon
from rulesd.runners.local import Parts
from rulesd.sources.mqtt import MqttSource
from rulesd.sources.mqtt_broker import Broker, broker_at, tls_context

CLIENT_ID = "mqtt/client_id"
"Under this name the store keeps it."


async def mqtt_sources(
    settings: Sequence[Mqtt],
    daemon: Daemon,
    parts: Parts,
    *,
    decoder: Callable[[], Decoder],
    secret: Callable[[object], str],
) -> list[tuple[str, MqttSource]]:
    """By name, one source for each broker; nothing is connected yet.

    Raises:
        ValueError: an address that is none; the text says what to write.
    """
    if not settings:
        return []
    own = await client_id(daemon)
    return [_source(each, n, own, parts, decoder(), secret) for n, each in enumerate(settings)]


async def client_id(daemon: Daemon) -> str:
    """``rulesd-`` and eight hex digits, the same after every restart."""
    known = daemon.store.setting(CLIENT_ID)
    if known:
        return known.decode()
    made = f"rulesd-{secrets.token_hex(4)}"
    await daemon.put_setting(CLIENT_ID, made.encode())
    return made


async def retained_switches(
    settings: Sequence[Mqtt], daemon: Daemon, *, secret: Callable[[object], str]
) -> list[RetainedSwitches]:
    """One publisher of switches for each broker; nothing is connected yet.

    Raises:
        ValueError: an address or a signing secret that is none; the text says what to write.
    """
    if not settings:
        return []
    own = await client_id(daemon)
    out: list[RetainedSwitches] = []
    for n, each in enumerate(settings):
        broker = _broker(each, own + _suffix(n), secret)
        keys = [secret(each.switches_secret)] if each.switches_secret is not None else []
        out.append(RetainedSwitches(broker, daemon.acting, now=daemon.now, secrets=keys))
    return out


def _suffix(position: int) -> str:
    return "" if position == 0 else f"-{position + 1}"


def _source(
    each: Mqtt,
    position: int,
    own: str,
    parts: Parts,
    decoder: Decoder,
    secret: Callable[[object], str],
) -> tuple[str, MqttSource]:
    suffix = _suffix(position)
    broker = _broker(each, f"{own}{suffix}", secret)
    name = f"mqtt{suffix}"
    source = MqttSource(
        broker, intake=parts.crank, decoder=decoder, clock=parts.clock, meter=parts.meter, name=name
    )
    return name, source


def _broker(each: Mqtt, own: str, secret: Callable[[object], str]) -> Broker:
    tls = None
    if each.tls is not None:
        files = (each.tls.ca_file, each.tls.cert_file, each.tls.key_file)
        tls = tls_context(*files, insecure=each.tls.insecure_skip_verify)
    return broker_at(
        each.url,
        client_id=each.client_id or own,
        topics=each.topics,
        protocol=each.protocol,
        username=each.username,
        password=secret(each.password) if each.password else "",
        tls=tls,
    )
