from typing import Any

from tests.cli.conftest import Run, Stub


def review(**changes: Any) -> dict[str, Any]:
    values = {
        "review": "r1", "severity": "high", "rule": "tool.scope", "labels": {"tenant": "acme"}, "owner": "safety",
        "due_at": "2026-01-06T09:00:00.000Z", "locked": True, "verdict": "", "by": "", "next": "",
    }  # fmt: skip
    return {**values, **changes}


def test_the_queue(run: Run, daemon: Stub) -> None:
    harm = review(review="r2", verdict="harm", by="ana", next="patch", locked=False)
    daemon.answers["GET", "/v1/reviews"] = (200, {"reviews": [review(), harm]})
    said = run("review", "list", "--server", daemon.url)
    assert said.code == 0
    for word in ("r1", "a lock", "tenant=acme", "harm (ana): patch"):
        assert word in said.out
    assert len(run("review", "list", "--server", daemon.url, "--format", "json").json) == 2
    daemon.answers["GET", "/v1/reviews?state=all"] = (200, {"reviews": []})
    assert "nothing waits" in run("review", "list", "--all", "--server", daemon.url).out


def test_verdicts(run: Run, daemon: Stub) -> None:
    path = "/v1/reviews/r1/complete"
    daemon.answers["POST", path] = (200, {"review": "r1", "result": "done"})
    said = run("review", "complete", "r1", "--verdict", "fixed", "--server", daemon.url)
    assert "what it holds is released" in said.out
    assert run("review", "complete", "r1", "--verdict", "harm", "--server", daemon.url).code == 2
    said = run(
        "review", "complete", "r1", "--verdict", "harm", "--next", "patch", "--server", daemon.url
    )
    assert "stays locked" in said.out
    assert daemon.asked[-1][2] == {"verdict": "harm", "note": "", "next": "patch"}
    json = run(
        "review", "complete", "r1", "--verdict", "benign", "--server", daemon.url, "--format", "json"
    )  # fmt: skip
    assert json.json["result"] == "done"
    assert run("review", "complete", "r1", "--verdict", "odd", "--server", daemon.url).code == 2
