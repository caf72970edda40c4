"""``rulesd token``: named, scoped API tokens of a running daemon."""

from typing import Annotated, Any

import orjson
import typer

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Make, list and revoke API tokens. Every act is recorded under the token's name; the daemon keeps only a hash.",
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it: checkout-service, jo ...")],
    scope: Annotated[
        list[str],
        typer.Option(help="ingest, read, ack, admin; may be given again.", metavar="SCOPE"),
    ],
    tenant: Annotated[
        str,
        typer.Option(
            help="Events sent with it belong to this tenant, whatever they claim.", metavar="TENANT"
        ),
    ] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Make a token. It is shown once."""
    body: dict[str, Any] = {"name": name, "scopes": scope}
    if tenant:
        body["tenant"] = tenant
    made = Client(server, token).call("POST", "/v1/tokens", body)
    typer.echo(_json(made) if format_ is Format.JSON else made["token"])
    raise typer.Exit(Exit.FINE)


@app.command("list")
def list_(
    server: ServerOption = None, token: TokenOption = None, format_: FormatOption = Format.TEXT
) -> None:
    """List tokens: names, scopes, tenants; never the secrets."""
    found = Client(server, token).call("GET", "/v1/tokens")["tokens"]
    if format_ is Format.JSON:
        typer.echo(_json(found))
    else:
        for each in found:
            tenant = f"  tenant={each['tenant']}" if each.get("tenant") else ""
            typer.echo(f"{each['name']:<24} {','.join(each['scopes'])}{tenant}")
    raise typer.Exit(Exit.FINE)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="A name from `rulesd token list`.")],
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Revoke a token; what it does next is refused."""
    Client(server, token).call("DELETE", f"/v1/tokens/{name}")
    typer.echo(_json({"revoked": name}) if format_ is Format.JSON else f"{name} is revoked")
    raise typer.Exit(Exit.FINE)


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
