from dataclasses import replace
from pathlib import Path

from rulesd.runners.backtest import Outcome, backtest
from rulesd.runners.backtest_compare import compare
from rulesd.runners.backtest_rules import body, rule_changes, stated
from tests.cli.files import RULE
from tests.runners.recorded import loaded, recorded


def told(folder: Path, rule: str = RULE) -> Outcome:
    made = loaded(folder, rule)
    assert made.plan is not None
    out = backtest(recorded(), [("rules", made.plan)])[0]
    out.stated = stated(made.files)
    return out


def test_tests_and_comments_are_no_change(tmp_path: Path) -> None:
    other = "# why\n" + RULE.replace("name: it pages", "name: another")
    assert other.count("another") == 1
    assert rule_changes(told(tmp_path / "a"), told(tmp_path / "b", other)) == ()


def test_a_changed_rule_names_its_fields_and_counts_both_ways(tmp_path: Path) -> None:
    other = RULE.replace("severity: critical\n", "severity: high\n", 1).replace(
        "title: ", "title: Now ", 1
    )
    other = other.replace("severity: critical", "severity: high")
    before, after = told(tmp_path / "a"), told(tmp_path / "b", other)
    (one,) = rule_changes(before, after)
    assert (one.rule, one.change, one.fields) == ("tool.scope", "changed", ("severity", "title"))
    assert one.alerts == (3, 3)
    # The same pages to the same people, but graded otherwise: somebody would notice.
    difference = compare(before, after)
    assert [(t.severity, was) for t, was in difference.graded] == [("high", "critical")] * 3
    assert not difference.empty
    assert difference.owners == ("safety",)


def test_added_and_removed_rules(tmp_path: Path) -> None:
    before = told(tmp_path / "a")
    after = told(tmp_path / "b", RULE.replace("tool.scope", "tool.other"))
    assert [(c.rule, c.change, c.alerts, c.pages) for c in rule_changes(before, after)] == [
        ("tool.other", "added", (0, 3), (0, 3)),
        ("tool.scope", "removed", (3, 0), (3, 0)),
    ]
    assert [row["change"] for row in body(rule_changes(before, after)) if isinstance(row, dict)] == ["added", "removed"]  # fmt: skip


def test_a_rule_that_does_something_else_for_another_reason_is_listed_without_one(
    tmp_path: Path,
) -> None:
    before = told(tmp_path)
    (one,) = rule_changes(before, replace(before, firings=[]))
    assert (one.change, one.alerts) == ("", (3, 0))
    # Without the files nobody claims that a rule was changed.
    assert rule_changes(before, replace(before, stated={})) == ()
