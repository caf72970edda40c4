from pathlib import Path

import pytest

from rulesd.cli.exits import Exit, shipped


def test_exit_codes_are_the_contracts() -> None:
    assert [int(e) for e in (Exit.FINE, Exit.FINDINGS, Exit.USAGE, Exit.UNREACHABLE)] == [
        0,
        1,
        2,
        3,
    ]


def test_a_folder_here_comes_before_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (shipped("rules") / "README.md").exists()
    (tmp_path / "rules").mkdir()
    assert shipped("rules") == Path("rules")
    assert shipped("nothing") == Path("nothing")
