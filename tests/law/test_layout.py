"""The repository can be read from its names: one test per module, small files, no junk drawers, nothing of this machine."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
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
TEST_FUNCTION_LINES = 100
"Tables of cases may be longer than code."

TESTED_ELSEWHERE: Mapping[str, str] = {
    module: test
    for test, modules_ in {
        # Two verbs of a person, one conversation with the daemon.
        "tests/cli/test_person.py": ["rulesd/cli/ack.py", "rulesd/cli/resolve.py"],
        # The shapes of documents, through the loaders that give them their meaning.
        "tests/config/test_detect.py": ["rulesd/config/parameters.py"],
        "tests/config/test_routing.py": ["rulesd/config/routing_schema.py"],
        # One evaluator: its parts are right when its texts are Alertmanager's.
        "tests/config/gotemplate/test_engine.py": [
            f"rulesd/config/gotemplate/{name}.py"
            for name in ("faults", "functions", "humanize", "lex", "parse", "printf", "times", "values")
        ],
        "tests/config/test_rules.py": ["rulesd/config/rule_file.py"],
        "tests/config/test_settings_load.py": ["rulesd/config/settings.py"],
        # One decode: from bytes to events, every fault in one table.
        "tests/ingest/test_event.py": [
            f"rulesd/ingest/{name}.py" for name in ("envelope", "faults", "plain")
        ],
        "tests/ingest/test_decode.py": ["rulesd/ingest/http.py", "rulesd/ingest/limits.py"],
        "tests/privacy/test_fields.py": ["rulesd/privacy/schema.py"],
        # The matcher is one machine: its parts are right when its answers are datalogic's, on a million pairs.
        "tests/logic/test_differential.py": [
            f"rulesd/logic/{name}.py"
            for name in (
                "codegen", "cover", "evaluator", "projection", "raises", "reads", "semantics", "shapes", "simplify",
                "syntax", "tree", "watch",
            )
        ],
        "tests/logic/test_matcher.py": ["rulesd/logic/errors.py", "rulesd/logic/index.py"],
        "tests/logic/test_analysis.py": [
            f"rulesd/logic/{name}.py" for name in ("cost", "kinds", "presence")
        ],
        # One connection, against a broker that plays every part.
        "tests/sources/test_mqtt.py": ["rulesd/sources/mqtt_client.py"],
    }.items()
    for module in modules_
}  # fmt: skip
"""Modules that are tested as parts of a machine, under the test file that plays it. Modules that only declare need none.

Each test named must reach its module by imports: the test's own, those of other files under ``tests/``, and those inside the
module's package (its public door).
"""

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
        m
        for m in TESTED_ELSEWHERE
        if not (ROOT / m).exists() or own_test(ROOT / m).exists() or declares_only(parse(ROOT / m))
    ] == []


@pytest.mark.parametrize("test", sorted(set(TESTED_ELSEWHERE.values())))
def test_a_test_named_for_a_module_reaches_it(test: str) -> None:
    assert (ROOT / test).exists()
    assert re.search(r"^(async )?def test_", (ROOT / test).read_text("utf-8"), re.MULTILINE)
    mine = [m for m, t in TESTED_ELSEWHERE.items() if t == test]
    none_of(
        (f"{test} -> {m}" for m in mine if dotted(ROOT / m) not in reached(ROOT / test, ROOT / m)),
        "tests that do not reach the module they are named for",
    )


def test_a_test_that_does_not_reach_its_module_is_seen() -> None:
    def reaches(test: str, module: str) -> bool:
        return dotted(ROOT / module) in reached(ROOT / test, ROOT / module)

    assert reaches("tests/logic/test_matcher.py", "rulesd/logic/codegen.py")
    assert not reaches("tests/logic/test_guard.py", "rulesd/config/parameters.py")
    # The command line loads a command by name: running it is reaching it.
    assert reaches("tests/cli/test_person.py", "rulesd/cli/ack.py")
    assert not reaches("tests/cli/test_person.py", "rulesd/cli/replay.py")
    # What another package imports on the way is not tested by that.
    assert not reaches("tests/config/test_detect.py", "rulesd/logic/codegen.py")


def dotted(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def reached(test: Path, module: Path) -> set[str]:
    """The modules that a test imports, followed through ``tests/`` and through the package of ``module``."""
    inside = f"rulesd.{module.relative_to(PACKAGE).parts[0]}"
    seen: set[str] = set()
    waiting = [test]
    while waiting:
        for name in imports(waiting.pop()):
            file = ROOT / (name.replace(".", "/") + ".py")
            file = file if file.exists() else ROOT / name.replace(".", "/") / "__init__.py"
            if name in seen or not file.exists():
                continue
            seen.add(name)
            if name.startswith(("tests.", inside)):
                waiting.append(file)
    return seen


@cache
def imports(file: Path) -> Sequence[str]:
    """Every module that a file names: imported, or run as a command (``run("ack", ...)``)."""
    return list(_named(parse(file)))


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "run" and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield f"rulesd.cli.{first.value.replace('-', '_')}"


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
        if length > (FUNCTION_LINES if PACKAGE in p.parents else TEST_FUNCTION_LINES)
    ]
    none_of(long, f"functions over {FUNCTION_LINES} lines ({TEST_FUNCTION_LINES} in tests)")


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
    "good", ["/var/lib/rulesd", "docs/" + "work/", "~/" + "work/x", "homework/", "/opt/rulesd"]
)
def test_a_general_path_is_left_alone(good: str) -> None:
    assert not MACHINE.search(good)


def test_every_package_says_what_it_is() -> None:
    silent = [
        relative(p) for p in PACKAGE.rglob("__init__.py") if ast.get_docstring(parse(p)) is None
    ]
    none_of(silent, "packages without a docstring")
