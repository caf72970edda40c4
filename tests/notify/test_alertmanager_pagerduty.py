import asyncio
from dataclasses import replace
from typing import Any

import pytest

from rulesd.model.decision import Status
from rulesd.model.fingerprint import group_dedup_key
from rulesd.model.notification import Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.alertmanager_pagerduty import pagerduty_configs
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.fakes import Fakes
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from tests.notify.samples import burst, note, resolved, spec, told

PAGE = note(told(burst()))


def event(page: Notification = PAGE, **given: Any) -> Any:
    async def run() -> Any:
        async with Fakes() as fakes, open_session() as session:
            settings = {"routing_key": "k", "url": fakes.pagerduty, **given}
            channel = pagerduty_configs(
                spec("pagerduty_configs", settings), str, session, Templates()
            )
            done = await channel.send(page, {})
            assert done.outcome is DeliveryOutcome.DELIVERED, done
            return fakes.incidents[0].events[0] if fakes.incidents else fakes.changes[0]

    return asyncio.run(run())


def test_our_own_alert_has_our_summary_and_alertmanagers_key_and_details() -> None:
    page = note(told(burst(1)), resolved(burst(2)))
    said = event(page)
    assert said["dedup_key"] == group_dedup_key('{}:{alertname="tool.scope_violation"}')
    payload = said["payload"]
    assert payload["summary"].startswith("high: 23 denials")
    assert (payload["severity"], said["client"], payload["source"]) == ("error", "rulesd", "rulesd")
    assert said["links"][0]["text"].startswith("Runbook")
    details = payload["custom_details"]
    assert (details["num_firing"], details["num_resolved"]) == ("1", "1")
    assert " - alertname = tool.denied_burst" in details["firing"]


def test_what_is_written_is_used() -> None:
    said = event(
        description="from {{ .GroupLabels.alertname }}",
        severity="info",
        client="am",
        details={"own": "{{ .Status }}"},
        links=[{"href": "https://w/", "text": "w"}],
    )
    payload = said["payload"]
    assert payload["summary"] == "from tool.scope_violation"
    assert (payload["severity"], said["client"], payload["source"]) == ("info", "am", "am")
    assert payload["custom_details"]["own"] == "firing"
    assert said["links"][0]["text"] == "w"


def test_a_text_that_fails_is_replaced_and_named() -> None:
    said = event(description="{{ .Nope }}")
    assert said["payload"]["summary"].startswith("high: 23 denials")
    assert "template of description failed" in said["payload"]["custom_details"]["notice"]


def test_a_routing_key_may_be_a_template_and_must_not_fail() -> None:
    assert event(routing_key="{{ .CommonLabels.tenant }}")["routing_key"] == "acme"

    async def run() -> None:
        async with open_session() as session:
            settings = {"routing_key": "{{ .Nope }}", "url": "https://x"}
            own = spec("pagerduty_configs", settings)
            done = await pagerduty_configs(own, str, session, Templates()).send(PAGE, {})
            assert (done.outcome, done.reason) == (DeliveryOutcome.FAILED, DeliveryReason.CONFIG)

    asyncio.run(run())


def test_a_failover_says_why_it_comes_here_and_a_notice_wakes_nobody() -> None:
    said = event(replace(PAGE, failover="It comes here because."))
    assert said["payload"]["custom_details"]["why_here"] == "It comes here because."
    change = event(replace(PAGE, alerts=(), title="Kim has the duty now"))
    assert change["payload"]["summary"] == "Kim has the duty now"


def test_only_what_is_open_is_updated_and_the_end_resolves() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            own = spec(
                "pagerduty_configs",
                {"routing_key": "k", "url": fakes.pagerduty},
                updates_in_place=True,
            )
            channel = pagerduty_configs(own, str, session, Templates())
            quiet = note(told(burst()), page=False)
            assert (await channel.send(quiet, {})).outcome is DeliveryOutcome.SKIPPED
            first = await channel.send(PAGE, {})
            assert (await channel.send(quiet, first.reference)).outcome is DeliveryOutcome.DELIVERED
            over = note(resolved(burst()), status=Status.RESOLVED)
            await channel.send(over, first.reference)
            assert fakes.incidents[0].state == "resolved"
            last = fakes.incidents[0].events[-1]
            assert last["payload"]["custom_details"]["num_resolved"] == "1"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "routing_key: is missing"),
    ],
)
def test_without_a_routing_key(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ChannelError, match=words):
        pagerduty_configs(spec("pagerduty_configs", settings), str, None, Templates())  # type: ignore[arg-type]


def test_http_config_counts_here_and_for_slack_too() -> None:
    block = {"http_headers": {"X-Gate": {"values": ["open"]}}}

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            given = [
                ("pagerduty_configs", {"routing_key": "k", "url": fakes.pagerduty}),
                ("slack_configs", {"api_url": fakes.slack_webhook}),
                ("slack_configs", {"app_token": "t", "app_url": fakes.slack_api, "channel": "c"}),
                ("webhook_configs", {"url": fakes.webhook()}),
            ]
            for kind, settings in given:
                own = spec(kind, {**settings, "http_config": block})
                channel = make_channel(own, str, session, Templates())
                assert (await channel.send(PAGE, {})).outcome is DeliveryOutcome.DELIVERED
            assert [one.headers.get("X-Gate") for one in fakes.received] == ["open"] * 4

    asyncio.run(run())
