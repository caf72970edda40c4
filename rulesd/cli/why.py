"""``rulesd why``: the whole chain of reasons behind an alert."""

from typing import Annotated
from urllib.parse import quote

import typer

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Format, FormatOption
from rulesd.cli.story import tell

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def why(
    alert: Annotated[str, typer.Argument(help="Id as `rulesd alerts` shows it.", metavar="ALERT")],
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Why this alert fired, where it went, what held it back, and every attempt to tell somebody.

    \b
    rulesd alerts                      shows the ids
    rulesd why c5ab5f1e376ae79f
    """
    tell(Client(server, token).call("GET", f"/v1/alerts/{quote(alert, safe='')}/why"), format_)
