"""The repository as the law sees it: which files there are, and where they stand."""

import ast
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "rulesd"
TESTS = ROOT / "tests"
PURE = ("core", "logic", "model")
"The layers that may not know what time or which machine it is."


def modules(*folders: str) -> Sequence[Path]:
    """Every Python file of the package, or of the folders named, ``__init__`` excluded."""
    roots = [PACKAGE / folder for folder in folders] or [PACKAGE]
    return sorted(p for r in roots for p in r.rglob("*.py") if not p.name.startswith("__"))


def tracked() -> Sequence[Path]:
    """Every file that a clone would hold (new ones included, ignored ones not)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return sorted(p for name in listed.split("\0") if name and (p := ROOT / name).is_file())


def none_of(found: Iterable[object], what: str) -> None:
    """Fail with the whole list, one finding a line, when there is any."""
    if lines := [str(f) for f in found]:
        pytest.fail("\n".join([f"{what} ({len(lines)}):", *lines]), pytrace=False)


def relative(path: Path) -> str:
    """How a message names a file."""
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    """The file as Python sees it."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def own_test(module: Path) -> Path:
    """Where the test of a module stands: the same folder under ``tests/``."""
    return TESTS / module.relative_to(PACKAGE).parent / f"test_{module.name}"


def declares_only(tree: ast.Module) -> bool:
    """Whether a module only declares: nothing in it runs but its definitions (protocols, values, enums)."""
    return all(
        _empty(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )


def _empty(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    if isinstance(node, ast.Lambda):
        return False
    return all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) for s in node.body)
