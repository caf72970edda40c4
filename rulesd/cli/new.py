"""``rulesd new rule``: a rule with its test and its runbook, ready to be made true."""

import re
from pathlib import Path
from typing import Annotated

import orjson
import typer

from rulesd.cli.exits import Exit, Format, FormatOption, shipped
from rulesd.config import load
from rulesd.model.errors import RulesdError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Scaffold files that `rulesd check` and `rulesd test` accept from the start.",
)

_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")

_NEVER = """\
# must never happen: the first such event pages at once
detect: never
by: [tenant, tool]
severity: critical"""

_BURST = """\
# more than this within the window is too many; `rulesd replay` on recorded traffic tells what it would have cost you
detect: {burst: {count: 20, within: 5m}}
by: [tenant, tool]
severity: high"""

_RULE = """\
id: $id
title: $title
summary: "{{ labels.tool }} was denied {{ count }} times for {{ labels.tenant }}"   # the page's first sentence
owner: $owner
runbook: $name.md
maturity: incubating
on: [tool.call]
when: {"===": [{"var": "data.outcome"}, "denied"]}
$detect
context: [route, model, policy_version]
tests:
  - name: it pages the owner
    events:
      - {at: 0s, $train type: tool.call, tenant: acme, data: {tool: shell, outcome: denied}}
    expect:
      - {at: $at, alert: firing, severity: $severity, labels: {tenant: acme, tool: shell}}
  - name: what is allowed is quiet
    events:
      - {at: 0s, repeat: 100, every: 1s, type: tool.call, tenant: acme, data: {tool: shell, outcome: ok}}
    expect: []
"""

_RUNBOOK = """\
# $title

## What it means

Say in two sentences what has happened to whom, and why it matters.

## First five minutes

1. Open the alert and read which tenant and tool it is about.
2. Look at the newest release: did it change this tool or its policy?
3. If it goes on, contain it (below) before you look for the cause.

## Contain

How to stop the harm without stopping the product.

## Verify

How you know that it has stopped.

## Who else

Who must be told, and when.
"""


@app.callback()
def new() -> None:
    """Scaffold files."""


@app.command()
def rule(
    id_: Annotated[
        str, typer.Argument(help="<area>.<name>, such as tool.denied_burst.", metavar="ID")
    ],
    owner: Annotated[str, typer.Option(help="A name from owners.yaml.")] = "platform-safety",
    detect: Annotated[
        str, typer.Option(help="never or burst; change it to any other afterwards.")
    ] = "never",
    rules: Annotated[
        Path | None, typer.Option(help="The rules folder. Default: rules here.", metavar="DIR")
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Write rules/<area>/<name>.yaml with tests, and its runbook beside it.

    What it writes passes `rulesd check` and `rulesd test` as it stands: change one line at a time, and keep it so.

    \b
    rulesd new rule tool.my_rule
    rulesd new rule tool.too_many --detect burst --owner platform-safety
    """
    if not _ID.fullmatch(id_):
        raise typer.BadParameter(
            f"{id_!r} is no rule id. Write <area>.<name> in small letters, such as tool.denied_burst"
        )
    if detect not in ("never", "burst"):
        raise typer.BadParameter("--detect is never or burst")
    area, name = id_.split(".")
    # Never into the rules that came with the package: they are replaced when it is.
    folder = (rules or Path("rules")) / area
    files = {
        folder / f"{name}.yaml": _rule(id_, name, owner, detect),
        folder / f"{name}.md": _fill(_RUNBOOK, id_, name),
    }
    for path in files:
        if path.exists():
            raise RulesdError(f"{path} is there already. Choose another id or change that file")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text)
    beside = folder.parent.parent / "notifiers"
    rule_file = next(iter(files))
    for problem in load(rule_file, beside if beside.is_dir() else shipped("notifiers")).errors:
        typer.echo(problem, err=True)
    if format_ is Format.JSON:
        typer.echo(orjson.dumps([str(p) for p in files]).decode())
    else:
        for path in files:
            typer.echo(f"wrote {path}")
        own = f" {rules}" if rules else ""
        said = f"rulesd check{own} && rulesd test {rule_file}"
        typer.echo(f"Now make it true, then: {said}")
    raise typer.Exit(Exit.FINE)


def _rule(id_: str, name: str, owner: str, detect: str) -> str:
    burst = detect == "burst"
    text = _fill(_RULE, id_, name).replace("$detect", _BURST if burst else _NEVER)
    text = text.replace("$train ", "repeat: 20, every: 10s, " if burst else "")
    text = text.replace("$at", "3m10s" if burst else "0s").replace(
        "$severity", "high" if burst else "critical"
    )
    return text.replace("$owner", owner)


def _fill(text: str, id_: str, name: str) -> str:
    title = name.replace("_", " ").capitalize()
    return text.replace("$id", id_).replace("$title", title).replace("$name", name)
