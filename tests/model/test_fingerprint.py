from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.model import fingerprint as module
from rulesd.model.fingerprint import digest64, episode_id, fingerprint, group_dedup_key


def test_fingerprint_is_alertmanagers() -> None:
    # {alertname="A1"} as Alertmanager 0.25 answers it, recomputed by hand: FNV-1a over "alertname" ff "A1" ff.
    value = 0xCBF29CE484222325
    for byte in b"alertname\xffA1\xff":
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    assert fingerprint({"alertname": "A1"}) == f"{value:016x}"


def test_order_and_empty_values_do_not_matter() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1", "c": ""})
    assert fingerprint({"a": "12"}) != fingerprint({"a1": "2"})


def test_an_empty_set_has_the_offset_basis() -> None:
    assert fingerprint({}) == "cbf29ce484222325"


def test_episode_ids_tell_everything_apart() -> None:
    ids = {
        episode_id("r", ("a",), "e1", 1),
        episode_id("r", ("a",), "e1", 2),
        episode_id("r", ("a",), "e2", 1),
        episode_id("r", ("b",), "e1", 1),
        episode_id("s", ("a",), "e1", 1),
    }
    assert len(ids) == 5
    assert all(len(i) == 16 for i in ids)


def test_digests_fit_an_integer_column_and_take_any_text() -> None:
    assert -(2**63) <= digest64("a", "b") < 2**63
    assert digest64("a", "b") != digest64("ab")
    assert digest64("\ud800") != digest64("")


def test_group_dedup_key_is_a_sha256() -> None:
    assert (
        group_dedup_key("x") == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    )


TEXT = st.characters(exclude_categories=["Cs"])


def plain(labels: Mapping[str, str]) -> str:
    """FNV-1a byte by byte, as the definition says."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in (
            name.encode() + b"\xff" + labels[name].encode() + b"\xff" if labels[name] else b""
        ):
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


@given(
    st.lists(
        st.dictionaries(st.text(TEXT, max_size=5), st.text(TEXT, max_size=8), max_size=5),
        max_size=5,
    )
)
def test_what_is_remembered_of_labels_changes_no_fingerprint(sets: list[dict[str, str]]) -> None:
    for labels in [*sets, *sets]:
        assert fingerprint(labels) == plain(labels)


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEPS", {})
    monkeypatch.setattr(module, "MOST_STEPS", 2)
    for n in range(5):
        assert fingerprint({"a": "b", "n": str(n)}) == plain({"a": "b", "n": str(n)})
        assert len(module._STEPS) <= 2
    assert fingerprint({"a": "x" * 400}) == plain({"a": "x" * 400})
