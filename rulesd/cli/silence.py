"""``rulesd silence``: hold pages back for a while, and see what that does.

Law: before a silence is made, it says what it would have hidden. Wrong usage is found here (exit 2); what the daemon refuses is exit 1.
"""

import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer

from rulesd.cli.client import Client, Refused, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.cli.silence_text import details, foresight, notes, show, table
from rulesd.cli.table import show as show_table
from rulesd.config.matchers import key_of, parse_matchers
from rulesd.model.duration import parse_duration

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Hold pages back for a while. Matchers are Alertmanager's: tool=shell, tenant=~'acme|globex', severity!=critical; "
    "a bare word is a rule's id. All of them must agree.",
)

Matchers = Annotated[
    list[str],
    typer.Argument(help="tool=shell tenant=~'a.*'; all must agree.", metavar="MATCHER..."),
]
Ids = Annotated[
    list[str], typer.Argument(help="As `rulesd silence list` shows them.", metavar="SILENCE...")
]
By = Annotated[str, typer.Option(help="The person you act for; default: the token's name.")]

LISTED = 10_000
"Silences asked for at once."

WHOLE = 36
"Characters of a whole id."

_LOOSE = re.compile(r"([^=!~\s]+)\s*(=~|!~|!=|=)(.*)", re.DOTALL)


