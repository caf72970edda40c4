"""A compressed recording is read whole, or said to be cut."""

import gzip
import io
from pathlib import Path

import pytest
import zstandard

from rulesd.cli.compressed import unpacked
from rulesd.model.errors import RulesdError
from tests.cli.conftest import Run
from tests.cli.files import make
from tests.cli.test_replay import LINES

TEXT = b"".join(b'{"a": %d}\n' % n for n in range(60_000))


def packed(name: str) -> bytes:
    return gzip.compress(TEXT) if name.endswith(".gz") else zstandard.compress(TEXT)


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_the_lines_of_one_member_and_of_several(name: str) -> None:
    one = packed(name)
    assert b"".join(unpacked(io.BytesIO(one), name)) == TEXT
    assert b"".join(unpacked(io.BytesIO(one + one), name)) == TEXT * 2
    assert list(unpacked(io.BytesIO(b""), name)) == []
    padded = one + bytes(100_000) + one + bytes(512)
    assert b"".join(unpacked(io.BytesIO(padded), name)) == TEXT * 2


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
@pytest.mark.parametrize("cut", [3, 20_000])
def test_a_file_that_was_cut_gives_what_it_has_and_says_so(name: str, cut: int) -> None:
    lines = unpacked(io.BytesIO(packed(name)[:-cut]), name)
    got: list[bytes] = []
    with pytest.raises(RulesdError, match=f"{name}: the file is cut or damaged after line \\d+"):
        got.extend(lines)
    assert all(line.endswith(b"}\n") for line in got)
    assert b"".join(got) == TEXT[: len(b"".join(got))]
    assert len(b"".join(got)) >= len(TEXT) // 4


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_what_is_not_compressed_at_all(name: str) -> None:
    with pytest.raises(RulesdError, match="after line 0"):
        list(unpacked(io.BytesIO(TEXT), name))


def test_replay_prints_what_it_could_read_and_fails(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(LINES * 1000)[:-4])
    said = run("replay", tmp_path / "cut.gz", "--rules", rules, "--notifiers", notifiers)
    assert said.code == 1
    assert "cut.gz: the file is cut or damaged after line" in said.err
    assert '"kind":"alert.firing"' in said.out
    assert (
        run("backtest", tmp_path / "cut.gz", "--rules", rules, "--notifiers", notifiers).code == 1
    )
