from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.files import RULE, make


def test_a_good_set_is_fine(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    said = run("check", rules, notifiers)
    assert (said.code, said.out.splitlines()[-1]) == (0, "1 rule, no problems")
    assert run("check", tmp_path).code == 0
    assert run("check", "--rules", rules, "--notifiers", notifiers).code == 0
    assert run("check", rules / "tool" / "scope.yaml", notifiers).code == 0


def test_every_mistake_is_named_with_its_place(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(
        tmp_path,
        RULE.replace("owner: safety", "owner: nobody").replace("detect: never", "detect: nver"),
    )
    said = run("check", rules, notifiers)
    assert said.code == 1
    assert f"{rules}/tool/scope.yaml:3:8: " in said.out
    assert f"{rules}/tool/scope.yaml:7:" in said.out
    body = run("check", rules, notifiers, "--format", "json").json
    assert body["ok"] is False
    assert {p["line"] for p in body["problems"]} >= {3, 7}


def test_warnings_are_findings_only_when_strict(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path, RULE[: RULE.index("tests:")])
    said = run("check", rules, notifiers)
    assert said.code == 0
    assert said.out.startswith("warning: ")
    assert run("check", rules, notifiers, "--strict").code == 1


def test_what_is_good_to_know_is_shown_and_never_counts(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    narrower = RULE.replace("id: tool.scope", "id: tool.narrow").replace(
        'when: {"===": [{"var": "data.scope"}, "out"]}',
        'when: {"and": [{"===": [{"var": "data.scope"}, "out"]}, {"===": [{"var": "data.tool"}, "mail"]}]}',
    )
    (rules / "tool" / "narrow.yaml").write_text(narrower)
    said = run("check", rules, notifiers, "--strict")
    (info,) = [line for line in said.out.splitlines() if line.startswith("info: ")]
    assert info.startswith(f"info: {rules}/tool/narrow.yaml:6:")
    assert "shadowed: `tool.scope` is true whenever this one is" in info
    assert (said.code, said.out.splitlines()[-1]) == (0, "2 rules, no problems")
    body = run("check", rules, notifiers, "--format", "json").json
    assert (body["ok"], body["problems"]) == (True, [])
    assert [(p["code"], p["severity"]) for p in body["infos"]] == [("shadowed", "info")]


def test_a_path_that_is_not_there_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    assert run("check", tmp_path / "nothing").code == 2


def test_the_shipped_set_is_what_is_checked_by_default(run: Run) -> None:
    assert run("check").code == 0


def test_a_time_at_which_nobody_is_on_call_is_told(run: Run, tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path)
    (notifiers / "owners.yaml").write_text(
        "owners: {safety: {schedule: main}}\npeople: {anna: {receivers: {default: default}}}\n"
        "schedules: {main: {rota: {people: anna, from: 2026-01-05T00:00, hours: {days: mon-fri}}}}\n"
    )
    said = run("check", rules, notifiers)
    assert said.code == 0
    assert 'nobody is on call for "safety" from S' in said.out  # Saturday, or now, on a weekend
    assert said.out.startswith("warning: ")
    assert run("check", rules, notifiers, "--strict").code == 1
    (notifiers / "owners.yaml").write_text(
        (notifiers / "owners.yaml")
        .read_text()
        .replace("main}", "main, receivers: {default: default}}", 1)
    )
    assert "info: " in run("check", rules, notifiers).out


def test_rules_that_came_with_the_package_are_not_taken_for_ones_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no folder rules here: these are the rules that came with" in run("check").err
    make(tmp_path)
    assert run("check").err == ""
