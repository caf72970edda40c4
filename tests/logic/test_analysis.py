"""Lint: each kind of finding on a rule that has it, and none on a good rule."""

from typing import Any

import pytest

from rulesd.logic import FindingCode, RuleError, lint_rule, lint_rules, reads

SCHEMA = {
    "tool.call": {"type": "label", "tenant": "label", "data.tool": "label", "data.scope": "label", "data.duration_ms": "measure", "data.enforced": "boolean", "data.content.arguments": "content"},
    "policy.decision": {"type": "label", "tenant": "label", "data.score": "measure"},
}  # fmt: skip
GOOD = {
    "and": [
        {"===": [{"var": "type"}, "tool.call"]},
        {"===": [{"var": "data.scope"}, "out"]},
        {"exists": ["data", "duration_ms"]},
        {">": [{"var": "data.duration_ms"}, 5]},
    ]
}


def v(name: str) -> dict[str, str]:
    return {"var": name}


def codes(logic: Any, on: tuple[str, ...] = ("tool.call",)) -> set[tuple[str, str]]:
    return {(str(f.code), f.pointer) for f in lint_rule(logic, on, SCHEMA)}


def test_a_good_rule_has_no_findings() -> None:
    assert lint_rule(GOOD, ["tool.call"], SCHEMA) == ()


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        (
            {"and": [{"===": [v("data.tool"), "a"]}, {"===": [v("data.tool"), "b"]}]},
            ("never_true", ""),
        ),
        (
            {"and": [{"in": [v("data.tool"), ["a", "b"]]}, {"starts_with": [v("data.tool"), "c"]}]},
            ("never_true", ""),
        ),
        (
            {"and": [{">": [v("data.duration_ms"), 9]}, {"<": [v("data.duration_ms"), 3]}]},
            ("never_true", ""),
        ),
        ({"===": [1, 2]}, ("never_true", "")),
        (True, ("always_true", "")),
        ({"or": [v("data.tool"), {"==": [1, 1]}]}, ("always_true", "")),
        ({"and": [{"===": [v("data.tool"), "a"]}, {"==": [1, 1]}]}, ("unreachable", "/and/1")),
        (
            {
                "or": [
                    {"===": [v("data.tool"), "a"]},
                    {"and": [{"===": [v("data.tool"), "b"]}, {"===": [v("data.tool"), "c"]}]},
                ]
            },
            ("unreachable", "/or/1"),
        ),
        ({"==": [v("data.duration_ms"), 0]}, ("may_be_missing", "")),
        (
            {"and": [{"===": [v("data.tool"), "a"]}, {"<": [v("data.duration_ms"), 5]}]},
            ("may_be_missing", "/and/1"),
        ),
        ({"!": v("data.tool")}, ("may_be_missing", "")),
        ({"!==": [v("data.tool"), "a"]}, ("may_be_missing", "")),
        ({"===": [v("data.duration_ms"), "fast"]}, ("wrong_type", "")),
        ({"in": [v("data.tool"), [1, 2]]}, ("wrong_type", "")),
        ({"===": [v("data.tol"), "a"]}, ("unknown_field", "/===/0")),
        ({"===": [v("data.content.arguments"), "a"]}, ("content_field", "/===/0")),
        ({"===": [v("type"), "policy.decision"]}, ("contradicts_on", "")),
    ],
)
def test_findings(logic: Any, expected: tuple[str, str]) -> None:
    assert expected in codes(logic)


@pytest.mark.parametrize(
    "guarded",
    [
        {"and": [{"exists": ["data", "duration_ms"]}, {"==": [v("data.duration_ms"), 0]}]},
        {"and": [{"!": {"missing": ["data.duration_ms"]}}, {"<": [v("data.duration_ms"), 5]}]},
        {"and": [{"!==": [v("data.duration_ms"), None]}, {"<": [v("data.duration_ms"), 5]}]},
        {"<": [{"var": ["data.duration_ms", 99]}, 5]},
        {"if": [{"exists": ["data", "duration_ms"]}, {"<": [v("data.duration_ms"), 5]}, False]},
        {"and": [{"===": [v("data.tool"), "a"]}, {"!=": [v("data.tool"), "b"]}]},
        {"!=": [v("type"), "x"]},
    ],
)
def test_guards_are_understood(guarded: Any) -> None:
    assert "may_be_missing" not in {code for code, _ in codes(guarded)}


def test_did_you_mean() -> None:
    (found,) = (
        f
        for f in lint_rule({"===": [v("data.tol"), "a"]}, ["tool.call"], SCHEMA)
        if f.code is FindingCode.UNKNOWN_FIELD
    )
    assert found.hint == "Did you mean `data.tool`?"


def test_an_unindexable_rule_is_reported_with_its_cost() -> None:
    logic = {"reduce": [v("data.tool"), {"+": [v("current"), 1]}, 0]}
    (found,) = (f for f in lint_rule(logic) if f.code is FindingCode.EXPENSIVE)
    assert found.severity == "warning"
    assert "us" in found.message
    assert not [f for f in lint_rule(GOOD) if f.code is FindingCode.EXPENSIVE]


def test_shadowed_rules() -> None:
    rules = {
        "wide": {"===": [v("type"), "a"]},
        "narrow": {"and": [{"===": [v("tenant"), "x"]}, {"===": [v("type"), "a"]}]},
        "twin": {"===": [v("type"), "a"]},
    }
    found = {
        (f.rule, f.message, f.severity) for f in lint_rules(rules) if f.code is FindingCode.SHADOWED
    }
    assert found == {
        ("narrow", "`wide` is true whenever this one is", "info"),
        ("narrow", "`twin` is true whenever this one is", "info"),
        ("twin", "`wide` has the same condition", "warning"),
    }


def test_reads() -> None:
    logic = {
        "and": [
            v("a.b"),
            {"missing": ["c", "d.e"]},
            {"some": [v("list"), v("inner")]},
            {"reduce": [v("data.x"), v("current"), 0]},
        ]
    }
    assert reads(logic) == (("a", "b"), ("c",), ("d", "e"), ("data", "x"), ("list",))


def test_what_is_not_accepted_is_not_linted() -> None:
    with pytest.raises(RuleError):
        lint_rule({"no_such": 1})
