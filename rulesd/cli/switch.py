"""``rulesd switch``: see kill switches, set and revert them, approve, and let only people set them."""

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.cli.table import show
from rulesd.model.duration import format_duration

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Kill switches: what is contained, by whom, until when.",
)

Labels = Annotated[
    list[str] | None,
    typer.Argument(help="Where it applies: tool=shell tenant=acme ...", metavar="LABEL=VALUE..."),
]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Why; it is kept with the setting.", metavar="TEXT")
]

_UNTIL = {"review": "with a review", "resolved": "with the alert"}
_COLOURS = {"active": "bold red", "pending_approval": "yellow", "dry_run": "cyan"}


@app.command("list")
def list_(
    server: ServerOption = None, token: TokenOption = None, format_: FormatOption = Format.TEXT
) -> None:
    """What is set now, what waits for approval, and which switches there are."""
    found: dict[str, Any] = Client(server, token).call("GET", "/v1/switches")
    if format_ is Format.JSON:
        _json(found)
    out = Console()
    if found["humans_only"]:
        out.print("[yellow]only people may set switches now[/]")
    if found["settings"]:
        show(_settings(found["settings"]), out)
        for one in found["settings"]:
            if one["state"] == "pending_approval":
                out.print(
                    f"[yellow]waits for a second person:[/] rulesd switch approve {one['id']}"
                )
    else:
        out.print("nothing is contained")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("SWITCH", "KEY", "SAFE", "DEFAULT", "PER", "ENDS", "SET BY", "WHAT IT IS FOR"):
        table.add_column(name, overflow="fold")
    for one in found["switches"]:
        ends = _UNTIL.get(one["until"]) or f"after {format_duration(one['ttl_ms'])}"
        table.add_row(
            *map(escape, (
                one["name"], one["key"], _value(one["safe"]), _value(one["default"]), " ".join(one["scope"]) or "-",
                ends, " ".join(one["may_set"]), one["description"],
            )),
        )  # fmt: skip
    out.print()
    if found["switches"]:
        show(table, out)
    else:
        out.print("no switches are declared in notifiers/switches.yaml")
    raise typer.Exit(Exit.FINE)


