"""The rules about rulesd itself: each fires on its own event, says what is wrong, and tells a tired person what to do."""

import pytest

from rulesd.config.rules import BUILTIN
from rulesd.core.plan import Plan
from tests.config.testing import loaded

WORDS = {
    "source_silent": ("source", "silent"),
    "outbox_stuck": ("outbox", "stuck"),
    "receiver_failing": ("receiver", "failing"),
    "no_rules": ("rules", "none_loaded"),
    "disk_full": ("store", "cannot_commit"),
    "rule_set_refused": ("rule_set", "refused"),
    "index_disagrees": ("index", "disagrees"),
}
"By rule: the component and the status of the event that ``selfwatch`` makes."

NAMES = list(WORDS)


def plan() -> Plan:
    made = loaded().plan
    assert made is not None
    return made


def event(name: str, **data: str) -> dict[str, object]:
    component, status = WORDS[name]
    body = {"kind": "self", "component": component, "status": status, "subject": "x", **data}
    return {"type": "heartbeat", "source": "/rulesd", "data": body}


def test_these_and_no_others() -> None:
    assert {r.id.removeprefix(BUILTIN) for r in plan().rules if r.id.startswith(BUILTIN)} == set(
        NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_fires_on_its_own_event_only(name: str) -> None:
    made = plan()
    found = [made.rules[i].id for i in made.match(event(name))[0]]
    assert found == [BUILTIN + name]
    assert list(made.match(event(name, status="ok"))[0]) == []
    assert list(made.match(event(name) | {"source": "/gateway"})[0]) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_to_do_in_the_first_five_minutes(name: str) -> None:
    made = plan()
    one = made.rules[made.by_id[BUILTIN + name]]
    steps = one.runbook.first_five_minutes.split("\n")
    assert 4 <= len(steps) <= 7
    assert all(s[:3] == f"{i}. " for i, s in enumerate(steps, 1))
    assert len(one.runbook.first_five_minutes) < 900
    assert one.severity({"alert": {}}) in ("critical", "high", "medium")
    assert one.never is (name == "index_disagrees")
    if not one.never:
        assert one.detector.hold == 720_000
