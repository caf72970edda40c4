import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.config.json_text import read_json
from rulesd.config.problems import Code, Problems


def places(text: str) -> list[tuple[int, int, str]]:
    problems = Problems()
    assert read_json(text, "a.json", problems) is None
    return [(p.line, p.column, p.code) for p in problems.sorted()]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,}', (1, 9, Code.JSON)),
        ('{"a": 1\n "b": 2}', (2, 2, Code.JSON)),
        ('{"a" 1}', (1, 6, Code.JSON)),
        ("{a: 1}", (1, 2, Code.JSON)),
        ('{"a": [1, 2}', (1, 12, Code.JSON)),
        ('{"a": nope}', (1, 7, Code.JSON)),
        ('{"a": NaN}', (1, 7, Code.JSON)),
        ('{"a": 01}', (1, 8, Code.JSON)),
        ('{"a": "x\ny"}', (1, 9, Code.JSON)),
        ('{"a": "x', (1, 7, Code.JSON)),
        ('{"a": 1} x', (1, 9, Code.JSON)),
        ('{"a": 1e999}', (1, 7, Code.NOT_FINITE)),
        ('{"a": 1,\n "a": 2}', (2, 2, Code.DUPLICATE_KEY)),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", (1, 107, Code.TOO_DEEP)),
    ],
)
def test_what_is_not_json_is_shown_where_it_stops_being_it(
    text: str, place: tuple[int, int, str]
) -> None:
    assert places(text) == [place]


def test_every_key_and_value_has_its_place() -> None:
    node = read_json('{\n  "a": {"b": [1,\n    "x"]}\n}', "a.json", Problems())
    assert node is not None
    assert node.fields is not None
    (key, a) = node.fields["a"]
    assert (key, a.place) == ((2, 3), (2, 8))
    assert a.fields is not None
    items = a.fields["b"][1].items
    assert items is not None
    assert [i.place for i in items] == [(2, 15), (3, 5)]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_it_reads_what_the_standard_library_writes(value: object) -> None:
    problems = Problems()
    node = read_json(json.dumps(value, indent=1), "a.json", problems)
    assert node is not None, problems.sorted()
    assert node.data == value


@given(st.text(alphabet='{}[]",:0-1e.x \n\\tu', max_size=40))
def test_it_agrees_with_the_standard_library_about_what_is_json(text: str) -> None:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({k for k, _ in pairs}) < len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    def refuse(_: str) -> object:
        raise ValueError("not JSON")

    try:
        json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
        good = "1e" not in text  # Numbers too large are refused here.
    except ValueError:
        good = False
    node = read_json(text, "a.json", Problems())
    if good:
        assert node is not None
    elif "e" not in text:
        assert node is None
