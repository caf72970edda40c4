from pathlib import Path

import pytest
import typer

from rulesd.cli.recording import can_write, recording
from tests.cli.test_replay import LINES


def test_files_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(LINES)
    with recording([str(tmp_path / "a.ndjson")], False) as got:
        assert len(list(got)) == 3


def test_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with (
        pytest.raises(typer.BadParameter, match="is not a file"),
        recording([str(tmp_path / "no")], False),
    ):
        pass


def test_all_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(typer.BadParameter, match=r"no is not a file; .*neither is not a file"),
        recording([str(tmp_path / "no"), str(tmp_path / "neither")], False),
    ):
        pass


def test_a_folder_that_is_no_state_folder_is_left_as_it_is(tmp_path: Path) -> None:
    with (
        pytest.raises(typer.BadParameter, match="no state folder of a daemon"),
        recording([str(tmp_path)], False),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    can_write("--html", None)
    can_write("--html", tmp_path / "a.html")
    for file, said in ((tmp_path / "no" / "a.html", "no folder"), (tmp_path, "is a folder")):
        with pytest.raises(typer.BadParameter, match=said):
            can_write("--html", file)
