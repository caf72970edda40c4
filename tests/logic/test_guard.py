"""What could hurt the process is refused at load, with its place, before anything native sees it."""

from typing import Any

import orjson
import pytest

from rulesd.logic import Matcher, RuleError
from rulesd.logic.guard import MAX_BYTES, MAX_NODES, plain


def nested(depth: int, wrap: str = "!") -> Any:
    logic: Any = {"var": "a"}
    for _ in range(depth):
        logic = {wrap: logic} if wrap == "!" else {wrap: [logic]}
    return logic


def cyclic_list() -> Any:
    items: list[Any] = []
    items.append(items)
    return items


def cyclic_rule() -> Any:
    logic: dict[str, Any] = {"and": []}
    logic["and"].append({"!": logic})
    return logic


@pytest.mark.parametrize(
    ("logic", "pointer", "words"),
    [
        (nested(10_000), None, "nested deeper"),
        (nested(10_000, "and"), None, "nested deeper"),
        ({"and": [True, cyclic_list()]}, "/and/1/0", "contains itself"),
        (cyclic_rule(), "/and/0/!", "contains itself"),
        ({"in": [{"var": "a"}, ["x"] * 21_000]}, None, "more than"),
        ({"===": [{"var": "a"}, "x" * 1_100_000]}, "", "bytes of JSON"),
        ("[" * 100_000, "", "not JSON"),
        ('{"===": [{"var": "a"}, "' + "x" * 1_000_000 + '"]}', "", "characters"),
        ({"in": [{"var": "a"}, [0.5] * 100_000]}, None, "more than"),
        ({"or": [False, {"starts_with": ["a"]}]}, "/or/1", "2"),
        ({"and": [{1: 2}]}, "/and/0", "not a string"),
        ({"===": [{"var": "a"}, {2: 3}]}, "/===/1", "not a string"),
        ({"===": [{"var": "a"}, b"bytes"]}, "/===/1", "not JSON"),
        ({"===": [{"var": "a"}, {"set"}]}, "/===/1", "not JSON"),
        ({">": [{"var": "a"}, float("nan")]}, "/>/1", "not finite"),
        ({">": [{"var": "a"}, float("inf")]}, "/>/1", "not finite"),
        ({">": [{"var": "a"}, 10**30]}, "/>/1", "64 bits"),
        ({"===": [{"var": "a"}, "\ud800"]}, "/===/1", "surrogate"),
        ({"==": [1]}, "", "at least 2"),
        ({"and": [{"some": [[1], 2, 3]}]}, "/and/0", "exactly 2"),
        ({"and": {"var": "a"}}, "", "array"),
        ({"a": 1, "b": 2}, "", "2 keys"),
        ({"and": [{"no_such": 1}]}, "/and/0", "unknown operator"),
    ],
)
def test_refused_with_its_place(logic: Any, pointer: str | None, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        Matcher({"rule": logic})
    assert caught.value.rule == "rule"
    assert words in caught.value.message
    assert caught.value.hint
    if pointer is not None:
        assert caught.value.pointer == pointer


def test_what_is_just_within_the_limits_is_accepted() -> None:
    assert Matcher({"deep": nested(250)}).match(b'{"a": 1}') == ["deep"]
    assert Matcher({"long": {"in": [{"var": "a"}, ["x"] * (MAX_NODES // 2)]}}).match(
        b'{"a": "x"}'
    ) == ["long"]
    assert (
        Matcher({"wide": {"===": [{"var": "a"}, "x" * (MAX_BYTES - 100)]}}).match(b'{"a": 1}') == []
    )


def test_the_copy_is_private() -> None:
    logic = {"===": [{"var": "a"}, "x"]}
    matcher = Matcher({"rule": logic})
    logic["==="][1] = "y"
    assert matcher.match(b'{"a": "x"}') == ["rule"]
    assert matcher.naive_evaluate({"a": "x"}).matched == ["rule"]


def test_tuples_and_other_mappings_are_read_as_json() -> None:
    from types import MappingProxyType

    tree, text = plain(MappingProxyType({"in": ({"var": "a"}, ("x", "y"))}))
    assert tree == {"in": [{"var": "a"}, ["x", "y"]]}
    assert orjson.loads(text) == tree


@pytest.mark.parametrize(
    "logic",
    [
        {"cat": [{"cat": ["x" * 200] * 20}] * 40},
        {"merge": [[1] * 200] * 40},
        {"map": [list(range(400)), {"map": [list(range(400)), {"map": [list(range(40)), 1]}]}]},
        {
            "reduce": [
                list(range(1000)),
                {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]},
                "x",
            ]
        },
    ],
)
def test_constant_bombs_cost_nothing_at_load_and_little_later(logic: Any) -> None:
    matcher = Matcher({"bomb": logic, "calm": {"===": [{"var": "a"}, 1]}})
    assert "calm" in matcher.evaluate(b'{"a": 1}').matched
