"""``rulesd test``: the tests inside rule files, played through the real engine on a virtual clock."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer

from rulesd.cli.check import _sets, read_set
from rulesd.cli.decoding import offline_decoder
from rulesd.cli.exits import Exit, Format, FormatOption, NotifiersOption, RulesOption
from rulesd.cli.recording import ProgressOption, can_write
from rulesd.config import RuleTest
from rulesd.core.plan import Plan
from rulesd.model.errors import ConfigurationError
from rulesd.runners.coverage_tests import Recorder, RuleCoverage
from rulesd.runners.coverage_text import show_tests
from rulesd.runners.junit import junit as as_junit
from rulesd.runners.report_text import terminal
from rulesd.runners.simulate import Verdict, play

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def test(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Rules folders or single rule files. Default: rules here.", metavar="[PATH]..."
        ),
    ] = None,
    rules: RulesOption = None,
    notifiers: NotifiersOption = None,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage", help="Say which severities, steps and alternatives no test exercises."
        ),
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(help="Write results as JUnit XML here.", metavar="FILE")
    ] = None,
    progress: ProgressOption = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Run the tests inside rule files.

    Each test feeds its events through decoding, matching, detection, routing and grouping as the daemon would, with a clock of its
    own, and compares what fired and who was paged with `expect`: to the second, and complete. Exit 1 when one fails, or there is
    none. --coverage reports and does not fail.

    \b
    rulesd test                                     every rule of ./rules
    rulesd test rules/tool/denied_burst.yaml        one
    rulesd test --coverage --junit results.xml      for CI
    """
    can_write("--junit", junit)
    verdicts: list[Verdict] = []
    covered: list[RuleCoverage] = []
    for rules_dir, notifiers_dir in _sets(paths or [], rules, notifiers):
        loaded = read_set(rules_dir, notifiers_dir)
        if loaded.plan is None:
            raise ConfigurationError(loaded.errors)
        recorder = Recorder(loaded.plan) if coverage else None
        plan = recorder.plan if recorder is not None else loaded.plan
        played = _play(loaded.tests, plan, sys.stderr.isatty() if progress is None else progress)
        verdicts += played
        if recorder is not None:
            about = recorder.coverage(played, loaded.files)
            covered += [c for c in about if Path(c.path).is_relative_to(rules_dir)]
    if junit is not None:
        junit.write_text(as_junit(verdicts), encoding="utf-8")
    failed = [v for v in verdicts if not v.passed]
    if not verdicts:
        typer.echo("rulesd: no rule here has a test. Write tests: in a rule file", err=True)
    if format_ is Format.JSON:
        body = _body(verdicts)
        if coverage:
            body["coverage"] = [_plain(c) for c in covered]
        typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    else:
        for verdict in failed:
            _tell(verdict)
        if coverage:
            show_tests(terminal(), covered)
        typer.echo(f"{len(verdicts) - len(failed)} passed, {len(failed)} failed")
    raise typer.Exit(Exit.FINDINGS if failed or not verdicts else Exit.FINE)


def _tell(verdict: Verdict) -> None:
    """A failed test: each failure with its place, then what was expected beside what happened."""
    typer.secho(f"FAILED {verdict.test.rule}: {verdict.test.name}", bold=True)
    for failure in verdict.failures:
        typer.echo(f"  {failure}")
    if verdict.diff:
        typer.echo("  expected (-) and what happened (+):")
    for line in verdict.diff:
        typer.secho(f"    {line}", fg={"-": "red", "+": "green"}.get(line[0]))


def _body(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """As plain data."""
    passed = sum(v.passed for v in verdicts)
    return {
        "passed": passed,
        "failed": len(verdicts) - passed,
        "tests": [
            {
                "rule": v.test.rule,
                "name": v.test.name,
                "path": v.test.path,
                "line": v.test.line,
                "passed": v.passed,
                "failures": list(v.failures),
                "diff": list(v.diff),
            }
            for v in verdicts
        ],
    }


def _play(tests: Sequence[RuleTest], plan: Plan, progress: bool) -> list[Verdict]:
    """Every test; a bar for whoever waits."""
    decode = offline_decoder()
    if not progress:
        return [play(each, plan, decode) for each in tests]
    from rich.console import Console
    from rich.progress import track

    shown = track(tests, "test", console=Console(stderr=True), transient=True)
    return [play(each, plan, decode) for each in shown]


def _plain(covered: RuleCoverage) -> dict[str, object]:
    return {
        "rule": covered.rule,
        "path": covered.path,
        "tests": covered.tests,
        "tests_of_composites": covered.lent,
        "branches": [{"name": b.name, "covered": b.covered} for b in covered.branches],
        "missing": list(covered.missing),
    }
