import asyncio
from dataclasses import replace

import pytest

from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.channels import KINDS, make_channel, make_channels, open_session
from rulesd.notify.fakes import Fakes
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from tests.notify.samples import note, plan, spec


def test_an_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(ChannelError, match="Use one of: apprise, email"):
        make_channel(spec("pigeon"), str, None, Templates())  # type: ignore[arg-type]


def test_every_kind_the_configuration_knows_can_be_made() -> None:
    from rulesd.config.channels import KINDS as CONFIGURED

    assert set(KINDS) == set(CONFIGURED)


def test_one_bad_channel_waits_and_the_others_work() -> None:
    def secrets(reference: object) -> str:
        raise FileNotFoundError(str(reference))

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            own = plan(
                channels=[
                    spec("webhook", {"url": fakes.webhook()}),
                    spec("pagerduty", {"routing_key": {"file": "/run/pd"}}),
                ]
            )
            channels, problems = make_channels(
                replace(own, templates={"slack.j2": "{% if"}), secrets, session
            )
            assert set(channels) == {("oncall", "webhook[0]"), ("oncall", "pagerduty[0]")}
            good = await channels["oncall", "webhook[0]"].send(note(), {})
            assert good.outcome is DeliveryOutcome.DELIVERED
            bad = channels["oncall", "pagerduty[0]"]
            result = await bad.send(note(), {})
            assert (result.outcome, result.reason) == (DeliveryOutcome.RETRY, DeliveryReason.CONFIG)
            assert "{file: /run/pd} cannot be read" in result.detail
            quiet = await bad.send(note(page=False), {})
            assert quiet.outcome is DeliveryOutcome.SKIPPED
            assert [p.split(":")[0] for p in problems] == [
                "template slack.j2",
                "receiver oncall, pagerduty[0]",
            ]

    asyncio.run(run())


def test_the_shared_session_keeps_no_cookies_and_follows_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            async with session.post(fakes.webhook()) as answer:
                assert answer.status == 200
            assert session.connector is not None
            assert session.connector.limit == 0

    asyncio.run(run())
