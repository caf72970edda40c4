"""``rulesd why-not``: what became of an event that paged nobody."""

from typing import Annotated
from urllib.parse import quote

import typer

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Format, FormatOption
from rulesd.cli.story import tell

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command("why-not")
def why_not(
    event: Annotated[str, typer.Argument(help="The event's id.", metavar="EVENT")],
    rule: Annotated[str, typer.Option(help="Only this rule.", metavar="RULE")] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Which rules looked at an event, which part of each did not hold, and what a detector still needs.

    \b
    rulesd why-not b7f2
    rulesd why-not b7f2 --rule tool.denied_burst
    """
    query = f"?rule={quote(rule, safe='')}" if rule else ""
    path = f"/v1/events/{quote(event, safe='')}/why-not{query}"
    tell(Client(server, token).call("GET", path), format_)
