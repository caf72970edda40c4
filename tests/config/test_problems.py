"""Every mistake file says in its first line what must be found where; nothing more and nothing less is found."""

from pathlib import Path

import pytest

from rulesd.config import Loaded, load
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.settings_load import load_settings
from rulesd.model.errors import Located
from tests.config.testing import loaded

MISTAKES = Path(__file__).parent / "mistakes"
FILES = sorted(MISTAKES.rglob("*.yaml"))
PLACES = {
    "rule": "rules/tool/mistake.yaml",
    "routing": "notifiers/routing.yaml",
    "receivers": "notifiers/receivers.yaml",
    "owners": "notifiers/owners.yaml",
    "hooks": "notifiers/hooks.yaml",
    "switches": "notifiers/switches.yaml",
    "severities": "rules/severities.yaml",
    "risks": "rules/risks.yaml",
}
WARNINGS = {
    Code.ID_FOLDER, Code.FIRST_FIVE, Code.NO_TESTS, Code.UNKNOWN_TYPE, Code.UNKNOWN_LABEL, Code.CATCH_ALL,
    Code.NOWHERE, Code.NO_EXTERNAL_URL,
}  # fmt: skip


def expected(file: Path) -> set[tuple[int, int, str]]:
    out = set()
    for row in file.read_text().split("\n", 1)[0].removeprefix("# ").split(", "):
        place, code = row.split(" ")
        line, column = place.split(":")
        out.add((int(line), int(column), code))
    return out


def found(file: Path) -> tuple[Located, ...]:
    kind = file.parent.name
    if kind == "settings":
        problems = load_settings(file, environ={}, flags={}).problems
        return tuple(p for p in problems if p.code != Code.NO_EXTERNAL_URL)
    return loaded({PLACES[kind]: file.read_bytes()}).problems


def test_the_base_loads_without_a_word() -> None:
    result = loaded()
    assert result.problems == ()
    assert result.plan is not None


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_a_mistake_is_found_at_its_place(file: Path) -> None:
    problems = found(file)
    kind = file.parent.name
    mine = [p for p in problems if kind == "settings" or p.path == PLACES[kind]]
    assert {(p.line, p.column, p.code) for p in mine} == expected(file), "\n".join(
        map(str, problems)
    )
    for problem in mine:
        assert problem.hint.endswith((".", "`", "?")), problem
        assert not problem.problem.endswith("."), problem
        assert "very-secret" not in str(problem)
        if problem.code in WARNINGS:
            assert problem.severity == "warning"


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.parent.name != "settings"], ids=lambda f: f.stem
)
def test_no_plan_with_an_error_and_a_plan_with_a_warning(file: Path) -> None:
    result = loaded({PLACES[file.parent.name]: file.read_bytes()})
    assert (result.plan is None) == any(p.severity == "error" for p in result.problems)


ELSEWHERE = {
    Code.UNREADABLE: "test_files",
    Code.MISSING_FILE: "test_load",
    Code.TOO_LARGE: "test_read",
    Code.TOO_MANY_FILES: "test_files",
    Code.UTF8: "test_read",
    Code.JSON: "test_json_text",
    Code.TOML: "test_toml_text",
    Code.TOO_DEEP: "test_yaml_text",
    Code.TOO_MANY_VALUES: "test_yaml_text",
    Code.NO_EXTERNAL_URL: "test_settings_load",
    Code.NOT_BUILT: "test_detect",
    Code.NOBODY_ON_CALL: "test_duty_checks",
    Code.WAKES_NOBODY: "test_duty_checks",
}


def test_every_code_has_a_mistake_that_shows_it() -> None:
    shown = {code for file in FILES for _, _, code in expected(file)}
    assert shown | set(ELSEWHERE) == set(Code)
    for code, module in ELSEWHERE.items():
        assert f"Code.{code.name}" in (Path(__file__).parent / f"{module}.py").read_text(), code


def test_suggestions_are_made_for_slips() -> None:
    for kind, name, suggestion in [
        ("rule", "unknown_field", "owner"),
        ("rule", "owner_unknown", "team"),
        ("rule", "runbook_missing", "mistake.md"),
        ("rule", "detector_unknown", "never"),
        ("rule", "detector_unknown_in_mapping", "burst"),
        ("rule", "burst_unknown_parameter", "within"),
        ("rule", "operator_unknown", "var"),
        ("rule", "severity_unknown", "high"),
        ("rule", "type_misspelt", "tool.call"),
        ("rule", "covers_unknown_risk", "leak"),
        ("rule", "action_unknown", "lock_tool"),
        ("rule", "summary_unknown_label", "tool"),
        ("routing", "unknown_key", "receivers"),
        ("routing", "receiver_unknown", "inbox"),
        ("routing", "webhook_unknown_key", "url"),
        ("receivers", "unknown_kind", "slack"),
        ("owners", "unknown_field", "contact"),
        ("settings", "unknown_field", "listen"),
    ]:
        (problem, *_) = found(MISTAKES / kind / f"{name}.yaml")
        assert f'Did you mean "{suggestion}"?' in problem.hint, problem


def test_all_mistakes_of_all_files_at_once() -> None:
    result = loaded(
        {
            "rules/tool/mistake.yaml": "id: X\ntitle: 5\nowner: nobody\nseverity: worst\nwat: 1\n",
            "notifiers/owners.yaml": "owners:\n  team: {conact: x}\n",
            "notifiers/routing.yaml": "route: {receiver: gone}\n",
        }
    )
    codes = [(p.path.rpartition("/")[2], p.code) for p in result.problems]
    assert ("mistake.yaml", "wrong_type") in codes
    assert ("mistake.yaml", "unknown_field") in codes
    assert ("mistake.yaml", "missing_field") in codes
    assert ("mistake.yaml", "invalid_value") in codes
    assert ("owners.yaml", "unknown_field") in codes
    assert ("routing.yaml", "unknown_receiver") in codes


def test_the_form_of_a_line(tmp_path: Path) -> None:
    rules, notifiers = tmp_path / "rules", tmp_path / "notifiers"
    (rules / "tool").mkdir(parents=True)
    notifiers.mkdir()
    (rules / "tool" / "a.yaml").write_text("id: tool.a\nowner: taem\n")
    (notifiers / "owners.yaml").write_text("owners: {team: {}}\n")
    (notifiers / "routing.yaml").write_text("route: {receiver: r}\nreceivers: [{name: r}]\n")
    result: Loaded = load(rules, notifiers)
    lines = [str(p) for p in result.problems]
    assert (
        f'{rules}/tool/a.yaml:1:1: missing_field: the field "title" is missing. Add "title: ...".'
        in lines
    )


def test_problems_are_kept_once_and_in_order() -> None:
    problems = Problems()
    problems.add("b", 1, 1, "x", "said.", "Do.")
    problems.add("a", 2, 1, "x", "said", "Do.")
    problems.add("a", 1, 1, "x", "said", "Do.", warning=True)
    problems.add("a", 2, 1, "x", "said", "Do.")
    assert [(p.path, p.line) for p in problems.sorted()] == [("a", 1), ("a", 2), ("b", 1)]
    assert len(problems.errors) == 3


def test_words_for_people() -> None:
    assert did_you_mean("onwer", ["owner", "title"]) == 'Did you mean "owner"? '
    assert did_you_mean("zzz", ["owner"]) == ""
    assert listed([str(i) for i in range(20)], 3) == "0, 1, 10 ... and 17 more"
