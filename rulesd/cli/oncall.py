"""``rulesd oncall``: who is on call, and somebody else for a while without editing a file.

Law: wrong usage is found here (exit 2); what the daemon refuses is exit 1. Times are shown on the schedule's own wall clock, and taken on
it unless they carry an offset.
"""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.model.duration import parse_duration

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Who is on call, and who stands in. An override goes before owners.yaml for its time, and is forgotten after it.",
)

By = Annotated[str, typer.Option(help="The person you act for; default: the token's name.")]

SHORT = 8
"Characters of an id that the list shows; commands take them for the whole."


@app.command()
def who(
    schedule: Annotated[str, typer.Argument(help="Only this one.", metavar="[SCHEDULE]")] = "",
    at: Annotated[
        str, typer.Option("--at", help="When: 2026-01-05T03:00 or ...Z; default: now.")
    ] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Who is on call, until when, and whose pages they get."""
    asked = {k: v for k, v in (("schedule", schedule), ("at", at)) if v}
    query = f"?{urlencode(asked)}" if asked else ""
    found: dict[str, Any] = Client(server, token).call("GET", f"/v1/oncall{query}")
    if format_ is Format.JSON:
        _json(found)
    if not found["schedules"]:
        typer.echo("no schedules are declared in notifiers/owners.yaml")
        raise typer.Exit(Exit.FINE)
    out = _table("SCHEDULE", "ON CALL", "UNTIL", "PAGES OF", "BECAUSE OF")
    for one in found["schedules"]:
        people = ", ".join(map(escape, one["people"])) or "[bold red]nobody[/]"
        because = f"override {one['override'][:SHORT]}" if one["override"] else "owners.yaml"
        out.add_row(
            escape(one["schedule"]),
            people,
            _clock(one["until"], one["zone"]) if one["until"] else "further notice",
            escape(", ".join(one["owners"])) or "-",
            because,
        )
    Console().print(out)
    raise typer.Exit(Exit.FINE)


@app.command()
def override(
    schedule: Annotated[str, typer.Argument(help="As `rulesd oncall who` shows it.")],
    person: Annotated[
        list[str], typer.Option("--person", "-p", help="Who stands in; again for more.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", "-r", help="Why; it is kept with it.", metavar="TEXT")
    ],
    from_: Annotated[
        str, typer.Option("--from", help="2026-01-05T09:00 on the schedule's clock; default: now.")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="When it ends.")] = "",
    for_: Annotated[str, typer.Option("--for", "-f", help="Or how long: 8h, 2d.")] = "",
    by: By = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Put somebody else on call for a while. They are told when it begins, with what is open."""
    if bool(for_) == bool(until):
        raise typer.BadParameter("say either until when (--until) or how long (--for 8h)")
    if for_:
        try:
            parse_duration(for_)
        except (ValueError, OverflowError) as error:
            raise typer.BadParameter(f"--for: {error}") from None
    body: dict[str, Any] = {"schedule": schedule, "person": person, "reason": reason}
    body |= {k: v for k, v in (("from", from_), ("until", until), ("for", for_), ("by", by)) if v}
    client = Client(server, token)
    done = client.call("POST", "/v1/oncall/overrides", body)
    if format_ is Format.JSON:
        _json(done)
    made = done["override"]
    zone = _zone_of(client, schedule)
    again = "it is so already: " if done["result"] == "already" else ""
    typer.echo(
        f"{again}{', '.join(made['people'])} {'are' if len(made['people']) > 1 else 'is'} on call for {schedule} from {_clock(made['from'], zone)} "
        f"until {_clock(made['until'], zone)} (override {made['id'][:SHORT]})"
    )
    raise typer.Exit(Exit.FINE)


@app.command("list")
def list_(
    server: ServerOption = None, token: TokenOption = None, format_: FormatOption = Format.TEXT
) -> None:
    """Overrides that are not over: who, when, who made them and why. Those of owners.yaml are not among them."""
    client = Client(server, token)
    found: dict[str, Any] = client.call("GET", "/v1/oncall/overrides")
    if format_ is Format.JSON:
        _json(found)
    if not found["overrides"]:
        typer.echo("no overrides: owners.yaml decides")
        raise typer.Exit(Exit.FINE)
    zones = {s["schedule"]: s["zone"] for s in client.call("GET", "/v1/oncall")["schedules"]}
    out = _table("OVERRIDE", "STATE", "SCHEDULE", "ON CALL", "FROM", "UNTIL", "BY", "REASON")
    for one in found["overrides"]:
        zone = zones.get(one["schedule"], "UTC")
        row = (
            one["id"][:SHORT], one["state"], one["schedule"], ", ".join(one["people"]),
            _clock(one["from"], zone), _clock(one["until"], zone), one["by"], one["reason"],
        )  # fmt: skip
        out.add_row(*map(escape, row))
    Console().print(out)
    raise typer.Exit(Exit.FINE)


@app.command()
def remove(
    override: Annotated[str, typer.Argument(help="As `rulesd oncall list` shows it.")],
    by: By = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Take an override back, or end it now: whoever the file names is on call again, and told so."""
    client = Client(server, token)
    known = [o["id"] for o in client.call("GET", "/v1/oncall/overrides")["overrides"]]
    found = [id_ for id_ in known if id_.startswith(override)]
    if len(found) > 1:
        raise typer.BadParameter(f"{override!r} begins {len(found)} overrides: say more of it")
    id_ = found[0] if found else override
    query = f"?{urlencode({'by': by})}" if by else ""
    done = client.call("DELETE", f"/v1/oncall/overrides/{quote(id_, safe='')}{query}")
    if format_ is Format.JSON:
        _json(done)
    typer.echo(f"override {id_[:SHORT]} is gone: owners.yaml decides again")
    raise typer.Exit(Exit.FINE)


def _zone_of(client: Client, schedule: str) -> str:
    found = client.call("GET", f"/v1/oncall?{urlencode({'schedule': schedule})}")
    return str(found["schedules"][0]["zone"])


def _clock(text: str, zone: str) -> str:
    """A moment on the schedule's wall clock: ``Mon 2026-01-05 09:00 Europe/Berlin``."""
    local = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    return f"{local:%a %Y-%m-%d %H:%M} {zone}"


def _table(*names: str) -> Table:
    out = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        out.add_column(name, overflow="fold")
    return out


def _json(value: object) -> None:
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    raise typer.Exit(Exit.FINE)