@app.command()
def add(
    matcher: Matchers,
    comment: Annotated[
        str, typer.Option("--comment", "-c", help="Why; whoever finds it will read this.")
    ],
    for_: Annotated[
        str, typer.Option("--for", "-f", "--duration", "-d", help="How long: 30m, 2h, 1d.")
    ] = "",
    until: Annotated[str, typer.Option(help="Or until when: 2026-01-05T12:00:00Z.")] = "",
    start: Annotated[str, typer.Option(help="From when; default: now.")] = "",
    end_on_resolve: Annotated[
        bool, typer.Option("--end-on-resolve", help="Over when its alerts have resolved.")
    ] = False,
    cron: Annotated[
        str, typer.Option(help="Only in windows that begin then: '0 3 * * *'.", metavar="CRON")
    ] = "",
    lasts: Annotated[str, typer.Option(help="How long each window is.")] = "",
    timezone: Annotated[str, typer.Option(help="Of --cron; default: UTC.")] = "",
    by: By = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would have hidden.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Make a silence. It says first what it would have hidden in the last 7 days."""
    if bool(for_) == bool(until):
        raise typer.BadParameter("say either how long (--for 2h) or until when (--until)")
    if bool(cron) != bool(lasts) or (timezone and not cron):
        raise typer.BadParameter("windows need --cron and --lasts; --timezone belongs to them")
    body: dict[str, Any] = {"matchers": _matchers(matcher), "comment": comment}
    given = {"for": _duration(for_, "--for"), "ends_at": until, "starts_at": start, "by": by}
    body |= {name: value for name, value in given.items() if value}
    if end_on_resolve:
        body["end_on_resolve"] = True
    if cron:
        body["windows"] = {"cron": cron, "lasts": _duration(lasts, "--lasts")}
        body["windows"] |= {"timezone": timezone} if timezone else {}
    client = Client(server, token)
    tried = client.call("POST", "/v1/silences", {**body, "dry_run": True})
    if format_ is Format.TEXT:
        show(foresight(tried["preview"]))
    if dry_run:
        _leave(tried, "nothing was made (--dry-run)", format_)
    if not yes and tried["preview"]["pages"] and format_ is Format.TEXT and sys.stdin.isatty():
        typer.confirm("Silence them?", abort=True)
    made = client.call("POST", "/v1/silences", body)
    until_ = tried["silence"]["ends_at"][:16].replace("T", " ")
    said = f"silence {made['id']} until {until_} UTC"
    _leave({**made, "preview": tried["preview"]}, said, format_)


@app.command("list")
def list_(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Expired ones, too (kept 120 h).")
    ] = False,
    by: Annotated[str, typer.Option(help="Only this author's.", metavar="NAME")] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Who silences what until when, what that hides now, and what it has held back."""
    said = Client(server, token).call("GET", f"/v1/silences?limit={LISTED}")
    found: list[dict[str, Any]] = said["silences"]
    chosen = [
        one
        for one in found
        if (everything or one["state"] != "expired") and (not by or by in one["created_by"])
    ]
    if format_ is Format.JSON:
        _leave(chosen, "", format_)
    if chosen:
        show_table(table(chosen))
    else:
        typer.echo("no silences")
    if said["more"]:
        typer.echo(f"and {said['more']} older ones")
    # Those that were for nothing are named even when they are not listed.
    show(notes([*chosen, *(one for one in found if one not in chosen and one["hid_nothing"])]))
    raise typer.Exit(Exit.FINE)


@app.command("show")
def show_(
    silence: Annotated[str, typer.Argument(metavar="SILENCE")],
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """One silence: what it hides, what it has held back, and who did what to it."""
    client = Client(server, token)
    (path,) = _paths(client, [silence])
    one = client.call("GET", path)
    if format_ is Format.JSON:
        _leave(one, "", format_)
    show(details(one))
    raise typer.Exit(Exit.FINE)


@app.command()
def preview(
    matcher: Annotated[
        list[str] | None,
        typer.Argument(help="tool=shell tenant=~'a.*'; all must agree.", metavar="[MATCHER...]"),
    ] = None,
    id_: Annotated[
        str, typer.Option("--id", help="One that is there, instead.", metavar="SILENCE")
    ] = "",
    last: Annotated[str, typer.Option(help="How far back to look.")] = "7d",
    cron: Annotated[str, typer.Option(help="Only in windows.", metavar="CRON")] = "",
    lasts: Annotated[str, typer.Option(help="How long each window is.")] = "",
    timezone: Annotated[str, typer.Option(help="Of --cron; default: UTC.")] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """What a silence would have hidden in the last days; nothing is made."""
    if bool(matcher) == bool(id_):
        raise typer.BadParameter("say either matchers or --id")
    if bool(cron) != bool(lasts) or (timezone and not cron):
        raise typer.BadParameter("windows need --cron and --lasts; --timezone belongs to them")
    body: dict[str, Any] = {"last": _duration(last, "--last")}
    client = Client(server, token)
    body |= {"id": _ids(client, [id_])[0]} if id_ else {"matchers": _matchers(matcher or ())}
    if cron:
        body["windows"] = {"cron": cron, "lasts": _duration(lasts, "--lasts")}
        body["windows"] |= {"timezone": timezone} if timezone else {}
    seen = client.call("POST", "/v1/silences/preview", body)
    if format_ is Format.JSON:
        _leave(seen, "", format_)
    show(foresight(seen))
    raise typer.Exit(Exit.FINE)


@app.command()
def update(
    silence: Annotated[str, typer.Argument(metavar="SILENCE")],
    matcher: Annotated[
        list[str] | None, typer.Argument(help="Other matchers.", metavar="[MATCHER...]")
    ] = None,
    for_: Annotated[str, typer.Option("--for", "-f", help="From now on so long.")] = "",
    until: Annotated[str, typer.Option(help="Or until when.")] = "",
    comment: Annotated[str, typer.Option("--comment", "-c", help="Another comment.")] = "",
    by: By = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Change a silence; what is not named stays. With other matchers it ends and another takes its place."""
    body: dict[str, Any] = {"for": _duration(for_, "--for"), "ends_at": until, "comment": comment}
    body = {name: value for name, value in body.items() if value}
    if matcher:
        body["matchers"] = _matchers(matcher)
    if not body or (for_ and until):
        raise typer.BadParameter("say what changes: --for or --until, --comment, other matchers")
    client = Client(server, token)
    (path,) = _paths(client, [silence])
    made = client.call("PUT", path, body | ({"by": by} if by else {}))
    replaced = f" (in place of {made['replaced']})" if made["replaced"] else ""
    _leave(made, f"silence {made['id']}{replaced}", format_)


@app.command()
def expire(
    silence: Ids,
    by: By = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """End silences now. Doing it twice is fine."""
    _each(silence, "expire", by, server, token, format_)


@app.command()
def approve(
    silence: Ids,
    by: By = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Agree, as a second person, that silences hold must-never-happen alerts back (4h at most)."""
    _each(silence, "approve", by, server, token, format_)


def _each(
    silences: Sequence[str],
    verb: str,
    by: str,
    server: str | None,
    token: str | None,
    format_: Format,
) -> None:
    client = Client(server, token)
    rows: list[dict[str, str]] = []
    for one, path in zip(silences, _paths(client, silences), strict=True):
        try:
            done = client.call("POST", f"{path}/{verb}", {"by": by} if by else {})
            rows.append({"silence": one, "result": done["result"]})
        except Refused as error:
            rows.append({"silence": one, "result": "refused", "message": str(error)})
    if format_ is Format.JSON:
        typer.echo(_json(rows))
    else:
        for row in rows:
            typer.echo(f"{row['silence']}: {row.get('message') or row['result']}")
    failed = any(row["result"] == "refused" for row in rows)
    raise typer.Exit(Exit.FINDINGS if failed else Exit.FINE)


def _paths(client: Client, given: Sequence[str]) -> list[str]:
    return [f"/v1/silences/{quote(id_, safe='')}" for id_ in _ids(client, given)]


def _ids(client: Client, given: Sequence[str]) -> list[str]:
    """Whole ids; the beginning of an id, as the list shows it, stands for the one silence it belongs to."""
    ids = list(given)
    if any(len(one) < WHOLE for one in ids):
        known = [s["id"] for s in client.call("GET", f"/v1/silences?limit={LISTED}")["silences"]]
        for n, one in enumerate(ids):
            found = [id_ for id_ in known if id_.startswith(one)]
            if len(found) > 1:
                raise typer.BadParameter(f"{one!r} begins {len(found)} silences: say more of it")
            ids[n] = found[0] if found else one
    return ids


def _matchers(given: Sequence[str]) -> list[str]:
    """Each as Alertmanager writes it; a shell has taken the quotes away, and a bare word is a rule's id."""
    out: list[str] = []
    for each in given:
        loose = _LOOSE.fullmatch(each)
        text = each if loose or each.startswith("{") else f"alertname={each}"
        try:
            found = parse_matchers(text)
        except ValueError as error:
            if loose is None:
                raise typer.BadParameter(f"{each!r}: {error}") from None
            found = _quoted(each, loose)
        out.append(key_of(found)[1:-1])
    return out


def _quoted(each: str, loose: re.Match[str]) -> Any:
    value = loose[3].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    try:
        return parse_matchers(f'{loose[1]}{loose[2]}"{value}"')
    except ValueError as error:
        raise typer.BadParameter(f"{each!r}: {error}") from None


def _duration(text: str, option: str) -> str:
    if text:
        try:
            parse_duration(text)
        except (ValueError, OverflowError) as error:
            raise typer.BadParameter(f"{option}: {error}") from None
    return text


def _leave(value: object, said: str, format_: Format) -> None:
    typer.echo(_json(value) if format_ is Format.JSON else said)
    raise typer.Exit(Exit.FINE)


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
