"""The administrator's token in the state directory."""

from pathlib import Path

import pytest

from rulesd.model.errors import ConfigurationError
from rulesd.web.admin_token import admin_token


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "admin_token"
    made = admin_token("", path)
    assert made.startswith("rk_admin_")
    assert len(made) > 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert admin_token("", path) == made
    assert [p.name for p in tmp_path.iterdir()] == ["admin_token"]


def test_the_operators_own_wins_and_leaves_no_file(tmp_path: Path) -> None:
    assert admin_token(" 0123456789abcdef\n", tmp_path / "t") == "0123456789abcdef"
    assert list(tmp_path.iterdir()) == []


def test_a_short_one_is_taken_and_said_without_being_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert admin_token("s3cr3t", tmp_path / "t") == "s3cr3t"
    assert "can be guessed" in caplog.text
    assert "s3cr3t" not in caplog.text
    caplog.clear()
    admin_token("0123456789abcdef", tmp_path / "t")
    assert not caplog.text


@pytest.mark.parametrize("bad", ["0123456789 abcdef", "0123456789abcdé0", "0123456789\x07abcdef"])
def test_what_no_header_can_carry_is_refused_without_being_shown(bad: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        admin_token(bad, tmp_path / "t")
    assert bad not in str(caught.value)
    assert "openssl rand" in str(caught.value)


def test_a_file_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t"
    admin_token("", path)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        admin_token("", path)


def test_a_place_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="state directory"):
        admin_token("", tmp_path / "missing" / "t")
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        admin_token("", folder)
