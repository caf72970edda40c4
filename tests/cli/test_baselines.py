"""``rulesd baselines``: a table that says what is expected and where it stands."""

from pathlib import Path
from typing import Any

from tests.cli.conftest import Run, Stub


def row(**changes: Any) -> dict[str, Any]:
    values = {
        "rule": "policy.refusal_drift", "labels": {"tenant": "acme", "hazard": "a[b]"}, "detector": "shift", "state": "fixed",
        "expected": "2.1% (1.8% to 2.4%)", "events": 12_345, "since": "2026-01-05T09:00:00.000Z", "until": None, "deploy": None,
        "learned": {"share": 0.021},
    }  # fmt: skip
    return {**values, **changes}


def page(*rows: dict[str, Any], more: str | None = None) -> tuple[int, Any]:
    return 200, {"baselines": list(rows), "next": more}


STATES = (
    row(),
    row(state="learning", expected="", events=None, since=None, until="2026-01-12T09:00:00.000Z"),
    row(state="learning", expected="", events=None, since=None),
    row(rule="b.spike", detector="spike", state="follows", labels={}, events=19.0),
    row(rule="b.drift", detector="drift", state="pinned"),
    row(state="deploy_watch", until="2026-01-12T10:00:00.000Z", deploy="2026-01-11T10:00:00.000Z"),
    row(state="relearning", until="2026-01-13T10:00:00.000Z", deploy="2026-01-11T11:00:00.000Z"),
    row(state="relearning"),
    row(
        state="learning", until="2026-01-14T09:00:00.000Z", learned={"share": 0.02, "pinned": True}
    ),
)


def test_the_table_says_what_is_expected_and_where_it_stands(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/baselines?limit=100"] = page(*STATES)
    said = run("baselines", "--server", daemon.url)
    assert said.code == 0
    for words in (
        "policy.refusal_drift", "tenant=acme hazard=a[b]", "2.1% (1.8% to 2.4%)", "12,345 events", "19 windows",
        "2026-01-05 09:00Z", "fixed", "learning until 2026-01-12 09:00Z", "follows its history", "pinned in the rule", "(all)",
        "watched until 2026-01-12 10:00Z, deploy of 2026-01-11 10:00Z",
        "learning anew until 2026-01-13 10:00Z, deploy of 2026-01-11 11:00Z", "pinned, learning the traffic until 2026-01-14 09:00Z",
    ):  # fmt: skip
        assert words in said.out, words
    assert said.out.count("policy.refusal_drift") == 2  # once for each run of its rows
    assert len(said.out.splitlines()) == 1 + len(STATES)


def test_a_rule_labels_and_pages_are_asked_for(run: Run, daemon: Stub) -> None:
    first = "/v1/baselines?rule=t.x&label=tenant%3Dacme&label=tool%3Da%20b&limit=500"
    daemon.answers["GET", first] = page(row(), more="abc")
    daemon.answers["GET", first + "&after=abc"] = page(row())
    asked = ("t.x", "--label", "tenant=acme", "-l", "tool=a b", "--limit", "0")
    assert len(run("baselines", *asked, "--server", daemon.url, "--json").json["baselines"]) == 2
    daemon.answers["GET", "/v1/baselines?limit=1"] = page(row(), more="abc")
    said = run("baselines", "--limit", "1", "--server", daemon.url)
    assert "There are more" in said.out
    found = run("baselines", "--limit", "1", "--server", daemon.url, "--format", "json").json
    assert found["more"] is True


def test_nothing_learned_and_wrong_labels(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/baselines?limit=100"] = page()
    assert "no rule has learned" in run("baselines", "--server", daemon.url).out
    said = run("baselines", "--label", "tenant", "--server", daemon.url)
    assert (said.code, "Write --label name=value" in said.err.replace("\n", " ")) == (2, True)
    assert "show" in run("baselines", "--help").out


def test_relearn_says_how_many_keys_do_and_wants_a_reason(run: Run, daemon: Stub) -> None:
    path = "/v1/baselines/relearn"
    daemon.answers["POST", path] = (200, {"rule": "t.x", "labels": {}, "keys": 1, "by": "admin"})
    asked = ("baselines", "relearn", "t.x", "--server", daemon.url, "--label", "tenant=acme")
    said = run(*asked, "--reason", "new model")
    assert (said.code, "t.x: 1 key learns afresh" in said.out) == (0, True)
    assert daemon.asked[-1][2] == {"rule": "t.x", "labels": {"tenant": "acme"}, "reason": "new model"}  # fmt: skip
    daemon.answers["POST", path] = (200, {"rule": "t.x", "labels": {}, "keys": 1200, "by": "a"})
    assert "1,200 keys learn" in run(*asked[:5], "--reason", "all").out
    assert run(*asked, "--reason", "r", "--json").json["keys"] == 1200
    said = run(*asked)
    assert (said.code, "say why with --reason" in said.err) == (2, True)
    daemon.answers["POST", path] = (409, {"error": "pinned", "message": "It is pinned."})
    said = run(*asked, "--reason", "r")
    assert (said.code, "It is pinned." in said.err) == (1, True)
    help_ = run("baselines", "--help").out
    assert "relearn" in help_


def drifted(**changes: Any) -> dict[str, Any]:
    learned = {"shares": {"pass": 0.93, "fail": 0.07}, "events": 900}
    return row(rule="c.mix", detector="drift", learned=learned, **changes)


def test_pin_prints_what_to_paste_or_writes_it(run: Run, daemon: Stub, tmp_path: Path) -> None:
    daemon.answers["GET", "/v1/baselines?rule=c.mix&limit=500"] = page(drifted())
    said = run("baselines", "pin", "c.mix", "--server", daemon.url)
    assert said.code == 0
    assert "learned from 900 events of 1 keys" in said.out
    assert said.out.endswith('pinned: {"pass": 0.93, "fail": 0.07}\n')
    rules = tmp_path / "rules" / "c"
    rules.mkdir(parents=True)
    path = rules / "mix.yaml"
    path.write_text(DRIFT)
    asked = (
        "baselines",
        "pin",
        "c.mix",
        "--server",
        daemon.url,
        "--write",
        "--rules",
        rules.parent,
    )
    said = run(*asked)
    assert (said.code, "the baseline is pinned" in said.out) == (0, True), said
    assert 'pinned: {"pass": 0.93, "fail": 0.07}' in path.read_text()
    said = run(*asked)
    assert (said.code, "it says pinned already" in said.err) == (1, True)
    path.write_text(DRIFT.replace("c.mix", "c.other"))
    assert "there is no rule c.mix" in run(*asked).err
    path.write_text("id: [")
    assert run(*asked).code == 2


def test_pin_is_for_what_learns_a_level(run: Run, daemon: Stub) -> None:
    daemon.answers["GET", "/v1/baselines?rule=t.x&limit=500"] = page(row(detector="spike"))
    said = run("baselines", "pin", "t.x", "--server", daemon.url)
    assert (said.code, "this is a rule of spike" in said.err) == (1, True)


DRIFT = """id: c.mix
title: The mix
owner: platform-safety
runbook: https://example.org/r
on: [tool.call]
when: {"exists": [data, label]}
detect:
  drift: {field: data.label, top: 5}
severity: low
"""
