from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.files import RULE, make


def test_what_holds_passes(run: Run, tmp_path: Path) -> None:
    said = run("test", tmp_path / "rules", "--notifiers", make(tmp_path)[1])
    assert (said.code, said.out) == (0, "2 passed, 0 failed\n")


def test_what_does_not_hold_fails_with_the_line_and_what_happened(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path, RULE.replace("severity: critical\n", "severity: high\n"))
    said = run("test", rules, notifiers)
    assert said.code == 1
    assert "FAILED tool.scope: it pages" in said.out
    assert (
        f"{rules}/tool/scope.yaml:13: expected firing critical at 0s with tenant=acme, tool=shell, but it was severity: high"
        in said.out
    )
    assert "    -         0s  firing   critical tenant=acme, tool=shell\n" in said.out
    assert "    +         0s  firing   high     tenant=acme, tool=shell  value 1\n" in said.out
    body = run("test", rules, notifiers, "--format", "json").json
    assert [t["diff"] != [] for t in body["tests"]] == [not t["passed"] for t in body["tests"]]
    assert (body["passed"], body["failed"]) == (1, 1)


def test_a_set_that_cannot_be_loaded_is_wrong_configuration(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path, RULE.replace("never", "nver"))
    assert run("test", rules, notifiers).code == 2


def test_coverage_and_junit(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    said = run("test", rules, notifiers, "--coverage", "--junit", tmp_path / "j.xml", "--progress")
    assert "2 of 2 branches of 1 rules covered" in said.out
    assert 'tests="2" failures="0"' in (tmp_path / "j.xml").read_text()
    body = run("test", rules, notifiers, "--coverage", "--format", "json").json
    assert body["coverage"][0]["missing"] == []


BOTH = """\
id: tool.both
title: Both
owner: safety
runbook: scope.md
detect: {composite: {all: [tool.scope], within: 10m}}
severity: high
tests:
  - name: it pages
    events: [{at: 0s, type: tool.call, tenant: acme, data: {tool: shell, scope: out}}]
    expect: [{at: 0s, alert: firing, severity: high}]
"""


def test_a_file_that_names_other_rules_is_tested_among_them(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    file = rules / "tool" / "both.yaml"
    file.write_text(BOTH)
    assert run("test", file, notifiers).out == "1 passed, 0 failed\n"
    assert "branches of 1 rules" in run("test", file, notifiers, "--coverage").out
    assert run("check", file, notifiers).code == 0
    # What is wrong with the file itself is told, and what is wrong with the others too when they cannot be loaded.
    file.write_text(BOTH.replace("tool.scope", "tool.skope"))
    assert 'Did you mean "tool.scope"' in run("test", file, notifiers).err
    file.write_text(BOTH)
    (rules / "tool" / "scope.yaml").write_text(RULE.replace("never", "nver"))
    said = run("test", file, notifiers)
    assert said.code == 2
    assert f"{rules}/tool/scope.yaml:7:1: unknown_detector" in said.err


def test_an_area_whose_rules_name_others_is_tested_among_them(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (rules / "both").mkdir()
    (rules / "both" / "scope.md").write_text((rules / "tool" / "scope.md").read_text())
    (rules / "both" / "both.yaml").write_text(BOTH.replace("id: tool.both", "id: both.both"))
    assert run("test", rules / "both", notifiers).out == "1 passed, 0 failed\n"
    assert "branches of 1 rules" in run("test", rules / "both", notifiers, "--coverage").out
    assert run("check", rules / "both", notifiers).code == 0


def test_no_test_at_all_is_no_success(run: Run, tmp_path: Path) -> None:
    _, notifiers = make(tmp_path)
    (tmp_path / "none").mkdir()
    said = run("test", tmp_path / "none", notifiers)
    assert (said.code, said.out) == (1, "0 passed, 0 failed\n")
    assert "no rule here has a test" in said.err
