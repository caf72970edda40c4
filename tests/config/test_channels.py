from typing import Any

import pytest

from rulesd.core.plan import ChannelSpec
from tests.config.testing import loaded


def channel(receiver: str, top: str = "") -> ChannelSpec:
    text = f"{top}route: {{receiver: inbox}}\nreceivers:\n  - name: inbox\n    {receiver}\n"
    result = loaded(
        {
            "notifiers/routing.yaml": text,
            "notifiers/receivers.yaml": None,
            "notifiers/owners.yaml": "owners: {team: {}}",
        }
    )
    assert result.plan is not None, [str(p) for p in result.errors]
    return result.plan.receivers["inbox"].channels[0]


def nature(spec: ChannelSpec) -> tuple[str, bool, bool, bool, bool]:
    return spec.kind, spec.for_people, spec.per_alert, spec.updates_in_place, spec.send_resolved


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            'slack_configs: [{api_url: "https://h.example.org"}]',
            ("slack_configs", True, False, False, False),
        ),
        (
            "slack_configs: [{app_token: t, channel: c, update_message: true}]",
            ("slack_configs", True, False, True, False),
        ),
        (
            "slack_configs: [{app_token: t, channel: c}]",
            ("slack_configs", True, False, False, False),
        ),
        ("pagerduty_configs: [{routing_key: k}]", ("pagerduty_configs", True, False, False, True)),
        ("pagerduty_configs: [{service_key: k}]", ("pagerduty_configs", True, False, False, True)),
        (
            'webhook_configs: [{url: "https://x.example.org", send_resolved: false}]',
            ("webhook_configs", False, False, False, False),
        ),
    ],
)
def test_what_alertmanagers_kinds_can_do(
    config: str, expected: tuple[str, bool, bool, bool, bool]
) -> None:
    assert nature(channel(config)) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("slack: {token: {env: T}, channel: c}", ("slack", True, False, True, True)),
        ("slack: {webhook_url: {env: T}}", ("slack", True, False, False, True)),
        ("pagerduty: {routing_key: {env: T}}", ("pagerduty", True, True, True, True)),
        (
            'webhook: {url: "https://x.example.org", secret: {env: T}}',
            ("webhook", False, False, False, True),
        ),
        ("apprise: {url: {env: T}, send_resolved: false}", ("apprise", True, False, False, False)),
    ],
)
def test_what_rulesds_own_kinds_can_do(
    config: str, expected: tuple[str, bool, bool, bool, bool]
) -> None:
    result = loaded({"notifiers/receivers.yaml": f"receivers:\n  inbox:\n    {config}\n"})
    assert result.plan is not None, [str(p) for p in result.errors]
    assert nature(result.plan.receivers["inbox"].channels[0]) == expected


def settings(config: str, top: str) -> dict[str, Any]:
    return dict(channel(config, top).settings)


def test_global_defaults_are_filled_in_as_alertmanager_does() -> None:
    top = "global: {slack_api_url_file: /s, pagerduty_url: 'https://pd.example.org', http_config: {basic_auth: {username: u}}}\n"
    assert settings("slack_configs: [{channel: c}]", top) == {
        "channel": "c", "api_url_file": "/s", "http_config": {"basic_auth": {"username": "u"}},
    }  # fmt: skip
    assert settings("pagerduty_configs: [{routing_key: k}]", top)["url"] == "https://pd.example.org"
    assert (
        settings("pagerduty_configs: [{routing_key: k}]", "")["url"]
        == "https://events.pagerduty.com/v2/enqueue"
    )
    own = "slack_configs: [{api_url: 'https://o.example.org', http_config: {}}]"
    assert settings(own, top) == {"api_url": "https://o.example.org", "http_config": {}}


def test_a_global_token_gives_way_to_an_own_address() -> None:
    top = "global: {slack_app_token_file: /t, slack_app_url: 'https://slack.example.org/api'}\n"
    assert settings("slack_configs: [{channel: c}]", top) == {
        "channel": "c", "app_token_file": "/t", "app_url": "https://slack.example.org/api",
    }  # fmt: skip
    assert settings("slack_configs: [{api_url: 'https://o.example.org'}]", top) == {
        "api_url": "https://o.example.org"
    }


def test_a_timeout_becomes_seconds() -> None:
    assert settings("webhook_configs: [{url: 'https://x.example.org', timeout: 2500ms}]", "") == {
        "url": "https://x.example.org", "deadline_s": 2.5,
    }  # fmt: skip
    assert settings("webhook_configs: [{url: 'https://x.example.org', timeout: 0s}]", "") == {
        "url": "https://x.example.org"
    }


def test_a_receiver_may_have_channels_in_both_files() -> None:
    text = "route: {receiver: inbox}\nreceivers:\n  - name: inbox\n    webhook_configs: [{url: 'https://x.example.org'}]\n"
    result = loaded({"notifiers/routing.yaml": text})
    assert result.plan is not None
    assert [c.name for c in result.plan.receivers["inbox"].channels] == [
        "webhook[0]",
        "webhook_configs[0]",
    ]


def test_a_list_of_channels_of_one_kind() -> None:
    two = "receivers:\n  inbox:\n    slack:\n      - {token: {env: A}, channel: a}\n      - {webhook_url: {file: b}}\n    failover: hole\n  hole: {}\n"
    result = loaded({"notifiers/receivers.yaml": two})
    assert result.plan is not None
    assert [c.name for c in result.plan.receivers["inbox"].channels] == ["slack[0]", "slack[1]"]
    assert result.plan.receivers["inbox"].failover == "hole"