@app.command("set")
def set_(
    switch: Annotated[str, typer.Argument(help="Its name, or a flag key.", metavar="SWITCH")],
    labels: Labels = None,
    reason: Reason = "",
    value: Annotated[
        str | None, typer.Option(help="JSON; default: the switch's safe value.", metavar="JSON")
    ] = None,
    ttl: Annotated[
        str | None, typer.Option("--for", "--ttl", help="How long: 30m, 2h.", metavar="DURATION")
    ] = None,
    alert: Annotated[str, typer.Option(help="The alert it is for.", metavar="ID")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write it down without effect.")
    ] = False,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Contain something. It ends by itself; a wide scope waits for a second person."""
    body: dict[str, Any] = {"labels": _labels(labels), "reason": _reason(reason)}
    if value is not None:
        body["value"] = _read_value(value)
    if ttl:
        body["ttl"] = ttl
    body |= {"alert": alert} if alert else {}
    body |= {"dry_run": True} if dry_run else {}
    _done(Client(server, token).call("PUT", f"/v1/switches/{switch}", body), format_)


@app.command()
def revert(
    what: Annotated[
        str, typer.Argument(help="A setting's id, a switch's name or a flag key.", metavar="WHAT")
    ],
    labels: Labels = None,
    reason: Reason = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Lift a containment: one setting, or all of a switch that agree with the labels."""
    client, why = Client(server, token), _reason(reason)
    open_ = client.call("GET", "/v1/switches")["settings"]
    if any(s["id"] == what for s in open_):
        path = f"/v1/switches/settings/{what}/revert"
        _done(client.call("POST", path, {"reason": why}), format_)
    body = {"labels": _labels(labels), "reason": why, "revert": True}
    answer: dict[str, Any] = client.call("PUT", f"/v1/switches/{what}", body)
    if format_ is Format.JSON:
        _json(answer)
    for one in answer["settings"]:
        typer.echo(f"{one['id']}: reverted, {one['text']}")
    if not answer["settings"]:
        typer.echo(
            "nothing of it was set for these labels alone" if labels else "nothing of it was set"
        )
    for one in answer.get("wider", ()):
        typer.echo(
            f"still set, and wider: {one['text']}. To lift it: rulesd switch revert {one['id']}"
        )
    raise typer.Exit(Exit.FINE)


@app.command()
def approve(
    setting: Annotated[str, typer.Argument(help="Id as `rulesd switch list` shows it.")],
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Agree, as a second person, to a setting that waits."""
    path = f"/v1/switches/settings/{setting}/approve"
    _done(Client(server, token).call("POST", path, {}), format_)


@app.command()
def history(
    switch: Annotated[str | None, typer.Argument(help="Only this switch.")] = None,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Settings that have ended or were refused, the latest first, with who and why."""
    query = f"?switch={switch}" if switch else ""
    found = Client(server, token).call("GET", f"/v1/switches/history{query}")["settings"]
    if format_ is Format.JSON:
        _json(found)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("SET", "ENDED", "KEY", "WHERE", "VALUE", "BY", "WHY", "ENDED BY", "HOW IT ENDED"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(*map(escape, (
            _clock(one["set_at"]), _clock(one["ended_at"]), one["key"], _where(one), _value(one["value"]), one["by"], one["reason"],
            one["ended_by"], one["ended_why"],
        )))  # fmt: skip
    if found:
        show(table)
    else:
        typer.echo("no setting has ended yet")
    raise typer.Exit(Exit.FINE)


@app.command("humans-only")
def humans_only(
    state: Annotated[str, typer.Argument(help="on or off.", metavar="on|off")],
    reason: Reason = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Let only people set switches; rules and hooks are refused, and owners told, until it is off again."""
    if state not in ("on", "off"):
        raise typer.BadParameter("write on or off")
    body = {"on": state == "on", "reason": _reason(reason)}
    answer = Client(server, token).call("PUT", "/v1/switches/humans-only", body)
    if format_ is Format.JSON:
        _json(answer)
    who = "only people" if answer["humans_only"] else "people, rules and hooks"
    typer.echo(f"{who} may set switches now")
    raise typer.Exit(Exit.FINE)


# ---------------------------------------------------------------------- what was written


def _labels(given: list[str] | None) -> dict[str, str]:
    out: dict[str, str] = {}
    for pair in given or ():
        name, sign, value = pair.partition("=")
        if not sign or not name or not value:
            raise typer.BadParameter(f"{pair!r} is no label. Write name=value")
        out[name] = value
    return out


def _reason(given: str) -> str:
    if not given.strip():
        raise typer.BadParameter("say why with --reason; whoever reads the history needs it")
    return given


def _read_value(given: str) -> Any:
    try:
        return orjson.loads(given)
    except orjson.JSONDecodeError:
        return given


# ---------------------------------------------------------------------- what is shown


def _done(answer: dict[str, Any], format_: Format) -> None:
    if format_ is Format.JSON:
        _json(answer)
    setting = answer["setting"]
    typer.echo(f"{setting['id']}: {answer['result'].replace('_', ' ')}: {setting['text']}")
    if setting["state"] == "pending_approval":
        typer.echo(f"a second person must agree: rulesd switch approve {setting['id']}")
    raise typer.Exit(Exit.FINE)


def _settings(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("ID", "STATE", "KEY", "WHERE", "VALUE", "ENDS", "BY", "WHY"):
        table.add_column(name, overflow="fold")
    for one in rows:
        colour = _COLOURS[one["state"]]
        table.add_row(
            one["id"],
            f"[{colour}]{one['state']}[/]",
            *map(escape, (
                one["key"], _where(one), _value(one["value"]), _ends(one), one["by"],
                one["reason"],
            )),
        )  # fmt: skip
    return table


def _where(setting: dict[str, Any]) -> str:
    return " ".join(f"{k}={v}" for k, v in sorted(setting["scope"].items())) or "everybody"


def _ends(setting: dict[str, Any]) -> str:
    return _clock(setting["expires_at"]) or _UNTIL[setting["until"]]


def _clock(time: str | None) -> str:
    """A time to the second, as a person reads it; UTC, like everything here."""
    return f"{time[:10]} {time[11:19]}Z" if time else ""


def _value(value: Any) -> str:
    return orjson.dumps(value).decode()


def _json(found: object) -> None:
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    raise typer.Exit(Exit.FINE)
