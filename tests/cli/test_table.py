"""Tables that read well, in a terminal and in a pipe."""

import io

from rich.console import Console
from rich.table import Table

from rulesd.cli.table import show


def printed(width: int, terminal: bool, *rows: tuple[str, ...]) -> list[str]:
    table = Table(header_style="dim")
    for name in ("ALERT", "RULE", "LABELS", "TAKEN BY"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    out = io.StringIO()
    show(table, Console(file=out, width=width, force_terminal=terminal, color_system=None))
    return [line.rstrip() for line in out.getvalue().splitlines()]


ONE = ("a1", "[red]tool.denied[/]", "tenant=acme tool=shell", "")
OTHER = ("a2", "x\\[y]", "tenant=b\nline", "ana")


def test_in_a_pipe_a_row_is_a_line() -> None:
    assert printed(20, False, ONE, OTHER) == [
        "ALERT  RULE         LABELS                  TAKEN BY",
        "a1     tool.denied  tenant=acme tool=shell",
        "a2     x[y]         tenant=b line           ana",
    ]


def test_a_wide_terminal_gets_the_same() -> None:
    assert printed(60, True, ONE, OTHER) == printed(20, False, ONE, OTHER)


def test_a_narrow_terminal_gets_what_does_not_fit_below() -> None:
    assert printed(24, True, ONE, OTHER) == [
        "ALERT  RULE",
        "a1     tool.denied",
        "    labels: tenant=acme",
        "    tool=shell",
        "a2     x[y]",
        "    labels: tenant=b",
        "    line",
        "    taken by: ana",
    ]


def test_one_column_always_stands() -> None:
    assert printed(3, True, ONE)[:2] == ["ALERT", "a1"]
