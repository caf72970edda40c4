import asyncio
from types import SimpleNamespace

import pytest

from rulesd.config.settings import Mqtt, Tls
from rulesd.ingest.decode import Decoder
from rulesd.ports.meter import Meter
from rulesd.privacy.redact import Redactor
from rulesd.runners.brokers import CLIENT_ID, client_id, mqtt_sources, retained_switches
from rulesd.runners.clock import WallClock


class Daemon:
    """Keeps settings, as the running one does."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.store = SimpleNamespace(setting=self.kept.get)
        self.acting = None
        self.now = lambda: 0

    async def put_setting(self, name: str, value: bytes) -> None:
        self.kept[name] = value


PARTS = SimpleNamespace(crank=None, clock=WallClock(), meter=Meter())


def made(*brokers: Mqtt, daemon: Daemon | None = None) -> list[tuple[str, object]]:
    async def go() -> list[tuple[str, object]]:
        return await mqtt_sources(  # type: ignore[return-value]
            brokers, daemon or Daemon(), PARTS,  # type: ignore[arg-type]
            decoder=lambda: Decoder(Redactor(b"k" * 32)), secret=lambda reference: "pass",
        )  # fmt: skip

    return asyncio.run(go())


def test_the_client_id_is_made_once_and_kept() -> None:
    daemon = Daemon()
    first = asyncio.run(client_id(daemon))  # type: ignore[arg-type]
    assert first == asyncio.run(client_id(daemon)) == daemon.kept[CLIENT_ID].decode()  # type: ignore[arg-type]
    assert len(first) == len("rulesd-") + 8


def test_several_brokers_have_names_of_their_own() -> None:
    daemon = Daemon()
    sources = made(
        Mqtt(url="mqtt://a"),
        Mqtt(url="mqtts://b", tls=Tls(), username="u", password={"env": "X"}),
        Mqtt(url="mqtt://c", client_id="mine"),
        daemon=daemon,
    )
    assert [name for name, _ in sources] == ["mqtt", "mqtt-2", "mqtt-3"]


def test_without_brokers_nothing_is_made_or_kept() -> None:
    daemon = Daemon()
    assert made(daemon=daemon) == []
    assert daemon.kept == {}


def test_an_address_that_is_none_says_what_to_write() -> None:
    broken = Mqtt.model_construct(
        url="nowhere",
        topics=("x",),
        client_id="",
        protocol="3.1.1",
        username="",
        password=None,
        tls=None,
    )
    with pytest.raises(ValueError, match="mqtt://"):
        made(broken)


def test_switches_are_published_on_every_broker_under_names_of_their_own() -> None:
    daemon = Daemon()
    settings = [
        Mqtt(url="mqtt://a", switches_secret={"env": "X"}),
        Mqtt(url="mqtt://b"),
    ]
    secret = "whsec_c2VjcmV0IG9mIHJldGFpbmVkIG1lc3NhZ2Vz"

    async def go(chosen: list[Mqtt]) -> list[str]:
        made = await retained_switches(chosen, daemon, secret=lambda reference: secret)  # type: ignore[arg-type]
        return [outlet._broker.client_id.partition("-")[2][8:] for outlet in made]

    assert asyncio.run(go(settings)) == ["", "-2"]
    assert asyncio.run(go([])) == []
