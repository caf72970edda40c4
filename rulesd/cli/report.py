"""``rulesd report``: what a running daemon can tell about itself, counted."""

from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.cli.table import show

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Reports of a running daemon.",
)

_BARS = " ▁▂▃▄▅▆▇█"


@app.callback()
def reports() -> None:
    """Reports of a running daemon."""


@app.command()
def pages(
    since: Annotated[
        str, typer.Option(help="A length such as 7d, or a timestamp.", metavar="TIME")
    ] = "7d",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Who was paged how often, which rules did it, and how much of it was acknowledged."""
    found = Client(server, token).call("GET", f"/v1/reports/pages?since={quote(since)}")
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    elif not found["owners"]:
        typer.echo(f"nobody was paged since {found['since']}")
    else:
        typer.echo(f"Pages since {found['since']}")
        show(_table(found))
        if not found["complete"]:
            typer.echo("There is more than was looked at: ask for a shorter time.")
    raise typer.Exit(Exit.FINE)


def _table(found: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("OWNER", "RULE"):
        table.add_column(name, overflow="fold")
    for name in ("PAGES", "ACKNOWLEDGED", "ESCALATED", "SPARED"):
        table.add_column(name, justify="right")
    table.add_column("BY HOUR (UTC)")
    for one in found["owners"]:
        table.add_row(
            f"[bold]{escape(one['owner'] or '(nobody)')}[/bold]{_budget(one)}",
            "",
            str(one["pages"]),
            str(one["acknowledged"]),
            str(one["escalated"]),
            str(one["spared"]),
            _hours(one["hours"]),
        )
        for rule in one["rules"][:10]:
            table.add_row(
                "", escape(rule["rule"]), str(rule["pages"]), str(rule["acknowledged"]), "", "", ""
            )
    return table


def _budget(one: dict[str, Any]) -> str:
    budget = one.get("budget")
    if budget is None:
        return ""
    spent = one["budget_spent"]
    times = "once" if spent == 1 else f"{spent} times"
    return f", budget {budget['pages']} per {budget['per']}: spent {times}"


def _hours(hours: list[int]) -> str:
    most = max(hours, default=0) or 1
    return "".join(_BARS[-(-count * 8 // most)] for count in hours)
