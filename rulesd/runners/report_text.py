"""The backtest as tables in a terminal.

Law: what is printed depends on the outcome and the width alone.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import tzinfo

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from rulesd.model.instant import Instant
from rulesd.runners.backtest import Outcome, Telling, key_text
from rulesd.runners.backtest_compare import Difference
from rulesd.runners.backtest_figures import Figures, Row, when

MOST_LISTED = 40
GAP = 2
"Blanks between columns."

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
        _difference(console, difference, counted.clock)
    if not outcome.events:
        line(console, f"{outcome.name}: the recording holds no event, so there is nothing to tell")
        return
    line(console, outcome.name)
    for said in _said(outcome, counted):
        line(console, f"  {said}")
    _rows(console, counted.rules, "rule")
    _rows(console, counted.owners, "owner")
    _rows(console, counted.keys, "noisiest keys")
    if counted.silent:
        console.print()
        line(console, f"never fired ({len(counted.silent)}): {', '.join(counted.silent)}")


def _said(outcome: Outcome, counted: Figures) -> Iterable[str]:
    """The outcome in a few short lines."""
    began, ended = (when(at, counted.clock) for at in (outcome.began, outcome.ended))
    yield f"{outcome.events:,} events, {began} to {ended} ({counted.zone})"
    rate = counted.pages_a_week
    week = "too short to say how many a week" if rate is None else f"{rate:.2f} a week"
    yield f"{_many(len(outcome.pages), 'page')} ({week}), {counted.at_night} at night (22-07)"
    yield f"{_many(len(outcome.firings), 'alert')}, {_many(len(outcome.reminders), 'reminder')} of what was still firing"
    if outcome.rejected or outcome.limits:
        yield f"{outcome.rejected} events were refused, {outcome.limits} limits took effect"
    if (worst := counted.worst_night) is not None:
        yield f"worst night: {worst.began.isoformat()}, {_many(worst.pages, 'page')}, {', '.join(worst.owners)}"
    yield f"pages by hour of day, 00 to 23: [{spark(counted.hours)}]"


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def line(console: Console, text: str) -> None:
    """One line, whatever it holds."""
    console.print(Text(text), soft_wrap=True)


def spark(values: Sequence[int]) -> str:
    """Counts as a row of blocks; anything above zero is visible."""
    top = max(values, default=0)
    return "".join(_BLOCKS[-(-8 * n // top)] if n else _BLOCKS[0] for n in values)


def table(console: Console, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table, a line for each row; columns of numbers stand right.

    A terminal that is too narrow gets the columns that fit, and the others by name on lines below: a name, a key or a time is never broken.
    """
    listed = [list(row) for row in rows]
    if not listed:
        return
    columns = list(zip(*listed, strict=True))
    right = [all(_number(cell) for cell in cells) for cells in columns]
    widths = [
        max(cell_len(text) for text in (head, *cells))
        for head, cells in zip(heads, columns, strict=True)
    ]
    fit = len(widths)
    while console.is_terminal and fit > 1 and sum(widths[:fit]) + GAP * (fit - 1) > console.width:
        fit -= 1
    console.print()
    for row in (heads, *listed):
        cells = zip(row[:fit], widths, right, strict=False)
        text = (" " * GAP).join(_cell(*cell) for cell in cells).rstrip()
        console.print(Text(text, style="bold" if row is heads else ""), soft_wrap=True)
        for head, cell in zip(heads[fit:], row[fit:], strict=True):
            if row is not heads and cell:
                console.print(Text.assemble(("    " + head + ": ", "dim"), cell), soft_wrap=True)


def _number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()


def _cell(text: str, width: int, right: bool) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank


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


def _difference(console: Console, difference: Difference, clock: tzinfo) -> None:
    before, after = difference.pages
    line(console, f"{difference.before} -> {difference.after} ({before} -> {after} pages)")
    line(
        console,
        f"  +{len(difference.added)} that come, -{len(difference.removed)} that go, {len(difference.moved)} at another time, "
        f"{len(difference.graded)} of another severity",
    )
    if difference.empty:
        line(console, "  nobody would notice")
    table(
        console,
        ("rule", "change", "alerts", "pages", "fields"),
        (
            (c.rule, c.change or "-", _both(c.alerts), _both(c.pages), ", ".join(c.fields))
            for c in difference.rules
        ),
    )
    table(
        console,
        ("owner affected", "+", "-", "moved"),
        ((o, str(a), str(r), str(m)) for o, a, r, m in difference.by_owner()),
    )
    changes = changed_pages(difference)
    table(
        console,
        ("", "at", "rule", "severity", "receiver", "key"),
        (
            (sign, when(at, clock), t.rule, severity, t.receiver, key_text(t.labels))
            for sign, at, severity, t in changes[:MOST_LISTED]
        ),
    )
    if len(changes) > MOST_LISTED:
        line(console, f"and {len(changes) - MOST_LISTED} more (--format json lists all)")
    console.print()


def changed_pages(difference: Difference) -> list[tuple[str, Instant, str, Telling]]:
    """What comes (``+``), goes (``-``) and is graded otherwise (``~``), in order of time: sign, when, severity, page."""
    out = [("+", t.at, t.severity, t) for t in difference.added]
    out += [("-", t.at, t.severity, t) for t in difference.removed]
    out += [("~", t.at, f"{was} -> {t.severity}", t) for t, was in difference.graded]
    return sorted(out, key=lambda c: (c[1], c[0], c[3].subject))


def _both(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} -> {pair[1]}"
