"""The action webhook against a real server, verified by the standardwebhooks package."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from rulesd.model.decision import SwitchChanged
from rulesd.model.notification import Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason, Reason
from rulesd.notify.action import make_action
from rulesd.notify.action_rows import switch_rows
from rulesd.notify.compose import decode_notification
from rulesd.notify.settings import ChannelError
from tests.core.test_switch_table import setting
from tests.notify.test_action_rows import TOLD, world

OLD = "whsec_b2xkIHNlY3JldCBvZiBhbiBhY3Rpb24gd2ViaG9vaw=="
NEW = "whsec_bmV3IHNlY3JldCBvZiBhbiBhY3Rpb24gd2ViaG9vaw=="


def call() -> Notification:
    one = setting(begun=True)
    rows = switch_rows(SwitchChanged(at=5, reason=Reason.SET, setting=one, value=False), world())
    return decode_notification(rows[-1].body)


def secrets(reference: Any) -> str:
    return {"NEW": NEW, "OLD": OLD, "BAD": "nonsense"}[reference["env"]]


class Service:
    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.heard: list[tuple[dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        status = self.statuses.pop(0)
        headers = {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers, text="x" * 100_000)


def told(service: Service, times: int = 1, **settings: Any) -> list[Any]:
    async def story() -> list[Any]:
        app = web.Application()
        app.router.add_post("/hook", service.take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        values = {
            "url": f"http://127.0.0.1:{port}/hook", "secret": [{"env": "NEW"}, {"env": "OLD"}], "allow_private": True,
            **settings,
        }  # fmt: skip
        async with aiohttp.ClientSession() as session:
            channel = make_action(replace(TOLD, settings=values), secrets, session)
            try:
                return [await channel.send(call(), {}) for _ in range(times)]
            finally:
                await channel.close()
                await runner.cleanup()

    return asyncio.run(story())


def test_it_is_signed_with_every_secret_and_the_same_on_every_retry() -> None:
    service = Service(503, 200)
    first, second = told(service, 2)
    assert first.outcome is DeliveryOutcome.RETRY
    assert (second.outcome, second.reason) == (DeliveryOutcome.DELIVERED, DeliveryReason.OK)
    (before, body), (after, again) = service.heard
    assert body == again
    assert before["webhook-id"] == after["webhook-id"] == before["Idempotency-Key"] == "s1/set"
    for secret in (NEW, OLD):
        event = Verifier(secret).verify(body, {k.lower(): v for k, v in after.items()})
        assert event["data"]["set_to"] is False
    with pytest.raises(WebhookVerificationError):
        Verifier(NEW).verify(body + b" ", {k.lower(): v for k, v in after.items()})
    assert json.loads(body)["type"] == "ai.safety.containment.changed.v1"


def test_202_is_a_promise_and_a_redirect_is_not_followed() -> None:
    (promise,) = told(Service(202))
    assert (promise.outcome, promise.reason) == (DeliveryOutcome.DELIVERED, DeliveryReason.ACCEPTED)
    service = Service(302)
    (gone,) = told(service)
    assert (gone.outcome, gone.reason) == (DeliveryOutcome.FAILED, DeliveryReason.CLIENT_ERROR)
    assert len(service.heard) == 1


def test_a_private_address_is_refused_without_permission() -> None:
    service = Service(200)
    (refused,) = told(service, allow_private=False, timeout=1_000)
    assert (refused.outcome, refused.reason) == (DeliveryOutcome.FAILED, DeliveryReason.CONFIG)
    assert "private" in refused.detail
    assert service.heard == []


def test_a_secret_that_is_none_is_said() -> None:
    values = {"url": "https://example.org/hook", "secret": [{"env": "BAD"}], "allow_private": True}
    session: Any = None
    with pytest.raises(ChannelError, match="secret"):
        make_action(replace(TOLD, settings=values), secrets, session)
