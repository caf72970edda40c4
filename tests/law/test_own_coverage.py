"""The engine's modules are covered by their own tests, branch by branch; and a branch left out is seen."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.law import own_coverage, tree
from tests.law.own_coverage import LAYERS, Recorder, measure
from tests.law.tree import ROOT, none_of, relative

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


def test_every_branch_of_the_engine_is_checked_by_its_own_test(recorder: Recorder | None) -> None:
    if recorder is not None:
        none_of(recorder.missing(), "modules not covered by their own tests")
        return
    # The tests of the engine did not run in this session: run them, and this one after them.
    folders = [f"tests/{layer}" for layer in LAYERS]
    this = f"{relative(Path(__file__))}::test_every_branch_of_the_engine_is_checked_by_its_own_test"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *folders, this],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def record(repository: Path, runs: dict[str, int]) -> list[str]:
    """What is left out when each test file named gives the module one number."""
    path = repository / "probe" / "core" / "sign.py"
    spec = importlib.util.spec_from_file_location("probe_sign", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recorder = Recorder([path])
    for test, number in runs.items():
        with recorder.during(repository / "tests" / "core" / test):
            module.sign(number)
    return recorder.missing()


def test_a_recorded_branch_counts_for_the_test_that_reached_it_alone(repository: Path) -> None:
    write_test(repository, "pass")
    (repository / "probe" / "__init__.py").write_text("")
    (repository / "probe" / "core" / "__init__.py").write_text("")
    left = record(repository, {"test_sign.py": 1, "test_other.py": -1})
    assert [one.partition("not run: ")[2] for one in left] == ["7, 6->7"]
    assert record(repository, {"test_sign.py": -1}) != []
    both = {"test_sign.py": 1, "test_other.py": 0, str(repository / "tests/core/test_sign.py"): -1}
    assert record(repository, both) == []


def test_what_a_test_file_does_when_it_is_read_counts_for_it(repository: Path) -> None:
    (repository / "probe" / "__init__.py").write_text("")
    (repository / "probe" / "core" / "__init__.py").write_text("")
    write_test(repository, "pass")
    own = repository / "tests" / "core" / "test_sign.py"
    own.write_text(own.read_text() + "\n\nMINUS = sign(-1)\n")
    (left,) = record(repository, {})
    assert left.partition("not run: ")[2] == "8, 6->8"


def test_a_module_without_a_test_is_seen_by_the_recorder_too(repository: Path) -> None:
    (repository / "probe" / "__init__.py").write_text("")
    (repository / "probe" / "core" / "__init__.py").write_text("")
    assert "has no test of its own" in record(repository, {})[0]


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
