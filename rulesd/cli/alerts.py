"""``rulesd alerts``: what is pending, firing, or resolved lately."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.cli.table import show
from rulesd.model.duration import format_duration

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

STATES = ("pending", "firing", "resolved")
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
    if state not in (None, *STATES):
        raise typer.BadParameter(f"there is no state of that name. Write {', '.join(STATES)}")
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
        "FOR",
        "COUNT",
        "RULE",
        "LABELS",
        "OWNER",
        "TAKEN BY",
    ):
        table.add_column(name)
    now = datetime.now(UTC)
    for a in found:
        labels = " ".join(f"{k}={v}" for k, v in sorted(a["labels"].items()) if k != "alertname")
        colour = _COLOURS.get(a["severity"], "")
        table.add_row(
            a["alert"],
            a["state"],
            f"[{colour}]{escape(a['severity'])}[/]" if colour else escape(a["severity"]),
            _age(a["since"], now),
            str(a["count"]),
            *map(escape, (a["rule"], labels, a["owner"], a["acknowledged_by"])),
        )
    show(table)
    raise typer.Exit(Exit.FINE)


def _age(since: str, now: datetime) -> str:
    """How long ago, in at most two units."""
    seconds = int((now - datetime.fromisoformat(since)).total_seconds())
    return format_duration(max(0, seconds - seconds % (60 if seconds >= 3600 else 1)) * 1000)
