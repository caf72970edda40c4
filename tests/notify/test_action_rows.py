"""What a change of a switch owes, and what it does not."""

from dataclasses import replace

import orjson
import pytest

from rulesd.core.plan import ChannelSpec, Plan, Receiver
from rulesd.model.decision import RolloutChanged, SwitchChanged
from rulesd.model.reasons import Reason
from rulesd.model.rollout import Finding, Verdict
from rulesd.model.switch import SettingState
from rulesd.notify.action_rows import receiver_of, rollout_rows, switch_rows
from rulesd.notify.compose import decode_notification
from tests.core.plans import plan, rule
from tests.core.test_rollout_notice import MADE
from tests.core.test_switch_table import LOCK, setting

TOLD = replace(LOCK, action="webhook", settings={"url": "https://example.org"})


def world(action: str = "webhook") -> Plan:
    spec = ChannelSpec(
        receiver="pd", name="pagerduty[0]", kind="pagerduty", settings={"changes": True, "routing_key": {"env": "K"}},
        for_people=True, per_alert=True, updates_in_place=True, send_resolved=True,
    )  # fmt: skip
    made = plan(rule())
    return replace(
        made,
        receivers={"pd": Receiver(name="pd", channels=(spec,))},
        switches={"lock_tool": replace(TOLD, action=action)},
    )


def changed(reason: Reason, **fields: object) -> SwitchChanged:
    made = setting(**{"begun": True, "alert": "a1", "rule": "tool.x", **fields})
    return SwitchChanged(at=1_000, reason=reason, setting=made, value=False)


def test_a_setting_is_told_to_its_service_and_stands_beside_incidents() -> None:
    change, hook = switch_rows(changed(Reason.SET), world())
    assert (hook.receiver, hook.channel, hook.id) == (
        receiver_of("lock_tool"),
        "webhook[0]",
        "s1/set",
    )
    note = decode_notification(hook.body)
    assert note.action is not None
    assert (note.action.state, note.action.key, note.action.scope) == (
        "set",
        "tool.shell.enabled",
        {"tenant": "acme"},
    )
    assert note.action.expires_at == "1970-01-01T00:00:00.100Z"
    said = decode_notification(change.body)
    assert said.change
    assert said.title == "lock_tool set for tenant=acme (tool.shell.enabled)"
    assert switch_rows(changed(Reason.SET), world()) == [change, hook]


def test_its_end_is_told_once_it_was_in_force() -> None:
    over = {"state": SettingState.ENDED, "ended_at": 5, "ended_by": "bo", "ended_why": "over"}
    change, hook = switch_rows(changed(Reason.REVERTED, scope={}, expires_at=None, **over), world())
    assert hook.id == "s1/end"
    body = orjson.loads(hook.body)
    assert (body["action"]["state"], body["action"]["by"], body["action"]["reason"]) == (
        "ended",
        "bo",
        "over",
    )
    assert (
        decode_notification(change.body).title
        == "lock_tool lifted for everybody (tool.shell.enabled)"
    )
    assert switch_rows(changed(Reason.EXPIRED, begun=False, **over), world()) == []


def test_an_end_that_was_moved_is_told_under_an_id_of_its_own() -> None:
    (hook,) = switch_rows(changed(Reason.MOVED), world())
    assert hook.id == "s1/until-100"
    body = orjson.loads(hook.body)
    assert (body["action"]["state"], body["status"]) == ("set", "firing")
    assert switch_rows(changed(Reason.MOVED), world("switch")) == []


@pytest.mark.parametrize("reason", [Reason.SETTLED, Reason.SET_AGAIN, Reason.REFUSED_LIMIT])
def test_other_changes_owe_nothing(reason: Reason) -> None:
    assert switch_rows(changed(reason), world()) == []


def test_a_switch_without_a_webhook_is_only_on_record() -> None:
    assert len(switch_rows(changed(Reason.SET), world("switch"))) == 1
    assert len(switch_rows(changed(Reason.SET, switch="gone"), world())) == 1


def test_the_verdict_of_a_watch_stands_beside_incidents() -> None:
    finding = Finding(verdict=Verdict.FAIL, failures=("tool.x fired",), missing=("no run",))
    over = RolloutChanged(at=1_000, reason=Reason.ROLLOUT_OVER, rollout=MADE, finding=finding)
    (row,) = rollout_rows(over, world())
    note = decode_notification(row.body)
    assert (note.change, note.title) == (True, "c1 (model assistant m1 -> m2): fail")
    assert note.lines == (
        "failed: tool.x fired",
        "missing: no run",
        "events of the new version: 300",
    )
    assert rollout_rows(over, world()) == [row]
    assert rollout_rows(replace(over, reason=Reason.ROLLOUT_EVIDENCE), world()) == []
