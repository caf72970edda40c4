"""``rulesd schema``: JSON Schemas, so that an editor helps while a rule is written."""

from enum import StrEnum
from typing import Annotated

import orjson
import typer

from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.config.schema import schema as schema_of

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Name(StrEnum):
    """What has a schema."""

    RULE = "rule"
    RECEIVERS = "receivers"
    OWNERS = "owners"
    SWITCHES = "switches"
    HOOKS = "hooks"
    EVENT = "event"


@app.command()
def schema(
    name: Annotated[Name, typer.Argument(help="Which kind of file.")],
    format_: FormatOption = Format.JSON,
) -> None:
    """Print the JSON Schema of a kind of file (both formats are JSON)."""
    del format_
    typer.echo(orjson.dumps(schema_of(str(name)), option=orjson.OPT_INDENT_2).decode())
    raise typer.Exit(Exit.FINE)
