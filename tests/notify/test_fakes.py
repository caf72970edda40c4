import asyncio
from typing import Any

import aiohttp
import pytest

from rulesd.notify.fakes import Fakes, Mood, Service


async def post(url: str, body: Any, **headers: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as r,
    ):
        return r.status, await r.json(content_type=None) if r.content_type.endswith(
            "json"
        ) else await r.text()


def run(story: Any, **given: Any) -> None:
    async def inner() -> None:
        async with Fakes(**given) as fakes:
            await story(fakes)

    asyncio.run(inner())


def test_slack_keeps_messages_and_refuses_what_slack_refuses() -> None:
    async def story(fakes: Fakes) -> None:
        api, auth = fakes.slack_api, {"Authorization": "Bearer t"}
        said = {"channel": "#a-b", "text": "x"}
        assert await post(f"{api}chat.postMessage", said) == (
            200,
            {"ok": False, "error": "invalid_auth"},
        )
        _, ok = await post(f"{api}chat.postMessage", said, **auth)
        assert ok["ok"]
        wrong = {"channel": "#a-b", "ts": ok["ts"], "text": "y"}
        _, by_name = await post(f"{api}chat.update", wrong, **auth)
        assert by_name["error"] == "channel_not_found"  # an update wants the id, as Slack does
        _, gone = await post(f"{api}chat.update", {**wrong, "ts": "0"}, **auth)
        assert gone["error"] == "message_not_found"
        _, thread = await post(f"{api}chat.postMessage", {**said, "thread_ts": "0"}, **auth)
        assert thread["error"] == "thread_not_found"
        _, empty = await post(f"{api}chat.postMessage", {"channel": "c"}, **auth)
        assert empty["error"] == "no_text"
        _, method = await post(f"{api}chat.nothing", said, **auth)
        assert method["error"] == "unknown_method"
        _, nowhere = await post(f"{api}chat.postMessage", {"text": "x"}, **auth)
        assert nowhere["error"] == "channel_not_found"
        _, broken = await post(f"{api}chat.postMessage", [1], **auth)
        assert broken["error"] == "invalid_json"

    run(story, token="t")


def test_pagerduty_opens_one_incident_per_key_until_it_is_resolved() -> None:
    async def story(fakes: Fakes) -> None:
        base = {"routing_key": "k", "dedup_key": "d"}
        payload = {"summary": "s", "source": "x", "severity": "error"}
        trigger = {**base, "event_action": "trigger", "payload": payload}
        for action in ("trigger", "trigger", "acknowledge", "resolve", "acknowledge", "trigger"):
            status, _ = await post(fakes.pagerduty, {**trigger, "event_action": action})
            assert status == 202
        assert [i.state for i in fakes.incidents] == ["resolved", "triggered"]
        assert len(fakes.incidents[0].events) == 4
        status, said = await post(fakes.pagerduty, {"event_action": "trigger"})
        assert status == 400
        assert len(said["errors"]) == 5

    run(story)


def test_incoming_webhook() -> None:
    async def story(fakes: Fakes) -> None:
        assert await post(fakes.slack_webhook, {"text": "x"}) == (200, "ok")
        assert await post(fakes.slack_webhook, [1]) == (400, "invalid_payload")
        header = {"type": "header", "text": {"text": "x" * 151}}
        bad = {"blocks": [header], "text": "x"}
        assert await post(fakes.slack_webhook, bad) == (400, "invalid_blocks")
        assert fakes.webhook_messages == [{"text": "x"}]

    run(story)


def test_moods_come_in_turn_then_all_is_well() -> None:
    async def story(fakes: Fakes) -> None:
        fakes.always(Service.WEBHOOK, Mood(status=503))
        fakes.next(Service.WEBHOOK, Mood(status=418), Mood(latency_s=0.01))
        got = [(await post(fakes.webhook(), {}))[0] for _ in range(3)]
        fakes.always(Service.WEBHOOK, None)
        assert [*got, (await post(fakes.webhook(), {}))[0]] == [418, 200, 503, 200]
        assert len(fakes.delivered) == 2
        fakes.next(Service.WEBHOOK, Mood(status=500, after=True))
        await post(fakes.webhook(), {})
        assert len(fakes.delivered) == 3  # taken, and yet an error
        fakes.next(Service.WEBHOOK, Mood(hang_up=True))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await post(fakes.webhook(), {})
        assert [r.status for r in fakes.of(Service.WEBHOOK)] == [418, 200, 503, 200, 500, 0]

    run(story)


def test_a_hanging_request_ends_with_the_stand_in() -> None:
    async def inner() -> None:
        async with Fakes() as fakes:
            fakes.next(Service.WEBHOOK, Mood(hang=True))
            task = asyncio.ensure_future(post(fakes.webhook(), {}))
            await fakes.wait(1)
            assert not task.done()
        with pytest.raises(aiohttp.ClientError):
            await task

    asyncio.run(inner())
