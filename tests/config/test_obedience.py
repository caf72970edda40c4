"""``violated_by``: what is read, what is refused at its place, and what the plan makes of it."""

from typing import Any

import pytest

from rulesd.config.obedience import proofs
from tests.config.testing import loaded

FILE = "notifiers/switches.yaml"


def one(fields: str, switch: str = "type: number, safe: 20") -> Any:
    return loaded({FILE: f"switches:\n  s: {{{switch}, violated_by: {fields}}}\n"})


def test_proofs_by_event_type() -> None:
    text = """switches:
  lock_tool:
    key: "tool.{tool}.enabled"
    safe: false
    scope: [tenant, "no name"]
    violated_by:
      on: [ai.safety.tool.call.v1, tool.call, usage.cost]
      when: {"===": [{"var": "data.outcome"}, "ok"]}
  cap: {type: number, safe: 5, violated_by: {on: usage.cost, sum: cost_usd, within: 1h}}
  plain: {safe: false}
"""
    plan = loaded({FILE: text}).plan
    assert plan is not None
    assert {name: [p.switch for p in rows] for name, rows in plan.proofs.items()} == {
        "tool.call": ["lock_tool"],
        "usage.cost": ["lock_tool", "cap"],
    }
    lock, cap = plan.proofs["usage.cost"]
    assert [f.name for f in lock.labels] == ["tool", "tenant"]
    assert (lock.within, lock.amount) == (0, None)
    assert lock.when({"data": {"outcome": "ok"}})
    assert not lock.when({"data": {"outcome": "denied"}})
    assert (cap.within, cap.when({})) == (3_600_000, True)
    assert cap.amount is not None
    assert cap.amount({"data": {"cost_usd": 1.5}}) == 1.5
    assert plan.switches["plain"].violated_by == {}
    assert proofs({}) == {}


def test_a_condition_sees_the_setting_beside_the_event() -> None:
    fields = "{on: [tool.call], when: {'!==': [{var: data.model}, {var: switch.value}]}}"
    result = one(fields, "type: string, safe: small")
    assert result.plan is not None, result.problems
    (proof,) = result.plan.proofs["tool.call"]
    event: Any = {"data": {"model": "big"}, "switch": {"value": "small"}}
    assert proof.when(event)
    assert not proof.when({**event, "data": {"model": "small"}})


@pytest.mark.parametrize(
    ("fields", "column", "code"),
    [
        ("{on: []}", 49, "out_of_range"),
        ("{when: true}", 44, "missing_field"),
        ("{on: [a], when: {wat: 1}}", 61, "unknown_operator"),
        ("{on: [a], sum: cost_usd}", 54, "missing_field"),
        ("{on: [a], sum: 'a b', within: 1h}", 59, "invalid_value"),
        ("{on: [a], within: 0s}", 62, "out_of_range"),
        ("{on: [a], wen: true}", 54, "unknown_field"),
    ],
)
def test_a_mistake_is_refused_at_its_place(fields: str, column: int, code: str) -> None:
    result = one(fields)
    assert result.plan is None
    assert [(p.line, p.column, p.code) for p in result.errors] == [(2, column, code)]


def test_only_a_number_can_be_counted_up_to() -> None:
    result = one("{on: [a], within: 1h}", "safe: false")
    (problem,) = result.errors
    assert problem.code == "exclusive_fields"
    assert "which is a boolean" in problem.problem
