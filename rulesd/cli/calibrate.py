"""``rulesd calibrate``: a threshold for a budget of false pages a week, or the reason why there is none."""

import re
from pathlib import Path
from typing import Annotated

import orjson
import typer

from rulesd.cli.exits import Exit, Format, FormatOption, NotifiersOption, RulesOption, shipped
from rulesd.cli.recording import ProgressOption, recording
from rulesd.config import load
from rulesd.config.problems import did_you_mean
from rulesd.core.plan import Plan, Rule
from rulesd.model.errors import ConfigurationError
from rulesd.runners import calibrate_text
from rulesd.runners.calibrate import Calibration, matching
from rulesd.runners.calibrate import calibrate as run
from rulesd.runners.calibrate_write import number_text, write

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_PER_WEEK = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(?:\s*(?:pages?)?\s*/\s*week)?")


@app.command()
def calibrate(
    rule: Annotated[str, typer.Argument(help="A rule's id, or its file.", metavar="RULE")],
    files: Annotated[
        list[str],
        typer.Argument(
            help="Recorded traffic: NDJSON CloudEvents (.gz and .zst too), - for standard input, or a stopped daemon's state folder.",
            metavar="FILE...",
        ),
    ],
    rules: RulesOption = None,
    notifiers: NotifiersOption = None,
    budget: Annotated[
        str, typer.Option(help="False pages a week this rule may cost.", metavar="N[/week]")
    ] = "0.25",
    exclude_incidents: Annotated[
        bool,
        typer.Option(
            "--exclude-incidents",
            help="Leave stretches that look like incidents out of the baseline.",
        ),
    ] = False,
    write_: Annotated[
        bool, typer.Option("--write", help="Put the proposed number into the rule file.")
    ] = False,
    progress: ProgressOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Propose a threshold for a budget of false pages a week, with its interval and time to detect.

    burst, repeat, cardinality and counts are calculated from the keys' rates (a scan statistic, hour by hour). That is refused when there is too little
    data, when events come in clumps (dispersion above 1.3; `distinct:` may help), or when the recording holds incidents. Rates, measures and
    detectors with a budget of their own are run over traffic in which nothing happens. Incidents of 1.5, 2 and 5 times the usual are
    injected to see how long each takes to be seen. Exit 1 when it is refused, or nothing can be written.
    """
    allowed = _budget(budget)
    plan, one = _find(rule, rules or shipped("rules"), notifiers or shipped("notifiers"))
    with recording(files, progress) as recorded:
        events, began, ended = matching(recorded, plan, one)
    found = run(
        plan,
        one,
        events,
        began,
        ended,
        budget=allowed,
        exclude_incidents=exclude_incidents,
    )
    written = _write(found) if write_ else ""
    if format_ is Format.JSON:
        body = calibrate_text.body(found) | {"written": bool(written)}
        typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    else:
        from rulesd.runners.report_text import terminal

        calibrate_text.show(terminal(), found)
        if written:
            typer.echo(written)
        elif write_:
            typer.echo("nothing is written: no threshold is proposed")
    missing = bool(found.refusals) or (write_ and not written)
    raise typer.Exit(Exit.FINDINGS if missing else Exit.FINE)


def _budget(text: str) -> float:
    given = _PER_WEEK.fullmatch(text.strip())
    if given is None or float(given[1]) <= 0:
        raise typer.BadParameter(f"--budget {text}: write pages a week above 0, such as 0.25")
    return float(given[1])


def _find(name: str, rules: Path, notifiers: Path) -> tuple[Plan, Rule]:
    """The plan and the rule; a file is loaded alone."""
    path = Path(name)
    loaded = load(path if path.is_file() else rules, notifiers)
    if loaded.plan is None:
        raise ConfigurationError(loaded.errors)
    if path.is_file():
        own = [r for r in loaded.plan.rules if Path(r.path) == path]
        if own:
            return loaded.plan, own[0]
    if name not in loaded.plan.by_id:
        close = did_you_mean(name, loaded.plan.by_id) or "Write an id such as tool.denied_burst"
        raise typer.BadParameter(f"there is no rule {name}. {close.strip()}")
    return loaded.plan, loaded.plan.rules[loaded.plan.by_id[name]]


def _write(found: Calibration) -> str:
    """Change the rule file; say what was done."""
    proposed, rule = found.proposed, found.rule
    if proposed is None:
        return ""
    place = ("detect", rule.detector.name, found.kind.parameter)
    write(Path(rule.path), place, proposed.value)
    return f"{rule.path}: {found.kind.parameter} is {number_text(proposed.value)} now. Run rulesd test, then rulesd backtest --against HEAD"
