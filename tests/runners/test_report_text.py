from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from rulesd.runners.backtest_compare import compare
from rulesd.runners.backtest_figures import figures
from rulesd.runners.report_text import show, spark, table, terminal
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
    assert lines[0] == "old -> rules: +3 pages, -0 pages, 0 at another time (0 -> 3 messages)"
    assert "worst night (22-07): 2026-01-05, 2 pages, safety" in lines
    assert any(line.split()[:4] == ["tool.scope", "3", "2", "3"] for line in lines)


def test_markup_in_a_label_is_text() -> None:
    text = StringIO()
    table(Console(file=text, width=60), ("key", "n"), [("[red]x[/red]", "1")])
    assert "[red]x[/red]" in text.getvalue()
    assert terminal().width > 0


def test_anything_above_zero_is_visible() -> None:
    assert spark([0, 1, 100]) == " ▁█"
