"""``rulesd check``: every mistake in rules and notifiers, each with its place and what to write instead."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
import typer

from rulesd.cli import cover
from rulesd.cli.exits import Exit, Format, FormatOption, NotifiersOption, RulesOption, shipped
from rulesd.config import Loaded, load
from rulesd.config.duty_checks import gaps
from rulesd.model.errors import Located

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A rules folder, a notifiers folder, or single rule files. Default: rules and notifiers here.",
            metavar="[PATH]...",
        ),
    ] = None,
    rules: RulesOption = None,
    notifiers: NotifiersOption = None,
    strict: Annotated[bool, typer.Option(help="Warnings count as findings too.")] = False,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage", help="Show which rule, test and runbook stands behind each risk."
        ),
    ] = False,
    traffic: Annotated[
        list[str] | None,
        typer.Option(
            help="With --coverage: recorded traffic, for what nothing watches. May be given several times.",
            metavar="FILE",
        ),
    ] = None,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Lint and compile rules and notifiers.

    Prints every problem as path:line:column: code: what is wrong. what to write. Exit 1 when there is an error (with --strict: or a
    warning), 0 when the set can be used. Lines that start with "info:" are good to know (what a rule costs, a rule inside a wider
    one) and never count. --coverage adds, risk by risk, the rules, tests and runbook behind it; --traffic what of a recording nothing watches.

    \b
    rulesd check
    rulesd check rules/tool/denied_burst.yaml --strict
    rulesd check --coverage --traffic recorded.ndjson.gz
    """
    if traffic and not coverage:
        raise typer.BadParameter("--traffic needs --coverage")
    loaded, problems, infos = _load(_sets(paths or [], rules, notifiers))
    errors = [p for p in problems if p.severity == "error"]
    count = sum(each.own_rules for each in loaded)
    if format_ is Format.JSON:
        body: dict[str, object] = {
            "ok": not errors,
            "rules": count,
            "problems": [p._asdict() for p in problems],
            "infos": [p._asdict() for p in infos],
        }
        if coverage:
            body["coverage"] = [cover.body(each, traffic or []) for each in loaded]
        typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    else:
        for problem in problems:
            prefix = "" if problem.severity == "error" else "warning: "
            typer.echo(f"{prefix}{problem}")
        for info in infos:
            typer.echo(f"info: {info}")
        for each in loaded if coverage else ():
            cover.show(each, traffic or [])
        typer.echo(_summary(count, len(errors), len(problems) - len(errors)))
    raise typer.Exit(Exit.FINDINGS if errors or (strict and problems) else Exit.FINE)


def _load(
    sets: Sequence[tuple[Path, Path]],
) -> tuple[list[Loaded], list[Located], list[Located]]:
    """Every set with its problems, and what is good to know."""
    problems: list[Located] = []
    infos: list[Located] = []
    loaded: list[Loaded] = []
    for rules_dir, notifiers_dir in sets:
        found = read_set(rules_dir, notifiers_dir)
        loaded.append(found)
        coming = (
            () if found.plan is None else gaps(found.files, found.plan, time.time_ns() // 1_000_000)
        )
        ahead = [p for p in coming if p.severity != "info"]
        problems += [p for p in (*found.problems, *ahead) if p not in problems]
        infos += [p for p in (*found.infos, *coming) if p not in infos + ahead]
    return loaded, problems, infos


def read_set(rules: Path, notifiers: Path) -> Loaded:
    """A set. A file or an area of one, which may name rules of others (a composite), is read among them; what is wrong with those is theirs."""
    found = load(rules, notifiers)
    root = rules.parent.parent if rules.is_file() else rules.parent
    among = root.name == "rules" or (root / "risks.yaml").is_file()
    if found.plan is not None or not among:
        return found
    whole = load(root, notifiers)

    def ours(problem: Located) -> bool:
        path = Path(problem.path)
        return path.is_relative_to(rules) or not path.is_relative_to(root)

    mine = tuple(p for p in whole.problems if ours(p))
    if whole.plan is None and not any(p.severity == "error" for p in mine):
        return whole
    return replace(
        whole,
        problems=mine,
        infos=tuple(p for p in whole.infos if ours(p)),
        tests=tuple(t for t in whole.tests if Path(t.path).is_relative_to(rules)),
    )


def _sets(
    paths: Sequence[Path], rules: Path | None, notifiers: Path | None
) -> list[tuple[Path, Path]]:
    """Which (rules, notifiers) pairs the arguments mean."""
    rule_paths = [rules] if rules else []
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist")
        if path.is_dir() and ((path / "routing.yaml").exists() or (path / "owners.yaml").exists()):
            notifiers = path
        elif path.is_dir() and (path / "rules").is_dir() and (path / "notifiers").is_dir():
            rule_paths.append(path / "rules")
            notifiers = path / "notifiers"
        else:
            rule_paths.append(path)
    for_all = notifiers or shipped("notifiers")
    if not rule_paths:
        rule_paths = [shipped("rules")]
        if rule_paths[0] != Path("rules"):
            # Nobody shall take these for their own: a green run in the wrong folder proves nothing.
            said = f"there is no folder rules here: these are the rules that came with rulesd, {rule_paths[0]}"
            typer.echo(f"rulesd: {said}", err=True)
    return [(path, for_all) for path in rule_paths]


def _summary(rules: int, errors: int, warnings: int) -> str:
    if not errors and not warnings:
        return f"{_many(rules, 'rule')}, no problems"
    return f"{_many(rules, 'rule')}, {_many(errors, 'error')}, {_many(warnings, 'warning')}"


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
