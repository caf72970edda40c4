from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from rulesd.runners.backtest import Outcome
from rulesd.runners.backtest_compare import compare
from rulesd.runners.backtest_figures import figures
from rulesd.runners.report_text import changed_pages, show, spark, table, terminal
from tests.runners.recorded import outcome


def test_the_difference_comes_first_then_the_figures(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    text = StringIO()
    show(
        Console(file=text, width=140),
        out,
        figures(out),
        compare(replace(out, pages=[], name="old"), out),
    )
    lines = text.getvalue().splitlines()
    assert lines[0] == "old -> rules (0 -> 3 pages)"
    assert lines[1] == "  +3 that come, -0 that go, 0 at another time, 0 of another severity"
    assert "tool.scope  -            3  0 -> 3" in lines
    assert "+  2026-01-05 09:00  tool.scope  critical  default   tenant=acme tool=shell" in lines
    assert "  worst night: 2026-01-05, 2 pages, safety" in lines
    assert any(line.split()[:4] == ["tool.scope", "3", "2", "3"] for line in lines)


def test_markup_in_a_label_is_text() -> None:
    text = StringIO()
    table(Console(file=text, width=60), ("key", "n"), [("[red]x[/red]", "1")])
    assert "[red]x[/red]" in text.getvalue()
    assert terminal().width > 0


def test_anything_above_zero_is_visible() -> None:
    assert spark([0, 1, 100]) == " ▁█"


def test_a_narrow_terminal_breaks_no_name_and_a_pipe_has_a_line_a_row() -> None:
    row = ("retrieval.cross_tenant_attempt", "3", "correlationid=c13ae354d tenant=stark")
    for terminal_, lines in ((True, 3), (False, 2)):
        text = StringIO()
        console = Console(file=text, width=50, force_terminal=terminal_, no_color=True)
        table(console, ("rule", "n", "noisiest key"), [row])
        said = [each for each in text.getvalue().splitlines() if each.strip()]
        assert len(said) == lines
        assert all(part in text.getvalue() for part in row)


def test_an_empty_recording_is_said(tmp_path: Path) -> None:
    text = StringIO()
    none = Outcome(name="rules", rules=("a.b",))
    show(Console(file=text, width=140), none, figures(none), None)
    assert text.getvalue() == "rules: the recording holds no event, so there is nothing to tell\n"


def test_changes_come_in_order_and_another_severity_is_one(tmp_path: Path) -> None:
    out = outcome(tmp_path)
    difference = compare(replace(out, pages=out.pages[1:]), out)
    first = difference.added[0]
    graded = replace(difference, graded=((out.tellings[2], "low"),))
    assert [(c[0], c[2]) for c in changed_pages(graded)] == [("+", first.severity), ("~", "low -> critical")]  # fmt: skip
