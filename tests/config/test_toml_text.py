import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.config.document import Document
from rulesd.config.problems import Code, Problems
from rulesd.config.toml_text import read_toml

RULE = """id = "tool.x"
by = ["tenant", "tool"]

[detect.burst]
count = 3
  within = "5m"

[[tests]]
name = "one"
[[tests.events]]
at = "0s"
[[tests.events]]
at = "1s"

[[tests]]
name = "two"
"a key" = 1
"""


def test_keys_and_values_that_start_a_line_have_their_places() -> None:
    node = read_toml(RULE, "a.toml", Problems())
    assert node is not None
    document = Document(name="a.toml", shown="a.toml", root=node, text=RULE)
    assert document.place(("id",)) == (1, 6)
    assert document.place(("id",), key=True) == (1, 1)
    assert document.place(("by", 1)) == (2, 6)
    assert document.place(("detect", "burst", "within")) == (6, 12)
    assert document.place(("detect", "burst", "within"), key=True) == (6, 3)
    assert document.place(("detect", "burst"), key=True) == (4, 1)
    assert document.place(("tests", 0, "events", 1, "at")) == (13, 6)
    assert document.place(("tests", 1, "name")) == (16, 8)
    assert document.place(("tests", 1, "a key"), key=True) == (17, 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('a = "x', (1, 7, Code.TOML)),
        ("a = 1\nb = [1,", (2, 8, Code.TOML)),
        ("a = 1\nb = = 2\n", (2, 5, Code.TOML)),
        ("a = 1\na = 2\n", (2, 6, Code.DUPLICATE_KEY)),
        ("a = inf\n", (1, 5, Code.NOT_FINITE)),
        ("a = " + "[" * 150 + "]" * 150, (1, 5, Code.TOO_DEEP)),
    ],
)
def test_mistakes(text: str, place: tuple[int, int, str]) -> None:
    problems = Problems()
    assert read_toml(text, "a.toml", problems) is None
    assert [(p.line, p.column, p.code) for p in problems.sorted()] == [place]


def test_times_become_text() -> None:
    node = read_toml("a = 2026-01-05T09:00:00Z\n", "a.toml", Problems())
    assert node is not None
    assert node.data == {"a": "2026-01-05T09:00:00+00:00"}


@given(st.text(alphabet="ab=[].\"'\n{},1# ", max_size=60))
def test_it_never_raises(text: str) -> None:
    problems = Problems()
    assert (read_toml(text, "a.toml", problems) is None) == bool(problems.errors)
