from pathlib import Path
from typing import Any

import pytest

from rulesd.privacy.secrets import Secret, SecretError, resolve


def test_environment() -> None:
    secret = resolve({"env": "TOKEN"}, environment={"TOKEN": "s3cret\n"})
    assert secret.value == "s3cret"
    assert "s3cret" not in f"{secret} {secret!r} {[secret]}"


def test_file_loses_one_line_break_and_no_space(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b" s3cret \r\n")
    (tmp_path / "t").chmod(0o600)
    secret = resolve({"file": "t"}, environment={}, base=tmp_path)
    assert secret.value == " s3cret "
    assert not secret.warning


def test_a_file_for_everybody_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_text("s3cret")
    path.chmod(0o644)
    secret = resolve({"file": str(path)}, environment={})
    assert "chmod 600" in secret.warning
    assert "s3cret" not in secret.warning


def test_credential(tmp_path: Path) -> None:
    (tmp_path / "slack").write_text("s3cret\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    secret = resolve({"credential": "slack"}, environment=environment)
    assert secret == Secret("s3cret", "credential slack")


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ({}, "one reference"),
        ({"env": "A", "file": "b"}, "one reference"),
        ({"value": "s3cret"}, "one reference"),
        ({"env": ""}, "no name"),
        ({"env": 5}, "no name"),
        ({"env": "MISSING"}, "not set"),
        ({"env": "EMPTY"}, "empty"),
        ({"file": "none"}, "cannot be read"),
        ({"file": "binary"}, "empty or not UTF-8"),
        ({"file": "large"}, "larger"),
        ({"credential": "x"}, "LoadCredential"),
        ({"credential": "../x"}, "without a path"),
    ],
)
def test_what_is_wrong_is_said_and_no_value_shown(
    reference: dict[str, Any], says: str, tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(b"s3cret\xff")
    (tmp_path / "large").write_bytes(b"s3cret" * 20_000)
    with pytest.raises(SecretError, match=says) as caught:
        resolve(reference, environment={"EMPTY": "\n"}, base=tmp_path)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
