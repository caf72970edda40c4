import pytest

from rulesd.core.labels import (
    error_key,
    error_labels,
    is_error,
    key_of,
    key_reader,
    label_text,
    labels_of,
)
from rulesd.model.event import Json
from tests.core.plans import field


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"), ("", ""), (None, ""), (True, "true"), (False, "false"), (3, "3"), (3.0, "3"), (0.5, "0.5"), (1e20, "1e+20"),
        ([1], "(invalid)"), ({}, "(invalid)"), ("y" * 257, "(invalid)"), ("a\x00b", "(invalid)"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_every_value_has_one_text(value: Json, text: str) -> None:
    assert label_text(value) == text


def test_what_is_missing_is_a_segment_of_its_own() -> None:
    by = (field("tenant"), field("tool"))
    key = key_of(tuple(f.get for f in by), {"tenant": "acme", "data": {}})
    assert key == ("acme", "(missing)")
    assert labels_of(by, key) == {"tenant": "acme", "tool": "(missing)"}


@pytest.mark.parametrize("by", [(), ("tenant",), ("tenant", "tool"), ("tool", "tenant", "model")])
@pytest.mark.parametrize(
    "tenant", ["acme", "", "y" * 256, "y" * 257, "a\x00b", None, 3, 3.0, True, [1], {"a": 1}]
)
def test_a_reader_reads_what_key_of_reads(by: tuple[str, ...], tenant: Json) -> None:
    getters = tuple(field(name).get for name in by)
    document: dict[str, Json] = {"tenant": tenant, "data": {"tool": "sql"}}
    assert key_reader(getters)(document) == key_of(getters, document)


def test_error_keys_cannot_be_mistaken_for_labels() -> None:
    key = error_key("/svc", "tool.call")
    assert is_error(key)
    assert not is_error(("a", "b", "c"))
    assert not is_error(("\x00",))
    assert error_labels(key) == {
        "problem": "could_not_evaluate",
        "source": "/svc",
        "type": "tool.call",
    }
