"""``rulesd test-page``: find out whether a page reaches its owner."""

from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.cli.table import show

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def test_page(
    owner: Annotated[str, typer.Argument(help="A name from owners.yaml.", metavar="OWNER")],
    severity: Annotated[
        str, typer.Option(help="critical, high, medium or low.", metavar="S")
    ] = "high",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Send a real page, marked as a test, along the owner's whole path and report each attempt.

    Exit 1 when a channel did not accept it.
    """
    answer = Client(server, token).call(
        "POST", "/v1/test-page", {"owner": owner, "severity": severity}
    )
    attempts: list[dict[str, Any]] = answer["attempts"]
    good = bool(attempts) and all(a["outcome"] == "delivered" for a in attempts)
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(attempts, option=orjson.OPT_INDENT_2).decode())
    elif not attempts:
        typer.echo(
            f"{owner} has no channel for {severity}: nobody would be told. See notifiers/receivers.yaml"
        )
    else:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("RECEIVER", "CHANNEL", "OUTCOME", "REASON", "SECONDS", "DETAIL"):
            table.add_column(name, overflow="fold")
        for a in attempts:
            table.add_row(
                a["receiver"],
                a["channel"],
                a["outcome"],
                a["reason"],
                f"{a['seconds']:.2f}",
                a["detail"],
            )
        show(table)
    raise typer.Exit(Exit.FINE if good else Exit.FINDINGS)
