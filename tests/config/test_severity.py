from typing import Any

import pytest

from tests.config.testing import loaded, rule


def chosen(text: str, alert: dict[str, Any]) -> tuple[str, str]:
    result = loaded({"rules/tool/mistake.yaml": rule(severity=text)})
    assert result.plan is not None, [str(p) for p in result.errors]
    one = result.plan.rules[result.plan.by_id["tool.mistake"]]
    return one.severity({"alert": alert}), one.worst_severity


MAP = '[{if: {">=": [{var: alert.count}, 50]}, then: critical}, {if: {"===": [{var: alert.labels.tool}, "shell"]}, then: high}, {then: low}]'


@pytest.mark.parametrize(
    ("text", "alert", "word"),
    [
        ("medium", {}, "medium"),
        (MAP, {"count": 50, "labels": {}}, "critical"),
        (MAP, {"count": 49, "labels": {"tool": "shell"}}, "high"),
        (MAP, {"count": 1, "labels": {"tool": "other"}}, "low"),
        ("[{then: low}]", {}, "low"),
    ],
)
def test_the_first_row_that_holds(text: str, alert: dict[str, Any], word: str) -> None:
    assert chosen(text, alert)[0] == word


def test_the_worst_a_map_can_give() -> None:
    assert chosen(MAP, {"count": 1, "labels": {}})[1] == "critical"
    assert chosen("low", {})[1] == "low"


def test_a_row_that_cannot_be_evaluated_gives_the_worst() -> None:
    text = '[{if: {"+": [{var: alert.labels}, 1]}, then: high}, {then: low}]'
    assert chosen(text, {"labels": {"a": "b"}})[0] == "high"
