"""A stale schema is seen. (``make check`` compares the real ones with what the command prints.)"""

from pathlib import Path

from tests.law.schemas import NAMES, stale, write


def test_fresh_schemas_are_fine_and_stale_ones_are_seen(tmp_path: Path) -> None:
    write(tmp_path, lambda name: name)
    assert list(stale(tmp_path, lambda name: name)) == []
    assert len(list(stale(tmp_path, lambda name: name + "!"))) == len(NAMES)
    (tmp_path / "rule.json").unlink()
    (tmp_path / "old.json").write_text("{}")
    assert [line.split()[0] for line in stale(tmp_path, lambda name: name)] == [
        "rule.json",
        "old.json",
    ]
