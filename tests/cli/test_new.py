from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.files import make


@pytest.mark.parametrize("detect", ["never", "burst"])
def test_what_is_scaffolded_passes_check_and_test_at_once(
    run: Run, tmp_path: Path, detect: str
) -> None:
    rules, notifiers = make(tmp_path)
    said = run(
        "new",
        "rule",
        f"tool.my_{detect}",
        "--owner",
        "safety",
        "--detect",
        detect,
        "--rules",
        rules,
    )
    assert said.code == 0
    assert f"wrote {rules}/tool/my_{detect}.yaml" in said.out
    assert run("check", rules, notifiers, "--strict").code == 0
    assert run("test", rules, notifiers).out == "4 passed, 0 failed\n"


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    assert run("new", "rule", "tool.x", "--rules", tmp_path, "--format", "json").code == 0
    said = run("new", "rule", "tool.x", "--rules", tmp_path)
    assert said.code == 1
    assert "is there already" in said.err


def test_what_is_no_id_and_no_detector_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    assert run("new", "rule", "Tool", "--rules", tmp_path).code == 2
    assert run("new", "rule", "tool.x", "--detect", "magic", "--rules", tmp_path).code == 2


def test_it_writes_here_and_never_into_the_rules_of_the_package(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("new", "rule", "tool.here")
    assert said.code == 0
    assert (tmp_path / "rules" / "tool" / "here.yaml").is_file()
    assert "rulesd check && rulesd test rules/tool/here.yaml" in said.out


def test_an_owner_nobody_knows_is_told_at_once(run: Run, tmp_path: Path) -> None:
    rules, _ = make(tmp_path)
    assert run("new", "rule", "tool.mine", "--rules", rules, "--owner", "safety").err == ""
    said = run("new", "rule", "tool.other", "--rules", rules, "--owner", "nobody")
    assert (said.code, "unknown_owner" in said.err, "Known: safety" in said.err) == (0, True, True)
