"""Pages as read off the stand-ins: what counts as one and what does not."""

import asyncio
from typing import Any

import aiohttp

from rulesd.demo.pages import Channel, Page, read_pages, webhook_notification
from rulesd.notify.fakes import Fakes
from tests.demo.samples import duty_event, slack_page, webhook


def posted(*requests: tuple[str, Any]) -> list[Page]:
    """The pages after these requests; ``{ts}`` in a body is the first message's."""

    async def run() -> list[Page]:
        async with Fakes() as fakes, aiohttp.ClientSession() as session:
            urls = {
                "post": f"{fakes.slack_api}chat.postMessage",
                "update": f"{fakes.slack_api}chat.update",
                "duty": fakes.pagerduty,
                "hook": fakes.webhook("tickets"),
            }
            for where, body in requests:
                first = next(iter(fakes.messages.values()), None)
                known = {"ts": first.ts, "channel": first.channel} if first else {}
                said = {**body, **known} if where == "update" else dict(body)
                if said.get("thread_ts"):
                    said["thread_ts"] = known["ts"]
                async with session.post(urls[where], json=said) as answer:
                    assert answer.status in (200, 202), await answer.text()
            return list(read_pages(fakes))

    return asyncio.run(run())


def test_a_message_an_incident_and_a_webhook_are_pages() -> None:
    found = posted(("post", slack_page()), ("duty", duty_event()), ("hook", webhook()))
    assert [p.channel for p in found] == [Channel.SLACK, Channel.PAGERDUTY, Channel.WEBHOOK]
    assert [p.rule for p in found] == [
        "tool.scope_violation",
        "tool.scope_violation",
        "tool.break_glass",
    ]
    assert all("e1" in p.text and p.at > 0 for p in found)


def test_an_update_in_place_is_no_page() -> None:
    later = slack_page(evidence="e1, e2")
    (found,) = posted(("post", slack_page()), ("update", later), ("update", later))
    assert "e2" in found.text


def test_what_an_update_no_longer_says_still_counts_as_said() -> None:
    (found,) = posted(("post", slack_page(evidence="e1")), ("update", slack_page(evidence="e9")))
    assert "e1" in found.text


def test_two_messages_are_two_pages() -> None:
    assert len(posted(("post", slack_page()), ("post", slack_page()))) == 2


def test_a_reply_shown_in_the_channel_is_a_page_and_one_in_the_thread_is_none() -> None:
    reply = {"channel": "#x", "text": "It happened again.", "thread_ts": "first"}
    assert len(posted(("post", slack_page()), ("post", reply))) == 1
    shown = posted(("post", slack_page()), ("post", {**reply, "reply_broadcast": True}))
    assert [p.rule for p in shown] == ["tool.scope_violation"] * 2


def test_one_incident_for_one_dedup_key() -> None:
    same = posted(("duty", duty_event()), ("duty", duty_event()), ("duty", duty_event()))
    assert len(same) == 1
    assert len(posted(("duty", duty_event(key="a1")), ("duty", duty_event(key="a2")))) == 2


def test_a_webhook_sent_again_is_one_page_and_an_end_is_none() -> None:
    again = posted(("hook", webhook()), ("hook", webhook()))
    assert len(again) == 1
    assert posted(("hook", webhook(status="resolved"))) == []


def test_a_body_that_is_no_notification() -> None:
    assert webhook_notification(b"{") == {}
    assert webhook_notification(b"[1]") == {}
    assert webhook_notification(b'{"data": 1}') == {}
