from dataclasses import replace
from typing import Any

import pytest

from rulesd.core.plan import Plan, Receiver
from rulesd.web.answers import Refused
from rulesd.web.integration_keys import IntegrationKeys
from rulesd.web.settings import WebSettings
from tests.web.integrating import KNOWN, channel
from tests.web.plans import plan


def with_channels(*channels: Any) -> Plan:
    return replace(plan(), receivers={"r": Receiver(name="r", channels=channels)})


def keys(kind: str = "slack", opened: list[str] | None = None) -> IntegrationKeys:
    def resolve(reference: Any) -> str:
        if opened is not None:
            opened.append(reference["env"])
        return KNOWN[reference["env"]]

    return IntegrationKeys(WebSettings(version="1", resolve_secret=resolve), kind)


def test_every_secret_of_the_kind_once() -> None:
    opened: list[str] = []
    made = keys("pagerduty", opened)
    own = with_channels(
        channel("pagerduty", [{"env": "PD"}, {"env": "NEWER"}]),
        channel("pagerduty", {"env": "PD"}, 1),
        channel("slack", {"env": "SLACK"}),
    )
    for _ in range(2):
        assert made.keys(own) == (b"pd-secret", b"pd-newer")
    assert opened == ["PD", "NEWER"]
    assert made.keys(with_channels(channel("pagerduty", {"env": "NEWER"}))) == (b"pd-newer",)


def test_without_any_it_is_404_and_says_what_to_write() -> None:
    with pytest.raises(Refused) as refused:
        keys().keys(with_channels(channel("slack", None)))
    assert (refused.value.status, refused.value.error) == (404, "not_configured")
    assert "signing_secret" in refused.value.message


def test_one_that_cannot_be_opened_keeps_no_other_from_working(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened: list[str] = []
    made = keys("slack", opened)
    own = with_channels(channel("slack", {"env": "GONE"}), channel("slack", {"env": "SLACK"}, 1))
    assert made.keys(own) == (b"slack-signing-secret",)
    assert made.keys(own) == (b"slack-signing-secret",)
    assert opened.count("GONE") == 2  # it may be there by then
    assert "signing secret of slack cannot be used" in caplog.text
    with pytest.raises(Refused) as refused:
        made.keys(with_channels(channel("slack", {"env": "GONE"})))
    assert refused.value.status == 503
