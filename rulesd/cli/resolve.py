"""``rulesd resolve``: say that an alert is over."""

from typing import Annotated

import typer

from rulesd.cli.client import ServerOption, TokenOption
from rulesd.cli.exits import Format, FormatOption
from rulesd.cli.person import act

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def resolve(
    alert: Annotated[
        list[str], typer.Argument(help="Ids as `rulesd alerts` shows them.", metavar="ALERT...")
    ],
    note: Annotated[str, typer.Option(help="What you know, for those who come after you.")] = "",
    by: Annotated[
        str, typer.Option(help="The person you act for; default: the token's name.")
    ] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Say that alerts are over. Only new evidence opens the next episode."""
    act(alert, "resolve", {"note": note, "by": by}, server, token, format_)
