import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from slack_sdk import WebClient

from rulesd.model.decision import Status
from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason, Reason
from rulesd.notify.channels import open_session
from rulesd.notify.fakes import Fakes, Message, Mood, Service
from rulesd.notify.settings import ChannelError
from rulesd.notify.slack import slack
from rulesd.notify.templates import Templates
from rulesd.ports.channel import Channel
from tests.notify.samples import alert, burst, note, resolved, spec, told

D, R = DeliveryOutcome, DeliveryReason
Story = Callable[[Fakes, Channel], Awaitable[None]]
PAGE = note()
OVER = note(resolved(), status=Status.RESOLVED, reason=Reason.ALL_RESOLVED)
QUIET = note(told(alert(count=9), changed=False), page=False, reason=Reason.UPDATE)


def bot(story: Story, token: str = "xoxb-1", **given: object) -> None:
    async def run() -> None:
        async with Fakes(token="xoxb-1") as fakes, open_session() as session:
            settings = {"token": token, "channel": "#safety", "api_url": fakes.slack_api}
            own = spec("slack", settings, **given)
            await story(fakes, slack(own, str, session, Templates()))

    asyncio.run(run())


def top(fakes: Fakes) -> list[Message]:
    return [m for m in fakes.messages.values() if not m.thread_ts]


def test_an_incident_is_one_message_that_changes() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        first = await channel.send(PAGE, {})
        place = {"channel": "C0SAFETY", "ts": top(fakes)[0].ts}
        told = {"status": "firing", "by": "", "severity": "critical", "count": "1"}
        assert first.reference == {**place, **told}
        quiet = await channel.send(QUIET, first.reference)
        assert quiet.outcome is D.DELIVERED
        over = await channel.send(OVER, quiet.reference)
        assert over.outcome is D.DELIVERED
        (message,) = top(fakes)
        assert message.edits == 2
        assert "RESOLVED" in message.text
        assert ":white_check_mark:" in str(message.blocks)

    bot(story)


def test_a_later_page_updates_and_calls_out_in_the_channel() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        first = await channel.send(PAGE, {})
        again = note(told(alert(count=4)), reason=Reason.AGAIN)
        result = await channel.send(again, first.reference)
        assert result.outcome is D.DELIVERED
        assert result.reference == {**first.reference, "count": "4"}
        (message,) = top(fakes)
        (reply,) = [m for m in fakes.messages.values() if m.thread_ts]
        assert message.edits == 1
        assert reply.thread_ts == message.ts
        assert reply.history[0]["reply_broadcast"] is True
        assert reply.text.startswith("It happened again. CRITICAL")

    bot(story)


def test_the_thread_tells_each_change_once_and_calls_nobody() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        kept = (await channel.send(PAGE, {})).reference
        taken = alert(count=9, acknowledged_by="kim <!channel>")
        own = {"page": False, "reason": Reason.UPDATE}
        steps = [
            note(told(alert(count=5), changed=False), **own),
            note(told(alert(count=9), changed=False), **own),
            note(told(taken, Status.ACKNOWLEDGED), status=Status.ACKNOWLEDGED, **own),
            note(told(taken, Status.ACKNOWLEDGED), status=Status.ACKNOWLEDGED, **own),
            note(told(alert(count=9), changed=False), **own),
            note(resolved(), status=Status.RESOLVED, reason=Reason.ALL_RESOLVED),
        ]
        for step in steps:
            done = await channel.send(step, kept)
            assert done.outcome is D.DELIVERED
            kept = done.reference
        replies = [m for m in fakes.messages.values() if m.thread_ts]
        assert [m.text for m in replies] == [
            "Seen 5 times now.",
            "Acknowledged by kim &lt;!channel&gt;.",
            "Given back: nobody has it now.",
            "Resolved after 11m40s.",
        ]
        assert not any(m.history[0]["reply_broadcast"] for m in replies)
        assert top(fakes)[0].edits == len(steps)

    bot(story)


def test_a_note_that_is_refused_for_good_costs_only_itself() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        first = await channel.send(PAGE, {})
        fakes.next(Service.SLACK, Mood(), Mood(error="cannot_reply_to_message"))
        assert (await channel.send(QUIET, first.reference)).outcome is D.DELIVERED
        fakes.next(Service.SLACK, Mood(), Mood(error="ratelimited"))
        assert (await channel.send(QUIET, first.reference)).outcome is D.RETRY

    bot(story)


def test_a_signing_secret_brings_the_buttons_that_act() -> None:
    async def run() -> None:
        async with Fakes(token="xoxb-1") as fakes, open_session() as session:
            settings = {"token": "xoxb-1", "channel": "#safety", "api_url": fakes.slack_api}
            for more, wanted in (({}, False), ({"signing_secret": "s3cret"}, True)):
                own = spec("slack", {**settings, **more})
                await slack(own, str, session, Templates()).send(PAGE, {})
                assert ("rulesd_ack" in str(top(fakes)[-1].blocks)) is wanted

    asyncio.run(run())


def test_a_call_out_that_fails_is_tried_again() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        first = await channel.send(PAGE, {})
        fakes.next(Service.SLACK, Mood(), Mood(status=500))
        again = note(told(alert(count=4)), reason=Reason.AGAIN)
        assert (await channel.send(again, first.reference)).outcome is D.RETRY

    bot(story)


def test_a_message_that_is_gone_becomes_a_new_one_for_a_page_only() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        gone = {"channel": "C0SAFETY", "ts": "1.000"}
        assert (await channel.send(QUIET, gone)).outcome is D.SKIPPED
        assert (await channel.send(OVER, gone)).outcome is D.SKIPPED
        assert not fakes.messages
        result = await channel.send(PAGE, gone)
        assert result.outcome is D.DELIVERED
        assert result.reference["ts"] in fakes.messages

    bot(story)


