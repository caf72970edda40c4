"""``service_key``: the events of PagerDuty's older API."""

import asyncio
from dataclasses import replace

import orjson

from rulesd.model.decision import Status
from rulesd.model.fingerprint import group_dedup_key
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify import pagerduty_v1 as v1
from rulesd.notify.alertmanager_pagerduty import pagerduty_configs
from rulesd.notify.channels import open_session
from rulesd.notify.fakes import Fakes, Mood, Service
from rulesd.notify.templates import Templates
from tests.notify.samples import burst, note, resolved, spec, told

PAGE = note(told(burst()))


def sent(page: Notification, mood: Mood | None = None) -> tuple[Delivery, list[dict[str, object]]]:
    async def run() -> tuple[Delivery, list[dict[str, object]]]:
        async with Fakes() as fakes, open_session() as session:
            if mood is not None:
                fakes.next(Service.WEBHOOK, mood)
            own = spec("pagerduty_configs", {"service_key": "s1", "url": fakes.webhook()})
            channel = pagerduty_configs(own, str, session, Templates())
            done = await channel.send(page, {})
            return done, [orjson.loads(r.body) for r in fakes.received]

    return asyncio.run(run())


def test_a_trigger_has_the_names_of_v1() -> None:
    done, (event,) = sent(PAGE)
    assert (done.outcome, done.reference) == (DeliveryOutcome.DELIVERED, {"action": "trigger"})
    assert event["service_key"] == "s1"
    assert event["incident_key"] == group_dedup_key(PAGE.group)
    assert event["event_type"] == "trigger"
    assert str(event["description"]).startswith("high: 23 denials")
    assert event["client"] == "rulesd"
    details = event["details"]
    assert isinstance(details, dict)
    assert details["num_firing"] == "1"
    assert not {"routing_key", "dedup_key", "event_action", "payload", "links"} & event.keys()


def test_the_end_names_no_client() -> None:
    _, (event,) = sent(note(resolved(burst()), status=Status.RESOLVED))
    assert event["event_type"] == "resolve"
    assert "client" not in event


def test_a_403_means_too_many_and_is_tried_again() -> None:
    done, _ = sent(PAGE, Mood(status=403))
    assert (done.outcome, done.reason) == (DeliveryOutcome.RETRY, DeliveryReason.RATE_LIMITED)
    done, _ = sent(PAGE, Mood(status=400))
    assert done.outcome is DeliveryOutcome.FAILED


def test_a_notice_has_no_place_there() -> None:
    done, bodies = sent(replace(PAGE, alerts=(), title="Kim has the duty now"))
    assert (done.outcome, bodies) == (DeliveryOutcome.SKIPPED, [])


def test_the_address_of_v2_is_not_used() -> None:
    assert v1.address("https://events.pagerduty.com/v2/enqueue") == v1.URL
    assert v1.address("https://proxy.example.org/v1") == "https://proxy.example.org/v1"


def test_what_is_too_large_goes_without_its_details() -> None:
    page = note(told(burst()))
    newer = {
        "routing_key": "k",
        "dedup_key": "d",
        "event_action": "trigger",
        "payload": {"summary": page.title, "custom_details": {"firing": "x" * v1.BODY_LIMIT}},
    }

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            await v1.create(session, fakes.webhook(), v1.event(newer), 5)
            said = orjson.loads(fakes.received[0].body)
            assert "dropped" in said["details"]["error"]

    asyncio.run(run())
