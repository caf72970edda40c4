"""Measure each module of ``core/`` and ``model/`` by its own test file alone: 100 % of its branches.

Coverage from the whole suite proves little: a line that some distant test happens to execute is not a line that anybody
checked. So a module counts as run only what the test that carries its name reaches. A module that only declares has no test;
importing it must execute all of it.

When the whole suite runs, ``Recorder`` notes on the way which test file reaches what, and nothing runs twice. ``python -m
tests.law.own_coverage [FILE...]`` measures modules one by one, each in a process of its own, where nothing but its test runs.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import coverage

from tests.law.tree import PACKAGE, ROOT, declares_only, modules, own_test, parse, relative

LAYERS = ("core", "model")
IMPORT = "import"
"The context of what runs when a module is imported; a test's context is its path."


class Recorder:
    """Notes, while tests run in this process, which of them reaches which branches of some modules."""

    def __init__(self, chosen: Sequence[Path]) -> None:
        self._chosen = chosen
        self._coverage = coverage.Coverage(
            data_file=None, config_file=False, branch=True, include=[str(m) for m in chosen]
        )
        # They are imported when recording starts: what importing runs is measured apart (``missing``).
        self._coverage.set_option(
            "run:disable_warnings", ["already-imported", "module-not-imported", "no-data-collected"]
        )

    @contextmanager
    def during(self, test: Path) -> Iterator[None]:
        """What runs in here is reached by this test file."""
        self._coverage.start()
        try:
            self._coverage.switch_context(str(test))
            yield
        finally:
            self._coverage.stop()

    def missing(self) -> list[str]:
        """One line for each module whose own test left something out."""
        found = []
        with tempfile.TemporaryDirectory() as folder:
            self._coverage.get_data().update(_imports(self._chosen, Path(folder)))
            for module in self._chosen:
                test = own_test(module)
                if not test.exists() and not declares_only(parse(module)):
                    found.append(f"{relative(module)}: has no test of its own ({relative(test)})")
                    continue
                contexts = [f"^{re.escape(c)}$" for c in (str(test), IMPORT)]
                report = Path(folder) / "report.json"
                self._coverage.json_report(
                    morfs=[str(module)], outfile=str(report), contexts=contexts
                )
                found.append(_left_out(module, report))
        return [line for line in found if line]


def own_tests(chosen: Sequence[Path]) -> set[Path]:
    """The test files that modules are measured by."""
    return {test for m in chosen if (test := own_test(m)).exists()}


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


def _imports(chosen: Sequence[Path], folder: Path) -> coverage.CoverageData:
    """What importing the modules runs, and their tests after them, measured in a process of its own."""
    script, data = folder / "imports.py", folder / "imports"
    steps = [(IMPORT, _name(m)) for m in chosen]
    steps += [(str(test), _name(test)) for test in sorted(own_tests(chosen))]
    script.write_text(
        "import importlib, coverage\n"
        f"noted = coverage.Coverage({str(data)!r}, branch=True, config_file=False,"
        f" include={[str(m) for m in chosen]})\n"
        "noted.start()\n"
        f"for context, name in {steps}:\n"
        "    noted.switch_context(context)\n"
        "    importlib.import_module(name)\n"
        "noted.stop()\n"
        "noted.save()\n"
    )
    subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    found = coverage.CoverageData(basename=str(data))
    found.read()
    return found


def _missing(module: Path, data: Path) -> str:
    measured = coverage.Coverage(data_file=str(data), branch=True)
    measured.load()
    report = data.with_suffix(".json")
    measured.json_report(morfs=[str(module)], outfile=str(report))
    return _left_out(module, report)


def _left_out(module: Path, report: Path) -> str:
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
