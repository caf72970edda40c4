"""``rulesd gate``: may this release go on? For CI and CD: exit 0 pass, 1 fail or evidence missing, 3 no daemon answers."""

import sys
import time
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rulesd.cli.client import Client, Refused, ServerOption, TokenOption
from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.model.duration import parse_duration
from rulesd.model.errors import DaemonUnreachable

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

POLL_S = 2.0
_COLOURS = {"pass": "bold green", "fail": "bold red", "inconclusive": "yellow"}


@app.command()
def gate(
    change: Annotated[
        str,
        typer.Option("--change", help="The change_id of the deploy.change event.", metavar="ID"),
    ],
    wait: Annotated[
        str, typer.Option(help="Wait so long for a verdict: 30m.", metavar="DURATION")
    ] = "0s",
    sign_off: Annotated[
        bool, typer.Option("--sign-off", help="Sign off as the owner first.")
    ] = False,
    finish: Annotated[bool, typer.Option("--finish", help="End the watch first.")] = False,
    note: Annotated[str, typer.Option(help="Kept with the change.", metavar="TEXT")] = "",
    server: ServerOption = None,
    token: TokenOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Print the verdict on a release with its evidence: exit 0 when it passes, 1 when it fails or evidence is missing."""
    client, ends = Client(server, token), time.monotonic() + _seconds(wait)
    for wanted, verb in ((sign_off, "signoff"), (finish, "finish")):
        if wanted:
            client.call("POST", f"/v1/rollouts/{change}/{verb}", {"note": note})
    told = ""
    while True:
        try:
            found = _ask(client, change)
        except DaemonUnreachable:
            if not told or time.monotonic() >= ends:
                raise
            found = None  # It answered before: it is being restarted, and the watch goes on.
        open_ = found is None or found["verdict"] == "inconclusive"
        if not open_ or time.monotonic() >= ends:
            break
        told = _progress(found, told)
        time.sleep(min(POLL_S, max(0.05, ends - time.monotonic())))
    if found is None:
        found = client.call(
            "GET", f"/v1/rollouts/{change}"
        )  # Says in the daemon's words that it is unknown.
    if format_ is Format.JSON:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(found)
    raise typer.Exit(Exit.FINE if found["verdict"] == "pass" else Exit.FINDINGS)


def _seconds(text: str) -> float:
    try:
        return parse_duration(text) / 1000
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _ask(client: Client, change: str) -> dict[str, Any] | None:
    """The change, ``None`` while nobody has heard of it."""
    try:
        answer: dict[str, Any] = client.call("GET", f"/v1/rollouts/{change}")
    except Refused as refused:
        if refused.status != 404:
            raise
        return None
    return answer


def _progress(found: dict[str, Any] | None, told: str) -> str:
    """Say on the terminal what is waited for, when that has changed; machines read standard output, which stays clean."""
    says = "no deploy.change event with this change_id has come yet"
    if found is not None:
        says = "; ".join(found["missing"])
    if says != told and sys.stderr.isatty():
        typer.echo(f"waiting: {says}", err=True)
    return says


def _print(found: dict[str, Any]) -> None:
    out = Console()
    versions = " -> ".join(v for v in (found["from_version"], found["to_version"]) if v)
    what = " ".join(w for w in (found["kind"], found["component"], versions) if w)
    verdict = found["verdict"]
    out.print(
        f"[{_COLOURS[verdict]}]{verdict.upper()}[/] {escape(found['change'])}: {escape(what)}"
    )
    for words, rows in (("failed", found["failures"]), ("missing", found["missing"])):
        for row in rows:
            out.print(f"  {words}: {escape(row)}")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("EVIDENCE", "VALUE"):
        table.add_column(name, overflow="fold")
    table.add_row("watched", f"{found['started_at']} to {found['ends_at']}")
    table.add_row(
        "events of the new version", f"{found['events']} (at least {found['min_events']})"
    )
    tests = found["redteam"]
    table.add_row("red-team findings", f"{tests['passed']} passed, {tests['failed']} failed")
    table.add_row("signed off by", escape(found["signed_by"] or "nobody"))
    before = ", ".join(f"{k} {v}" for k, v in found["alerts_before"].items())
    table.add_row("alerts in as much time before", escape(before or "none"))
    for seen in found["alerts"]:
        labels = " ".join(f"{k}={v}" for k, v in sorted(seen["labels"].items()))
        tied = seen["tied"] or "only happened meanwhile"
        table.add_row(
            f"alert {escape(seen['rule'])} ({seen['severity']})", escape(f"{tied}; {labels}")
        )
    out.print(table)
