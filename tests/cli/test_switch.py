from typing import Any

import pytest

from tests.cli.conftest import Run, Stub


def setting(**changes: Any) -> dict[str, Any]:
    values = {
        "id": "w1", "switch": "lock_tool", "key": "tool.shell.enabled", "scope": {"tenant": "acme"}, "value": False,
        "state": "active", "by": "ana", "reason": "leak [bold]", "expires_at": "2026-01-05T13:00:00.000Z", "until": "ttl",
        "set_at": "2026-01-05T09:00:00.000Z", "ended_at": None, "ended_by": "", "ended_why": "", "text": "tool.shell.enabled = false",
    }  # fmt: skip
    return {**values, **changes}


def listing(*settings: dict[str, Any], humans_only: bool = False) -> dict[str, Any]:
    switch = {
        "name": "lock_tool", "key": "tool.{tool}.enabled", "safe": False, "default": True, "scope": ["tenant"], "until": "ttl",
        "ttl_ms": 3_600_000, "may_set": ["rules", "people"], "description": "Locks one tool",
    }  # fmt: skip
    return {
        "humans_only": humans_only,
        "settings": list(settings),
        "switches": [switch, {**switch, "name": "until_review", "until": "review", "scope": []}],
    }


def test_list_shows_what_is_contained_and_what_can_be(run: Run, daemon: Stub) -> None:
    wide = setting(id="w2", scope={}, expires_at=None, until="review", state="pending_approval")
    daemon.answers["GET", "/v1/switches"] = (200, listing(setting(), wide, humans_only=True))
    said = run("switch", "list", "--server", daemon.url)
    assert said.code == 0
    for word in (
        "w1",
        "tool.shell.enabled",
        "tenant=acme",
        "leak [bold]",
        "everybody",
        "only people",
    ):
        assert word in said.out
    assert run("switch", "list", "--server", daemon.url, "--format", "json").json["humans_only"]
    daemon.answers["GET", "/v1/switches"] = (
        200,
        {"humans_only": False, "settings": [], "switches": []},
    )
    said = run("switch", "list", "--server", daemon.url)
    assert "nothing is contained" in said.out
    assert "no switches are declared" in said.out


def test_set_says_what_holds_and_who_must_agree(run: Run, daemon: Stub) -> None:
    path = "/v1/switches/lock_tool"
    daemon.answers["PUT", path] = (202, {
        "result": "approval_needed", "setting": setting(state="pending_approval")
    })  # fmt: skip
    said = run(
        "switch", "set", "lock_tool", "tool=shell", "tenant=acme", "--reason", "leak", "--for", "30m", "--value", "false",
        "--alert", "a1", "--dry-run", "--server", daemon.url,
    )  # fmt: skip
    assert said.code == 0
    assert "rulesd switch approve w1" in said.out
    assert daemon.asked[-1][2] == {
        "labels": {"tool": "shell", "tenant": "acme"},
        "reason": "leak",
        "value": False,
        "ttl": "30m",
        "alert": "a1",
        "dry_run": True,
    }
    done = run(
        "switch", "set", "lock_tool", "-r", "x", "--value", "small", "--server", daemon.url, "--format", "json"
    )  # fmt: skip
    assert done.json["result"] == "approval_needed"
    assert daemon.asked[-1][2]["value"] == "small"


@pytest.mark.parametrize(
    "words",
    [
        ("set", "lock_tool", "tool", "--reason", "x"),
        ("set", "lock_tool", "=x", "--reason", "x"),
        ("set", "lock_tool"),
        ("revert", "lock_tool"),
        ("humans-only", "maybe", "--reason", "x"),
    ],
)
def test_wrong_usage_is_exit_2(run: Run, daemon: Stub, words: tuple[str, ...]) -> None:
    assert run("switch", *words, "--server", daemon.url).code == 2
    assert daemon.asked == []


def test_a_refusal_is_exit_1_in_the_daemons_words(run: Run, daemon: Stub) -> None:
    daemon.answers["PUT", "/v1/switches/lock_tool"] = (
        409,
        {"error": "refused_value", "message": "the value has another type than the switch"},
    )
    said = run("switch", "set", "lock_tool", "-r", "x", "--value", "3", "--server", daemon.url)
    assert said.code == 1
    assert "another type" in said.err


def test_revert_one_setting_or_all_of_a_switch(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/switches"] = (200, listing(setting()))
    over = setting(state="ended", ended_by="ana")
    daemon.answers["POST", "/v1/switches/settings/w1/revert"] = (
        200,
        {"result": "reverted", "setting": over},
    )
    said = run("switch", "revert", "w1", "-r", "over", "--server", daemon.url)
    assert (said.code, "w1: reverted" in said.out) == (0, True)
    path = "/v1/switches/lock_tool"
    daemon.answers["PUT", path] = (200, {"result": "reverted", "settings": [over]})
    said = run("switch", "revert", "lock_tool", "tenant=acme", "-r", "over", "--server", daemon.url)
    assert "w1: reverted" in said.out
    assert daemon.asked[-1][2] == {"labels": {"tenant": "acme"}, "reason": "over", "revert": True}
    daemon.answers["PUT", path] = (200, {"result": "already", "settings": []})
    said = run("switch", "revert", "lock_tool", "-r", "over", "--server", daemon.url)
    assert said.out == "nothing of it was set\n"
    daemon.answers["PUT", path] = (200, {"result": "already", "settings": [], "wider": [setting()]})
    said = run("switch", "revert", "lock_tool", "tenant=b", "-r", "over", "--server", daemon.url)
    assert "nothing of it was set for these labels alone" in said.out
    assert "To lift it: rulesd switch revert w1" in said.out
    json = run(
        "switch", "revert", "lock_tool", "-r", "x", "--server", daemon.url, "--format", "json"
    )
    assert json.json["result"] == "already"


def test_approve_history_and_humans_only(run: Run, daemon: Stub) -> None:
    daemon.answers["POST", "/v1/switches/settings/w1/approve"] = (
        200,
        {"result": "approved", "setting": setting()},
    )
    assert "w1: approved" in run("switch", "approve", "w1", "--server", daemon.url).out
    over = setting(ended_at="2026-01-05T10:00:00.000Z", ended_by="bo", ended_why="fixed")
    daemon.answers["GET", "/v1/switches/history?switch=lock_tool"] = (200, {"settings": [over]})
    said = run("switch", "history", "lock_tool", "--server", daemon.url)
    assert "fixed" in said.out
    daemon.answers["GET", "/v1/switches/history"] = (200, {"settings": []})
    assert "no setting has ended" in run("switch", "history", "--server", daemon.url).out
    assert run("switch", "history", "--server", daemon.url, "--format", "json").json == []
    for on, words in ((True, "only people"), (False, "rules and hooks")):
        daemon.answers["PUT", "/v1/switches/humans-only"] = (200, {"humans_only": on})
        said = run(
            "switch", "humans-only", "on" if on else "off", "-r", "x", "--server", daemon.url
        )
        assert words in said.out
    said = run(
        "switch", "humans-only", "off", "-r", "x", "--server", daemon.url, "--format", "json"
    )
    assert said.json == {"humans_only": False}
