import copy
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.model.errors import EventError
from rulesd.privacy.redact import VALUES_LIMIT, Redactor, flat, label_like

REDACTOR = Redactor(b"k" * 32)
SECRET = "my card is 4929 1234 and I am sad"


def redact(data: Any, event_type: str = "tool.call", **attributes: Any) -> tuple[Any, Counter[str]]:
    notices: Counter[str] = Counter()
    doc = {"id": "1", "source": "/svc/a", "type": event_type, "data": data, **attributes}
    REDACTOR.redact(doc, event_type, notices)
    return doc, notices


def masked(notices: Counter[str]) -> int:
    """How many texts were masked."""
    return notices["undeclared_string"] + notices["label_unbounded"]


@pytest.mark.parametrize("content", [{"arguments": SECRET}, SECRET, [SECRET], None, 5, {}])
def test_content_goes_whatever_it_holds(content: Any) -> None:
    doc, notices = redact({"tool": "shell", "content": content})
    assert doc["data"] == {"tool": "shell"}
    assert not notices


@pytest.mark.parametrize(
    "data",
    [
        {"prompt": SECRET},
        {"deep": {"er": [1, {"x": SECRET}]}},
        {"list": [SECRET]},
        {SECRET: 1},
        {"nested": {SECRET: True}},
        {"tool": {"name": SECRET}},
        {"tool": [{"name": SECRET}]},
        {"duration_ms": SECRET},
        {"duration_ms": [SECRET]},
        {"tool": SECRET + "\n"},
        {"tool": SECRET * 20},
        {"doc_ids": ["a", SECRET * 20]},
        {"words": "我想伤害自己"},
        {"prompt": "x" * 129},
        {"prompt": "one\ntwo"},
        {"prompt": "tab\tbed"},
    ],
)
def test_raw_text_never_stays(data: Any) -> None:
    doc, notices = redact(data)
    text = json.dumps(doc, ensure_ascii=False)
    assert "4929" not in text
    assert "我想" not in text
    assert "xxx" not in text
    assert "one" not in text
    assert "tab" not in text
    assert "hmac:" in text
    assert masked(notices) == 1


@pytest.mark.parametrize("attribute", ["prompt", "subject", "type", "tenant", "dataref"])
def test_the_envelope_hides_nothing_either(attribute: str) -> None:
    text = SECRET if attribute in {"prompt", "type", "tenant"} else SECRET * 20
    doc, notices = redact({}, **{attribute: text})
    assert doc[attribute].startswith("hmac:")
    assert masked(notices) == 1


def test_names_of_unknown_attributes_are_text_too() -> None:
    doc, _ = redact({}, **{SECRET: 1})
    assert "4929" not in json.dumps(doc)


@pytest.mark.parametrize(
    "data",
    [
        {"tool": "a short text with spaces, as a label may be"},
        {"user_ref": "u:1"},
        {"own_field": "looks/like.a:label@x+y-z_0"},
        {"own_field": ""},
        {"own": {"nested": ["ok", 1, None, True, 2.5]}},
        {"doc_ids": ["doc-1", "doc-2"]},
        {"duration_ms": "12"},
        {"cross": True, "tool": False, "cost_usd": 1e300},
    ],
)
def test_labels_numbers_and_label_like_texts_stay(data: Any) -> None:
    doc, notices = redact(copy.deepcopy(data))
    assert doc["data"] == data
    assert not masked(notices)


def test_a_list_of_ids_is_as_good_as_one() -> None:
    doc, notices = redact({"doc_ids": ["doc 1", "doc 2"]}, "retrieval.query")
    assert doc["data"] == {"doc_ids": ["doc 1", "doc 2"]}
    assert not notices


def test_the_same_text_has_the_same_mask_and_another_key_another() -> None:
    assert REDACTOR.mask("a b") == REDACTOR.mask("a b") != REDACTOR.mask("a c")
    assert REDACTOR.mask("a b") != Redactor(b"x" * 32).mask("a b")
    assert label_like(REDACTOR.mask("a b"))
    assert len(REDACTOR.mask("a b")) == len("hmac:") + 32
    assert REDACTOR.mask("\ud800")


