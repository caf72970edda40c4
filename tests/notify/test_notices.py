"""What people must be told that is no alert, through every channel there is."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from rulesd.model.notification import Notification
from rulesd.model.reasons import DeliveryOutcome
from rulesd.notify.channels import KINDS, make_channel, open_session
from rulesd.notify.fakes import Fakes
from rulesd.notify.templates import Templates
from tests.notify.mailing import Post, post
from tests.notify.samples import SECRET, note, spec

TITLE = "Kim has the duty from 18:00 <b>&"
NOTICE = replace(
    note(),
    alerts=(),
    title=TITLE,
    lines=("Two alerts are open: a1 and a2.", "Lee had it before."),
    group_labels={"owner": "platform-safety"},
    incident="msg_notice",
    reason="hand_over",
)


def settings(kind: str, fakes: Fakes, mail: Post) -> dict[str, Any]:
    smtp = {
        "to": "a@x.example",
        "from": "r@x.example",
        "smarthost": f"127.0.0.1:{mail.port}",
        "require_tls": False,
    }
    return {
        "slack": {"token": "t", "channel": "#c", "api_url": fakes.slack_api},
        "slack_configs": {"api_url": fakes.slack_webhook},
        "pagerduty": {"routing_key": "k", "url": fakes.pagerduty},
        "pagerduty_configs": {"routing_key": "k", "url": fakes.pagerduty},
        "webhook": {"url": fakes.webhook(), "secret": SECRET},
        "webhook_configs": {"url": fakes.webhook()},
        "apprise": {"url": fakes.webhook().replace("http://", "json://")},
        "email": smtp,
        "email_configs": smtp,
    }[kind]


def told_through(kind: str, page: Notification = NOTICE) -> tuple[DeliveryOutcome, str]:
    """How it ended, and everything that arrived."""

    async def run() -> tuple[DeliveryOutcome, str]:
        async with Fakes() as fakes, post() as mail, open_session() as session:
            own = spec(kind, settings(kind, fakes, mail))
            channel = make_channel(own, str, session, Templates())
            done = await channel.send(page, {})
            await channel.close()
            assert fakes.incidents == []  # it wakes nobody
            arrived = [one.body.decode() for one in fakes.received]
            arrived += [str(part) for one in mail.mails for part in one.walk()]
            return done.outcome, "\n".join(arrived)

    return asyncio.run(run())


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"webhook_configs"}))
def test_a_notice_arrives_with_all_its_lines(kind: str) -> None:
    outcome, arrived = told_through(kind)
    assert outcome is DeliveryOutcome.DELIVERED
    assert "Kim has the duty from 18:00" in arrived
    assert "Two alerts are open: a1 and a2." in arrived
    assert "Lee had it before." in arrived


def test_alertmanagers_webhooks_have_no_notices() -> None:
    assert told_through("webhook_configs") == (DeliveryOutcome.SKIPPED, "")


def test_a_program_can_tell_a_notice_from_an_alert() -> None:
    said = orjson.loads(told_through("webhook")[1])
    assert said["type"] == "ai.safety.notice.v1"
    assert (said["data"]["title"], said["data"]["alerts"]) == (TITLE, [])


def test_in_slack_and_mail_nothing_of_it_becomes_markup() -> None:
    for kind in ("slack", "slack_configs"):
        assert "&lt;b&gt;&amp;" in told_through(kind)[1]
    html = told_through("email")[1].partition("text/html")[2]
    assert "&lt;b&gt;&amp;" in html
