"""``rulesd deliveries``: pages and what became of them; send again what was given up."""

from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from rulesd.cli.client import Client, Refused, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.cli.table import show

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Pages and what became of them. Those that were given up are kept, and can be sent again.",
)

_COLOURS = {"failed": "bold red", "pending": "yellow", "delivered": "green"}

ReceiverOption = Annotated[
    str, typer.Option(help="Only those to this receiver.", metavar="NAME", show_default=False)
]


@app.command("list")
def list_(
    state: Annotated[
        str,
        typer.Option(help="pending, delivered, failed (given up) or skipped.", metavar="STATE"),
    ] = "",
    receiver: ReceiverOption = "",
    alert: Annotated[
        str, typer.Option(help="Only those about this alert.", metavar="ALERT", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=1_000)] = 100,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """List pages, newest first."""
    found = _list(Client(server, token), limit, state=state, receiver=receiver, alert=alert)
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    elif not found:
        typer.echo("no deliveries")
    else:
        show(_table(found))
    raise typer.Exit(Exit.FINE)


@app.command()
def redeliver(
    page: Annotated[
        str, typer.Argument(help="An id from `rulesd deliveries list`.", metavar="ID")
    ] = "",
    all_: Annotated[bool, typer.Option("--all", help="Everything that was given up.")] = False,
    receiver: ReceiverOption = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Send a page again that was given up: one by its id, or with --all all of them."""
    if bool(page) == all_:
        typer.echo("rulesd: give an ID, or --all", err=True)
        raise typer.Exit(Exit.USAGE)
    client = Client(server, token)
    ids = [page] if page else _failed(client, receiver)
    results: list[dict[str, Any]] = []
    for one in ids:
        try:
            path = f"/v1/deliveries/{quote(one, safe='')}/redeliver"
            results.append(client.call("POST", path, {"receiver": receiver}))
        except Refused as error:
            results.append({"id": one, "result": "refused", "message": str(error)})
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(results, option=orjson.OPT_INDENT_2).decode())
    elif not results:
        typer.echo("nothing was given up")
    else:
        for each in results:
            said = _SAID.get(each["result"], each.get("message", each["result"]))
            typer.echo(f"{each['id']}: {said}")
    bad = any(each["result"] == "refused" for each in results)
    raise typer.Exit(Exit.FINDINGS if bad else Exit.FINE)


_SAID = {
    "done": "sent again; rulesd deliveries list shows what becomes of it",
    "already": "it is on its way, or was taken meanwhile",
}


def _failed(client: Client, receiver: str) -> list[str]:
    """Oldest first: that is the order in which they were meant to arrive."""
    found = _list(client, 1_000, state="failed", receiver=receiver)
    return list(dict.fromkeys(one["id"] for one in reversed(found)))


def _list(client: Client, limit: int, **given: str) -> list[dict[str, Any]]:
    chosen = {name: value for name, value in given.items() if value}
    query = urlencode({**chosen, "limit": limit})
    found: list[dict[str, Any]] = client.call("GET", f"/v1/deliveries?{query}")["deliveries"]
    return found


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("ID", "STATE", "TO", "WHAT", "TRIES", "SINCE", "DETAIL"):
        table.add_column(name, overflow="fold")
    for each in found:
        colour = _COLOURS.get(each["state"], "")
        state = f"[{colour}]{each['state']}[/]" if colour else escape(each["state"])
        what = " ".join(w for w in (each["status"], each["severity"], each["title"]) if w)
        table.add_row(
            escape(each["id"]),
            state,
            escape(f"{each['receiver']} {each['channel']}"),
            escape(what),
            str(each["attempts_made"]),
            escape(each["created_at"]),
            escape(each["detail"]),
        )
    return table
