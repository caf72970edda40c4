"""The embedded broker: it comes up on ports of its own, or says why not and what to do."""

import asyncio
import os
from pathlib import Path

import aiomqtt
import pytest

from rulesd.demo import broker as module
from rulesd.demo.broker import TOPIC_FILTER, program, start_broker
from rulesd.demo.children import Children, DemoError


def test_without_the_program_the_message_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"pip install 'rulesd\[demo\]'"):
        program(path=str(tmp_path))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no room left; exit 7", r"it ended with code 7[\s\S]*no room left"),
        ("echo sleeping; exec sleep 30", "it did not listen within"),
    ],
)
def test_one_that_cannot_start_is_told_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    fake = tmp_path / "nats-server"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(module, "program", lambda: str(fake))
    monkeypatch.setattr(module, "START_S", 0.5)

    async def run() -> None:
        async with Children(tmp_path) as children:
            with pytest.raises(DemoError, match=said):
                await start_broker(children, tmp_path)

    asyncio.run(run())


@pytest.mark.external
def test_two_at_once_and_the_filter_is_granted(tmp_path: Path) -> None:
    try:
        program()
    except DemoError as error:
        if os.environ.get("RULESD_REQUIRE_PEERS"):
            raise
        pytest.skip(str(error))

    async def run() -> None:
        one, two = tmp_path / "1", tmp_path / "2"
        one.mkdir()
        two.mkdir()
        async with Children(one) as first, Children(two) as second:
            brokers = [await start_broker(first, one), await start_broker(second, two)]
            assert brokers[0].port != brokers[1].port
            for broker in brokers:
                assert broker.url == f"mqtt://127.0.0.1:{broker.port}"
                async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                    granted = await client.subscribe(TOPIC_FILTER, qos=1)
                    assert [str(code) for code in granted] == ["Granted QoS 1"]
                    await client.publish("safety/acme/events/x", b"hello", qos=1)
                    async for message in client.messages:
                        assert message.payload == b"hello"
                        break

    asyncio.run(run())
