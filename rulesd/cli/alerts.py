"""``rulesd alerts``: what is pending, firing, or resolved lately."""

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


@app.command()
def alerts(
    state: Annotated[
        str | None, typer.Option(help="Only pending, firing or resolved ones.", metavar="STATE")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner's.", metavar="NAME")] = None,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """List alerts: open ones first, then those resolved within the last hour."""
    found: list[dict[str, Any]] = Client(server, token).call("GET", "/v1/alerts")["alerts"]
    found = [
        a
        for a in found
        if (not state or a["state"] == state) and (not owner or a["owner"] == owner)
    ]
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        raise typer.Exit(Exit.FINE)
    if not found:
        typer.echo("no alerts")
        raise typer.Exit(Exit.FINE)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in (
        "ALERT",
        "STATE",
        "SEVERITY",
        "RULE",
        "LABELS",
        "COUNT",
        "SINCE",
        "OWNER",
        "TAKEN BY",
    ):
        table.add_column(name, overflow="fold")
    for a in found:
        labels = " ".join(f"{k}={v}" for k, v in sorted(a["labels"].items()))
        colour = _COLOURS.get(a["severity"], "")
        table.add_row(
            a["alert"],
            a["state"],
            f"[{colour}]{a['severity']}[/]" if colour else a["severity"],
            a["rule"],
            labels,
            str(a["count"]),
            a["since"],
            a["owner"],
            a["acknowledged_by"],
        )
    Console().print(table)
    raise typer.Exit(Exit.FINE)
