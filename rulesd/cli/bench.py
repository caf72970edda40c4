"""``rulesd bench``: the benchmarks, each a ratio within one run."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from rulesd.cli.exits import Exit, Format, FormatOption
from rulesd.model.errors import RulesdError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    name: Annotated[
        str | None, typer.Argument(help="One benchmark; default: all.", metavar="[NAME]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller runs, for a first look.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only say which there are.")] = False,
    format_: FormatOption = Format.TEXT,
) -> None:
    """Run the benchmarks of the source checkout and print medians as ratios.

    Figures are ratios of two things measured in turn within one run, so that a noisy machine disturbs both.
    """
    del format_
    found = _benchmarks()
    if list_:
        typer.echo("\n".join(found))
        raise typer.Exit(Exit.FINE)
    if name is not None and name not in found:
        raise typer.BadParameter(f"there is no benchmark {name!r}. There are: {', '.join(found)}")
    failed = 0
    for each in [name] if name else found:
        command = [sys.executable, "-m", f"tests.bench.{each}", *(["--quick"] if quick else [])]
        failed += subprocess.run(command, check=False).returncode != 0  # noqa: S603
    raise typer.Exit(Exit.FINDINGS if failed else Exit.FINE)


def _benchmarks() -> list[str]:
    spec = importlib.util.find_spec("tests.bench") if Path("tests/bench").is_dir() else None
    if spec is None or not spec.submodule_search_locations:
        raise RulesdError(
            "the benchmarks are part of the source checkout: run this in its top folder"
        )
    folder = Path(next(iter(spec.submodule_search_locations)))
    return sorted(p.stem for p in folder.glob("*.py") if "__main__" in p.read_text())
