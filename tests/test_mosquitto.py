"""The broker helper itself: what its docstring promises."""

import asyncio
import time
from pathlib import Path

import aiomqtt
import pytest

from tests.mosquitto import Mosquitto, wait_for_port
from tests.peers import program


async def _publish(port: int, **login: str) -> None:
    async with aiomqtt.Client("127.0.0.1", port, **login) as client:
        await client.publish("t", b"x", qos=1)


def test_sessions_survive_a_restart_on_the_same_port(mosquitto: Mosquitto) -> None:
    async def subscribe() -> None:
        async with aiomqtt.Client(
            "127.0.0.1", mosquitto.port, identifier="keeper", clean_session=False
        ) as client:
            await client.subscribe("t", qos=1)

    async def read() -> bytes:
        async with (
            aiomqtt.Client(
                "127.0.0.1", mosquitto.port, identifier="keeper", clean_session=False
            ) as client,
            asyncio.timeout(30),
        ):
            async for message in client.messages:
                return bytes(message.payload)
        raise AssertionError("nothing came")

    asyncio.run(subscribe())
    asyncio.run(_publish(mosquitto.port))
    port = mosquitto.port
    mosquitto.restart()
    assert mosquitto.port == port
    assert asyncio.run(read()) == b"x"


def test_a_killed_broker_is_gone_and_comes_back(mosquitto: Mosquitto) -> None:
    mosquitto.kill()
    assert not wait_for_port(mosquitto.port, 0.05)
    mosquitto.start()
    asyncio.run(_publish(mosquitto.port))


def test_users_are_asked_for_their_password(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, users={"anna": "secret"}) as broker:
        asyncio.run(_publish(broker.port, username="anna", password="secret"))
        with pytest.raises(aiomqtt.MqttError):
            asyncio.run(_publish(broker.port))


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="no_such_setting"):
        Mosquitto(tmp_path, settings=["no_such_setting 1"]).start()
    assert time.monotonic() - started < 5


def test_a_missing_peer_fails_where_peers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RULESD_REQUIRE_PEERS", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install no-such-peer"):
        program("no-such-peer")
    monkeypatch.delenv("RULESD_REQUIRE_PEERS")
    with pytest.raises(pytest.skip.Exception):
        program("no-such-peer")
