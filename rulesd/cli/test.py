"""``rulesd test``: the tests inside rule files, played through the real engine on a virtual clock."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from rulesd.cli.check import _sets
from rulesd.cli.decoding import offline_decoder
from rulesd.cli.exits import Exit, Format, FormatOption, NotifiersOption, RulesOption
from rulesd.config import load
from rulesd.model.errors import ConfigurationError
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
    format_: FormatOption = Format.TEXT,
) -> None:
    """Run the tests inside rule files.

    Each test feeds its events through decoding, matching, detection, routing and grouping as the daemon would, with a clock of its
    own, and compares what fired and who was paged with `expect`. Exit 1 when one fails.
    """
    verdicts: list[Verdict] = []
    for rules_dir, notifiers_dir in _sets(paths or [], rules, notifiers):
        loaded = load(rules_dir, notifiers_dir)
        if loaded.plan is None:
            raise ConfigurationError(loaded.errors)
        decode = offline_decoder()
        verdicts += [play(each, loaded.plan, decode) for each in loaded.tests]
    failed = [v for v in verdicts if not v.passed]
    if format_ is Format.JSON:
        body = {
            "passed": len(verdicts) - len(failed),
            "failed": len(failed),
            "tests": [
                {
                    "rule": v.test.rule,
                    "name": v.test.name,
                    "path": v.test.path,
                    "line": v.test.line,
                    "passed": v.passed,
                    "failures": list(v.failures),
                }
                for v in verdicts
            ],
        }
        typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    else:
        for verdict in failed:
            typer.echo(f"FAILED {verdict.test.rule}: {verdict.test.name}")
            for failure in verdict.failures:
                typer.echo(f"  {failure}")
        typer.echo(f"{len(verdicts) - len(failed)} passed, {len(failed)} failed")
    raise typer.Exit(Exit.FINDINGS if failed else Exit.FINE)
