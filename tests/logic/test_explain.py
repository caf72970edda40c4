"""Explanations: words a person follows, and never an event's raw content."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.logic import Matcher, RaiseReason, explain

RULE = {
    "and": [
        {"===": [{"var": "type"}, "tool.call"]},
        {"in": [{"var": "data.tool"}, ["shell", "db.drop"]]},
        {"!": {"==": [{"var": "data.scope"}, "in"]}},
        {">": [{"var": "data.score"}, 0.5]},
    ]
}


def test_the_text_of_a_rule_that_holds() -> None:
    document = {"type": "tool.call", "data": {"tool": "shell", "scope": "out", "score": 0.75}}
    explanation = Matcher({"r": RULE}).explain("r", orjson.dumps(document))
    assert explanation.truth is True
    assert explanation.text().splitlines() == [
        "yes: all of",
        '  yes: type is "tool.call", needed "tool.call"',
        '  yes: data.tool is "shell", needed one of "shell", "db.drop"',
        "  yes: not",
        '    no: data.scope is "out", needed "in"',
        "  yes: data.score is 0.75, needed more than 0.5",
    ]


def test_a_missing_field_and_one_of_the_wrong_type() -> None:
    explanation = explain(RULE, {"type": "tool.call", "data": {"score": "high"}})
    assert "  no: data.tool is nothing, needed one of" in explanation.text()
    assert (
        '  could not evaluate (not_a_number): data.score is "high", needed more than 0.5'
        in explanation.text()
    )
    assert explanation.children[3].reason is RaiseReason.NOT_A_NUMBER
    assert explanation.children[3].pointer == "/and/3"


@pytest.mark.parametrize(
    ("logic", "words"),
    [
        (
            {"some": [{"var": "data.tags"}, {"===": [{"var": ""}, "x"]}]},
            "some item of data.tags is a list of 2",
        ),
        ({"<": [0, {"var": "data.n"}, 5]}, "data.n is 3, needed strictly between 0 and 5"),
        ({"in": ["secret", {"var": "data.text"}]}, 'needed to contain "secret"'),
        ({"exists": ["data", "n"]}, "data.n is there"),
        ({"missing": ["data.q"]}, "data.q has missing fields: a list of 1"),
        ({"var": "data.n"}, "data.n is 3, needed something"),
        ({"matches": [{"var": "data.text"}, "^a"]}, 'needed to match "^a"'),
        ({"===": [{"var": "data.n"}, {"var": "data.m"}]}, "data.n is 3, needed data.m is nothing"),
    ],
)
def test_sentences(logic: Any, words: str) -> None:
    assert (
        words
        in explain(logic, {"data": {"tags": [1, 2], "n": 3, "text": "some words here"}}).text()
    )


@settings(max_examples=150, deadline=None)
@given(secret=st.text(min_size=4, max_size=300).filter(lambda s: not s.isascii() or " " in s))
def test_no_raw_content_is_shown(secret: str) -> None:
    document = {
        "type": secret,
        "data": {
            "tool": secret,
            "scope": {"k": secret},
            "score": [secret],
            "content": {"input_text": "hunter2"},
        },
    }
    shown = explain(
        {"and": [RULE, {"===": [{"var": "data.content.input_text"}, "x"]}, {"var": "data.scope"}]},
        document,
    ).text()
    assert secret not in shown
    assert "hunter2" not in shown
