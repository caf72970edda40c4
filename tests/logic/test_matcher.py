"""The contract of ``Matcher`` (2.9): answers, order, what is refused, and what is stopped."""

import gc
import pickle
import threading
import time
import weakref
from typing import Any

import orjson
import pytest

from rulesd.logic import Evaluation, Matcher, RaiseReason, RuleError
from rulesd.logic.index import Index


def var(name: str) -> dict[str, str]:
    return {"var": name}


RULES: dict[str, Any] = {
    "key": {"and": [{"===": [var("type"), "tool.call"]}, {"===": [var("data.scope"), "out"]}]},
    "number": {">": [var("data.score"), 0.9]},
    "either": {
        "or": [{"===": [var("tenant"), "acme"]}, {"in": [var("type"), ["heartbeat", "tool.call"]]}]
    },
    "opaque": {"reduce": [var("data.list"), {"+": [var("current"), var("accumulator")]}, 0]},
}


def test_ids_come_in_the_order_of_the_mapping() -> None:
    event = orjson.dumps(
        {"type": "tool.call", "data": {"scope": "out", "score": 0.95, "list": [1]}}
    )
    assert Matcher(RULES).match(event) == ["key", "number", "either", "opaque"]
    turned = dict(reversed(RULES.items()))
    assert Matcher(turned).match(event) == ["opaque", "either", "number", "key"]
    assert Matcher(turned).positions(orjson.loads(event)) == ([0, 1, 2, 3], [])


def test_an_evaluation_that_raises_is_told_apart_from_false() -> None:
    matcher = Matcher(RULES)
    event = b'{"type": "x", "data": {"score": "high", "list": 5}}'
    assert matcher.match(event) == []
    assert matcher.evaluate(event) == Evaluation([], ["number"])
    assert matcher.why_raised("number", orjson.loads(event)) is RaiseReason.NOT_A_NUMBER
    assert matcher.why_raised("key", orjson.loads(event)) is None


@pytest.mark.parametrize(
    "logic",
    [
        {
            "and": [{"==": [var("data.a"), "x"]}, {"===": [var("type"), "t"]}]
        },  # raises before the key is asked
        {"and": [{"===": [var("type"), "t"]}, {"==": [var("data.a"), "x"]}]},
        {"or": [{"===": [var("type"), "t"]}, {">": [var("data.a"), 1]}]},
        {"and": [{"some": [var("data.l"), {">": [var("n"), 1]}]}, {"===": [var("type"), "t"]}]},
        {"!": {"<": [var("data.a"), 1]}},
        {"and": [{"<": [1, "text"]}, {"===": [var("type"), "t"]}]},
    ],
)
@pytest.mark.parametrize("kind", ["t", "u", 5])
def test_no_error_is_a_silent_miss(logic: Any, kind: Any) -> None:
    matcher = Matcher({"r": logic, **RULES})
    for a in (1, "x", "5", [], {}, None, True):
        for items in ([{"n": 2}], [{"n": "z"}], [{"n": []}], {"n": 1}, None, []):
            document = {"type": kind, "data": {"a": a, "l": items}}
            assert matcher.evaluate(orjson.dumps(document)) == matcher.naive_evaluate(document)


def test_the_last_of_duplicate_keys_wins_everywhere() -> None:
    matcher = Matcher(
        {"new": {"===": [var("a"), "new"]}, "opaque": {"===": [{"cat": [var("a")]}, "new"]}}
    )
    for event in (b'{"a": "old", "a": "new"}', b'{"a": {"x": 1}, "a": "new"}'):
        assert matcher.match(event) == ["new", "opaque"]
        assert matcher.match_document(orjson.loads(event)) == ["new", "opaque"]
    nested = Matcher({"r": {"===": [var("data.a"), "x"]}})
    assert nested.match(b'{"data": {"a": "x"}, "data": {"b": 1}}') == []
    assert nested.match(b'{"data": 5, "data": {"a": "x"}}') == ["r"]


@pytest.mark.parametrize(
    "event",
    [
        b"[]",
        b"5",
        b'"text"',
        b"null",
        b'[{"type": "tool.call"}]',
        b"{}",
        b'{"data": []}',
        b'{"data": null}',
    ],
)
def test_documents_of_any_shape(event: bytes) -> None:
    matcher = Matcher({**RULES, "index": {"===": [var("0.type"), "tool.call"]}})
    assert matcher.evaluate(event) == matcher.naive_evaluate(orjson.loads(event))


@pytest.mark.parametrize("event", [b"", b"{", b"nope", b"\xff", b'{"type": }', b"{} {}"])
def test_what_is_not_json_is_refused(event: bytes) -> None:
    with pytest.raises(ValueError):
        Matcher(RULES).match(event)


