import stat
import threading
from pathlib import Path

import pytest

from rulesd.model.errors import StoreError
from rulesd.privacy.keys import KEY_SIZE, load_key


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = load_key(tmp_path / "state")
    path = tmp_path / "state" / "redaction.key"
    assert len(key) == KEY_SIZE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(tmp_path / "state") == key
    assert [p.name for p in path.parent.iterdir()] == ["redaction.key"]
    assert load_key(tmp_path / "state", "other.key") != key


def test_two_makers_end_with_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    makers = [threading.Thread(target=lambda: keys.append(load_key(tmp_path))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(set(keys)) == 1


def test_an_open_key_file_is_closed_to_others(tmp_path: Path) -> None:
    load_key(tmp_path)
    (tmp_path / "redaction.key").chmod(0o644)
    load_key(tmp_path)
    assert stat.S_IMODE((tmp_path / "redaction.key").stat().st_mode) == 0o600


def test_a_damaged_key_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "redaction.key").write_bytes(b"half")
    with pytest.raises(StoreError, match="4 bytes"):
        load_key(tmp_path)
    assert (tmp_path / "redaction.key").read_bytes() == b"half"


def test_a_state_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="state directory"):
        load_key(tmp_path / "file")
