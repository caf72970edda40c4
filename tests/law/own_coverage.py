"""Measure each module of ``core/`` and ``model/`` by its own test file alone: 100 % of its branches.

Run as ``python -m tests.law.own_coverage [FILE...]``. Coverage from the whole suite proves little: a line that some distant test
happens to execute is not a line that anybody checked. So each module is measured in a process of its own, with only the test
that carries its name. A module that only declares has no test; importing it must execute all of it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coverage

from tests.law.tree import PACKAGE, ROOT, declares_only, modules, own_test, parse, relative

LAYERS = ("core", "model")


def measure(module: Path) -> str:
    """What the module's own test leaves out, as one line; empty when it leaves out nothing."""
    test = own_test(module)
    if not test.exists() and not declares_only(parse(module)):
        return f"{relative(module)}: has no test of its own ({relative(test)})"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "coverage"
        done = _run(module, test, data)
        if done.returncode != 0:
            return f"{relative(module)}: its own test fails alone\n{done.stdout[-2000:]}"
        return _missing(module, data)


def measure_all(chosen: Sequence[Path]) -> list[str]:
    """The same for many modules, as many at a time as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for line in pool.map(measure, chosen) if line]


def _run(module: Path, test: Path, data: Path) -> subprocess.CompletedProcess[str]:
    options = ["--branch", f"--include={module}", f"--data-file={data}"]
    if test.exists():
        what = ["-m", "pytest", "-x", str(test)]
    else:
        script = data.with_suffix(".py")
        script.write_text(f"import {_name(module)}\n")
        what = [str(script)]
    return subprocess.run(
        [sys.executable, "-m", "coverage", "run", *options, *what],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _missing(module: Path, data: Path) -> str:
    measured = coverage.Coverage(data_file=str(data), branch=True)
    measured.load()
    report = data.with_suffix(".json")
    measured.json_report(morfs=[str(module)], outfile=str(report))
    (found,) = json.loads(report.read_text())["files"].values()
    left_out = [str(n) for n in found["missing_lines"]]
    left_out += [f"{a}->{'exit' if b < 0 else b}" for a, b in found["missing_branches"]]
    percent = found["summary"]["percent_covered_display"]
    return f"{relative(module)}: {percent} %, not run: {', '.join(left_out)}" if left_out else ""


def _name(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGE.parent).with_suffix("").parts)


def main() -> int:
    """Measure the files named, or all of the two layers."""
    chosen = [Path(a).resolve() for a in sys.argv[1:]] or list(modules(*LAYERS))
    found = measure_all(chosen)
    print("\n".join(found) or f"{len(chosen)} modules, each 100 % of its branches by its own test")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
