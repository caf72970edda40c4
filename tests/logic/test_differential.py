"""The matcher against plain datalogic, on a million seeded rule-event pairs and on what Hypothesis thinks of.

``RULESD_FUZZ_PAIRS`` and ``RULESD_FUZZ_SEED`` make the run longer or another one.
"""

import json
import os
from typing import Any

import datalogic_py as datalogic
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.logic import Matcher, RuleError, codegen
from tests.logic.fuzz import Generator

PAIRS = int(os.environ.get("RULESD_FUZZ_PAIRS", "1000000"))
SEED = int(os.environ.get("RULESD_FUZZ_SEED", "1"))
RULES, EVENTS = 250, 400

ENGINE = datalogic.Engine()
"An engine of the test's own: default configuration, no budget, nothing added."


class Oracle:
    """datalogic, rule by rule, on what orjson decoded."""

    def __init__(self, rules: dict[str, str]) -> None:
        self.rules = [(name, ENGINE.compile_checked(text)) for name, text in rules.items()]
        self.session = ENGINE.session()

    def evaluate(self, document: Any) -> tuple[list[str], list[str]]:
        data = datalogic.DataHandle(orjson.dumps(document).decode())
        matched, raised = [], []
        for name, rule in self.rules:
            try:
                if self.session.evaluate_truthy(rule, data):
                    matched.append(name)
            except datalogic.DataLogicError:
                raised.append(name)
        return matched, raised


def accepted(generator: Generator, count: int) -> dict[str, str]:
    rules: dict[str, str] = {}
    while len(rules) < count:
        text = json.dumps(generator.rule())
        try:
            ENGINE.compile_checked(text)
        except datalogic.DataLogicError:
            with pytest.raises(RuleError):
                Matcher({"refused": text})
            continue
        rules[f"r{len(rules)}"] = text
    return rules


def differences(
    matcher: Matcher, oracle: Oracle, generator: Generator, events: int
) -> tuple[int, int, list[str]]:
    """How many pairs were compared, how many answers were not false, and what differed."""
    pairs = answers = 0
    found: list[str] = []
    for _ in range(events):
        text = generator.text(generator.event())
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        expected = oracle.evaluate(document)
        pairs += len(matcher.ids)
        answers += len(expected[0]) + len(expected[1])
        got = {
            "evaluate": tuple(matcher.evaluate(text)),
            "evaluate_document": tuple(matcher.evaluate_document(document)),
            "match": (matcher.match(text), expected[1]),
            "match_document": (matcher.match_document(document), expected[1]),
        }
        found.extend(
            f"{name} {text.decode()}: {answer} instead of {expected}"
            for name, answer in got.items()
            if answer != expected
        )
    return pairs, answers, found


def test_no_difference_in_a_million_pairs() -> None:
    pairs = answers = 0
    seed = SEED * 1_000_003
    while pairs < PAIRS:
        generator = Generator(seed)
        rules = accepted(generator, RULES)
        observed = [e for e in (generator.event(0) for _ in range(50)) if isinstance(e, dict)]
        matcher = Matcher(rules, observed=observed if seed % 2 else ())
        more, seen, found = differences(matcher, Oracle(rules), generator, EVENTS)
        assert not found, f"seed {seed}: {len(found)} differences, first: {found[0]}"
        pairs, answers, seed = pairs + more, answers + seen, seed + 1
    assert answers > pairs / 100, "the generator makes rules that nothing fulfils"


@pytest.mark.parametrize("wrong", ["raises unwatched", "coercions forgotten", "one rule lost"])
def test_the_comparison_can_fail(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the matcher in three ways: each must be noticed."""
    generator = Generator(7)
    rules = accepted(generator, RULES)
    if wrong == "coercions forgotten":
        monkeypatch.setitem(codegen.NAMESPACE, "loose_equal", lambda a, b: a == b)
    matcher = Matcher(rules)
    index = matcher._index
    if wrong == "raises unwatched":
        index.watched, index.run_struct, index.run_dict_watched = (
            index.root,
            index.run_root,
            index.run_dict,
        )
    if wrong == "one rule lost":
        settle = index.settle
        monkeypatch.setattr(
            index, "settle", lambda out, *rest: settle([i for i in out if i % 9], *rest)
        )
    _, _, found = differences(matcher, Oracle(rules), generator, 400)
    assert found


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12),
    st.sampled_from(["5", "0.5", "1e3", "true", "false", "", "3d", "2024-01-01", "2024-01-01T00:00:00Z", "inf", "0x1", "-0"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
OPERATORS = [
    "==",
    "!=",
    "===",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "starts_with",
    "ends_with",
    "+",
    "-",
    "*",
    "/",
]


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


@settings(max_examples=1500, deadline=None)
@given(
    operator=st.sampled_from(OPERATORS),
    left=VALUES,
    right=SCALARS | st.lists(SCALARS, max_size=3),
    turned=st.booleans(),
)
def test_every_operator_on_any_values(operator: str, left: Any, right: Any, turned: bool) -> None:
    """A field against a constant, and a field against a field."""
    args = [{"var": "a"}, right]
    logics = [
        {operator: args[::-1] if turned else args},
        {operator: [{"var": "a"}, {"var": "b"}]},
        {"===": [{operator: [{"var": "a"}, {"var": "b.c"}]}, right]},
    ]
    rules = {}
    for i, logic in enumerate(logics):
        try:
            text = _text(logic)
        except TypeError:
            continue
        rules[str(i)] = text
    document = {"a": left, "b": right}
    event = _text(document).encode()
    expected = Oracle(rules).evaluate(orjson.loads(event))
    matcher = Matcher(rules)
    assert tuple(matcher.evaluate(event)) == expected
    assert tuple(matcher.evaluate_document(orjson.loads(event))) == expected


@settings(max_examples=300, deadline=None)
@given(
    operator=st.sampled_from(["lower", "upper", "trim", "length", "!", "!!"]),
    value=VALUES,
    start=st.integers(-4, 4),
    size=st.integers(-4, 4),
)
def test_operators_of_one_value(operator: str, value: Any, start: int, size: int) -> None:
    rules = {
        "one": {"===": [{operator: {"var": "a"}}, "a"]},
        "truth": {operator: [{"var": "a"}]},
        "part": {"===": [{"substr": [{"var": "a"}, start, size]}, "ab"]},
        "rest": {"substr": [{"var": "a"}, start]},
        "some": {"some": [{"var": "a"}, {">": [{"var": ""}, 0]}]},
        "all": {"all": [{"var": "a"}, {"var": "x"}]},
    }
    event = _text({"a": value}).encode()
    expected = Oracle({name: _text(rule) for name, rule in rules.items()}).evaluate(
        orjson.loads(event)
    )
    assert tuple(Matcher(rules).evaluate(event)) == expected
