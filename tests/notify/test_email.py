"""The mail channel against a real SMTP server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from rulesd.model.decision import Status
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason, Reason
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.email import email, subject_line
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from rulesd.ports.channel import Channel
from tests.notify.mailing import Post, post
from tests.notify.samples import alert, note, resolved, spec, told

USUAL = {"to": "Kim <kim@x.example>", "from": "rulesd@x.example", "require_tls": False}


def play(story: Callable[[Post, Channel], Awaitable[None]], **given: Any) -> None:
    async def run() -> None:
        async with post() as there, open_session() as session:
            settings = {**USUAL, "smarthost": f"127.0.0.1:{there.port}", **given}
            channel = make_channel(spec("email", settings), str, session, Templates())
            await story(there, channel)
            await channel.close()

    asyncio.run(run())


def test_a_page_is_a_mail_a_phone_can_show() -> None:
    async def story(there: Post, channel: Channel) -> None:
        page = note(told(alert(labels={"tenant": "<b>acme</b>", "tool": "shell"})))
        done = await channel.send(page, {})
        assert done.outcome is DeliveryOutcome.DELIVERED
        (mail,) = there.mails
        assert mail["Subject"].startswith("[CRITICAL] An assistant used a tool outside")
        text, html = (part.get_content() for part in mail.iter_parts())
        for said in ("First five minutes", "Runbook", "What happens next"):
            assert said in text
            assert said in html
        assert 'name="viewport"' in html
        assert "<b>acme" not in html
        assert "&lt;b&gt;acme" in html
        assert "src=" not in html  # nothing from outside

    play(story)


def test_an_incident_is_one_thread() -> None:
    async def story(there: Post, channel: Channel) -> None:
        over = note(resolved(), status=Status.RESOLVED, reason=Reason.ALL_RESOLVED)
        for page in (note(), over):
            assert (await channel.send(page, {})).outcome is DeliveryOutcome.DELIVERED
        first, last = there.mails
        assert first["References"] == last["References"]
        assert last["Subject"].startswith("[RESOLVED] An assistant")
        assert first["Subject"].partition("]")[2] == last["Subject"].partition("]")[2]

    play(story)


def test_a_mere_update_is_not_mailed() -> None:
    async def story(there: Post, channel: Channel) -> None:
        done = await channel.send(replace(note(), page=False), {})
        assert done.outcome is DeliveryOutcome.SKIPPED
        assert there.taken == []

    play(story)


def test_a_retry_is_the_same_mail() -> None:
    async def story(there: Post, channel: Channel) -> None:
        there.answers.append("451 later")
        assert (await channel.send(note(), {})).outcome is DeliveryOutcome.RETRY
        assert (await channel.send(note(), {})).outcome is DeliveryOutcome.DELIVERED
        assert (await channel.send(note(), {})).outcome is DeliveryOutcome.DELIVERED
        assert there.taken[0] == there.taken[1]

    play(story)


def test_copies_go_to_whom_the_headers_name_and_blind_ones_stay_blind() -> None:
    async def story(there: Post, channel: Channel) -> None:
        await channel.send(note(), {})
        ((_, to, raw),) = there.taken
        assert to == ["kim@x.example", "c@x.example", "b@x.example"]
        assert b"b@x.example" not in raw

    play(story, headers={"Cc": "c@x.example", "Bcc": "b@x.example"})


def test_headers_that_cannot_be_sent_are_said() -> None:
    async def story(there: Post, channel: Channel) -> None:
        done = await channel.send(note(), {})
        assert (done.outcome, done.reason) == (DeliveryOutcome.FAILED, DeliveryReason.CONFIG)
        assert "no mail address" in done.detail

    play(story, headers={"Cc": "nobody"})


def test_subjects() -> None:
    assert subject_line(replace(note(), test=True)).startswith("TEST PAGE, nothing happened: [CRI")
    assert subject_line(replace(note(), alerts=(), title="Kim has the duty")) == "Kim has the duty"


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"smarthost": "x"}, "smarthost"),
        ({"smarthost": "x:0"}, "smarthost"),
        ({"to": "nobody"}, "to: is no mail address"),
        ({"from": ""}, "from"),
        ({"ca_file": "gone.pem"}, "ca_file"),
    ],
)
def test_what_cannot_work_is_said_when_it_is_made(given: dict[str, str], at: str) -> None:
    settings = {**USUAL, "smarthost": "x:25", **given}
    with pytest.raises(ChannelError, match=at):
        email(spec("email", settings), str, Templates())
