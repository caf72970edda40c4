import pytest

from rulesd.core.labels import error_key, error_labels, is_error, key_of, label_text, labels_of
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
