"""What a person does to alerts from the command line, one request for each."""

from collections.abc import Mapping, Sequence

import orjson
import typer

from rulesd.cli.client import Client, Refused
from rulesd.cli.exits import Exit, Format


def act(
    alerts: Sequence[str],
    verb: str,
    said: Mapping[str, str],
    server: str | None,
    token: str | None,
    format_: Format,
) -> None:
    """Do ``verb`` to each alert and say what became of it; exit 1 when one could not be done.

    ``said``: ``note`` and ``by``; empty ones count for nothing.
    """
    client = Client(server, token)
    body = {name: text for name, text in said.items() if text}
    rows: list[dict[str, str]] = []
    failed = False
    for alert in alerts:
        try:
            answer = client.call("POST", f"/v1/alerts/{alert}/{verb}", body)
            rows.append({"alert": alert, "result": str((answer or {}).get("result", "done"))})
        except Refused as error:
            failed = True
            rows.append({"alert": alert, "result": "refused", "message": str(error)})
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        for row in rows:
            typer.echo(f"{row['alert']}: {row.get('message') or row['result']}")
    raise typer.Exit(Exit.FINDINGS if failed else Exit.FINE)
