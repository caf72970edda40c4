from typing import Any

from tests.cli.conftest import Run, Stub


def alert(**changes: Any) -> dict[str, Any]:
    values = {
        "alert": "a1", "state": "firing", "severity": "critical", "rule": "tool.scope", "labels": {"tenant": "acme"}, "count": 3,
        "since": "2026-01-05T09:00:00.000Z", "owner": "safety", "acknowledged_by": "jo",
    }  # fmt: skip
    return {**values, **changes}


def test_a_table_for_people_and_json_for_programs(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/alerts"] = (
        200,
        {"alerts": [alert(), alert(alert="a2", owner="other", severity="odd", state="resolved")]},
    )
    said = run("alerts", "--server", daemon.url)
    assert said.code == 0
    for word in ("a1", "critical", "tool.scope", "tenant=acme", "jo", "a2"):
        assert word in said.out
    assert [
        a["alert"]
        for a in run("alerts", "--server", daemon.url, "--owner", "safety", "--format", "json").json
    ] == ["a1"]
    assert run("alerts", "--server", daemon.url, "--state", "pending").out == "no alerts\n"


def test_a_state_of_no_alert_is_wrong_usage(run: Run, daemon: Stub) -> None:
    said = run("alerts", "--state", "fireing", "--server", daemon.url)
    assert (said.code, daemon.asked) == (2, [])
    assert "firing" in said.err


def test_no_daemon_is_exit_3(run: Run) -> None:
    assert run("alerts", "--server", "http://127.0.0.1:1").code == 3


def test_ages_and_text_from_elsewhere_read_plainly(run: Run, daemon: Stub) -> None:
    foreign = alert(
        rule="[red]", labels={"alertname": "[red]", "instance": "a:1"}, since="2026-01-05T09:00:00Z"
    )
    daemon.answers["GET", "/v1/alerts"] = (200, {"alerts": [foreign]})
    said = run("alerts", "--server", daemon.url)
    assert "[red]" in said.out
    assert "instance=a:1" in said.out
    assert "alertname=" not in said.out
    assert "2026-01-05" not in said.out
