import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from rulesd.model.decision import Status
from rulesd.model.notification import Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason, Reason
from rulesd.notify.channels import open_session
from rulesd.notify.fakes import Fakes, Mood, Service
from rulesd.notify.pagerduty import BODY_LIMIT, fit, pagerduty
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from rulesd.ports.channel import Channel
from tests.notify.samples import FIRST_FIVE, alert, burst, note, resolved, spec, told

D, R = DeliveryOutcome, DeliveryReason
PD = 1
"Position of the native channel in the sample plan."


def play(story: Callable[[Fakes, Channel], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            own = spec("pagerduty", {"routing_key": "k" * 32, "url": fakes.pagerduty})
            await story(fakes, pagerduty(own, str, session, Templates()))

    asyncio.run(run())


def event_of(page: Notification) -> dict[str, Any]:
    taken: list[dict[str, Any]] = []

    async def story(fakes: Fakes, channel: Channel) -> None:
        assert (await channel.send(page, {})).outcome is D.DELIVERED
        taken.append(orjson.loads(fakes.received[0].body))

    play(story)
    return taken[0]


def test_an_event_says_everything_the_phone_and_the_incident_need() -> None:
    event = event_of(note(told(burst(labels={"tenant": "acme", "tool": "shell"})), channel=PD))
    assert event["dedup_key"] == burst().alert
    assert event["event_action"] == "trigger"
    assert event["client"] == "rulesd"
    assert event["client_url"] == f"https://rulesd.example/alerts/{burst().alert}"
    assert [link["text"] for link in event["links"]] == [
        "Runbook: A tool outside its scope",
        "Console",
    ]
    payload = event["payload"]
    assert (
        payload["summary"] == "high: 23 denials of shell in five minutes (tenant acme, tool shell)"
    )
    assert payload["severity"] == "error"
    assert payload["source"] == "acme"
    assert payload["class"] == "tool.denied_burst"
    details = payload["custom_details"]
    assert details["first_five_minutes"] == FIRST_FIVE
    assert details["measured"] == "23 events, the threshold is 20 events"
    assert details["labels"]["route"] == "support-chat"
    assert details["next"].startswith("If nobody acknowledges")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("critical", "critical"),
        ("high", "error"),
        ("medium", "warning"),
        ("low", "info"),
        ("?", "error"),
    ],
)
def test_severities(ours: str, theirs: str) -> None:
    event = event_of(note(told(alert(severity=ours)), channel=PD))
    assert event["payload"]["severity"] == theirs


def test_the_three_actions_share_one_key() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        first = await channel.send(note(channel=PD), {})
        assert first.reference == {"action": "trigger"}
        taken = note(
            told(alert(acknowledged_by="kim"), Status.ACKNOWLEDGED), channel=PD, page=False
        )
        await channel.send(taken, first.reference)
        await channel.send(note(resolved(), channel=PD), first.reference)
        (incident,) = fakes.incidents
        assert incident.state == "resolved"
        assert [set(e) for e in incident.events[1:]] == [
            {"routing_key", "event_action", "dedup_key"}
        ] * 2

    play(story)


def test_a_quiet_update_goes_only_to_an_open_incident() -> None:
    quiet = note(told(alert(count=9), changed=False), channel=PD, page=False, reason=Reason.UPDATE)

    async def story(fakes: Fakes, channel: Channel) -> None:
        for reference in ({}, {"action": "resolve"}):
            assert (await channel.send(quiet, reference)).outcome is D.SKIPPED
        assert not fakes.received
        assert (await channel.send(quiet, {"action": "trigger"})).outcome is D.DELIVERED

    play(story)


def test_a_storm_is_one_incident() -> None:
    event = event_of(note(*[told(alert(i)) for i in range(30)], channel=PD, storm=30))
    assert event["dedup_key"] == "incident-1"
    assert event["payload"]["summary"].startswith("STORM of 30 pages: owner platform-safety")
    assert len(event["payload"]["custom_details"]["also"]) == 29


