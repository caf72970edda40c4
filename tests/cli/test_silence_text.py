"""Silences in a terminal: numbers in words, and nothing read as markup."""

from typing import Any

import pytest
from rich.console import Console

from rulesd.cli.silence_text import details, foresight, moment, notes, show, table


def silence(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": "s1", "state": "active", "matchers": ['tool="[red]"'], "starts_at": "2026-01-05T09:00:00.000Z",
        "ends_at": "2026-01-05T11:00:00.000Z", "created_by": "ana", "comment": "see [1]", "annotations": {"ticket": "OPS-1"},
        "approved_by": "", "end_on_resolve": False, "windows": None, "hides": {"a": 2, "": 1}, "hides_now": 3, "not_applied": {},
        "held_back": 0, "last_held_back": None, "hid_nothing": False, "history": [
            {"at": "2026-01-05T09:00:00.000Z", "by": "ana", "did": "updated", "what": "comment"},
        ],
    }  # fmt: skip
    return {**values, **changes}


def preview(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "since": "2026-01-01T09:00:00.000Z", "until": "2026-01-05T09:00:00.000Z", "complete": True, "pages": 0,
        "shortened": 0, "not_applied": 0, "shares": [], "now": {},
    }  # fmt: skip
    return {**values, **changes}


def test_a_table_shows_brackets_as_they_are() -> None:
    console = Console(width=200, record=True)
    console.print(table([silence(), silence(id="s2", state="odd")]))
    text = console.export_text()
    for word in ('tool="[red]"', "see [1]", "2026-01-05 11:00 UTC", "s2", "odd"):
        assert word in text


def test_notes() -> None:
    assert notes([silence()]) == []
    said = notes([silence(not_applied={"n": 2}), silence(id="s2", hid_nothing=True)])
    assert "s1 is not applied to 2 alerts of must-never-happen rules (n)" in said[0]
    assert said[1] == "over, and never held anything back: s2"


def test_details() -> None:
    lines = details(silence())
    for line in (
        "hides now    2 of a, 1 of (no name)",
        "held back    nothing so far",
        "note ticket  OPS-1",
        "  2026-01-05 09:00 UTC  updated by ana: comment",
    ):
        assert line in lines
    assert "held back    nothing in its whole life" in details(silence(hid_nothing=True, hides={}))
    held = silence(held_back=2, last_held_back="2026-01-05T09:00:00.000Z")
    assert "held back    2 alerts, last at 2026-01-05 09:00 UTC" in details(held)


def test_a_preview_in_words() -> None:
    assert foresight(preview()) == ["since 2026-01-01 09:00 UTC it would have hidden no page"]
    lines = foresight(
        preview(
            pages=2,
            shortened=2,
            not_applied=1,
            complete=False,
            now={"a": 1},
            shares=[
                {"rule": "(more rules)", "owner": "", "pages": 2, "examples": []},
            ],
        )
    )
    assert lines[0].endswith("hidden 2 pages:")
    assert lines[1] == "      2  (more rules)"
    assert lines[2] == "2 pages would have left with fewer alerts"
    assert lines[3].startswith("1 page would have come all the same")
    assert lines[4] == "right now it hides 1 of a"
    assert lines[5].endswith("to look further back than 2026-01-01 09:00 UTC")


def test_lines_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(["[red] :smile: " + "x" * 300])
    assert capsys.readouterr().out == "[red] :smile: " + "x" * 300 + "\n"
    assert moment(None) == ""
