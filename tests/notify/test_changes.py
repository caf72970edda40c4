import asyncio
from typing import Any

import orjson

from rulesd.core.plan import Plan, Receiver
from rulesd.model.event import Event
from rulesd.notify.changes import change_rows, deploy_rows
from rulesd.notify.channels import open_session
from rulesd.notify.compose import decode_notification
from rulesd.notify.fakes import Fakes
from rulesd.notify.pagerduty import pagerduty
from rulesd.notify.templates import Templates
from tests.notify.samples import T, plan, spec


def event(type_: str = "deploy.change", **data: Any) -> Event:
    document = {"type": type_, "data": data}
    return Event("e1", "pipeline", type_, "acme", T, document, 1, 2)


def with_keys(*keys: str, changes: bool = True) -> Plan:
    made = {}
    for number, key in enumerate(keys):
        settings = {"routing_key": {"env": key}, "changes": changes}
        own = spec("pagerduty", settings, receiver=f"r{number}")
        made[f"r{number}"] = Receiver(name=f"r{number}", channels=(own, spec("slack")))
    from dataclasses import replace

    return replace(plan(), receivers=made)


DEPLOY = event(
    kind="model",
    component="support-bot",
    from_version="m-7",
    to_version="m-8",
    stage="canary",
    rollout_percent=5,
    owner="ml-platform",
    diff={"content": "never"},
)


def test_a_deploy_is_told_once_to_each_integration_that_wants_changes() -> None:
    rows = deploy_rows(DEPLOY, with_keys("A", "B", "A"))
    assert [row.receiver for row in rows] == ["r0", "r1"]
    note = decode_notification(rows[0].body)
    assert note.title == "model support-bot: m-7 -> m-8 (canary, 5 %)"
    assert note.lines == ("owner: ml-platform", "tenant: acme")
    assert (note.change, note.alerts) == (True, ())
    assert b"never" not in rows[0].body
    assert deploy_rows(DEPLOY, with_keys("A", "B")) == rows
    assert deploy_rows(DEPLOY, with_keys("A", changes=False)) == []
    assert deploy_rows(event("tool.call"), with_keys("A")) == []


def test_a_deploy_that_says_nothing_is_still_one() -> None:
    (row,) = deploy_rows(event(), with_keys("A"))
    assert decode_notification(row.body).title == "deploy"
    (row,) = change_rows(with_keys("A"), at=T, key="k", title="  ")
    assert decode_notification(row.body).title == "A change"


def test_it_arrives_as_a_change_event_and_opens_nothing() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            own = spec("pagerduty", {"routing_key": "k" * 32, "url": fakes.pagerduty})
            channel = pagerduty(own, str, session, Templates())
            (row,) = change_rows(
                with_keys("A"), at=T, key="k", title="Tool locked", lines=["by kim"], source="sw"
            )
            done = await channel.send(decode_notification(row.body), {})
            assert (str(done.outcome), done.reference) == ("delivered", {})
            assert fakes.incidents == []
            (change,) = fakes.changes
            assert orjson.loads(fakes.received[0].body) == change
            assert change["payload"] == {
                "summary": "Tool locked",
                "source": "sw",
                "timestamp": "2026-01-05T09:00:11.000Z",
                "custom_details": {"said": "by kim"},
            }

    asyncio.run(run())
