import asyncio
import gc
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiomqtt
import orjson
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

import rulesd
from rulesd.model.errors import StoreError
from rulesd.ports.intake import Overloaded
from rulesd.ports.meter import Meter
from rulesd.sources.mqtt_broker import broker_at
from rulesd.sources.mqtt_client import INBOX_BYTES, Connection, Lost, _Inbox, _reason_code
from tests.contracts.source import event
from tests.sources.bench import TOPIC, MqttBench, mqtt_bench, source_for, until_up
from tests.sources.broker import ScriptedBroker, Sent
from tests.sources.intake import ScriptedIntake


def play(story: Callable[[MqttBench], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with asyncio.timeout(60), mqtt_bench(**options) as bench:
            await story(bench)

    asyncio.run(run())


async def problem_says(bench: MqttBench, *words: str) -> str:
    async with asyncio.timeout(30):
        while not all(word in bench.source.problem() for word in words):
            await asyncio.sleep(0.01)
    return bench.source.problem()


async def overflow(bench: MqttBench) -> None:
    """Wait until more has come than fits."""
    connection = bench.source._connection
    assert connection is not None
    async with asyncio.timeout(30):
        while not connection._inbox.overflowed:
            await asyncio.sleep(0.01)


# ----------------------------------------------------------------------------------- how it connects


def test_it_connects_as_a_persistent_session_and_asks_for_qos_1() -> None:
    async def story(bench: MqttBench) -> None:
        (connect,) = bench.broker.connects
        assert connect.client_id == "rulesd-01234567"
        assert connect.level == 4  # MQTT 3.1.1
        assert not connect.clean
        assert (connect.username, connect.password) == ("me", "s3cret")
        assert bench.broker.subscribed == [("safety/+/events/#", 1)]
        assert bench.source.problem() == ""
        assert bench.source.status().down_s == 0
        assert bench.count("rulesd_source_up") == 1
        await bench.source.stop()
        assert bench.broker.disconnects == 1
        assert bench.count("rulesd_source_up") == 0
        assert bench.source.problem() == "stopped"

    play(story, username="me", password="s3cret")


def test_acknowledging_ourselves_is_switched_on_before_connecting() -> None:
    # Guards the private attribute of aiomqtt: if a new release moves it, this fails before anything is lost.
    async def run() -> None:
        connection = Connection(broker_at("mqtt://h", client_id="x"), packet_bytes=1000)
        assert connection._paho._manual_ack is True
        assert callable(connection._paho.ack)
        assert connection._paho is connection._client._client
        assert not connection.connected

    asyncio.run(run())
    assert aiomqtt.__name__ == "aiomqtt"


def test_a_session_delivered_before_suback_waits_for_the_commit() -> None:
    async def story(bench: MqttBench) -> None:
        bench.intake.gate.clear()
        await bench.reconnect()  # Opens the gate; the message below waits in the session.
        bench.intake.gate.clear()
        await bench.intake.until(calls=1)
        assert bench.broker.acknowledged == []
        bench.intake.gate.set()
        await bench.until_acknowledged(1)

    def kept(broker: ScriptedBroker) -> None:
        broker.session[7] = Sent(TOPIC, event(1), 1, 7)

    async def run() -> None:
        async with mqtt_bench(script={"before_suback": kept}) as bench:
            await story(bench)

    asyncio.run(run())


def test_a_refused_subscription_is_said_and_tried_again() -> None:
    codes = iter([0x80, 0])
    script = {"suback": lambda topic: next(codes, 1)}

    async def story(bench: MqttBench) -> None:
        said = await problem_says(bench, "refused the subscription to safety/+/events/#")
        assert "access list" in said
        assert not bench.source.status().up
        assert bench.count("rulesd_source_up") == 0
        await until_up(bench.source)
        assert (
            len(bench.broker.connects) == 3
        )  # QoS 0 is a refusal too: nothing would be redelivered.
        assert bench.count("rulesd_mqtt_sessions_total", outcome="refused") == 2
        assert bench.source.problem() == ""

    play(story, wait=False, script=script)


def test_one_refused_topic_is_named() -> None:
    script = {"suback": lambda topic: 0x80 if topic.startswith("other") else 1}

    async def story(bench: MqttBench) -> None:
        said = await problem_says(bench, "refused")
        assert "other/+/x" in said
        assert "safety" not in said

    play(story, wait=False, script=script, topics=("safety/+/events/#", "other/+/x"))


def test_a_refused_connection_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def story(bench: MqttBench) -> None:
        await problem_says(bench, "refused the connection", "authori")
        bench.broker.connack = 0
        await until_up(bench.source)

    play(story, wait=False, script={"connack": 5}, password="s3cret", username="me")
    assert "outcome=refused" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_broker_that_is_down_at_the_start_is_waited_for() -> None:
    async def run() -> None:
        broker = ScriptedBroker()
        await broker.listen()
        await broker.close()
        source = source_for(f"mqtt://127.0.0.1:{broker.port}", ScriptedIntake())
        assert "not connected" in source.problem()
        running = asyncio.create_task(source.run())
        async with asyncio.timeout(30):
            while "cannot be reached" not in source.problem():
                await asyncio.sleep(0.01)
            assert source.status().down_s > 0
            await broker.listen()
            await until_up(source)
            await source.stop()
            await running
        await broker.close()

    asyncio.run(run())


def test_a_name_that_does_not_exist_is_said() -> None:
    async def run() -> None:
        source = source_for("mqtt://no-such-host.invalid", ScriptedIntake())
        running = asyncio.create_task(source.run())
        async with asyncio.timeout(30):
            while "cannot be reached" not in source.problem():
                await asyncio.sleep(0.01)
            await source.stop()
            await running

    asyncio.run(run())


def test_stopping_before_or_while_nothing_answers_is_quick() -> None:
    async def run() -> None:
        await source_for("mqtt://127.0.0.1:1", ScriptedIntake()).stop()
        source = source_for("mqtt://127.0.0.1:1", ScriptedIntake())
        running = asyncio.create_task(source.run())
        await asyncio.sleep(0.1)
        async with asyncio.timeout(15):
            await source.stop()
            await running

    asyncio.run(run())


def test_a_lost_connection_comes_back() -> None:
    async def story(bench: MqttBench) -> None:
        bench.broker.kick()
        await problem_says(bench, "was lost")
        await until_up(bench.source)
        bench.send(event(1))
        await bench.until_acknowledged(1)
        assert bench.count("rulesd_mqtt_sessions_total", outcome="lost") == 1
        assert bench.count("rulesd_mqtt_sessions_total", outcome="connected") == 2

    play(story)


def test_a_session_that_is_taken_over_is_loud_and_not_fought_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(bench: MqttBench) -> None:
        bench.broker.kick()
        await problem_says(bench, "was lost")
        await until_up(bench.source)
        bench.broker.kick()
        said = await problem_says(bench, "another client")
        assert "rulesd-01234567" in said
        assert bench.count("rulesd_mqtt_sessions_total", outcome="taken_over") == 1
        await asyncio.sleep(1)
        assert len(bench.broker.connects) == 2  # A mere loss would have been tried again by now.

    play(story)
    assert any(
        record.levelno >= logging.WARNING and "taken_over" in record.message
        for record in caplog.records
    )


def test_mqtt_5_says_who_took_the_session() -> None:
    taken = ReasonCode(PacketTypes.DISCONNECT, identifier=0x8E)
    error = aiomqtt.MqttCodeError(taken, "Unexpected disconnection")
    assert _reason_code(error) == 0x8E
    wrapped = aiomqtt.MqttError("Disconnected during message iteration")
    wrapped.__cause__ = error
    assert _reason_code(wrapped) == 0x8E
    assert _reason_code(aiomqtt.MqttError("x")) == 0
    assert _reason_code(aiomqtt.MqttCodeError(7)) == 7

    async def story(bench: MqttBench) -> None:
        bench.source._lost(Lost("x", taken_over=True))
        assert "another client" in bench.source.problem()

    play(story)


def test_nobody_complains_about_a_connection_lost_while_messages_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(bench: MqttBench) -> None:
        bench.intake.refusals = [Overloaded("full", 1)]
        bench.send(event(1))
        await bench.intake.until(calls=1)
        bench.broker.kick()
        await bench.broker.until(lambda b: len(b.connects) == 2)
        await bench.until_acknowledged(1)

    play(story)
    gc.collect()
    assert "never retrieved" not in caplog.text


# ------------------------------------------------------------------------------------ what it takes


def test_the_topics_tenant_wins() -> None:
    async def story(bench: MqttBench) -> None:
        claimed = {**orjson.loads(event(1)), "tenant": "globex"}
        bench.send(orjson.dumps(claimed))
        await bench.until_acknowledged(1)
        (got,) = bench.intake.events
        assert got.tenant == "acme"
        assert got.document["tenant_claimed"] == "globex"
        assert bench.meter.registry.get_sample_value(
            "rulesd_event_notices_total", {"notice": "tenant_disagrees"}
        )

    play(story)


def test_a_topic_without_a_tenant_is_a_rejection_and_acknowledged() -> None:
    async def story(bench: MqttBench) -> None:
        for topic in ("safety//events/x", "safety/c4n4ry text/events/x"):
            bench.broker.deliver(topic, event(1))
        await bench.until_acknowledged(2)
        assert [bad.code for bad in bench.intake.rejected] == ["invalid_topic"] * 2
        assert "c4n4ry" not in repr(bench.intake.rejected)
        assert bench.intake.events == []

    play(story)


def test_messages_of_qos_0_are_taken_and_not_acknowledged() -> None:
    async def story(bench: MqttBench) -> None:
        bench.broker.deliver(TOPIC, event(1), qos=0)
        bench.send(event(2))
        await bench.until_acknowledged(1)
        assert bench.intake.ids == ["e-1", "e-2"]
        assert len(bench.broker.acknowledged) == 1

    play(story)


def test_a_message_above_the_limit_is_a_rejection() -> None:
    from rulesd.ingest.limits import Limits

    async def story(bench: MqttBench) -> None:
        bench.send(b"x" * 2_000)
        await bench.until_acknowledged(1)
        assert [bad.code for bad in bench.intake.rejected] == ["too_large"]

    play(story, limits=Limits(body=1_000))


def test_a_large_batch_in_one_message_is_one_acknowledgement() -> None:
    async def story(bench: MqttBench) -> None:
        bench.send(b"[" + b",".join(event(n) for n in range(5_000)) + b"]")
        await bench.until_acknowledged(1)
        assert bench.intake.ids == [f"e-{n}" for n in range(5_000)]

    play(story)


# -------------------------------------------------------------------------------- when it is too much


def test_withheld_messages_are_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    async def story(bench: MqttBench) -> None:
        bench.intake.refusals = [StoreError("the disk is full")]
        bench.send(event(1))
        await problem_says(bench, "messages wait at the broker", "the disk is full")
        assert bench.source.status().up  # The session stands; only acknowledgements are withheld.
        await bench.until_acknowledged(1)
        assert bench.source.problem() == ""
        assert bench.count("rulesd_mqtt_messages_total", outcome="withheld") == 1
        assert bench.count("rulesd_mqtt_messages_total", outcome="acknowledged") == 1

    play(story)
    assert "withholds" in caplog.text


def test_a_connection_lost_while_messages_wait_is_noticed() -> None:
    async def story(bench: MqttBench) -> None:
        bench.intake.refusals = [Overloaded("full", 1)]
        bench.send(event(1))
        await bench.intake.until(calls=1)
        await bench.reconnect()
        await bench.until_acknowledged(1)
        assert bench.intake.ids == ["e-1"]

    play(story)


def test_what_does_not_fit_is_left_to_the_broker_and_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rulesd.sources.mqtt_client.INBOX_MESSAGES", 10)

    async def story(bench: MqttBench) -> None:
        bench.intake.gate.clear()
        bench.send(event(0))
        await bench.intake.until(calls=1)
        for number in range(1, 31):
            bench.send(event(number))
        await overflow(bench)
        bench.intake.gate.set()
        await bench.broker.until(lambda b: not b.session)
        assert list(dict.fromkeys(bench.intake.ids)) == [f"e-{n}" for n in range(31)]
        assert bench.count("rulesd_mqtt_sessions_total", outcome="overflow") >= 1
        assert bench.count("rulesd_mqtt_sessions_total", outcome="taken_over") == 0

    play(story)


def test_bytes_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.sources.mqtt_client.INBOX_BYTES", 1_000)

    async def story(bench: MqttBench) -> None:
        bench.intake.gate.clear()
        bench.send(event(0))
        await bench.intake.until(calls=1)
        for number in range(1, 21):
            bench.send(event(number))
        await overflow(bench)
        bench.intake.gate.set()
        await bench.broker.until(lambda b: not b.session)
        assert set(bench.intake.ids) == {f"e-{n}" for n in range(21)}

    play(story)


def test_what_was_taken_no_longer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.sources.mqtt_client.INBOX_BYTES", 1_000)

    async def story(bench: MqttBench) -> None:
        for number in range(20):
            bench.send(event(number))
            await bench.until_acknowledged(number + 1)
        assert bench.count("rulesd_mqtt_sessions_total", outcome="overflow") == 0

    play(story)


def test_after_the_first_that_does_not_fit_none_passes() -> None:
    async def run() -> None:
        inbox = _Inbox()
        message = aiomqtt.Message(TOPIC, b"x", 1, False, 1, None)
        inbox.held = INBOX_BYTES + 1
        inbox.put_nowait(message)
        inbox.held = 0
        inbox.put_nowait(message)
        assert (inbox.overflowed, len(inbox.waiting)) == (2, 0)

    asyncio.run(run())


def test_what_is_left_of_a_broken_connection_is_forgotten_not_taken_twice() -> None:
    async def story(bench: MqttBench) -> None:
        bench.intake.gate.clear()
        bench.send(event(0))
        await bench.intake.until(calls=1)
        for number in range(1, 6):
            bench.send(event(number))
        await asyncio.sleep(0.1)
        connection = bench.source._connection
        assert connection is not None
        bench.broker.kick()
        while connection.connected:
            await asyncio.sleep(0.01)
        bench.intake.gate.set()
        await bench.broker.until(lambda b: not b.session)
        assert bench.intake.ids == ["e-0", *(f"e-{n}" for n in range(6))]

    play(story)


# ---------------------------------------------------------------------------------------- the law


def importers(library: str) -> set[str]:
    """The modules that import it. Producers of the demo show the way in and are no part of the daemon."""
    folder = Path(rulesd.__file__).parent
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if "demo" not in path.parts
        and re.search(rf"^\s*(import|from) {library}\b", path.read_text(), re.MULTILINE)
    }


def test_one_source_imports_aiomqtt_and_nothing_else_knows_its_inside() -> None:
    assert importers("aiomqtt") == {"sources/mqtt_client.py", "notify/retained.py"}
    assert importers("paho") == {"sources/mqtt_client.py"}


def test_every_word_is_visible_from_the_first_scrape() -> None:
    async def run() -> float | None:
        meter = Meter()
        source_for("mqtt://h", ScriptedIntake(), meter)
        return meter.registry.get_sample_value("rulesd_source_up", {"source": "mqtt"})

    assert asyncio.run(run()) == 0
