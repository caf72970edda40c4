"""Rules written in Python, taken to rule files: the example of docs/matching.md."""

import json

import pytest

from rulesd.logic import Matcher, RuleError, to_logic

jsonlogic = pytest.importorskip(
    "jsonlogic", reason="jsonlogic-py is the optional `authoring` extra"
)


def test_an_expression_becomes_a_rule() -> None:
    score, kind = jsonlogic.Variable("data.score"), jsonlogic.Variable("type")
    logic = to_logic((kind == "policy.decision") & (score > 0.9))
    assert logic == {
        "and": [{"==": [{"var": "type"}, "policy.decision"]}, {">": [{"var": "data.score"}, 0.9]}]
    }
    assert Matcher({"r": logic}).match(b'{"type": "policy.decision", "data": {"score": 0.95}}') == [
        "r"
    ]
    assert json.loads(json.dumps(logic)) == logic


def test_the_emitters_own_spellings_are_translated() -> None:
    tool = jsonlogic.Variable("data.tool")
    assert to_logic(~(tool == "shell")) == {"!": [{"==": [{"var": "data.tool"}, "shell"]}]}
    assert to_logic(tool.contains("sh")) == {"in": ["sh", {"var": "data.tool"}]}
    assert to_logic(tool.isin(["a", "b"])) == {"in": [{"var": "data.tool"}, ["a", "b"]]}
    assert to_logic(tool.regex("^fs")) == {"matches": [{"var": "data.tool"}, "^fs"]}


def test_dictionaries_with_expressions_inside() -> None:
    assert to_logic({"and": [jsonlogic.Variable("a") < 3, {"===": [{"var": "b"}, 1]}]}) == {
        "and": [{"<": [{"var": "a"}, 3]}, {"===": [{"var": "b"}, 1]}]
    }


def test_what_is_no_logic_is_refused() -> None:
    with pytest.raises(RuleError):
        to_logic(jsonlogic.Variable("a") ** 2)
    with pytest.raises(RuleError):
        to_logic(object())
