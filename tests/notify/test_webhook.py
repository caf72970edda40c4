import asyncio

import orjson
import pytest
from standardwebhooks import Webhook as Verifier

from rulesd.model.reasons import DeliveryOutcome
from rulesd.notify.channels import open_session
from rulesd.notify.compose import encode_notification
from rulesd.notify.fakes import Fakes, Mood, Service
from rulesd.notify.settings import ChannelError
from rulesd.notify.webhook import webhook
from tests.notify.samples import SECRET, burst, note, spec, told

PAGE = note(told(burst()), channel=2)


def test_a_cloud_event_with_a_signature_the_official_package_accepts() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            own = spec("webhook", {"url": fakes.webhook("ops"), "secret": SECRET})
            result = await webhook(own, str, session).send(PAGE, {})
            assert result.outcome is DeliveryOutcome.DELIVERED
            ((name, headers, body),) = fakes.delivered
            event = Verifier(SECRET).verify(body, {k.lower(): v for k, v in headers.items()})
            assert name == "ops"
            assert headers["Content-Type"].startswith("application/cloudevents+json")
            assert headers["webhook-id"] == PAGE.id
            assert {k: v for k, v in event.items() if k != "data"} == {
                "specversion": "1.0",
                "id": PAGE.id,
                "source": "https://rulesd.example",
                "type": "ai.safety.alert.state.v1",
                "subject": "incident-1",
                "time": "2026-01-05T09:00:11.050Z",
                "datacontenttype": "application/json",
            }
            assert event["data"] == orjson.loads(encode_notification(PAGE))
            assert event["data"]["alerts"][0]["labels"]["tenant"] == "acme"

    asyncio.run(run())


def test_a_retry_has_the_same_id_and_body_and_a_new_time() -> None:
    from rulesd.notify.webhook import Webhook

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            clock = iter([1_000.9, 1_060.2])
            channel = Webhook(
                spec("webhook"),
                session,
                url=fakes.webhook(),
                secrets=[SECRET],
                clock=lambda: next(clock),
            )
            fakes.next(Service.WEBHOOK, Mood(status=500))
            await channel.send(PAGE, {})
            await channel.send(PAGE, {})
            first, second = (r.headers for r in fakes.received)
            assert fakes.received[0].body == fakes.received[1].body
            assert first["webhook-id"] == second["webhook-id"]
            assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("1000", "1060")
            assert first["webhook-signature"] != second["webhook-signature"]

    asyncio.run(run())


def test_rotation_signs_with_every_secret() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            secrets = [{"env": SECRET}, "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]
            own = spec("webhook", {"url": fakes.webhook(), "secret": secrets})
            await webhook(own, lambda r: str(r["env"]), session).send(PAGE, {})
            assert len(fakes.received[0].headers["webhook-signature"].split(" ")) == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    "settings", [{}, {"url": "nope"}, {"url": "https://x", "secret": "whsec_short-secret"}]
)
def test_bad_settings_say_what_to_write(settings: dict[str, str]) -> None:
    with pytest.raises(ChannelError, match=r"(Write https|openssl)") as caught:
        webhook(spec("webhook", settings), str, None)  # type: ignore[arg-type]
    assert "short-secret" not in str(caught.value)


def test_an_operators_headers_go_along_and_replace_none_of_ours() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            given = {"X-Team": "safety", "webhook-id": "forged", "Content-Type": "text/plain"}
            settings = {"url": fakes.webhook(), "secret": SECRET, "headers": given}
            await webhook(spec("webhook", settings), str, session).send(PAGE, {})
            ((_, headers, _),) = fakes.delivered
            assert headers["X-Team"] == "safety"
            assert headers["webhook-id"] == PAGE.id
            assert headers["Content-Type"].startswith("application/cloudevents+json")

    asyncio.run(run())
