"""``rulesd route``: where an alert with given labels would go at this moment."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Format, FormatOption
from rulesd.cli.story import tell

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def route(
    labels: Annotated[
        list[str],
        typer.Argument(
            help="alertname=tool.loop severity=high tenant=acme ...", metavar="LABELS..."
        ),
    ],
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Receivers, owner, who is on call, who is told next, and what would hold it back."""
    found: dict[str, str] = {}
    for pair in labels:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"{pair!r} is no label. Write name=value")
        found[name] = value
    tell(Client(server, token).call("GET", f"/v1/route?{urlencode(found)}"), format_)
