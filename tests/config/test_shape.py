import pytest
from pydantic import BaseModel, Field

from rulesd.config.document import Document
from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.config.shape import Duration, Names, Strict, Window, parse, parse_rest
from rulesd.model.instant import MINUTE


class Inner(Strict):
    name: str
    wait: Duration = 0


class Outer(Strict):
    window: Window = 1
    names: Names = ()
    rows: list[Inner] = Field(default_factory=list)
    table: dict[str, Inner | None] = Field(default_factory=dict)


def check(text: str) -> tuple[BaseModel | None, list[str]]:
    problems = Problems()
    document = read("a.yaml", text.encode(), "a.yaml", problems)
    assert isinstance(document, Document)
    return parse(Outer, document, problems), [
        str(p).removeprefix("a.yaml:") for p in problems.sorted()
    ]


def test_good_values() -> None:
    found, said = check(
        "window: 5m\nnames: one\nrows: [{name: a, wait: 0}]\ntable: {x: , y: {name: b}}\n"
    )
    assert said == []
    assert isinstance(found, Outer)
    assert (found.window, found.names, found.rows[0].wait) == (5 * MINUTE, ("one",), 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "windw: 5m",
            '1:1: unknown_field: unknown field "windw". Did you mean "window"? Known here: names, rows, table, window.',
        ),
        (
            "rows:\n  - {nam: a}",
            '2:6: unknown_field: unknown field "nam". Did you mean "name"? Known here: name, wait.',
        ),
        (
            "table: {x: {name: a, wat: 1}}",
            '1:22: unknown_field: unknown field "wat". Did you mean "wait"? Known here: name, wait.',
        ),
        (
            "window: 0s",
            '1:9: out_of_range: window: must be longer than zero. Write a duration such as "5m".',
        ),
        ("window: 31d", "1:9: out_of_range: window: longer than 30 days. Write at most 30d."),
        (
            "window: 5",
            '1:9: invalid_duration: window: 5 has no unit. Write a duration such as "5m".',
        ),
        (
            "window: [5m]",
            '1:9: invalid_duration: window: a duration is text. Write a number and a unit, such as "5m".',
        ),
        (
            "window: 99999999999y",
            "1:9: out_of_range: window: a duration of more than ten years. Write a shorter one.",
        ),
        (
            "names: {a: b}",
            "1:8: wrong_type: names: must be a list. Write [a, b], or one line for each with a dash.",
        ),
        ("names: [1]", '1:9: wrong_type: names: must be text. Quote it: "...".'),
        ("rows: [5]", '1:8: wrong_type: rows: must be a mapping. Write fields: "name: value".'),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    found, all_said = check(text)
    assert found is None
    assert said in all_said
    assert len([s for s in all_said if "missing" not in s]) == 1


def test_what_is_right_is_read_beside_what_is_wrong() -> None:
    problems = Problems()
    document = read("a.yaml", b"name: 3\nwait: 5m\nmore: 1", "a.yaml", problems)
    assert isinstance(document, Document)
    found, wrong = parse_rest(Inner, document, problems, {"name": "-"})
    assert found is not None
    assert (found.name, found.wait) == ("-", 5 * MINUTE)
    assert wrong == {"name", "more"}
    assert len(problems.errors) == 2
    assert parse_rest(Inner, document, problems, {})[0] is None
