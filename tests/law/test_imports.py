"""The layers hold, and a break of each law of imports is seen."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.law.tree import PACKAGE, ROOT


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as c; c()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("law")
    shutil.copytree(PACKAGE, folder / "rulesd", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_contract_is_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("core/plan.py", "import asyncio", "no clock, loop, disk or network"),
        ("core/plan.py", "def f():\n    import orjson", "The core is stdlib-only"),
        ("core/plan.py", "import rulesd.ports", "Imports point one way"),
        ("sources/__init__.py", "import rulesd.stores", "Imports point one way"),
        ("misc.py", "x = 1", "Imports point one way"),
        ("core/dispatch.py", "import rulesd.core.detection", "Detection and Dispatch"),
    ],
)
def test_a_break_is_seen(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / "rulesd" / module
    before = path.read_bytes() if path.exists() else None
    try:
        path.write_bytes((before or b"") + f"\n{line}\n".encode())
        done = lint(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
    assert done.returncode == 1
    assert any(contract in row and "BROKEN" in row for row in done.stdout.splitlines()), done.stdout
