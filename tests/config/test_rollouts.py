"""rules/rollouts.yaml: criteria by kind, and mistakes at their place."""

import pytest

from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.rollout import Criteria
from tests.config.testing import loaded

FILE = "rules/rollouts.yaml"


def test_criteria_by_kind() -> None:
    text = (
        "rollouts:\n"
        "  default: {watch: 30m, min_events: 5, fail_on: [critical], redteam: true, reviews: false, signoff: true,"
        " rollback: lock_tool, owner: team}\n"
        "  prompt: {}\n"
    )
    plan = loaded({FILE: text}).plan
    assert plan is not None
    assert plan.rollouts["default"] == Criteria(
        watch=30 * MINUTE, min_events=5, fail_on=("critical",), redteam=True, reviews=False, signoff=True,
        rollback="lock_tool", owner="team",
    )  # fmt: skip
    assert plan.rollouts["prompt"] == Criteria(watch=HOUR)


def test_without_the_file_there_are_none() -> None:
    plan = loaded().plan
    assert plan is not None
    assert plan.rollouts == {}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("default: {watch: soon}", "invalid_duration"),
        ("default: {fail_on: [odd]}", "invalid_value"),
        ("default: {rollback: nothing}", "unknown_action"),
        ("default: {owner: nobody}", "unknown_owner"),
        ("default: {min_events: -1}", "out_of_range"),
        ("models: {}", "invalid_value"),
    ],
)
def test_a_mistake_is_refused_at_its_line(fields: str, code: str) -> None:
    result = loaded({FILE: f"rollouts:\n  {fields}\n"})
    assert [(p.line, p.code) for p in result.errors] == [(2, code)]
