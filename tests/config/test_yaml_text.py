import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.config.document import MAX_DEPTH, Document
from rulesd.config.problems import Code, Problems
from rulesd.config.yaml_text import read_yaml


def data(text: str) -> object:
    problems = Problems()
    node = read_yaml(text, "a.yaml", problems)
    assert node is not None, problems.sorted()
    return node.data


def codes(text: str) -> list[str]:
    problems = Problems()
    assert read_yaml(text, "a.yaml", problems) is None
    return [p.code for p in problems.sorted()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: [tool.call]", {"on": ["tool.call"]}),
        ("a: yes", {"a": "yes"}),
        ("a: true", {"a": True}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-01-05", {"a": "2026-01-05"}),
        ("a: 0o17", {"a": 15}),
        ("a: 0x1F", {"a": 31}),
        ("a: -7", {"a": -7}),
        ("a: +7", {"a": 7}),
        ("a: 1_000", {"a": 1000}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 5m", {"a": "5m"}),
        ("1: one", {"1": "one"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", {"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ('a: "\\ud800"', {"a": "�"}),
        ("a: !!str 5", {"a": "5"}),
    ],
)
def test_the_core_schema(text: str, value: object) -> None:
    assert data(text) == value


def test_places() -> None:
    text = "a:\n  - x: 1\n    y: {z: two}\n"
    node = read_yaml(text, "a.yaml", Problems())
    assert node is not None
    document = Document(name="a.yaml", shown="a.yaml", root=node, text=text)
    assert document.place(("a", 0, "y", "z")) == (3, 12)
    assert document.place(("a", 0, "y", "z"), key=True) == (3, 9)
    assert document.place(("a", 0, "missing")) == (2, 5)
    assert document.place(("a", 7, "x")) == (2, 3)


def test_a_bomb_of_aliases_is_counted_not_built() -> None:
    rows = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    rows += [
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]" for i in range(8)
    ]
    assert codes("\n".join(rows)) == [Code.TOO_MANY_VALUES]


@pytest.mark.parametrize("depth", [MAX_DEPTH + 5, 5000, 400_000])
def test_nesting(depth: int) -> None:
    assert codes("a: " + "[" * depth + "]" * depth) == [Code.TOO_DEEP]


def test_brackets_in_text_do_not_count_unless_they_pile_up() -> None:
    assert data('a: "' + "[]" * 1000 + '"') == {"a": "[]" * 1000}


def test_deep_blocks() -> None:
    assert codes("\n".join(" " * i + "a:" for i in range(400))) == [Code.TOO_DEEP]


def test_a_number_of_a_thousand_digits() -> None:
    assert codes("a: " + "9" * 1000) == [Code.YAML]


def test_all_duplicate_keys_are_found() -> None:
    assert codes("a: 1\na: 2\nb: {c: 1, c: 2}\n") == [Code.DUPLICATE_KEY] * 2


def test_merging_what_is_no_mapping() -> None:
    assert codes("a: {<<: [1]}") == [Code.KEY]


@given(st.text(max_size=60))
def test_it_never_raises_for_text(text: str) -> None:
    problems = Problems()
    assert (read_yaml(text, "a.yaml", problems) is None) == bool(problems.errors)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%#? \n\t<~0.", max_size=50))
def test_it_never_raises_for_almost_yaml(text: str) -> None:
    problems = Problems()
    assert (read_yaml(text, "a.yaml", problems) is None) == bool(problems.errors)
