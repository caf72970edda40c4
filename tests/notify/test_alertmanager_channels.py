import asyncio
from typing import Any

import orjson
import pytest

from rulesd.model.decision import Status
from rulesd.model.reasons import DeliveryOutcome
from rulesd.notify.alertmanager_channels import pagerduty_configs, slack_configs, webhook_configs
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.fakes import Fakes
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from tests.notify.samples import burst, note, resolved, spec, told

PAGE = note(told(burst()))


def send(kind: str, settings_of: Any, page: Any = PAGE, **given: Any) -> Fakes:
    async def run() -> Fakes:
        async with Fakes() as fakes, open_session() as session:
            own = spec(kind, settings_of(fakes), **given)
            channel = make_channel(own, lambda r: str(r["file"]), session, Templates())
            result = await channel.send(page, {})
            assert result.outcome is DeliveryOutcome.DELIVERED, result
            return fakes

    return asyncio.run(run())


def test_webhook_configs_posts_v4_with_its_credentials() -> None:
    http = {"basic_auth": {"username": "u", "password_file": "pw"}}
    fakes = send(
        "webhook_configs",
        lambda f: {"url_file": f.webhook(), "http_config": http, "max_alerts": 1},
        note(told(burst(1)), told(burst(2))),
    )
    (one,) = fakes.received
    assert one.headers["Authorization"] == "Basic dTpwdw=="
    body = orjson.loads(one.body)
    assert (body["version"], len(body["alerts"]), body["truncatedAlerts"]) == ("4", 1, 1)


def test_pagerduty_configs() -> None:
    literal = {"description": "from {{ .GroupLabels }}", "severity": "info", "client": "am"}
    fakes = send("pagerduty_configs", lambda f: {"routing_key": "k", "url": f.pagerduty, **literal})
    event = fakes.incidents[0].events[0]
    assert event["payload"]["summary"].startswith("high: 23 denials")  # Go templates are not run
    assert event["payload"]["severity"] == "info"
    assert event["client"] == "am"
    assert event["links"][0]["text"].startswith("Runbook")


def test_pagerduty_configs_updates_only_what_is_open() -> None:
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

    asyncio.run(run())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"service_key": "x"}, "Events API v1.*Events API v2 integration"),
        ({"service_key_file": "x"}, "Events API v1"),
        ({}, "routing_key: is missing"),
    ],
)
def test_pagerduty_configs_without_a_routing_key(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ChannelError, match=words):
        pagerduty_configs(spec("pagerduty_configs", settings), str, None, Templates())  # type: ignore[arg-type]


def test_slack_configs_as_incoming_webhook_with_literal_words() -> None:
    fakes = send(
        "slack_configs",
        lambda f: {
            "api_url_file": f.slack_webhook,
            "channel": "#safety",
            "username": "rulesd",
            "icon_emoji": ":bell:",
            "icon_url": "{{ go }}",
            "title": "literal title",
            "text": '{{ template "x" . }}',
        },
    )
    (said,) = fakes.webhook_messages
    assert (said["channel"], said["username"], said["icon_emoji"]) == (
        "#safety",
        "rulesd",
        ":bell:",
    )
    assert "icon_url" not in said
    assert "literal title" in str(said["blocks"][0])
    assert "23 denials of shell" in str(said["blocks"])


@pytest.mark.parametrize(
    "token",
    [
        {"app_token_file": "xoxb-1"},
        {"http_config": {"authorization": {"credentials": "xoxb-1"}}},
    ],
)
def test_slack_configs_as_bot(token: dict[str, Any]) -> None:
    fakes = send(
        "slack_configs",
        lambda f: {"app_url": f"{f.slack_api}chat.postMessage", "channel": "#safety", **token},
    )
    assert fakes.received[0].headers["Authorization"] == "Bearer xoxb-1"
    assert len(fakes.messages) == 1


def test_slack_configs_bot_needs_a_channel_and_a_webhook_an_address() -> None:
    with pytest.raises(ChannelError, match="channel: is missing"):
        slack_configs(spec("slack_configs", {"app_token": "x"}), str, None, Templates())  # type: ignore[arg-type]
    with pytest.raises(ChannelError, match="api_url"):
        slack_configs(spec("slack_configs"), str, None, Templates())  # type: ignore[arg-type]


def test_webhook_configs_needs_an_address() -> None:
    with pytest.raises(ChannelError, match="url: is not an http"):
        webhook_configs(spec("webhook_configs"), str, None)  # type: ignore[arg-type]
