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
