"""The pure layers are pure, and the checker sees what is not."""

import subprocess
import sys

import pytest

from tests.law.purity import attributes, faults
from tests.law.tree import PACKAGE, PURE, ROOT, modules, none_of, parse, relative


def known_sets() -> frozenset[str]:
    """Attributes that hold sets wherever they are annotated in the pure layers; an ambiguous name is left out."""
    pairs = [attributes(parse(p)) for p in modules(*PURE)]
    sets = frozenset().union(*(s for s, _ in pairs))
    return sets - frozenset().union(*(o for _, o in pairs))


def test_the_pure_layers_are_pure() -> None:
    known = known_sets()
    found = [
        f"{relative(path)}:{fault}"
        for path in modules(*PURE)
        for fault in faults(path.read_text(), known)
    ]
    none_of(found, "impurities")


@pytest.mark.parametrize(
    "bad",
    [
        "x = hash('a')",
        "key = sorted(xs, key=hash)",
        "import time",
        "def f():\n    import random.x",
        "from os import environ",
        "from sys import intern, argv",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.datetime.utcnow()",
        "from datetime import date\nx = date.today()",
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "def f(a: frozenset[str]):\n    return [x for x in a]",
        "def f(a: 'set[str] | None'):\n    for x in a: pass",
        "def f(a):\n    seen = set()\n    return tuple(seen)",
        "def f(a):\n    for x in late: pass\n    late = {x for x in a}",
        "a: set[int] = b\nx = list(a)",
        "x = list(a.keys() - b.keys())",
        "x = {k: 1 for k in set(y)}",
        "x = ','.join({'a', 'b'})",
        "x = ','.join(str(i) for i in {1, 2})",
        "x = next(iter(frozenset(y)))",
        "x = [*{1, 2}]",
        "x = sum(i for i in {0.1, 0.2})",
        "def f():\n    s = {1}\n    return s.pop()",
        "def f():\n    s = {1}\n    for x in s - {2}: pass",
        "def f():\n    s = {1}\n    for x in s.union(y): pass",
        "class A:\n    a: set[int]\n    def f(self):\n        for x in self.a: pass",
        "class A:\n    def g(self):\n        self.a: set[int] = set()\n    def f(self):\n        return list(self.a)",
        "for x in (y or {1}): pass",
    ],
)
def test_an_impurity_is_seen(bad: str) -> None:
    assert faults(bad) != []


@pytest.mark.parametrize(
    "good",
    [
        "for x in sorted({1, 2}): pass",
        "def f(a: frozenset[str]):\n    return sorted(x for x in a)",
        "x = {y for y in {1, 2}}",
        "x = frozenset(y for y in {1, 2})",
        "x = any(y for y in {1, 2}), all(y for y in {1}), len({1}), min({1}), 1 in {1}",
        "x = sum(1 for y in {1, 2})",
        "x = {1} <= {2}",
        "for x in {1: 2}: pass",
        "def f(id):\n    return id",
        "from sys import intern",
        "for x in (1, 2): pass",
        "def f(a: dict[str, set[int]]):\n    return [k for k in a]",
        "def f(s):\n    return s.pop()",
        "for x in {1, 2}: pass  # order-free: each is only counted",
        "class A:\n    a: list[int]\n    def f(self):\n        for x in self.a: pass",
        "def f(a: set[int]):\n    a = sorted(a)\n    return [x for x in a]",
        "from datetime import datetime\nx = datetime.fromisoformat('2026-01-01')",
        "def f(now):\n    return now",
    ],
)
def test_purity_is_left_alone(good: str) -> None:
    assert faults(good) == []


def test_the_nested_ruff_configurations_agree() -> None:
    texts = {(PACKAGE / layer / "ruff.toml").read_text() for layer in PURE}
    assert len(texts) == 1


@pytest.mark.parametrize("layer", PURE)
@pytest.mark.parametrize(
    "bad",
    [
        "from datetime import UTC, datetime\n\nx = datetime.now(UTC)\n",
        "import datetime as d\n\nx = d.datetime.now(d.UTC)\n",
        "import time\n\nx = time.time()\n",
        "from random import choice\n\nx = choice([1])\n",
        "import os.path\n",
    ],
)
def test_ruff_sees_a_clock(layer: str, bad: str) -> None:
    done = ruff(f"rulesd/{layer}/some_module.py", bad)
    assert "TID251" in done.stdout


def test_ruff_leaves_a_shell_its_clock() -> None:
    bad = "import time\n\nx = time.time()\n"
    assert "TID251" not in ruff("rulesd/runners/some_module.py", bad).stdout


def test_the_nested_configuration_keeps_the_law_of_the_root() -> None:
    found = ruff("rulesd/core/some_module.py", "from . import x\n\nprint(x)\n").stdout
    assert {"TID252", "D100", "T201"} <= set(found.replace(":", " ").split())


def ruff(name: str, source: str) -> subprocess.CompletedProcess[str]:
    options = ["--no-cache", "--output-format=concise", "--stdin-filename", name]
    return subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, "-"],
        input=source,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
