"""A story in a terminal: a sentence, then the steps, the detail under each."""

from typing import Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from rulesd.cli.exits import Exit, Format

_NAMES = {
    "event": "Event",
    "rule": "Rule",
    "detector": "Detector",
    "alert": "Alert",
    "route": "Route",
    "held_back": "Held back",
    "page": "Page",
    "action": "Action",
    "review": "Review",
}


def tell(story: dict[str, Any], format_: Format) -> None:
    """Print it."""
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(story, option=orjson.OPT_INDENT_2).decode())
        raise typer.Exit(Exit.FINE)
    out = Console(highlight=False)
    out.print(f"[bold]{escape(story['title'])}[/]", soft_wrap=True)
    before = ""
    for step in story["steps"]:
        if step["part"] != before:
            before = step["part"]
            out.print(f"\n[bold cyan]{_NAMES.get(before, before)}[/]")
        at = f"[dim]{escape(step['at'])}[/]  " if step.get("at") else ""
        out.print(f"  {at}{escape(step['said'])}", soft_wrap=True)
        for line in step.get("more", ()):
            out.print(f"      {_coloured(escape(line))}", soft_wrap=True)
    raise typer.Exit(Exit.FINE)


def _coloured(line: str) -> str:
    """The parts of a rule's tree say yes or no at first glance."""
    words = line.lstrip()
    for start, colour in (("yes:", "green"), ("no:", "yellow"), ("could not", "red")):
        if words.startswith(start):
            return f"[{colour}]{line}[/]"
    return line
