"""``rulesd review``: what waits for a person's verdict, and giving one."""

from enum import StrEnum
from typing import Annotated, Any

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
    help="Reviews: alerts that wait for a person's verdict, those that hold a lock first.",
)


class Verdict(StrEnum):
    """What a reviewer may find."""

    BENIGN = "benign"
    FIXED = "fixed"
    HARM = "harm"


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Open reviews, the most urgent first."""
    query = "?state=all" if all_ else ""
    found: list[dict[str, Any]] = Client(server, token).call("GET", f"/v1/reviews{query}")[
        "reviews"
    ]
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        raise typer.Exit(Exit.FINE)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("REVIEW", "SEVERITY", "RULE", "LABELS", "DUE", "HOLDS", "OWNER", "VERDICT"):
        table.add_column(name, overflow="fold")
    for one in found:
        labels = " ".join(f"{k}={v}" for k, v in sorted(one["labels"].items()))
        said = f"{one['verdict']} ({one['by']})" if one["verdict"] else ""
        if one["next"]:
            said += f": {one['next']}"
        holds = "a lock" if one["locked"] else ""
        table.add_row(*map(escape, (
            one["review"], one["severity"], one["rule"], labels, f"{one['due_at'][:10]} {one['due_at'][11:19]}Z", holds, one["owner"], said
        )))  # fmt: skip
    if found:
        show(table)
    else:
        typer.echo("nothing waits for a review")
    raise typer.Exit(Exit.FINE)


@app.command()
def complete(
    review: Annotated[str, typer.Argument(help="Id as `rulesd review list` shows it.")],
    verdict: Annotated[
        Verdict,
        typer.Option(help="benign and fixed release what is locked; harm keeps it locked."),
    ],
    note: Annotated[str, typer.Option(help="What you found.", metavar="TEXT")] = "",
    next_: Annotated[
        str, typer.Option("--next", help="With harm: what must happen.", metavar="TEXT")
    ] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Give a verdict. Doing it twice is fine."""
    if verdict is Verdict.HARM and not next_:
        raise typer.BadParameter("say with --next what must happen before the lock may go")
    body = {"verdict": str(verdict), "note": note, "next": next_}
    answer = Client(server, token).call("POST", f"/v1/reviews/{review}/complete", body)
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
        raise typer.Exit(Exit.FINE)
    what = "stays locked" if verdict is Verdict.HARM else "is released"
    typer.echo(f"{review}: {answer['result']}; what it holds {what}")
    raise typer.Exit(Exit.FINE)
