"""The show in a terminal: counters and the planted incidents, live; plain lines where the output is no terminal.

Law: standard error only; standard output belongs to the summary.
"""

from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rulesd.demo.score import Result
from rulesd.demo.show import Show
from rulesd.demo.view import duration


class Terminal:
    """Where the progress of a demo is told."""

    def __init__(self, console: Console) -> None:
        """``console`` writes to standard error."""
        self._console = console
        self._live: Live | None = None
        self._told: dict[str, int] = {}
        self._said = ""

    def say(self, words: str) -> None:
        """One line."""
        self._console.print(Text(words), soft_wrap=True)

    def open(self) -> AbstractContextManager[object]:
        """The live table, where there is a terminal."""
        if not self._console.is_terminal:
            return nullcontext()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        return self._live

    def update(self, show: Show) -> None:
        """Show how it stands."""
        if self._live is not None:
            self._live.update(screen(show))
            return
        for result in show.score().results:
            before = self._told.get(result.planted.id, 0)
            if result.pages > before:
                self._told[result.planted.id] = result.pages
                self.say(f"{show.elapsed():5.1f} s  {line(result)}")
        if show.containment.said != self._said:
            self._said = show.containment.said
            self.say(f"{show.elapsed():5.1f} s  {self._said}")


def line(result: Result) -> str:
    """One incident in words."""
    planted = result.planted
    if result.pages > 1:
        return f"{planted.id}: {result.pages} pages, {planted.rule} must page once"
    return f"{planted.id}: paged by {planted.rule} after {duration(result.seconds)}"


def screen(show: Show) -> RenderableType:
    """Everything at a glance."""
    score, counters = show.score(), show.counters
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("")
    table.add_column("PLANTED INCIDENT", ratio=3)
    table.add_column("RULE", ratio=2, overflow="fold")
    table.add_column("PAGE", justify="right")
    for result in score.results:
        table.add_row(*_row(result))
    numbers = Text(
        f"{counters.events:,} events, {show.per_second:.0f} a second · "
        f"{counters.outcomes.get('matched', 0):,} matched · {counters.outcomes.get('duplicate', 0):,} duplicates · "
        f"median event to page {duration(score.p50)}"
    )
    contained = Text(
        show.containment.said or "No tool is locked.", "" if show.containment.said else "dim"
    )
    links = Text(f"Inbox {show.inbox_url}   Console {show.inbox_url}console   Ctrl-C ends", "dim")
    return Panel(Group(numbers, Text(""), table, Text(""), contained, links), title="rulesd demo")


def _row(result: Result) -> tuple[Text, ...]:
    mark, style, said = "·", "dim", ""
    if result.pages > 1:
        mark, style, said = "!", "bold red", f"{result.pages} pages"
    elif result.detected:
        mark, style, said = "✓", "green", duration(result.seconds)
    elif result.sent:
        mark, style, said = "…", "yellow", "sent"
    planted = result.planted
    return (
        Text(mark, style),
        Text(f"{planted.title} ({planted.twist})", "" if result.sent else "dim"),
        Text(planted.rule, "dim"),
        Text(said, style),
    )
