from typing import Any

import pytest

from rulesd.cli.gate import _progress
from rulesd.model.errors import DaemonUnreachable
from tests.cli.conftest import Run, Stub

PATH = "/v1/rollouts/c1"


def rollout(**changes: Any) -> dict[str, Any]:
    values = {
        "change": "c1", "kind": "model", "component": "assistant", "from_version": "m1", "to_version": "m2", "verdict": "pass",
        "failures": [], "missing": [], "started_at": "2026-01-05T09:00:00.000Z", "ends_at": "2026-01-05T10:00:00.000Z",
        "events": 200, "min_events": 100, "redteam": {"passed": 3, "failed": 0}, "signed_by": "", "alerts_before": {"tool.x": 2},
        "alerts": [{"rule": "tool.y", "severity": "low", "tied": "", "labels": {"tenant": "acme"}}],
    }  # fmt: skip
    return {**values, **changes}


def test_a_pass_is_exit_0_with_the_evidence(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", PATH] = (200, rollout())
    said = run("gate", "--change", "c1", "--server", daemon.url)
    assert said.code == 0
    for word in (
        "PASS c1",
        "m1 -> m2",
        "200 (at least 100)",
        "3 passed",
        "nobody",
        "tool.x 2",
        "only happened",
    ):
        assert word in said.out
    json = run("gate", "--change", "c1", "--server", daemon.url, "--format", "json")
    assert (json.code, json.json["verdict"]) == (0, "pass")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "fail", "failures": ["tool.x fired (high): it names m2"]}, "failed: tool.x fired"),
        ({"verdict": "inconclusive", "missing": ["the watch is not over"]}, "missing: the watch"),
    ],
)  # fmt: skip
def test_a_failure_and_missing_evidence_are_exit_1(
    run: Run, daemon: Stub, changes: dict[str, Any], words: str
) -> None:
    daemon.answers["GET", PATH] = (200, rollout(alerts_before={}, alerts=[], **changes))
    said = run("gate", "--change", "c1", "--server", daemon.url, "--wait", "100ms")
    assert (said.code, words in said.out) == (1, True)


def test_an_unknown_change_is_exit_1_in_the_daemons_words(run: Run, daemon: Stub) -> None:
    said = run("gate", "--change", "c1", "--server", daemon.url)
    assert (said.code, "There is none." in said.err) == (1, True)


def test_it_signs_off_and_ends_the_watch_on_request(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", PATH] = (200, rollout())
    for verb in ("signoff", "finish"):
        daemon.answers["POST", f"{PATH}/{verb}"] = (200, rollout())
    said = run(
        "gate", "--change", "c1", "--sign-off", "--finish", "--note", "ok", "--server", daemon.url
    )
    assert said.code == 0
    assert [row[:3] for row in daemon.asked[:2]] == [
        ("POST", f"{PATH}/signoff", {"note": "ok"}),
        ("POST", f"{PATH}/finish", {"note": "ok"}),
    ]


def test_waiting_says_on_a_terminal_what_for_and_a_refusal_ends_it(
    run: Run, daemon: Stub, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rulesd.cli.gate.sys.stderr.isatty", lambda: True, raising=False)
    assert _progress(None, "") == "no deploy.change event with this change_id has come yet"
    waits = rollout(missing=["the watch is not over", "only 3 of 100 events"])
    says = _progress(waits, "")
    assert _progress(waits, says) == says
    lines = capfd.readouterr().err.splitlines()
    assert lines[1:] == ["waiting: the watch is not over; only 3 of 100 events"]
    daemon.answers["GET", PATH] = (403, {"error": "forbidden", "message": "no."})
    said = run("gate", "--change", "c1", "--server", daemon.url, "--wait", "1h")
    assert (said.code, said.err) == (1, "rulesd: no.\n")


def test_a_restart_while_it_waits_is_waited_for(
    run: Run, daemon: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [rollout(verdict="inconclusive", missing=["x"]), DaemonUnreachable("away"), rollout()]

    def ask(_client: object, _change: str) -> Any:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("rulesd.cli.gate._ask", ask)
    monkeypatch.setattr("rulesd.cli.gate.POLL_S", 0.01)
    assert run("gate", "--change", "c1", "--server", daemon.url, "--wait", "20s").code == 0
    assert answers == []


def test_wrong_usage_and_no_daemon(run: Run) -> None:
    assert run("gate").code == 2
    assert (
        run("gate", "--change", "c1", "--wait", "soon", "--server", "http://127.0.0.1:1").code == 2
    )
    assert run("gate", "--change", "c1", "--server", "http://127.0.0.1:1").code == 3
