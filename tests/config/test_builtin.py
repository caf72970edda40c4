"""The rules about rulesd itself: each fires on its own event, says what is wrong, and tells a tired person what to do."""

import pytest

from rulesd.config.rules import BUILTIN
from rulesd.core.plan import Plan
from tests.config.testing import loaded

NAMES = [
    "source_silent",
    "outbox_stuck",
    "receiver_failing",
    "no_rules",
    "disk_full",
    "rule_set_refused",
    "index_disagrees",
]


def plan() -> Plan:
    made = loaded().plan
    assert made is not None
    return made


def event(component: str, **data: str) -> dict[str, object]:
    return {
        "type": "heartbeat",
        "source": "/rulesd",
        "data": {"kind": "self", "component": component, "status": "failing", "name": "x", **data},
    }


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
        assert one.detector.hold == 300_000
