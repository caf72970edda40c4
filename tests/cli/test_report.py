from typing import Any

from tests.cli.conftest import Run, Stub

HOURS = [0] * 9 + [3, 1] + [0] * 13


def found(**changes: Any) -> dict[str, Any]:
    owner = {
        "owner": "safety[x]", "pages": 4, "acknowledged": 3, "escalated": 1, "spared": 9, "budget_spent": 1,
        "rules": [{"rule": "tool.x", "pages": 4, "acknowledged": 3}], "hours": HOURS, "budget": {"pages": 5, "per": "12h"},
    }  # fmt: skip
    plain = {**owner, "owner": "", "rules": [], "hours": []}
    del plain["budget"]
    spent = {**owner, "budget_spent": 2}
    return {
        "since": "S",
        "until": "U",
        "complete": True,
        "owners": [owner, plain, spent],
        **changes,
    }


def test_a_table_for_people_and_json_for_programs(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/reports/pages?since=7d"] = (200, found())
    said = run("report", "pages", "--server", daemon.url)
    assert said.code == 0
    for word in ("safety[x]", "tool.x", "spent once", "spent 2 times", "█", "(nobody)"):
        assert word in said.out
    given = ("report", "pages", "--server", daemon.url, "--format", "json")
    assert run(*given).json == found()


def test_nobody_was_paged_and_more_than_was_looked_at(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/reports/pages?since=1d"] = (200, found(owners=[]))
    said = run("report", "pages", "--since", "1d", "--server", daemon.url)
    assert said.out == "nobody was paged since S\n"
    daemon.answers["GET", "/v1/reports/pages?since=1d"] = (200, found(complete=False))
    said = run("report", "pages", "--since", "1d", "--server", daemon.url)
    assert "ask for a shorter time" in said.out


def test_wrong_usage_and_no_daemon(run: Run) -> None:
    assert run("report").code == 2
    assert run("report", "pages", "--server", "http://127.0.0.1:1").code == 3
