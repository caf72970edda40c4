"""A transition as an event: the same facts, the tenant where there is one."""

import pytest

from rulesd.core.state_event import state_event, switch_event, violation_event
from rulesd.model.decision import AlertChanged, Kind, SwitchChanged
from rulesd.model.reasons import AlertState, Reason
from tests.core.plans import event
from tests.core.test_switch_table import setting
from tests.model.test_alert import alert


def changed(**fields: object) -> AlertChanged:
    made = alert(**fields)
    return AlertChanged(kind=Kind.FIRING, at=7, reason=Reason.CONDITION_MET, alert=made)


def test_it_says_what_rules_about_alerts_match_on() -> None:
    made = state_event(
        changed(rule="tool.denied", labels={"tenant": "acme"}, context={"model": "m1"},
                severity="high", owner="safety", state=AlertState.FIRING)
    )  # fmt: skip
    assert made.document["data"] == {
        "model": "m1",
        "tenant": "acme",
        "rule": "tool.denied",
        "state": "firing",
        "severity": "high",
        "owner": "safety",
    }
    assert (made.type, made.tenant, made.at) == ("alert.state", "acme", 7)


@pytest.mark.parametrize("labels", [{}, {"tool": "shell"}])
def test_without_a_tenant_there_is_none(labels: dict[str, str]) -> None:
    made = state_event(changed(labels=labels))
    assert "tenant" not in made.document
    assert made.tenant == ""


def test_a_switch_says_what_services_must_obey() -> None:
    one = setting(labels={"tool": "shell"})
    made = switch_event(SwitchChanged(at=7, reason=Reason.SETTLED, setting=one, value=False))
    assert made.document["data"] == {
        "tool": "shell",
        "tenant": "acme",
        "key": "tool.shell.enabled",
        "switch": "lock_tool",
        "state": "active",
        "stage": "must_be_obeyed_by_now",
        "value": False,
        "rule": "",
    }
    assert (made.type, made.tenant, made.at) == ("containment.changed", "acme", 7)
    wide = SwitchChanged(at=7, reason=Reason.SET, setting=setting(scope={}), value=False)
    assert "tenant" not in switch_event(wide).document


def test_what_shows_that_a_switch_is_not_obeyed_names_the_service_and_the_event() -> None:
    one = setting(labels={"tool": "shell"})
    shown_by = event("e1", 900, service="gateway", tool="Shell", secret="no", model=None)
    made = violation_event(one, shown_by, None, 1_000)
    assert made.document["data"] == {
        "service": "gateway",
        "tool": "shell",
        "tenant": "acme",
        "key": "tool.shell.enabled",
        "switch": "lock_tool",
        "state": "active",
        "stage": "violated",
        "value": False,
        "rule": "",
        "shown_by": "tool.call",
    }
    assert (made.id, made.type, made.tenant, made.at) == ("e1", "containment.changed", "acme", 900)
    # A clock that is ahead does not put it into the future; without a tenant the setting's is meant.
    ahead = violation_event(one, shown_by._replace(tenant="", at=5_000), True, 1_000)
    assert (ahead.at, ahead.tenant) == (1_000, "acme")
    assert ahead.document["data"]["seen"] is True  # type: ignore[index, call-overload]
    bare = violation_event(one, shown_by._replace(document={"id": "e1"}), None, 1_000)
    assert "service" not in bare.document["data"]  # type: ignore[operator]
