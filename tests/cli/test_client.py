from pathlib import Path

import pytest

from rulesd.cli.client import Client, Refused
from rulesd.model.errors import DaemonUnreachable
from tests.cli.conftest import Stub


def test_the_token_comes_from_the_flag_the_environment_or_the_state_folder(
    daemon: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers["GET", "/x"] = (200, {"ok": True})
    (tmp_path / "admin_token").write_text("from-state\n")
    (tmp_path / "address").write_text(daemon.url + "\n")
    monkeypatch.setenv("RULESD_STATE", str(tmp_path))
    assert Client(None, None).call("GET", "/x") == {"ok": True}
    monkeypatch.setenv("RULESD_TOKEN", "from-env")
    Client(None, None).call("GET", "/x")
    Client(daemon.url, "from-flag").call("GET", "/x")
    monkeypatch.setenv("RULESD_TOKEN", "")
    monkeypatch.setenv("RULESD_ADMIN_TOKEN", "the-daemons")
    Client(daemon.url.removeprefix("http://") + "/", None).call("GET", "/x")
    assert [a[3] for a in daemon.asked] == [
        "Bearer from-state",
        "Bearer from-env",
        "Bearer from-flag",
        "Bearer the-daemons",
    ]


def test_a_refusal_is_told_in_the_daemons_words(daemon: Stub) -> None:
    with pytest.raises(Refused, match="There is none"):
        Client(daemon.url, "t").call("GET", "/nothing")
    daemon.answers["GET", "/x"] = (401, {"error": "unauthorized", "message": "No token."})
    with pytest.raises(Refused, match=r"No token\. Give a token with --token"):
        Client(daemon.url, None).call("GET", "/x")
    daemon.answers["GET", "/y"] = (500, "plain")
    with pytest.raises(Refused, match="500"):
        Client(daemon.url, None).call("GET", "/y")


def test_an_empty_answer_is_none_and_nobody_is_unreachable(
    daemon: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers["DELETE", "/x"] = (200, None)
    assert Client(daemon.url, None).call("DELETE", "/x") is None
    monkeypatch.setenv("RULESD_URL", "http://127.0.0.1:1")
    with pytest.raises(DaemonUnreachable, match="rulesd run"):
        Client(None, None).call("GET", "/x")