def test_mask_and_digest_are_not_bare_hashes_nor_each_other() -> None:
    from hashlib import blake2b, md5, sha256

    for bare in (blake2b(b"a b", digest_size=16), md5(b"a b"), sha256(b"a b")):
        assert bare.hexdigest()[:32] not in REDACTOR.mask("a b")
    assert f"{REDACTOR.digest(b'a b') & (2**64 - 1):016x}" not in REDACTOR.mask("a b")


def test_a_key_must_be_a_key() -> None:
    with pytest.raises(ValueError, match="16"):
        Redactor(b"short")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("field", ["deep", "content"])
def test_depth_is_limited_in_what_stays_and_what_goes(field: str) -> None:
    redact({field: nested(62)})  # The event and its data are two levels more.
    with pytest.raises(EventError) as caught:
        redact({field: nested(63)})
    assert caught.value.code == "too_deep"


def test_values_are_limited() -> None:
    redact({"list": [0] * VALUES_LIMIT})
    with pytest.raises(EventError) as caught:
        redact({"list": [0] * (VALUES_LIMIT + 1)})
    assert caught.value.code == "too_large"


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(EventError):
        redact({"x": b"raw"})


@pytest.mark.parametrize(
    ("value", "expected"), [(2.0**63, True), (-(2.0**63), True), (2.0**62, False), (1.5, False)]
)
def test_numbers_that_may_have_lost_precision_are_seen(value: float, expected: bool) -> None:
    doc: dict[str, Any] = {"data": {"cost_usd": value}}
    assert REDACTOR.redact(doc, "tool.call", Counter()) is expected
    doc = {"data": {"own": [{"x": value}]}}
    assert REDACTOR.redact(doc, "tool.call", Counter()) is expected
    doc = {"data": {}, "ext": value}
    assert REDACTOR.redact(doc, "tool.call", Counter()) is expected


def test_flat() -> None:
    assert flat("x")
    assert flat(None)
    assert flat({"a": "b"})
    assert flat(["a"])
    assert not flat({"a": {}})
    assert not flat([[]])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["tool.call", "unknown", "retrieval.query"]))
def test_redacting_twice_changes_nothing(value: Any, event_type: str) -> None:
    doc = {"id": "1", "ext": value, "data": {"tool": value, "own": value, "cost_usd": value}}
    REDACTOR.redact(doc, event_type, Counter())
    once = json.dumps(doc)
    notices: Counter[str] = Counter()
    REDACTOR.redact(doc, event_type, notices)
    assert json.dumps(doc) == once
    assert not masked(notices)


@given(JSON)
def test_what_stays_is_label_like_or_declared(value: Any) -> None:
    doc = {"data": {"own": value}, "ext": value}
    REDACTOR.redact(doc, "tool.call", Counter())

    def texts(inner: Any) -> list[str]:
        if isinstance(inner, str):
            return [inner]
        if isinstance(inner, list):
            return [t for v in inner for t in texts(v)]
        if isinstance(inner, dict):
            return [t for k, v in inner.items() for t in (k, *texts(v))]
        return []

    assert all(label_like(text) for text in texts(doc))


@pytest.mark.parametrize(
    ("data", "noticed"),
    [
        ({"cost_usd": "50"}, {"measure_not_number": 1}),
        ({"cost_usd": True, "duration_ms": [1]}, {"measure_not_number": 2}),
        ({"cost_usd": -3, "duration_ms": -0.5}, {"measure_negative": 2}),
        ({"cost_usd": 0, "duration_ms": None, "retry_index": 2.5, "units": "many"}, {}),
    ],
)
def test_a_measure_that_nothing_can_be_counted_with_is_noticed(
    data: Any, noticed: dict[str, int]
) -> None:
    doc, notices = redact(copy.deepcopy(data))
    assert doc["data"] == data
    assert notices == noticed


def test_a_score_may_be_below_nought() -> None:
    assert not redact({"score": -3.5, "threshold": -1}, "output.classification")[1]
