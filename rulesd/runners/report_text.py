"""The backtest as tables in a terminal.

Law: what is printed depends on the outcome and the width alone.
"""

import os
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rulesd.model.instant import format_instant
from rulesd.runners.backtest import Outcome, key_text
from rulesd.runners.backtest_compare import Difference
from rulesd.runners.backtest_figures import Figures, Row

MOST_LISTED = 40
_BLOCKS = " ▁▂▃▄▅▆▇█"


def terminal() -> Console:
    """Where tables go: as wide as the terminal, wide enough for a table where there is none."""
    made = Console(highlight=False)
    return (
        made if made.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=160)
    )


def show(
    console: Console, outcome: Outcome, counted: Figures, difference: Difference | None
) -> None:
    """Print everything, the difference first."""
    if difference is not None:
        _difference(console, difference)
    said = (
        f"{outcome.name}: {len(outcome.pages)} pages ({counted.pages_a_week:.2f} a week), "
        f"{len(outcome.firings)} alerts, {len(outcome.reminders)} reminders of what was still firing, {outcome.events} events from {format_instant(outcome.began)} to {format_instant(outcome.ended)}"
    )
    line(console, said)
    if outcome.rejected or outcome.limits:
        line(
            console, f"{outcome.rejected} events were refused, {outcome.limits} limits took effect"
        )
    worst = counted.worst_night
    if worst is not None:
        line(
            console,
            f"worst night (22-07): {worst.began.isoformat()}, {worst.pages} pages, {', '.join(worst.owners)}",
        )
    line(console, f"pages by hour of day 00..23: [{spark(counted.hours)}]")
    _rows(console, counted.rules, "rule")
    _rows(console, counted.owners, "owner")
    _rows(console, counted.keys, "noisiest keys")
    if counted.silent:
        line(console, f"never fired ({len(counted.silent)}): {', '.join(counted.silent)}")


def line(console: Console, text: str) -> None:
    """One line, whatever it holds."""
    console.print(Text(text), soft_wrap=True)


def spark(values: Sequence[int]) -> str:
    """Counts as a row of blocks; anything above zero is visible."""
    top = max(values, default=0)
    return "".join(_BLOCKS[-(-8 * n // top)] if n else _BLOCKS[0] for n in values)


def table(console: Console, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table; columns of numbers stand right."""
    listed = [list(row) for row in rows]
    if not listed:
        return
    out = Table(box=None, pad_edge=False, header_style="bold")
    for i, head in enumerate(heads):
        number = all(row[i].lstrip("+-").replace(".", "", 1).isdigit() for row in listed)
        out.add_column(Text(head), justify="right" if number else "left", overflow="fold")
    for row in listed:
        out.add_row(*(Text(cell) for cell in row))
    console.print()
    console.print(out)


def _rows(console: Console, rows: Sequence[Row], word: str) -> None:
    table(
        console,
        (word, "pages", "at night", "alerts")
        + (("noisiest key",) if word != "noisiest keys" else ()),
        (
            (r.name, str(r.pages), str(r.at_night), str(r.firings))
            + ((r.noisiest,) if word != "noisiest keys" else ())
            for r in rows
        ),
    )


def _difference(console: Console, difference: Difference) -> None:
    before, after = difference.pages
    line(
        console,
        f"{difference.before} -> {difference.after}: +{len(difference.added)} pages, -{len(difference.removed)} pages, "
        f"{len(difference.moved)} at another time ({before} -> {after} messages)",
    )
    if difference.empty:
        line(console, "nobody would notice")
    table(
        console,
        ("owner affected", "+", "-", "moved"),
        ((o, str(a), str(r), str(m)) for o, a, r, m in difference.by_owner()),
    )
    changes = sorted(
        [(t.at, "+", t) for t in difference.added] + [(t.at, "-", t) for t in difference.removed],
        key=lambda c: (c[0], c[1], c[2].subject),
    )
    table(
        console,
        ("", "at", "rule", "key", "severity", "receiver"),
        (
            (sign, format_instant(at), t.rule, key_text(t.labels), t.severity, t.receiver)
            for at, sign, t in changes[:MOST_LISTED]
        ),
    )
    if len(changes) > MOST_LISTED:
        line(console, f"and {len(changes) - MOST_LISTED} more (--format json lists all)")
    if changes:
        console.print()