def test_field_names_with_dots_and_odd_characters() -> None:
    document = {"a.b": 1, "a": {"b": "dotted", "": {"x": 1}, "c/d~e": "odd", "'\"\\\n": "quote"}}
    rules = {
        "path": {"===": [var("a.b"), "dotted"]},
        "key": {"===": [{"val": "a.b"}, 1]},
        "empty": {"===": [var("a..x"), 1]},
        "odd": {"===": [var("a.c/d~e"), "odd"]},
        "quote": {"===": [{"val": ["a", "'\"\\\n"]}, "quote"]},
    }
    matcher = Matcher(rules)
    assert matcher.match(orjson.dumps(document)) == matcher.naive_evaluate(document).matched
    assert matcher.match(orjson.dumps(document)) == ["path", "key", "empty", "odd", "quote"]


def test_no_rules_and_constant_rules() -> None:
    assert Matcher({}).evaluate(b"{}") == ([], [])
    assert Matcher({"t": True, "f": False, "n": None, "l": [1], "e": [], "o": {}}).match(b"{}") == [
        "t",
        "l",
    ]


@pytest.mark.parametrize("number", ["1e400", "-1e309", '[0, {"x": 5e999}]'])
def test_a_number_beyond_doubles_is_refused_where_a_rule_reads_it(number: str) -> None:
    """And only there (docs/matching.md): the rest of the event is skipped unread. The daemon has decoded it before."""
    matcher = Matcher({"r": {"===": [var("type"), "x"]}, "n": {">": [var("data.n"), 5]}})
    read = f'{{"type": "x", "data": {{"n": {number}}}}}'.encode()
    skipped = f'{{"type": "x", "data": {{"other": {number}, "n": 6}}}}'.encode()
    for event in (read, skipped):
        with pytest.raises(ValueError):
            orjson.loads(event)
    with pytest.raises(ValueError):
        matcher.match(read)
    with pytest.raises(ValueError):
        matcher.evaluate(read)
    assert matcher.match(skipped) == ["r", "n"]
    assert matcher.evaluate(skipped) == (["r", "n"], [])


def test_a_whole_number_of_hundreds_of_digits_is_a_number() -> None:
    """The other half of that: msgspec reads what orjson refuses."""
    event = b'{"n": 1' + b"0" * 400 + b"}"
    with pytest.raises(ValueError):
        orjson.loads(event)
    assert Matcher({"n": {">": [var("n"), 5]}}).match(event) == ["n"]
    with pytest.raises(ValueError):
        Matcher({"n": {"===": [{"%": [var("n"), 2]}, 1]}}).match(event)


@pytest.mark.parametrize(
    "text",
    [
        "01",
        "NaN",
        "-Infinity",
        "1.",
        "tru",
        '"\\ud800"',
        '"\\x"',
        '"a\tb"',
        "[1,]",
        '{"a" 1}',
        "[" * 3000 + "]" * 3000,
    ],
)
def test_everything_else_that_is_no_json_is_refused_even_where_no_rule_reads_it(text: str) -> None:
    matcher = Matcher({"r": {"===": [var("type"), "x"]}})
    event = f'{{"type": "x", "other": {text}}}'.encode()
    for decode in (orjson.loads, matcher.match, matcher.evaluate):
        with pytest.raises(ValueError):
            decode(event)


@pytest.mark.parametrize("text", ["18446744073709551616", "-9223372036854775809", "1" + "0" * 300])
def test_whole_numbers_beyond_64_bits_are_what_orjson_makes_of_them(text: str) -> None:
    rules = {"big": {">": [var("n"), 1e18]}, "odd": {"===": [{"%": [var("n"), 2]}, 1]}, "t": True}
    matcher = Matcher(rules)
    for event in (f'{{"n": {text}}}'.encode(), f'{{"other": {text}, "n": 1}}'.encode()):
        assert matcher.evaluate(event) == matcher.naive_evaluate(orjson.loads(event))


def test_whole_numbers_beyond_what_floats_hold() -> None:
    rules = {
        f"{op}{n}": {op: [var("n"), n]}
        for op in ("===", "==", ">", "<=")
        for n in (2**53, 2**53 + 1, 2**63 - 1, 0)
    }
    matcher = Matcher(
        {**rules, "sum": {"===": [{"+": [var("n"), 1]}, 2**53 + 2]}, "opaque": {"%": [var("n"), 2]}}
    )
    for text in (
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0",
        "9223372036854775807",
        "18446744073709551615",
        "1e400",
        "1" + "0" * 30,
    ):
        event = f'{{"n": {text}}}'.encode()
        try:
            document = orjson.loads(event)
        except orjson.JSONDecodeError:
            continue
        assert matcher.evaluate(event) == matcher.naive_evaluate(document)


BOMB = {
    "map": [
        var("data.items"),
        {"reduce": [var("data.items"), {"+": [var("current"), var("accumulator")]}, 0]},
    ]
}


