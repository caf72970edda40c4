"""The engine's modules are covered by their own tests, branch by branch; and a branch left out is seen."""

from pathlib import Path

import pytest

from tests.law import own_coverage, tree
from tests.law.own_coverage import LAYERS, measure, measure_all
from tests.law.tree import modules, none_of, relative

SOURCE = '''"""A module."""


def sign(x: int) -> str:
    """Say it."""
    if x < 0:
        return "minus"
    return "plus"
'''


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "ROOT": tmp_path,
        "PACKAGE": tmp_path / "probe",
        "TESTS": tmp_path / "tests",
    }.items():
        monkeypatch.setattr(tree, name, value)
        if hasattr(own_coverage, name):
            monkeypatch.setattr(own_coverage, name, value)
    (tmp_path / "probe" / "core").mkdir(parents=True)
    (tmp_path / "tests" / "core").mkdir(parents=True)
    (tmp_path / "probe" / "core" / "sign.py").write_text(SOURCE)
    return tmp_path


def write_test(repository: Path, body: str) -> None:
    (repository / "tests" / "core" / "test_sign.py").write_text(
        f"from probe.core.sign import sign\n\n\ndef test_sign():\n    {body}\n"
    )


def test_every_branch_of_the_engine_is_checked_by_its_own_test() -> None:
    none_of(measure_all(modules(*LAYERS)), "modules not covered by their own tests")


def test_a_full_test_is_enough(repository: Path) -> None:
    write_test(repository, "assert sign(-1) + sign(1) == 'minusplus'")
    assert measure(repository / "probe/core/sign.py") == ""


def test_a_branch_left_out_is_seen(repository: Path) -> None:
    write_test(repository, "assert sign(1) == 'plus'")
    assert measure(repository / "probe/core/sign.py").endswith("not run: 7, 6->7")


def test_a_branch_without_lines_of_its_own_is_seen(repository: Path) -> None:
    module = repository / "probe/core/sign.py"
    module.write_text(SOURCE.replace('        return "minus"', "        x = 1"))
    write_test(repository, "assert sign(-1) == 'plus'")
    assert measure(module).endswith("not run: 6->8")


def test_a_test_that_fails_alone_is_seen(repository: Path) -> None:
    write_test(repository, "assert sign(1) == 'minus'")
    assert "its own test fails alone" in measure(repository / "probe/core/sign.py")


def test_a_missing_test_is_seen(repository: Path) -> None:
    assert "has no test of its own" in measure(repository / "probe/core/sign.py")


def test_a_declaration_needs_no_test(repository: Path) -> None:
    module = repository / "probe/core/sign.py"
    module.write_text('"""A module."""\n\nX = 1\n')
    assert measure(module) == ""
    assert relative(module) == "probe/core/sign.py"
