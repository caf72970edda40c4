"""``rulesd baselines``: what the rules of the running daemon have learned, and having it learned afresh.

Law: a row says what is expected, from how much, since when, and whether that is still being learned. Nothing is forgotten without a reason and a name.
"""

import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from rulesd.cli.client import Client, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption, NotifiersOption, RulesOption, shipped
from rulesd.cli.table import show as show_table
from rulesd.config import load
from rulesd.model.errors import ConfigurationError
from rulesd.runners.pin import pin_of, write_pin

PAGE = 500
"Rows asked for at once."


class _Shows(TyperGroup):
    """Without a verb: show."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb that is meant before a rule's id or an option."""
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Shows,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="What rules have learned: rulesd baselines [RULE] shows it.",
)

LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", help="Only keys with this label.", metavar="NAME=VALUE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --format json.")]


@app.callback()
def _begin() -> None:
    """What rules have learned: rulesd baselines [RULE] shows it."""


@app.command()
def show(
    rule: Annotated[str, typer.Argument(help="Only this rule.", metavar="[RULE]")] = "",
    label: LabelOption = None,
    limit: Annotated[
        int, typer.Option(help="At most so many rows; 0: all.", min=0, metavar="N")
    ] = 100,
    json: JsonOption = False,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """What is expected of each key, learned from how many events, since when, and whether it is still being learned.

    \b
    rulesd baselines
    rulesd baselines output.score_drift --label route=support
    """
    rows, more = fetch(Client(server, token), rule, labels_of(label), limit)
    if json or format_ is Format.JSON:
        leave({"baselines": rows, "more": more})
    if not rows:
        typer.echo("no rule has learned anything of such a key yet")
        raise typer.Exit(Exit.FINE)
    show_table(_table(rows))
    if more:
        typer.echo("There are more. Narrow it with RULE or --label, or see all with --limit 0.")
    raise typer.Exit(Exit.FINE)


@app.command()
def relearn(
    rule: Annotated[str, typer.Argument(help="A rule's id.", metavar="RULE")],
    label: LabelOption = None,
    reason: Annotated[
        str, typer.Option("--reason", "-r", help="Why; it stands in the decision log.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Forget what was learned of some keys, or of a whole rule, and learn it afresh. Their open alerts are over."""
    labels = labels_of(label)
    if not reason.strip():
        raise typer.BadParameter("say why with --reason; whoever reads the log needs it")
    if not labels and not yes and sys.stdin.isatty():
        typer.confirm(f"{rule} forgets everything it has learned. Go on?", abort=True)
    body = {"rule": rule, "labels": labels, "reason": reason}
    said: dict[str, Any] = Client(server, token).call("POST", "/v1/baselines/relearn", body)
    if json or format_ is Format.JSON:
        leave(said)
    keys = "1 key learns" if said["keys"] == 1 else f"{said['keys']:,} keys learn"
    typer.echo(f"{rule}: {keys} afresh. See: rulesd baselines {rule}")
    raise typer.Exit(Exit.FINE)


@app.command()
def pin(
    rule: Annotated[str, typer.Argument(help="The id of a drift or shift rule.", metavar="RULE")],
    label: LabelOption = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the rule file instead.")
    ] = False,
    rules: RulesOption = None,
    notifiers: NotifiersOption = None,
    server: ServerOption = None,
    token: TokenOption = None,
) -> None:
    """Print what a drift or shift rule has learned as the lines to paste into its file, so that it is never learned again."""
    rows, _ = fetch(Client(server, token), rule, labels_of(label), 0)
    made = pin_of(rows)
    if not write:
        typer.echo(
            f"# {rule}: under detect.{made.detector}; learned from {made.events:,.0f} events of {made.keys} keys"
        )
        typer.echo(made.text(), nl=False)
        raise typer.Exit(Exit.FINE)
    loaded = load(rules or shipped("rules"), notifiers or shipped("notifiers"))
    if loaded.plan is None:
        raise ConfigurationError(loaded.errors)
    if rule not in loaded.plan.by_id:
        raise typer.BadParameter(f"there is no rule {rule} in these files. See --rules")
    path = loaded.plan.rules[loaded.plan.by_id[rule]].path
    write_pin(Path(path), made)
    typer.echo(f"{path}: the baseline is pinned. Run rulesd test, then reload")
    raise typer.Exit(Exit.FINE)


def fetch(
    client: Client, rule: str, labels: dict[str, str], limit: int
) -> tuple[list[dict[str, Any]], bool]:
    """Up to ``limit`` rows (0: all), page by page, and whether there are more."""
    rows: list[dict[str, Any]] = []
    after = ""
    while True:
        most = min(PAGE, limit - len(rows)) if limit else PAGE
        asked = [("rule", rule), *(("label", f"{n}={v}") for n, v in labels.items())]
        asked += [("limit", str(most)), ("after", after)]
        query = urlencode([(n, v) for n, v in asked if v], quote_via=quote)
        said = client.call("GET", f"/v1/baselines?{query}")
        rows += said["baselines"]
        after = said["next"] or ""
        if not after or (limit and len(rows) >= limit):
            return rows, bool(after)


def labels_of(given: list[str] | None) -> dict[str, str]:
    """Labels as they were written."""
    out: dict[str, str] = {}
    for pair in given or ():
        name, sign, value = pair.partition("=")
        if not sign or not name or not value:
            raise typer.BadParameter(f"{pair!r} is no label. Write --label name=value")
        out[name] = value
    return out


# ---------------------------------------------------------------------- what is shown


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("RULE", "LABELS", "EXPECTED", "FROM", "SINCE", "STATE"):
        table.add_column(name, overflow="fold", justify="right" if name == "FROM" else "left")
    before = ""
    for one in rows:
        labels = " ".join(f"{k}={v}" for k, v in one["labels"].items()) or "(all)"
        cells = (
            "" if one["rule"] == before else one["rule"], labels, one["expected"] or "-", _count(one),
            clock(one["since"]) or "-",
        )  # fmt: skip
        table.add_row(*map(escape, cells), _state(one))
        before = one["rule"]
    return table


def _state(one: dict[str, Any]) -> str:
    """Where a baseline stands, in words."""
    until, deploy = clock(one["until"]), clock(one["deploy"])
    match one["state"]:
        case "learning":
            # Where the level is given it learns how much traffic there is.
            pinned = (one["learned"] or {}).get("pinned")
            what = "pinned, learning the traffic" if pinned else "learning"
            return f"[yellow]{what}" + (f" until {until}" if until else "") + "[/]"
        case "deploy_watch":
            return f"[cyan]watched until {until}, deploy of {deploy}[/]"
        case "relearning":
            why = f", deploy of {deploy}" if deploy else ""
            return "[cyan]learning anew" + (f" until {until}" if until else "") + f"{why}[/]"
        case "follows":
            return "follows its history"
        case "pinned":
            return "pinned in the rule"
    return "fixed"


def _count(one: dict[str, Any]) -> str:
    if one["events"] is None:
        return "-"
    unit = "windows" if one["detector"] == "spike" else "events"
    return f"{one['events']:,.0f} {unit}"


def clock(time: str | None) -> str:
    """A time to the minute, as a person reads it; UTC, like everything here."""
    return f"{time[:10]} {time[11:16]}Z" if time else ""


def leave(found: object) -> None:
    """Print JSON and leave."""
    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    raise typer.Exit(Exit.FINE)
