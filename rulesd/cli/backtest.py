"""``rulesd backtest``: what a rule set would have done about recorded traffic, and what a change to it would change."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import typer

from rulesd.cli.exits import Exit, Format, FormatOption, NotifiersOption, RulesOption, shipped
from rulesd.cli.recording import ProgressOption, can_write, recording
from rulesd.config import load
from rulesd.core.plan import Plan
from rulesd.model.errors import ConfigurationError
from rulesd.runners import backtest_compare, backtest_figures
from rulesd.runners.backtest import Outcome, promoted
from rulesd.runners.backtest import backtest as run
from rulesd.runners.backtest_against import other_rules
from rulesd.runners.backtest_events import unheeded
from rulesd.runners.backtest_rules import Stated, stated

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def backtest(
    files: Annotated[
        list[str],
        typer.Argument(
            help="NDJSON CloudEvents (.gz and .zst too), - for standard input, or the state folder of a stopped daemon.",
            metavar="FILE...",
        ),
    ],
    rules: RulesOption = None,
    notifiers: NotifiersOption = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="Compare with this: a git revision of the rules folder, or another folder.",
            metavar="REV_OR_DIR",
        ),
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Shadow rules, as if they paged, against none of them.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a self-contained report here.", metavar="FILE")
    ] = None,
    zone: Annotated[
        str, typer.Option(help="Whose hours and nights, such as Europe/Berlin.", metavar="ZONE")
    ] = "UTC",
    progress: ProgressOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """What would have fired and paged: per rule, owner and hour, the noisiest keys, the worst night, pages a week.

    The decisions are those of `rulesd replay`. With --against both rule sets see the same recording in one pass: + pages that come, - pages
    that go, and whose. With --shadow the second set is the same rules with `maturity: shadow` paging (with --against: both sets). A page is a message
    that asks for attention; it may tell of several alerts. Exit 0 whatever the figures are.

    \b
    rulesd backtest recorded.ndjson.gz --zone Europe/Berlin --html report.html
    rulesd backtest recorded.ndjson.gz --against HEAD~1     what the last commit changes
    rulesd backtest state --shadow                          a stopped daemon's own traffic
    """
    clock = _zone(zone)
    can_write("--html", html)
    rules_dir, notifiers_dir = rules or shipped("rules"), notifiers or shipped("notifiers")
    outcome, other = _run(files, rules_dir, notifiers_dir, against, shadow, progress)
    counted = backtest_figures.figures(outcome, clock)
    difference = backtest_compare.compare(other, outcome) if other is not None else None
    if html is not None:
        from rulesd.runners.report_html import page

        html.write_text(page(outcome, counted, difference, clock), encoding="utf-8")
    if format_ is Format.JSON:
        body = backtest_figures.body(outcome, counted)
        if difference is not None:
            body["against"] = backtest_compare.body(difference)
        typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    else:
        from rulesd.runners.report_text import show, terminal

        show(terminal(), outcome, counted, difference)
    raise typer.Exit(Exit.FINE)


def _run(
    files: list[str],
    rules: Path,
    notifiers: Path,
    against: str | None,
    shadow: bool,
    progress: bool | None,
) -> tuple[Outcome, Outcome | None]:
    """The rule set, and what it is compared with."""
    own, says = _plan(rules, notifiers)
    plans, told = [(str(rules), promoted(own) if shadow else own)], [says]
    with TemporaryDirectory(prefix="rulesd-against-") as room:
        if against is not None:
            theirs, says = _plan(
                other_rules(against, rules, Path(room)), notifiers, (room, against)
            )
            plans.append((against, promoted(theirs) if shadow else theirs))
            told.append(says)
        elif shadow:
            plans = [(f"{rules} with its shadow rules paging", promoted(own)), (str(rules), own)]
            told.append(says)
        with recording(files, progress) as recorded:
            outcomes = run(recorded, plans)
    for outcome, says in zip(outcomes, told, strict=True):
        outcome.stated = says
    return outcomes[0], outcomes[1] if len(outcomes) > 1 else None


def _plan(
    rules: Path, notifiers: Path, called: tuple[str, str] | None = None
) -> tuple[Plan, Stated]:
    """The plan, and what its rule files say; ``called``: a folder of ours, and what the operator calls what is in it."""
    loaded = load(rules, notifiers)
    if loaded.plan is None:
        ours, theirs = (called[0] + "/", called[1] + ":") if called else ("", "")
        raise ConfigurationError(
            [p._replace(path=p.path.replace(ours, theirs, 1)) for p in loaded.errors]
        )
    return unheeded(loaded.plan), stated(loaded.files)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(
            f"--zone: {name} is no time zone. Write one such as Europe/Berlin"
        ) from None
