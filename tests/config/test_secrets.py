from pathlib import Path

import pytest

from rulesd.config.secrets import SecretError, reveal


def test_the_three_kinds(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("from a file\n")
    (tmp_path / "cred").mkdir()
    (tmp_path / "cred" / "b").write_text("from systemd")
    kw = {"credentials": tmp_path / "cred", "base": tmp_path}
    assert reveal({"file": "a"}, {}, **kw) == "from a file"
    assert (
        reveal({"file": str(tmp_path / "a")}, {}, credentials=None, base=Path("/nowhere"))
        == "from a file"
    )
    assert reveal({"env": "X"}, {"X": "from the environment"}, **kw) == "from the environment"
    assert reveal({"credential": "b"}, {}, **kw) == "from systemd"


@pytest.mark.parametrize(
    "reference", [{"file": "none"}, {"env": "X"}, {"credential": "none"}, {"vault": "x"}, {}]
)
def test_a_reference_to_nothing_says_what_to_do(reference: dict[str, str], tmp_path: Path) -> None:
    for credentials in (None, tmp_path):
        with pytest.raises(SecretError, match=r"\. "):
            reveal(reference, {}, credentials=credentials, base=tmp_path)


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("\n")
    with pytest.raises(SecretError, match="empty"):
        reveal({"file": "a"}, {}, credentials=None, base=tmp_path)


def test_bytes_that_are_no_text_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xffhidden")
    with pytest.raises(SecretError) as caught:
        reveal({"file": "a"}, {}, credentials=None, base=tmp_path)
    assert "hidden" not in str(caught.value)
