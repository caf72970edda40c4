from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_it_knows_which_there_are(run: Run) -> None:
    assert "match" in run("bench", "--list").out.split()
    assert run("bench", "nothing").code == 2


def test_outside_the_checkout_it_says_where_they_are(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("bench", "--list")
    assert said.code == 1
    assert "source checkout" in said.err
