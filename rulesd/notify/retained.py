"""Kill switches as retained MQTT messages: what a service reads that has a broker but no HTTP, also while the daemon is down.

Law: the same truth as the flags. Every key's message holds all its settings with their scopes and ends, so that a service which only
holds the last message can let them expire by itself. Only what is durable is published. After a connection everything is published again,
keys whose settings ended lately (also during a downtime) with it: the broker's copy converges whatever it missed; a change publishes
the keys it concerns. Retained messages can be written by whoever may publish on the topic: each is signed (Standard Webhooks:
``id.timestamp.body``), and a broker's access list should let only rulesd write (docs/switches.md).
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

import aiomqtt
import orjson

from rulesd.core.switch_table import SwitchTable
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.notify.signing import read_secret, sign
from rulesd.ports.acting import Acting

log = logging.getLogger(__name__)

TOPIC = "rulesd/switches/"
REFRESH_S = 300.0
"Everything is published again this often, for brokers that forget retained messages."

FIRST_PAUSE_S, LAST_PAUSE_S = 1.0, 60.0


class Address(Protocol):
    """Where a broker is (``rulesd.sources.mqtt_broker.Broker`` is one)."""

    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def port(self) -> int: ...  # noqa: D102
    @property
    def client_id(self) -> str: ...  # noqa: D102
    @property
    def protocol(self) -> str: ...  # noqa: D102
    @property
    def username(self) -> str: ...  # noqa: D102
    @property
    def password(self) -> str: ...  # noqa: D102
    @property
    def tls(self) -> ssl.SSLContext | None: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102


class RetainedSwitches:
    """Publishes every key of one daemon on one broker, and again whenever something changes."""

    def __init__(
        self,
        broker: Address,
        acting: Acting,
        *,
        now: Callable[[], Instant],
        secrets: Sequence[str] = (),
    ) -> None:
        """``secrets``: to sign with, each gives one signature.

        Raises:
            ValueError: when a secret is none of Standard Webhooks; the text says how to make one.
        """
        self._broker, self._acting, self._now = broker, acting, now
        self._keys = tuple(read_secret(s) for s in secrets)
        self._published: dict[str, bytes] = {}
        "By key: what was last said of it, but for the version and the time."
        self.problem = ""
        "Why nothing is published; empty while it works."

    async def run(self) -> None:
        """Publish for ever; a broker that goes away is tried again, later and later."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with self._client() as client:
                    self.problem, pause = "", FIRST_PAUSE_S
                    await self._keep_publishing(client)
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                if not self.problem:
                    log.warning("switches are not published on %s: %s", self._broker.name, error)
                self.problem = f"switches are not published on {self._broker.name}: {error}"
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE_S)

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username or None,
            password=broker.password or None,
            identifier=f"{broker.client_id}-switches",
            protocol=aiomqtt.ProtocolVersion.V5
            if broker.protocol == "5"
            else aiomqtt.ProtocolVersion.V311,
            tls_context=broker.tls,
            timeout=10.0,
        )

    async def _keep_publishing(self, client: aiomqtt.Client) -> None:
        whole = True
        while True:
            version = self._acting.version
            for key, payload in self.messages(whole=whole):
                await client.publish(TOPIC + key, payload, qos=1, retain=True)
            changed = asyncio.ensure_future(self._acting.changed(version, REFRESH_S))
            lost = asyncio.ensure_future(anext(aiter(client.messages)))
            done, _ = await asyncio.wait({changed, lost}, return_when=asyncio.FIRST_COMPLETED)
            for task in (changed, lost):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                    await task
            if lost in done:
                raise aiomqtt.MqttError("the connection is gone")
            whole = changed not in done or self._acting.version == version

    def messages(self, *, whole: bool = True) -> list[tuple[str, bytes]]:
        """Keys with their signed messages: every one that has a value of its own, or had one lately; else those that differ from before."""
        table, version, at = self._acting.table, self._acting.version, self._now()
        known = {*self._published, *table.current_keys()}
        if whole:
            known.update(s.key for s in self._acting.history() if table.switch_of(s.key))
        out: list[tuple[str, bytes]] = []
        for key in sorted(known):
            said = body_of(table, key)
            plain = orjson.dumps(said)
            if whole or self._published.get(key) != plain:
                self._published[key] = plain
                out.append((key, self._message(key, said, version, at)))
        return out

    def _message(self, key: str, said: dict[str, Json], version: int, at: Instant) -> bytes:
        whole = said | {"version": version, "at": format_instant(at)}
        body = orjson.dumps(whole)
        headers = sign(self._keys, f"{key}@{version}", at // 1000, body)
        # Unsigned, there is nothing to verify and the fields stand in the open; signed, only what is signed may be read.
        plain = {} if self._keys else whole
        return orjson.dumps({**plain, "body": body.decode(), **headers})


def body_of(table: SwitchTable, key: str) -> dict[str, Json]:
    """What is said of one key: its value for everybody, and every setting with its scope and end, the winning one first."""
    everybody = table.verdict(key, {})
    settings: list[Json] = [
        {
            "setting": s.id,
            "scope": dict(s.scope),
            "value": s.value,
            "expires_at": None if s.expires_at is None else format_instant(s.expires_at),
        }
        for s in table.by_key.get(key, ())
    ]
    return {
        "key": key,
        "value": None if everybody is None else everybody.value,
        "default": None if everybody is None else everybody.switch.default,
        "settings": settings,
    }