def test_a_bomb_is_stopped_by_the_budget_and_named() -> None:
    nested = {
        "map": [
            var("big"),
            {
                "map": [
                    {"val": [[-2], "big"]},
                    {"map": [{"val": [[-4], "big"]}, {"+": [var(""), 1]}]},
                ]
            },
        ]
    }
    matcher = Matcher({"bomb": nested, "calm": {"===": [var("x"), "y"]}})
    document = {"big": list(range(300)), "x": "y"}
    assert matcher.evaluate(orjson.dumps(document)) == (["calm"], ["bomb"])
    assert matcher.why_raised("bomb", document) is RaiseReason.BUDGET_EXCEEDED


@pytest.mark.parametrize(
    "logic",
    [
        {"some": [var("items"), {"===": [var(""), -1]}]},
        {"in": [-1, var("items")]},
        {"filter": [var("items"), {">": [var(""), {"length": {"val": [[-2], "items"]}}]}]},
        {"sort": [var("items")]},
        {"distinct": [var("items")]},
        {"all": [var("items"), {">": [var(""), -1]}]},
        {"none": [var("items"), {"glob": [var(""), "x*"]}]},
        {"overlap": [var("items"), ["a", "b"]]},
        {"overlap": [var("items"), [-1, True, "a"]]},
        {"!": {"overlap": [var("items"), ["a", "b"]]}},
    ],
)
def test_lists_of_a_hundred_thousand_items_take_at_most_milliseconds(logic: Any) -> None:
    matcher = Matcher({"r": logic})
    document = {"items": list(range(100_000))}
    event = orjson.dumps(document)
    matcher.evaluate(event)
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        matcher.evaluate(event)
        decoded = time.perf_counter()
        orjson.dumps(orjson.loads(event))  # Reading the event costs the same without any rule.
        spent.append((decoded - start) - 4 * (time.perf_counter() - decoded))
    assert min(spent) < 0.005


def test_built_in_one_thread_and_used_in_others() -> None:
    built: list[Matcher] = []
    builder = threading.Thread(target=lambda: built.append(Matcher(RULES)))
    builder.start()
    builder.join()
    event = b'{"type": "tool.call", "data": {"scope": "out", "list": [1]}}'
    answers: list[Evaluation] = []
    users = [
        threading.Thread(target=lambda: answers.append(built[0].evaluate(event))) for _ in range(4)
    ]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert answers == [Evaluation(["key", "either", "opaque"], [])] * 4


def test_a_matcher_can_be_sent_to_another_process() -> None:
    matcher = pickle.loads(pickle.dumps(Matcher(RULES)))
    assert matcher.match(b'{"tenant": "acme"}') == ["either"]


def test_a_released_matcher_is_freed_without_the_collector() -> None:
    matcher = Matcher({f"r{i}": {"===": [var("x"), f"v{i}"]} for i in range(200)})
    assert matcher.match(b'{"x": "v7"}') == ["r7"]
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        matcher.release()
        index = weakref.ref(matcher._index)
        with pytest.raises(RuntimeError):
            matcher.match(b"{}")
        del matcher
        assert index() is None
        assert len(gc.get_objects()) < before - 200
    finally:
        gc.enable()


def test_learned_frequencies_change_speed_alone() -> None:
    events = [
        {
            "type": "tool.call",
            "tenant": f"t{i % 7}",
            "data": {"scope": "out" if i % 50 == 0 else "in"},
        }
        for i in range(300)
    ]
    rules = {
        f"r{i}": {
            "and": [{"===": [var("tenant"), f"t{i % 7}"]}, {"===": [var("data.scope"), "out"]}]
        }
        for i in range(40)
    }
    plain, learned = Matcher(rules), Matcher(rules, observed=events)
    for event in events:
        assert plain.match_document(event) == learned.match_document(event)


def test_the_error_names_rule_place_and_remedy() -> None:
    with pytest.raises(RuleError) as caught:
        Matcher({"good": True, "bad": {"and": [True, {"equals": [1, 2]}]}})
    error = caught.value
    assert (error.rule, error.pointer) == ("bad", "/and/1")
    assert "equals" in str(error)
    assert error.hint


def test_index_holds_no_rule_text_in_its_code() -> None:
    """Constants travel in tuples; generated code is made of numbers and names of our own."""
    hostile = '\'; import os #\n"""'
    matcher = Matcher(
        {
            hostile: {
                "and": [
                    {"===": [var(hostile), hostile]},
                    {">": [var(f"data.{hostile}"), 1]},
                    {"in": [hostile, var("x")]},
                ]
            }
        }
    )
    index: Index = matcher._index
    assert all(hostile not in line for _, body in index.shapes._bodies for line in body)
    assert matcher.match(orjson.dumps({hostile: hostile, "data": {hostile: 2}, "x": hostile})) == [
        hostile
    ]
