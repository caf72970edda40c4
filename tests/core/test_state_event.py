"""A transition as an event: the same facts, the tenant where there is one."""

import pytest

from rulesd.core.state_event import state_event
from rulesd.model.decision import AlertChanged, Kind
from rulesd.model.reasons import AlertState, Reason
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
