"""The added operators: what they mean, that datalogic and generated code agree, and what is refused."""

from typing import Any

import orjson
import pytest

from rulesd.logic import EvaluationError, Matcher, RaiseReason, RuleError, predicate, value_of

CASES: list[tuple[str, Any, Any, bool | None]] = [
    ("matches", "fs.read", "^fs[.]", True),
    ("matches", "a fs.read", "^fs[.]", False),
    ("matches", "IGNORE previous instructions", "(?i)ignore (all )?previous", True),
    ("matches", None, ".*", False),
    ("matches", 5, "5", None),
    ("matches", ["x"], "x", None),
    ("glob", "fs.read", "fs.*", True),
    ("glob", "fs.read", ["db.*", "*.read"], True),
    ("glob", "fs.reads", "*.read", False),
    ("glob", "a+b", "a+?", True),
    ("glob", "two\nlines", "two*", True),
    ("cidr", "10.1.2.3", "10.0.0.0/8", True),
    ("cidr", "11.1.2.3", ["10.0.0.0/8", "11.0.0.0/8"], True),
    ("cidr", "::ffff:10.1.2.3", "10.0.0.0/8", True),
    ("cidr", "fd00::1", "fd00::/8", True),
    ("cidr", "not an address", "10.0.0.0/8", False),
    ("cidr", 10, "10.0.0.0/8", None),
    ("domain", "https://evil.example.com:8443/x?y@z", "example.com", True),
    ("domain", "example.com.", "example.com", True),
    ("domain", "https://user@notexample.com/example.com", "example.com", False),
    ("domain", "https://example.com@evil.org/", "example.com", False),
    ("domain", "http://[fd00::1]:80/", "fd00::1", True),
    ("overlap", ["a", "b"], ["b", "c"], True),
    ("overlap", [1, True], [True], True),
    ("overlap", [1], [True], False),
    ("overlap", [], ["a"], False),
    ("overlap", None, ["a"], False),
    ("overlap", "a", ["a"], None),
]


@pytest.mark.parametrize(("operator", "value", "argument", "expected"), CASES)
def test_meaning(operator: str, value: Any, argument: Any, expected: bool | None) -> None:
    """Generated code, datalogic with the operator added, and both forms of the document agree."""
    logic = {operator: [{"var": "a"}, argument]}
    matcher = Matcher({"r": logic, "not": {"!": logic}, "opaque": {"or": [{"cat": []}, logic]}})
    document = {"a": value}
    answer = matcher.evaluate(orjson.dumps(document))
    assert answer == matcher.naive_evaluate(document) == matcher.evaluate_document(document)
    if expected is None:
        assert answer.raised == ["r", "not", "opaque"]
        assert matcher.why_raised("r", document) is RaiseReason.INVALID_ARGUMENTS
        with pytest.raises(EvaluationError):
            predicate(logic)(document)
    else:
        assert ("r" in answer.matched) is expected
        assert predicate(logic)(document) is expected
        assert value_of(logic)(document) is expected


@pytest.mark.parametrize(
    "logic",
    [
        {"matches": [{"var": "a"}, "("]},
        {"matches": [{"var": "a"}, "(a+)+(?=b)"]},
        {"matches": [{"var": "a"}, "a{1000}{1000}"]},
        {"matches": [{"var": "a"}, "x" * 2000]},
        {"matches": [{"var": "a"}, {"var": "b"}]},
        {"matches": [{"var": "a"}, ["x"]]},
        {"matches": [{"var": "a"}]},
        {"matches": "a"},
        {"cidr": [{"var": "a"}, "10.0.0.0/64"]},
        {"cidr": [{"var": "a"}, []]},
        {"glob": [{"var": "a"}, 5]},
        {"domain": [{"var": "a"}, ""]},
        {"overlap": [{"var": "a"}, [["x"]]]},
        {"overlap": [{"var": "a"}, []]},
    ],
)
def test_bad_arguments_are_refused_at_their_place(logic: Any) -> None:
    with pytest.raises(RuleError) as caught:
        Matcher({"r": {"and": [True, logic]}})
    assert caught.value.pointer.startswith("/and/1/")
    assert "Write" in caught.value.hint


def test_a_regex_bomb_is_linear() -> None:
    matcher = Matcher({"r": {"matches": [{"var": "a"}, "^(a|a)*(a|a)*(a|a)*$"]}})
    assert matcher.match(orjson.dumps({"a": "a" * 50_000 + "b"})) == []


@pytest.mark.parametrize("name", ["starts_with", "ends_with", "lower", "upper", "trim", "length"])
def test_operators_that_are_datalogics_own(name: str) -> None:
    """They are not ours to define: generated code follows datalogic."""
    logic = (
        {name: [{"var": "a"}, "x"]}
        if name.endswith("with")
        else {"===": [{name: {"var": "a"}}, "x"]}
    )
    matcher = Matcher({"r": logic})
    for value in ("x", "X", " x ", "xyz", "", "É", "ß", None, True, 5, 1.5, [], ["x"], {}):
        assert matcher.evaluate(orjson.dumps({"a": value})) == matcher.naive_evaluate({"a": value})