def test_a_test_page_says_so_first() -> None:
    event = event_of(replace(note(channel=PD), test=True))
    assert event["payload"]["summary"].startswith("TEST PAGE, nothing happened: ")


def test_long_summaries_and_hostile_labels_are_within_the_rules() -> None:
    evil = "x" * 5_000 + "\n\u202e"
    event = event_of(note(told(alert(labels={"tenant": evil, "tool": evil})), channel=PD))
    assert len(event["payload"]["summary"]) <= 1_024
    assert "\n" not in event["payload"]["summary"]
    assert len(event["payload"]["source"]) <= 255


def test_an_event_that_is_too_large_loses_its_details_and_says_so() -> None:
    small = {"payload": {"summary": "s", "custom_details": {"a": "x"}}}
    assert orjson.loads(fit(small)) == small
    big = {"payload": {"summary": "s", "custom_details": {"a": "é" * BODY_LIMIT}}}
    cut = fit(big)
    assert len(cut) <= BODY_LIMIT
    assert orjson.loads(cut)["payload"]["custom_details"] == {
        "error": "the details were dropped: the event was larger than 512 kB"
    }


def test_a_broken_template_is_named_in_the_details() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            own = spec("pagerduty", {"routing_key": "k", "url": fakes.pagerduty})
            broken = Templates({"pagerduty_summary.j2": "{{ nothing }}"})
            await pagerduty(own, str, session, broken).send(note(channel=PD), {})
            payload = orjson.loads(fakes.received[0].body)["payload"]
            assert "template pagerduty_summary.j2 failed" in payload["custom_details"]["notice"]
            assert payload["summary"].startswith("critical: shell was used")

    asyncio.run(run())


def test_what_is_refused_says_why_without_the_key() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        body = b'{"status":"invalid event","errors":["routing_key ' + b"k" * 32 + b' is unknown"]}'
        fakes.next(Service.PAGERDUTY, Mood(status=400, body=body))
        result = await channel.send(note(channel=PD), {})
        assert (result.outcome, result.reason) == (D.FAILED, R.CLIENT_ERROR)
        assert "is unknown" in result.detail
        assert "kkkk" not in result.detail

    play(story)


def test_no_links_without_addresses() -> None:
    page = note(channel=PD)
    bare = replace(page.alerts[0], runbook_url="javascript:x", console_url="")
    event = event_of(replace(page, alerts=(bare,), external_url=""))
    assert event["links"] == []
    assert "client_url" not in event


def test_a_routing_key_is_needed() -> None:
    with pytest.raises(ChannelError, match="routing_key: is missing"):
        pagerduty(spec("pagerduty"), str, None, Templates())  # type: ignore[arg-type]


def test_what_was_done_in_pagerduty_is_not_told_to_it_again() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        first = await channel.send(note(channel=PD), {})
        for by, sent in (("Jane (in PagerDuty)", False), ("kim (slack)", True)):
            taken = told(alert(acknowledged_by=by), Status.ACKNOWLEDGED)
            page = note(taken, status=Status.ACKNOWLEDGED, page=False, channel=PD)
            before = len(fakes.received)
            done = await channel.send(page, first.reference)
            assert done.outcome is (D.DELIVERED if sent else D.SKIPPED)
            assert len(fakes.received) - before == sent
        for by, sent in (("J (resolved in PagerDuty)", False), ("J (in PagerDuty)", True)):
            over = note(resolved(alert(acknowledged_by=by)), status=Status.RESOLVED, channel=PD)
            done = await channel.send(over, first.reference)
            assert done.outcome is (D.DELIVERED if sent else D.SKIPPED)

    play(story)


def test_a_notice_wakes_nobody() -> None:
    async def story(fakes: Fakes, channel: Channel) -> None:
        notice = replace(
            note(channel=PD), alerts=(), title="Kim has the duty now", lines=("a", "b")
        )
        assert (await channel.send(notice, {})).outcome is D.DELIVERED
        assert fakes.incidents == []
        assert fakes.changes[0]["payload"]["summary"] == "Kim has the duty now"
        assert fakes.changes[0]["payload"]["custom_details"] == {"said": "a\nb"}

    play(story)
