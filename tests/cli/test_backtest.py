import subprocess
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.files import RULE, make
from tests.cli.test_replay import LINES


def prepared(folder: Path, rule: str = RULE) -> tuple[object, ...]:
    rules, notifiers = make(folder, rule)
    (folder / "e.ndjson").write_bytes(LINES)
    return folder / "e.ndjson", "--rules", rules, "--notifiers", notifiers


def test_figures_as_text_and_json_are_the_same_every_time(run: Run, tmp_path: Path) -> None:
    given = prepared(tmp_path)
    text = run("backtest", *given)
    assert text.code == 0
    assert "  1 page (" in text.out
    assert "tool.scope" in text.out
    assert text.out == run("backtest", *given, "--progress").out
    assert run("backtest", *given, "--format", "json").json["pages"] == 1


def test_against_a_folder_and_a_report(run: Run, tmp_path: Path) -> None:
    given = prepared(tmp_path / "a")
    other, _ = make(tmp_path / "b", RULE.replace("tool.scope", "tool.other"))
    said = run(
        "backtest", *given, "--against", other, "--html", tmp_path / "r.html", "--format", "json"
    ).json
    assert [t["rule"] for t in said["against"]["added"]] == ["tool.scope"]
    assert [t["rule"] for t in said["against"]["removed"]] == ["tool.other"]
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


def test_shadow_rules_as_if_they_paged(run: Run, tmp_path: Path) -> None:
    given = prepared(
        tmp_path, RULE.replace("severity: critical\n", "severity: critical\nmaturity: shadow\n", 1)
    )
    said = run("backtest", *given, "--shadow", "--format", "json").json
    assert (said["against"]["pages_before"], said["against"]["pages_after"]) == (0, 1)


def test_wrong_usage(run: Run, tmp_path: Path) -> None:
    given = prepared(tmp_path)
    assert run("backtest", *given, "--zone", "Nowhere").code == 2
    assert run("backtest", tmp_path / "none", *given[1:]).code == 2
    assert run("backtest", *given, "--against", "no-such-revision").code == 1
    (tmp_path / "rules" / "tool" / "scope.yaml").write_text("id: 1\n")
    assert run("backtest", *given).code == 2


def test_mistakes_of_an_older_revision_are_told_by_its_name(run: Run, tmp_path: Path) -> None:
    given = prepared(tmp_path)
    file = tmp_path / "rules" / "tool" / "scope.yaml"
    whole = file.read_text()
    file.write_text(whole.replace("severity: critical\n", "", 1))
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "1"]):  # fmt: skip
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    file.write_text(whole)
    said = run("backtest", *given, "--against", "HEAD")
    assert said.code == 2
    assert said.err.startswith("HEAD:rules/tool/scope.yaml:1:1: missing_field")
