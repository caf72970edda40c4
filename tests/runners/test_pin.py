"""Pinning: the lines to paste, or the rule file with them and nothing else changed."""

from pathlib import Path
from typing import Any

import pytest

from rulesd.config.problems import Problems
from rulesd.config.read import read
from rulesd.runners.pin import CannotPin, Pin, pin_of, pinned_text, write_pin

FLOW = "id: a.b # why\ndetect: {drift: {field: data.label, top: 5}}   # mix\nby: [tenant]\n"
BLOCK = "id: a.b\ndetect:\n  drift:\n    field: data.label  # mix\n    top: 5\nby: [tenant]\n"
PIN = Pin(fields={"pinned": {"pass": 0.93, "no": 0.07}}, keys=1, events=10)
BINS = Pin(fields={"bins": [0.5, 0.8], "pinned": [0.7, 0.2, 0.1]}, keys=1, events=10)


def row(events: int = 100, detector: str = "drift", **learned: Any) -> dict[str, Any]:
    facts = {"events": events, "shares": {"pass": 0.9, "fail": 0.08, "(others)": 0.02}, **learned}
    return {"detector": detector, "learned": facts}


def data(text: str, name: str = "a.yaml") -> Any:
    found = read(name, text.encode(), name, Problems())
    assert found is not None
    return found.data


def test_labels_count_by_their_events_and_others_are_what_is_missing() -> None:
    one = row(shares={"pass": 0.5, "no": 0.5, "rare": 0.0001}, events=300)
    made = pin_of([row(), one, {"detector": "drift", "learned": None}])
    assert made.fields == {"pinned": {"pass": 0.6, "no": 0.375, "fail": 0.02}}
    assert (made.keys, made.events) == (2, 400.0)
    assert made.text() == 'pinned: {"pass": 0.6, "no": 0.375, "fail": 0.02}\n'
    assert data(made.text())["pinned"] == made.fields["pinned"]


def test_bins_are_pinned_with_their_edges() -> None:
    one = row(edges=[0.5, 0.8], bins=[0.6999, 0.2, 0.1])
    made = pin_of([one, one])
    assert made.fields == {"bins": [0.5, 0.8], "pinned": [0.7, 0.2, 0.1]}
    with pytest.raises(CannotPin, match="different bins"):
        pin_of([one, row(edges=[0.5], bins=[0.5, 0.5])])


def test_what_cannot_be_pinned_says_why() -> None:
    for rows, words in (
        ([], "nothing has been learned"),
        ([{"detector": "drift", "learned": None}], "nothing has been learned"),
        ([row(detector="spike")], "a rule of spike"),
        ([row(detector="shift", events=0)], "no key has a level of its own"),
        ([row(detector="shift", share=0.1)] * 501, "more than 500 keys"),
        ([row(shares={"pass": 1.0})], "one value only"),
    ):
        with pytest.raises(CannotPin, match=words):
            pin_of(rows)


@pytest.mark.parametrize(
    ("text", "name"),
    [(FLOW, "a.yaml"), (BLOCK, "a.yaml"), ('{"detect": {"drift": {"field": "data.label"}}}', "a.json"),
     ("detect: {drift: {field: data.label}}", "a.yml"), ("detect:\n  drift:\n    field: x", "a.yaml")],
)  # fmt: skip
def test_the_file_says_it_and_everything_else_as_before(text: str, name: str) -> None:
    after = pinned_text(text, name, PIN)
    before = data(text, name)
    assert data(after, name)["detect"]["drift"] == {**before["detect"]["drift"], **PIN.fields}
    assert len(after) - len(text) <= 60
    for comment in ("# why", "# mix"):
        assert (comment in after) == (comment in text)


def test_edges_that_were_learned_take_the_place_of_their_number() -> None:
    for text in (
        FLOW.replace("top: 5", "bins: 10"),
        BLOCK.replace("top: 5", "bins: 10"),
        BLOCK.replace("top: 5", "bins: [0.5, 0.8]"),
        BLOCK.replace("    top: 5\n", ""),
    ):
        found = data(pinned_text(text, "a.yaml", BINS))["detect"]["drift"]
        assert found == {"field": "data.label", **BINS.fields}


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("id: a", "a.yaml", "no detect.drift"),
        ("[", "a.yaml", "no detect.drift"),
        ("[detect.drift]\nfield = 'x'\n", "a.toml", "in YAML or JSON"),
        (FLOW.replace("top: 5", "pinned: {a: 0.5, b: 0.5}"), "a.yaml", "pinned already"),
        (BLOCK.replace("top: 5", "bins: [0.1, 0.2]"), "a.yaml", "could not be added"),
    ],
)
def test_where_it_cannot_be_written_it_is_told_what_to_write(
    text: str, name: str, words: str
) -> None:
    with pytest.raises(CannotPin, match=words) as told:
        pinned_text(text, name, BINS)
    assert "pinned: [0.7, 0.2, 0.1]" in str(told.value)


def test_the_file_keeps_its_line_ends_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BLOCK.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    write_pin(path, PIN)
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfid")
    assert raw.count(b"\r\n") == BLOCK.count("\n") + 1 == raw.count(b"\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


SHIFT = "detect:\n  shift:\n    numerator: {'===': [1, 1]}\n    ratio: 2 # twice\nby: [tenant]\n"


def test_the_shares_of_a_shift_are_pinned_key_by_key() -> None:
    rows = [
        {**row(detector="shift", share=0.0412345678), "labels": {"tenant": "a:b, c"}},
        {**row(detector="shift", share=0.5, events=0), "labels": {"tenant": "young"}},
        {**row(detector="shift", share=0.00005), "labels": {"tenant": "no"}},
    ]
    made = pin_of(rows)
    assert (made.keys, made.events) == (2, 200.0)
    wanted = [{"labels": {"tenant": "a:b, c"}, "share": 0.041235}, {"labels": {"tenant": "no"}, "share": 5e-05}]  # fmt: skip
    assert made.fields == {"pinned": wanted}
    after = pinned_text(SHIFT, "a.yaml", made)
    assert data(after)["detect"]["shift"]["pinned"] == wanted
    assert "ratio: 2 # twice" in after
    alone = pin_of([{**row(detector="shift", share=0.3), "labels": {}}])
    assert alone.text() == "pinned: 0.3\n"
    bare = "detect: {shift: {numerator: {'===': [1, 1]}}}\n"
    with pytest.raises(CannotPin, match=r"no detect\.shift"):
        pinned_text(bare, "a.yaml", made)
