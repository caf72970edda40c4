import gzip
import json
from pathlib import Path

import zstandard

from tests.cli.conftest import Run
from tests.cli.files import make

EVENTS = [
    {
        "specversion": "1.0",
        "id": f"e{n}",
        "source": "/svc",
        "type": "tool.call",
        "time": f"2026-01-05T09:00:0{n}Z",
        "tenant": "acme",
        "data": {"tool": "shell", "scope": "out"},
    }
    for n in range(3)
]
LINES = "".join(json.dumps(e) + "\n" for e in EVENTS).encode()


def test_the_decision_log_has_sorted_keys_and_numbers(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (tmp_path / "e.ndjson").write_bytes(LINES + b"\n{broken\n")
    said = run("replay", tmp_path / "e.ndjson", "--rules", rules, "--notifiers", notifiers)
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert [r["seq"] for r in rows] == list(range(1, len(rows) + 1))
    assert [r["kind"] for r in rows[:2]] == ["alert.firing", "notification.due"]
    assert rows[-1]["kind"] == "event.rejected"
    assert all(list(r) == sorted(r) for r in rows)
    assert "4 events" in said.err
    assert "1 rejected" in said.err


def test_every_form_of_the_same_recording_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (tmp_path / "e.ndjson").write_bytes(LINES)
    (tmp_path / "e.ndjson.gz").write_bytes(gzip.compress(LINES))
    (tmp_path / "e.ndjson.zst").write_bytes(zstandard.ZstdCompressor().compress(LINES))
    outs = {
        run("replay", tmp_path / f"e.ndjson{end}", "--rules", rules, "--notifiers", notifiers).out
        for end in ("", ".gz", ".zst")
    }
    assert len(outs) == 1


def test_until_lets_the_clock_run_on_and_cuts_what_comes_later(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (tmp_path / "e.ndjson").write_bytes(LINES)
    flags = ("--rules", rules, "--notifiers", notifiers)
    late = run("replay", tmp_path / "e.ndjson", *flags, "--until", "2026-01-07T09:00:00Z").out
    assert "alert.resolved" in late
    early = run("replay", tmp_path / "e.ndjson", *flags, "--until", "2026-01-05T09:00:00Z").out
    assert "seen_again" not in early
    assert run("replay", tmp_path / "e.ndjson", *flags, "--until", "tomorrow").code == 2


def test_for_people(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (tmp_path / "e.ndjson").write_bytes(LINES)
    said = run(
        "replay",
        tmp_path / "e.ndjson",
        "--rules",
        rules,
        "--notifiers",
        notifiers,
        "--format",
        "text",
        "--progress",
    )
    assert (
        "alert.firing       critical tool.scope tenant=acme tool=shell (condition_met)" in said.out
    )


def test_what_is_not_there(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    assert (
        run("replay", tmp_path / "no.ndjson", "--rules", rules, "--notifiers", notifiers).code == 2
    )
    assert (
        run(
            "replay", tmp_path / "no.ndjson", "--rules", tmp_path / "none", "--notifiers", notifiers
        ).code
        == 2
    )


LEARNS = """\
id: tool.latency
title: Slow
owner: safety
runbook: https://runbooks.example.org/slow
on: [tool.call]
detect: {spike: {field: latency_ms, within: 1m, reference: 1h}}
by: [tool]
severity: high
tests: [{name: quiet, expect: []}]
"""


def test_what_rules_have_learned_is_written_on_request(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (rules / "tool" / "latency.yaml").write_text(LEARNS)
    lines = [
        json.dumps(
            {**EVENTS[0], "id": f"x{n}", "time": f"2026-01-05T{9 + n // 60:02d}:{n % 60:02d}:00Z"}
            | {"data": {"tool": "shell", "latency_ms": 90 + n % 20}}
        )
        for n in range(120)
    ]
    (tmp_path / "e.ndjson").write_text("\n".join(lines))
    flags = ("--rules", rules, "--notifiers", notifiers, "--baselines", tmp_path / "b.ndjson")
    said = run("replay", tmp_path / "e.ndjson", *flags)
    assert said.code == 0, said.err
    (row,) = [json.loads(line) for line in (tmp_path / "b.ndjson").read_text().splitlines()]
    assert (row["rule"], row["labels"]) == ("tool.latency", {"tool": "shell"})
    assert 90 <= row["learned"]["expected"] <= 110


def test_a_state_folder_is_replayed_with_its_own_rules_and_another_folder_not_at_all(
    run: Run, tmp_path: Path
) -> None:
    rules, _ = make(tmp_path)
    said = run("replay", tmp_path, "--rules", rules)
    assert (said.code, list(tmp_path.glob("rulesd.*"))) == (2, [])
    assert "rulesd backtest" in said.err
    assert run("replay", tmp_path).code == 2
    assert list(tmp_path.glob("rulesd.*")) == []


def test_lines_that_are_no_event_are_told_with_their_place(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (tmp_path / "a.ndjson").write_bytes(LINES + b"not json\n\n[]\n" + b"{}\n" * 9)
    said = run("replay", tmp_path / "a.ndjson", "--rules", rules, "--notifiers", notifiers)
    assert said.code == 0
    assert "line 4: invalid_json: the text is not JSON" in said.err
    assert "line 6: not_an_object" in said.err
    assert "and 6 more lines refused" in said.err
    assert "11 rejected" in said.err
