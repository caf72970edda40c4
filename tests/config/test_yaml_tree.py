"""libyaml and ruamel beside each other: the same tree, or it is ruamel's."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml.error import YAMLError

from rulesd.config import yaml_tree
from rulesd.config.yaml_tree import MAPPING, SCALAR, by_ruamel, compose

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*ROOT.glob("rules/**/*.yaml"), *ROOT.glob("notifiers/**/*.yaml")])


def plain(tree: Any) -> object:
    """All that is read of a node, in a form that can be compared."""
    if tree is None:
        return None
    start = tree.start_mark
    place = (str(tree.tag), start.line, start.column)
    if isinstance(tree, SCALAR):
        return (*place, start.index, tree.end_mark.index, tree.value)
    if isinstance(tree, MAPPING):
        return (*place, [(plain(key), plain(value)) for key, value in tree.value])
    return (*place, [plain(item) for item in tree.value])


def read(how: Any, text: str) -> object:
    try:
        return plain(how(text))
    except RecursionError:
        return "too deep"
    except (YAMLError, ValueError, OverflowError, AttributeError, TypeError, IndexError):
        return "not YAML"


def test_every_shipped_file_reads_the_same_and_by_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [path.read_text(encoding="utf-8") for path in SHIPPED]
    slow = [plain(by_ruamel(text)) for text in texts]
    monkeypatch.setattr(yaml_tree, "by_ruamel", pytest.fail)
    assert [plain(compose(text)) for text in texts] == slow
    assert len(texts) > 50


@given(
    st.text(alphabet="ab:-[]{}&*!|>'\"%#?,=@` \n\t\r<~0.1eonyx\u2028\xa0é€\ufeff\\", max_size=60)
)
def test_the_same_tree_of_almost_yaml(text: str) -> None:
    assert read(compose, text) == read(by_ruamel, text)


PIECES = [
    "a",
    "on",
    "yes",
    "~",
    "1",
    "0o17",
    "1_0",
    "1e3",
    ".5",
    "2026-01-05",
    "12:30",
    "'q'",
    '"\\u00e9\\/"',
    "x y",
]
PIECES += [
    "[1, a]",
    "{a: 1}",
    '{"===": [{"var": "data.x"}, "y"]}',
    "{a}",
    "[a: b]",
    "|\n  t\n",
    ">-\n  t\n  u",
    "# c",
]
PIECES += [
    "&x 1",
    "*x",
    "!!str 5",
    "! 5",
    "!t 5",
    "<<",
    "=",
    "? a",
    "- a",
    "a: b",
    "@a",
    "%a",
    "`a`",
    "a#b",
    "a #b",
    "",
]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["", "- ", "a: ", "b: ", "on: ", '"q": ', "? ", ": "]),
            st.sampled_from(PIECES),
        ),
        max_size=7,
    )
)
def test_the_same_tree_of_lines(lines: list[tuple[int, str, str]]) -> None:
    text = "\n".join("  " * depth + start + piece for depth, start, piece in lines)
    assert read(compose, text) == read(by_ruamel, text)


@pytest.mark.parametrize(
    "text", ["- " * 100_000, "? " * 100_000, "\n".join(" " * n + "a:" for n in range(3_000))]
)
def test_what_is_too_deep_never_reaches_a_recursion_without_floor(text: str) -> None:
    assert read(compose, text) in ("too deep", "not YAML")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\r\nb: 2",
        "a:\t1",
        "%YAML 1.1\n---\na: on",
        "a: x\u2028b: 1",
        "\ufeffa: 1",
        "a: &x 1\nb: &x 2\nc: *x",
        "a: 1\n---\nb: 2",
    ],
)
def test_where_the_two_might_differ_it_is_ruamel(text: str) -> None:
    assert read(compose, text) == read(by_ruamel, text)


def test_without_libyaml_ruamel_reads_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_tree, "CParser", None)
    assert plain(compose("on: yes")) == plain(by_ruamel("on: yes"))


def test_empty() -> None:
    assert compose("") is None
    assert compose("# nothing\n") is None
