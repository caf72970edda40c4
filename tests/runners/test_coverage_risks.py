from pathlib import Path

from rulesd.runners.coverage_risks import body, risks, uncontrolled
from tests.runners.recorded import RULE, loaded

COVERS = RULE.replace("by: [tenant, tool]", "by: [tenant, tool]\ncovers: [known]")


def gaps(folder: Path, rule: str) -> dict[str, tuple[str, ...]]:
    made = loaded(folder, rule)
    assert made.plan is not None
    return {
        r.name: r.gaps for r in risks({"known": "Known", "other": "Other"}, made.plan, made.tests)
    }


def test_a_risk_needs_a_rule_that_pages_with_tests_and_a_runbook(tmp_path: Path) -> None:
    assert gaps(tmp_path / "a", COVERS) == {"known": (), "other": ("no rule",)}
    shadow = COVERS.replace("severity: critical\n", "severity: critical\nmaturity: shadow\n", 1)
    assert gaps(tmp_path / "b", shadow)["known"] == ("no rule that pages",)
    untested = COVERS.split("tests:")[0]
    assert gaps(tmp_path / "c", untested)["known"] == ("no test that fires", "no quiet test")


def test_as_plain_data_with_rules_that_name_no_risk(tmp_path: Path) -> None:
    made = loaded(tmp_path)
    assert made.plan is not None
    assert uncontrolled(made.plan) == ["tool.scope"]
    found = body(risks({"known": "Known"}, made.plan, made.tests), made.plan)
    assert (found["covered"], found["uncovered"], found["rules_without_risk"]) == (
        0,
        ["known"],
        ["tool.scope"],
    )


def test_a_test_without_an_event_tests_nothing(tmp_path: Path) -> None:
    empty = COVERS[: COVERS.index("  - name: in scope")] + "  - {name: quiet, expect: []}\n"
    assert gaps(tmp_path, empty)["known"] == ("no quiet test",)


def test_tests_are_named(tmp_path: Path) -> None:
    made = loaded(tmp_path, COVERS)
    assert made.plan is not None
    (control,) = risks({"known": "Known"}, made.plan, made.tests)[0].controls
    assert control.tests == (("it pages", True), ("in scope is quiet", False))
