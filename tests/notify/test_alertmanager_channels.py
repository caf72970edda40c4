import asyncio
from typing import Any

import orjson
import pytest

from rulesd.model.reasons import DeliveryOutcome
from rulesd.notify.alertmanager_channels import webhook_configs
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.fakes import Fakes
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from tests.notify.samples import burst, note, spec, told

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


def test_webhook_configs_needs_an_address() -> None:
    with pytest.raises(ChannelError, match="url: is not an http"):
        webhook_configs(spec("webhook_configs"), str, None, Templates())  # type: ignore[arg-type]


def test_an_address_may_be_a_template() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            address = fakes.webhook("{{ .Receiver }}")
            own = spec("webhook_configs", {"url": address})
            channel = make_channel(own, str, session, Templates())
            assert (await channel.send(PAGE, {})).outcome is DeliveryOutcome.DELIVERED
            assert fakes.received[0].path == "/webhook/oncall"
            own = spec("webhook_configs", {"url": fakes.webhook("{{ index .Alerts 9 }}")})
            broken = make_channel(own, str, session, Templates())
            done = await broken.send(PAGE, {})
            assert done.outcome is DeliveryOutcome.FAILED
            assert "the template of url failed (line 1: index" in done.detail

    asyncio.run(run())
