"""What is published of switches: signed, complete, and brought up to date."""

import asyncio
import json
from typing import Any

import aiomqtt
import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from rulesd.model.inputs import SwitchReverted, SwitchSet
from rulesd.model.instant import format_instant
from rulesd.notify import retained
from rulesd.notify.retained import TOPIC, RetainedSwitches
from rulesd.runners.acting import LocalActing
from rulesd.sources.mqtt_broker import broker_at
from tests.mosquitto import Mosquitto
from tests.web.acting import CAP, LOCK, HandCrank
from tests.web.fakes import NOW

LABELS = {"tool": "shell", "tenant": "acme"}
SECRET = "whsec_c2VjcmV0IG9mIHJldGFpbmVkIG1lc3NhZ2Vz"


def outlet(
    crank: HandCrank,
    url: str = "mqtt://127.0.0.1:1",
    now: int = NOW,
    secrets: tuple[str, ...] = (SECRET,),
) -> RetainedSwitches:
    acting = LocalActing(crank)  # type: ignore[arg-type]
    broker = broker_at(url, client_id="rulesd-test")
    return RetainedSwitches(broker, acting, now=lambda: now, secrets=secrets)


def lock(crank: HandCrank) -> None:
    item = SwitchSet(id="w1", switch="lock_tool", by="ana", reason="r", labels=LABELS)
    crank.engine.receive(item, NOW)


def read(payload: bytes, *, verify: bool = False) -> dict[str, Any]:
    envelope = json.loads(payload)
    if verify:
        Verifier(SECRET).verify(envelope["body"], envelope)
    found: dict[str, Any] = json.loads(envelope["body"])
    return found


def test_every_key_says_its_settings_with_scope_and_end() -> None:
    crank = HandCrank(LOCK, CAP)
    made = outlet(crank)
    assert [key for key, _ in made.messages()] == ["cap.usd_per_hour"]
    lock(crank)
    messages = dict(made.messages())
    said = read(messages["tool.shell.enabled"])
    assert (said["value"], said["default"]) == (True, True)
    assert said["settings"] == [
        {
            "setting": "w1",
            "scope": {"tenant": "acme"},
            "value": False,
            "expires_at": format_instant(NOW + 4 * 3_600_000),
        }
    ]
    crank.engine.receive(SwitchReverted(id="w1", by="ana"), NOW)
    assert read(dict(made.messages())["tool.shell.enabled"])["settings"] == []


def test_a_lock_that_ended_while_nobody_published_is_taken_from_the_broker() -> None:
    crank = HandCrank(LOCK, CAP)
    lock(crank)
    crank.engine.receive(SwitchReverted(id="w1", by="ana"), NOW)
    messages = dict(outlet(crank).messages())  # the daemon has just started
    assert read(messages["tool.shell.enabled"])["settings"] == []


def test_a_change_publishes_the_keys_it_concerns() -> None:
    crank = HandCrank(LOCK, CAP)
    made = outlet(crank)
    assert [key for key, _ in made.messages()] == ["cap.usd_per_hour"]
    lock(crank)
    assert [key for key, _ in made.messages(whole=False)] == ["tool.shell.enabled"]
    assert made.messages(whole=False) == []
    moved = SwitchSet(id="w2", switch="lock_tool", by="ana", reason="r", labels=LABELS)
    crank.engine.receive(moved, NOW + 60_000)
    ((_, payload),) = made.messages(whole=False)
    ends = format_instant(NOW + 60_000 + 4 * 3_600_000)
    assert read(payload)["settings"][0]["expires_at"] == ends


def test_a_message_is_signed_and_a_forged_one_is_recognised() -> None:
    import time

    made = outlet(HandCrank(CAP), now=int(time.time() * 1000))
    (payload,) = (p for _, p in made.messages())
    assert read(payload, verify=True)["key"] == "cap.usd_per_hour"
    envelope = json.loads(payload)
    envelope["body"] = envelope["body"].replace("10", "99")
    with pytest.raises(WebhookVerificationError):
        read(json.dumps(envelope).encode(), verify=True)


def test_without_a_secret_the_fields_stand_in_the_open_and_with_one_only_what_is_signed() -> None:
    ((_, payload),) = outlet(HandCrank(CAP), secrets=()).messages()
    envelope = json.loads(payload)
    assert {name: envelope[name] for name in read(payload)} == read(payload)
    ((_, payload),) = outlet(HandCrank(CAP)).messages()
    assert json.loads(payload).keys() == {
        "body",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }


def test_a_broker_that_is_away_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retained, "FIRST_PAUSE_S", 0.01)

    async def story() -> None:
        made = outlet(HandCrank(CAP))
        task = asyncio.ensure_future(made.run())
        async with asyncio.timeout(10):
            while not made.problem:
                await asyncio.sleep(0.01)
        assert "are not published on 127.0.0.1:1" in made.problem
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(story())


@pytest.mark.external
def test_a_real_broker_keeps_the_state_for_who_comes_later(mosquitto: Mosquitto) -> None:
    async def next_one(client: aiomqtt.Client) -> tuple[str, dict[str, Any]]:
        async with asyncio.timeout(10):
            message = await anext(aiter(client.messages))
        return message.topic.value, read(bytes(message.payload))

    async def story() -> None:
        crank = HandCrank(LOCK)
        lock(crank)
        made = outlet(crank, mosquitto.url)
        task = asyncio.ensure_future(made.run())
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
            await client.subscribe(TOPIC + "#", 1)
            topic, said = await next_one(client)
            assert topic == "rulesd/switches/tool.shell.enabled"
            assert len(said["settings"]) == 1
            crank.engine.receive(SwitchReverted(id="w1", by="ana"), NOW)
            assert (await next_one(client))[1]["settings"] == []
        task.cancel()
        await asyncio.wait([task])
        async with aiomqtt.Client("127.0.0.1", mosquitto.port) as later:
            await later.subscribe(TOPIC + "#", 1)
            assert (await next_one(later))[1]["settings"] == []

    asyncio.run(story())
