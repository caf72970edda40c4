"""Prints a table so that it reads well: never a column of three characters.

Law: into a file or a pipe each row is one line, however long. A terminal that is too narrow gets the columns that fit on a row's first
line, and the others below it by name.
"""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

GAP = 2
"Blanks between columns."

INDENT = 4


def show(table: Table, console: Console | None = None) -> None:
    """Print ``table`` on ``console`` (default: standard output)."""
    console = console or Console()
    names = [_text(column.header) for column in table.columns]
    cells = [[_text(cell) for cell in column.cells] for column in table.columns]
    widths = [
        max(t.cell_len for t in (name, *below)) for name, below in zip(names, cells, strict=True)
    ]
    fit = len(names)
    if console.is_terminal:
        while fit > 1 and sum(widths[:fit]) + GAP * (fit - 1) > console.width:
            fit -= 1
    _line(console, names[:fit], widths, str(table.header_style))
    for row in zip(*cells, strict=True):
        _line(console, row[:fit], widths)
        for name, cell in zip(names[fit:], row[fit:], strict=True):
            if cell.plain.strip():
                said = Text.assemble((f"{name.plain.lower()}: ", "dim"), cell)
                console.print(Padding(said, (0, 0, 0, INDENT)))


def _text(given: object) -> Text:
    """A cell, on one line."""
    text = given if isinstance(given, Text) else Text.from_markup(str(given))
    if "\n" in text.plain:
        text = Text(" ").join(text.split("\n"))
    return text


def _line(
    console: Console, row: list[Text] | tuple[Text, ...], widths: list[int], style: str = ""
) -> None:
    out = Text(style=style)
    for position, (cell, width) in enumerate(zip(row, widths, strict=False)):
        last = position == len(row) - 1
        out.append_text(cell)
        out.append("" if last else " " * (width - cell.cell_len + GAP))
    console.print(out, soft_wrap=True)
