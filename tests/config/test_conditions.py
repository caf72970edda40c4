import pytest

from rulesd.config.conditions import OPERATORS, bare_type, condition
from rulesd.logic import RuleError, predicate

TYPE = {"var": "type"}


@pytest.mark.parametrize(
    ("on", "when", "logic"),
    [
        (("a",), None, {"===": [TYPE, "a"]}),
        (("a", "b"), None, {"in": [TYPE, ["a", "b"]]}),
        (("a",), True, {"and": [{"===": [TYPE, "a"]}, True]}),
        ((), {"var": "x"}, {"var": "x"}),
    ],
)
def test_the_type_stands_first(on: tuple[str, ...], when: object, logic: object) -> None:
    assert condition(on, when) == logic  # type: ignore[arg-type]


def test_bare_types() -> None:
    assert bare_type("ai.safety.tool.call.v1") == "tool.call"
    assert bare_type("tool.call") == "tool.call"
    assert bare_type("ai.safety.tool.call.v2") == "ai.safety.tool.call.v2"


def test_operators_that_are_suggested_exist() -> None:
    unknown = []
    for name in OPERATORS:
        try:
            predicate({name: [1, 1]})
        except RuleError as error:
            if "unknown operator" in error.message:
                unknown.append(name)
    assert unknown == []
