import subprocess
from pathlib import Path

import pytest

from rulesd.runners.backtest_against import NoSuchRuleSet, other_rules
from tests.cli.files import make


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_a_revision_of_the_rules_folder(tmp_path: Path) -> None:
    rules, _ = make(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "rules")
    git(tmp_path, "commit", "-qm", "one")
    (rules / "tool" / "scope.yaml").write_text("changed")
    room = tmp_path / "room"
    room.mkdir()
    found = other_rules("HEAD", rules, room)
    assert (found / "tool" / "scope.yaml").read_text().startswith("id: tool.scope")
    with pytest.raises(NoSuchRuleSet, match="no revision"):
        other_rules("nowhere", rules, tmp_path)
    with pytest.raises(NoSuchRuleSet, match="does not begin with -"):
        other_rules("--output=x", rules, tmp_path)


def test_a_folder_with_or_without_rules_in_it(tmp_path: Path) -> None:
    rules, _ = make(tmp_path)
    assert other_rules(str(rules), rules, tmp_path) == rules
    assert other_rules(str(tmp_path), rules, tmp_path) == rules
