"""What the page shows is what arrived, as it stands now."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from rulesd.demo import view
from rulesd.demo.counters import Counters
from rulesd.demo.show import Show
from rulesd.notify.fakes import Fakes
from tests.demo.samples import BY_ID, duty_event, slack_page, trace, webhook

Post = Callable[[str, Any], Awaitable[None]]


def shown(script: Callable[[Fakes, Post], Awaitable[None]]) -> dict[str, Any]:
    """The page after a script of requests; out-of-scope-tool was sent as e1, break-glass was not."""

    async def run() -> dict[str, Any]:
        async with Fakes() as fakes, aiohttp.ClientSession() as session:

            async def post(url: str, body: Any) -> None:
                async with session.post(url, json=body) as answer:
                    assert answer.status in (200, 202)

            traces = [trace(), trace(BY_ID["break-glass"], "e2", sent_at=0)]
            show = Show(fakes=fakes, traces=traces, daemon_url="http://127.0.0.1:1")
            show.update(
                Counters(outcomes={"matched": 3, "unmatched": 4, "duplicate": 2}, sources={"x": 9})
            )
            await script(fakes, post)
            return view.page(show)

    return asyncio.run(run())


async def nothing(fakes: Fakes, post: Post) -> None:
    """No page yet."""


def test_before_anything_happened() -> None:
    page = shown(nothing)
    assert [p["state"] for p in page["planted"]] == ["sent", "waiting"]
    assert (page["done"], page["total"], page["messages"], page["incidents"]) == (0, 2, [], [])
    assert [t["value"] for t in page["tiles"]] == ["9", "3", "2", "0", "–", "open"]


def test_a_page_turns_its_incident_green() -> None:
    async def script(fakes: Fakes, post: Post) -> None:
        await post(f"{fakes.slack_api}chat.postMessage", slack_page())
        await post(fakes.pagerduty, duty_event())

    page = shown(script)
    assert [p["state"] for p in page["planted"]] == ["good", "waiting"]
    (message,), (incident,) = page["messages"], page["incidents"]
    assert message["channel"] == "#safety-oncall"
    assert message["head"] == '<span class="dot critical"></span> CRITICAL: A tool'
    assert message["buttons"] == [{"text": "Console", "url": "/console#a1"}]
    assert [s["title"] for s in message["sections"]] == ["", "", "First five minutes"]
    assert (message["severity"], message["alert"]) == ("critical", "a1")
    assert (incident["number"], incident["urgency"], incident["state"]) == (1, "High", "triggered")
    assert incident["links"] == [{"text": "Console", "url": "/console#a1"}]
    assert page["channels"] == [("#safety-oncall", 1)]


def test_a_second_message_turns_it_red_and_a_stranger_is_counted() -> None:
    async def script(fakes: Fakes, post: Post) -> None:
        for body in (slack_page(), slack_page(), slack_page(rule="tool.loop")):
            await post(f"{fakes.slack_api}chat.postMessage", body)

    page = shown(script)
    assert (page["planted"][0]["state"], page["planted"][0]["said"]) == ("twice", "2 pages")
    assert page["unexpected"] == 1
    assert page["bad"] == ["out-of-scope-tool"]


def test_an_update_and_a_reply_are_seen_in_place() -> None:
    async def script(fakes: Fakes, post: Post) -> None:
        await post(f"{fakes.slack_api}chat.postMessage", slack_page())
        ((ts, message),) = fakes.messages.items()
        known = {"ts": ts, "channel": message.channel}
        await post(f"{fakes.slack_api}chat.update", {**slack_page(), **known})
        reply = {"channel": "#safety-oncall", "text": "*It* happened again.", "thread_ts": ts}
        await post(f"{fakes.slack_api}chat.postMessage", reply)

    (message,) = shown(script)["messages"]
    assert message["edits"] == 1
    assert [r["text"] for r in message["replies"]] == ["<b>It</b> happened again."]


def test_a_signed_webhook_is_a_ticket() -> None:
    async def script(fakes: Fakes, post: Post) -> None:
        await post(fakes.webhook("tickets"), webhook())

    (ticket,) = shown(script)["tickets"]
    assert ticket["summary"] == "Emergency access"
    assert ticket["signature"] == "unsigned"


def test_durations() -> None:
    assert [view.duration(s) for s in (None, 0.0194, 1.04)] == ["–", "19 ms", "1.0 s"]
