"""The repository can be read from its names: one test per module, small files, no junk drawers, nothing of this machine."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.law.tree import (
    PACKAGE,
    ROOT,
    TESTS,
    declares_only,
    modules,
    none_of,
    own_test,
    parse,
    relative,
    tracked,
)

FILE_LINES = 400
TEST_LINES = 600
"A test file belongs to one module and is read by its table, not from top to bottom."

FUNCTION_LINES = 70

TESTED_ELSEWHERE: Mapping[str, str] = {}
"Modules without a test of their own name, each with the reason. Modules that only declare need none."

JUNK = re.compile(
    r"(^|_)(utils?|helpers?|managers?|commons?|misc|stuff|junk|various|shared|tools?)(_|$)",
    re.IGNORECASE,
)

# Written in pieces, so that this file does not break its own law.
MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.~])/" + r"work/",
            r"/" + r"tmp/(bash|v/)",
            r"(?<![\w.])/" + r"home/\w",
            r"(?<![\w.])/" + r"root/",
            r"(?<![\w.])/" + r"opt/(pypi|wheels)",
            r"\bpypi" + r"\.org\b",
            r"\bpython" + r"hosted\.org\b",
            r"\bregistry\.npm" + r"js\.org\b",
            r"\bdeb\.deb" + r"ian\.org\b",
        ]
    )
)


def python_files() -> list[Path]:
    return sorted([*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py")])


def functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Each function's name, line and length (decorators and docstring included)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_module_has_its_test() -> None:
    missing = [
        f"{relative(m)} -> {relative(own_test(m))}"
        for m in modules()
        if not own_test(m).exists()
        and relative(m) not in TESTED_ELSEWHERE
        and not declares_only(parse(m))
    ]
    none_of(missing, "modules without a test")


def test_every_exception_is_still_needed() -> None:
    assert [
        m for m in TESTED_ELSEWHERE if not (ROOT / m).exists() or own_test(ROOT / m).exists()
    ] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class A:\n    x: int\n    def f(self) -> int:\n        'Promise.'\n        ...\n", True),
        ("X = 1\n", True),
        ("def f():\n    return 1\n", False),
        ("f = lambda: 1\n", False),
    ],
)
def test_what_only_declares(source: str, expected: bool) -> None:
    assert declares_only(ast.parse(source)) is expected


@pytest.mark.parametrize(("folder", "limit"), [(PACKAGE, FILE_LINES), (TESTS, TEST_LINES)])
def test_files_are_small(folder: Path, limit: int) -> None:
    long = [
        f"{relative(p)}: {n} lines"
        for p in sorted(folder.rglob("*.py"))
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > limit
    ]
    none_of(long, f"files over {limit} lines")


def test_functions_are_small() -> None:
    long = [
        f"{relative(p)}:{line}: {name} has {length} lines"
        for p in python_files()
        for name, line, length in functions(parse(p))
        if length > FUNCTION_LINES
    ]
    none_of(long, f"functions over {FUNCTION_LINES} lines")


def test_a_long_function_is_seen() -> None:
    body = "\n".join("    x = 1" for _ in range(FUNCTION_LINES))
    assert list(functions(ast.parse(f"class A:\n  async def f():\n{body}\n"))) == [
        ("f", 2, FUNCTION_LINES + 1)
    ]


@pytest.mark.parametrize("folder", ["rules", "notifiers", "systemd"])
def test_declarative_folders_hold_no_code(folder: str) -> None:
    # PyPI has import packages of these names; a folder with Python in it would shadow them, and rules are data.
    assert (ROOT / folder).is_dir()
    none_of((relative(p) for p in (ROOT / folder).rglob("*.py*")), "code among declarations")


def test_no_junk_drawer() -> None:
    found = [
        relative(p)
        for p in [*PACKAGE.rglob("*"), *TESTS.rglob("*")]
        if "__pycache__" not in p.parts
        and (p.is_dir() or p.suffix == ".py")
        and JUNK.search(p.stem)
    ]
    none_of(found, "junk drawers")


@pytest.mark.parametrize("name", ["utils", "helpers", "text_utils", "manager", "common", "misc"])
def test_a_junk_drawer_is_seen(name: str) -> None:
    assert JUNK.search(name)
    assert not JUNK.search("routing")


def test_nothing_of_one_machine_is_in_the_repository() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # A picture or an archive.
        found += [
            f"{relative(path)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if MACHINE.search(line)
        ]
    none_of(found, "traces of one machine")


@pytest.mark.parametrize(
    "bad",
    [
        "/" + "work/main/x",
        "cd /" + "home/anna",
        "/" + "root/.cache",
        "https://pypi" + ".org/simple",
        "--find-links=/" + "opt/wheels",
    ],
)
def test_a_machine_path_is_seen(bad: str) -> None:
    assert MACHINE.search(bad)


@pytest.mark.parametrize(
    "good", ["/var/lib/rulesd", "docs/work/", "~/work/x", "homework/", "/opt/rulesd"]
)
def test_a_general_path_is_left_alone(good: str) -> None:
    assert not MACHINE.search(good)


def test_every_package_says_what_it_is() -> None:
    silent = [
        relative(p) for p in PACKAGE.rglob("__init__.py") if ast.get_docstring(parse(p)) is None
    ]
    none_of(silent, "packages without a docstring")