def test_the_end_of_what_was_never_told_is_not_told() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        assert (await channel.send(OVER, {})).outcome is D.SKIPPED
        assert not fakes.received

    bot(story)


def test_without_in_place_every_page_and_every_end_is_a_new_message() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        first = await channel.send(PAGE, {})
        assert (await channel.send(OVER, first.reference)).outcome is D.DELIVERED
        assert (await channel.send(QUIET, first.reference)).outcome is D.SKIPPED
        assert len(top(fakes)) == 2

    bot(story, updates_in_place=False)


@pytest.mark.parametrize(
    ("word", "outcome", "reason"),
    [
        ("ratelimited", D.RETRY, R.RATE_LIMITED),
        ("internal_error", D.RETRY, R.SERVER_ERROR),
        ("service_unavailable", D.RETRY, R.SERVER_ERROR),
        ("token_revoked", D.FAILED, R.AUTH),
        ("missing_scope", D.FAILED, R.AUTH),
        ("channel_not_found", D.FAILED, R.CONFIG),
        ("not_in_channel", D.FAILED, R.CONFIG),
        ("is_archived", D.FAILED, R.CONFIG),
        ("something_new", D.FAILED, R.REFUSED),
    ],
)
def test_http_200_with_ok_false_is_a_failure(word: str, outcome: D, reason: R) -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        fakes.next(Service.SLACK, Mood(error=word))
        result = await channel.send(PAGE, {})
        assert (result.outcome, result.reason) == (outcome, reason)
        assert word in result.detail

    bot(story)


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b""])
def test_an_answer_that_is_not_slacks_is_no_delivery(body: bytes) -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        fakes.next(Service.SLACK, Mood(status=200, body=body))
        assert (await channel.send(PAGE, {})).outcome is D.RETRY

    bot(story)


def test_a_wrong_token_is_named_as_such_and_not_shown() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        result = await channel.send(PAGE, {})
        assert result.reason is R.AUTH
        assert "wrong" not in result.detail

    bot(story, token="xoxb-wrong-token")


@pytest.mark.parametrize("word", ["msg_blocks_too_long", "invalid_blocks", "msg_too_long"])
def test_a_page_slack_finds_too_big_goes_out_as_plain_text(word: str) -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        fakes.next(Service.SLACK, Mood(error=word))
        first = await channel.send(PAGE, {})
        assert first.outcome is D.DELIVERED
        (message,) = fakes.messages.values()
        assert message.text.startswith("CRITICAL")
        assert not message.blocks
        fakes.next(Service.SLACK, Mood(error=word))
        over = replace(OVER, alerts=OVER.alerts)
        assert (await channel.send(over, first.reference)).outcome is D.DELIVERED
        assert message.text.startswith("RESOLVED")

    bot(story)


def test_one_deadline_covers_all_calls_of_a_send() -> None:
    async def run() -> Delivery:
        async with Fakes() as fakes, open_session() as session:
            settings = {
                "token": "t",
                "channel": "c",
                "api_url": fakes.slack_api,
                "deadline_s": 0.3,
            }
            channel = slack(spec("slack", settings), str, session, Templates())
            first = await channel.send(PAGE, {})
            fakes.next(Service.SLACK, Mood(latency_s=0.2), Mood(latency_s=0.2))
            began = asyncio.get_running_loop().time()
            result = await channel.send(note(reason=Reason.AGAIN), first.reference)
            assert asyncio.get_running_loop().time() - began < 0.39
            return result

    assert asyncio.run(run()).reason is R.TIMEOUT


def test_what_slacks_own_client_would_send_is_what_the_stand_in_takes() -> None:
    """The stand-in is checked with Slack's SDK, so that our tests against it mean something."""

    async def run() -> None:
        async with Fakes(token="xoxb-1") as fakes:
            client = WebClient("xoxb-1", base_url=fakes.slack_api)

            def talk() -> None:
                posted = client.api_call(
                    "chat.postMessage", json={"channel": "#safety", "text": "hello"}
                )
                client.api_call(
                    "chat.update",
                    json={"channel": posted["channel"], "ts": posted["ts"], "text": "changed"},
                )

            await asyncio.to_thread(talk)
            assert [m.text for m in fakes.messages.values()] == ["changed"]

    asyncio.run(run())


def test_incoming_webhook() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            own = spec("slack", {"webhook_url": {"env": fakes.slack_webhook}})
            channel = slack(own, lambda r: str(r["env"]), session, Templates())
            assert channel.updates_in_place is False
            result = await channel.send(PAGE, {})
            assert (result.outcome, dict(result.reference)) == (D.DELIVERED, {})
            assert (await channel.send(OVER, {})).outcome is D.DELIVERED
            assert "RESOLVED" in fakes.webhook_messages[1]["text"]
            fakes.next(Service.SLACK_WEBHOOK, Mood(status=400, body=b"invalid_blocks"))
            assert (await channel.send(note(told(burst())), {})).outcome is D.DELIVERED
            assert "blocks" not in fakes.webhook_messages[2]
            fakes.next(Service.SLACK_WEBHOOK, Mood(status=200, body=b'{"ok":false,"error":"x"}'))
            assert (await channel.send(PAGE, {})).outcome is D.FAILED

    asyncio.run(run())


@pytest.mark.parametrize("settings", [{}, {"token": "t"}, {"channel": "c"}, {"webhook_url": "x"}])
def test_incomplete_settings_say_what_to_write(settings: dict[str, str]) -> None:
    with pytest.raises(ChannelError, match="Write"):
        slack(spec("slack", settings), str, None, Templates())  # type: ignore[arg-type]
