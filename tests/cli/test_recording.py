from pathlib import Path

import pytest
import typer

from rulesd.cli.recording import recording
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
