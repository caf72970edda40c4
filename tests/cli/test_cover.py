from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.files import RULE, make
from tests.cli.test_replay import LINES


def test_risks_and_blind_spots(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(
        tmp_path, RULE.replace("by: [tenant, tool]", "by: [tenant, tool]\ncovers: [known]")
    )
    (rules / "risks.yaml").write_text("risks:\n  known: {title: Known}\n  other: {title: Other}\n")
    (tmp_path / "e.ndjson").write_bytes(LINES.replace(b"tool.call", b"near_miss"))
    flags = ("--coverage", "--traffic", tmp_path / "e.ndjson")
    text = run("check", rules, notifiers, *flags)
    assert text.code == 0
    assert "uncovered: other (no rule): Other" in text.out
    assert "none: blind spot" in text.out
    (body,) = run("check", rules, notifiers, *flags, "--format", "json").json["coverage"]
    assert (body["covered"], body["uncovered"]) == (1, ["other"])
    assert body["traffic"]["unwatched_types"] == ["near_miss"]


def test_a_set_with_errors_shows_none(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path, RULE.replace("never", "nver"))
    assert "no coverage is shown" in run("check", rules, notifiers, "--coverage").out
    assert run("check", rules, notifiers, "--traffic", "x").code == 2
