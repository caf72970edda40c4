"""What a pattern asks of every text: never more than RE2 finds."""

import random
from typing import Any

import orjson
import pytest

from rulesd.logic.literals import Wanted, wanted
from rulesd.logic.operators import prepared


@pytest.mark.parametrize(
    ("operator", "argument", "expected"),
    [
        ("matches", "^fs[.]", Wanted("starts", ("fs.",), True)),
        ("matches", r"^fs\.read$", Wanted("is", ("fs.read",), True)),
        ("matches", "^fs[.](read|write)$", Wanted("starts", ("fs.",), False)),
        ("matches", "^ab(?:c|d)", Wanted("starts", ("ab",), False)),
        ("matches", "^abc*", Wanted("starts", ("ab",), False)),
        ("matches", "^ab?$", Wanted("starts", ("a",), False)),
        ("matches", "^a{2}", None),
        ("matches", r"^[\](]a|x", None),
        ("matches", "^[]|(]a|x", None),
        ("matches", "^a[]|]", Wanted("starts", ("a",), False)),
        ("matches", "^a|b", None),
        ("matches", "^a[[:alpha:](]|x", None),
        ("matches", r"^a\Q(\E|x", None),
        ("matches", "(?i)^fs", None),
        ("matches", "^fs(?i)x", None),
        ("matches", "^", None),
        ("matches", "fs", None),
        ("matches", "[.]exe$", Wanted("ends", (".exe",), True)),
        ("matches", "a.exe$", None),
        ("matches", "^a$b", Wanted("starts", ("a",), False)),
        ("matches", r"^\d", None),
        ("matches", "^[^a]", None),
        ("glob", "fs.*", Wanted("starts", ("fs.",), True)),
        ("glob", ["fs.*", "db.?"], Wanted("starts", ("fs.", "db."), False)),
        ("glob", ["a", "b", "a"], Wanted("is", ("a", "b"), True)),
        ("glob", "*.read", Wanted("ends", (".read",), True)),
        ("glob", ["*.read", "*x*e"], Wanted("ends", (".read", "e"), False)),
        ("glob", ["a*", "*b"], None),
        ("glob", "*", None),
        ("glob", "", Wanted("is", ("",), True)),
        ("lower", "x", None),
    ],
)
def test_what_is_read(operator: str, argument: Any, expected: Wanted | None) -> None:
    assert wanted(operator, orjson.dumps(argument).decode()) == expected


def has(found: Wanted, text: str) -> bool:
    if found.part == "is":
        return text in found.texts
    return text.startswith(found.texts) if found.part == "starts" else text.endswith(found.texts)


@pytest.mark.parametrize("operator", ["matches", "glob"])
def test_a_text_that_fits_always_has_it(operator: str) -> None:
    """Random patterns of nasty parts against random texts; where it is exact, having it means fitting."""
    r = random.Random(11)
    parts = ["a", "b", "ab", ".", "[.]", r"\.", "*", "+", "?", "|", "(", ")", "(a|b)", "(?:a|b.)", "[ab]", "[^a]", "[]|(]", r"[\](]", "{2}",
             "{1,2}", "$", "^", r"\b", r"\d", "]", "}", "-", r"\-", "[", "[[:alpha:]]", r"\Qa|(\E", "(?i)", "(?s:.)", "é"]  # fmt: skip
    globs = ["a", "b", "ab", ".", "*", "?", "[", "|", "\n", "é"]
    texts = ["".join(r.choices(["a", "b", ".", "|", "(", "]", "-", "\n", "é", "A"], k=r.randint(0, 4))) for _ in range(300)]  # fmt: skip
    read = fits = 0
    for _ in range(4000):
        pieces = r.choices(parts if operator == "matches" else globs, k=r.randint(1, 5))
        pattern = ("^" if operator == "matches" and r.random() < 0.7 else "") + "".join(pieces)
        pattern += "$" if operator == "matches" and r.random() < 0.3 else ""
        try:
            test = prepared(operator, pattern, "")
        except Exception:
            continue
        found = wanted(operator, orjson.dumps(pattern).decode())
        if found is None:
            continue
        read += 1
        for text in (*r.sample(texts, 30), *found.texts, *(t + "b" for t in found.texts)):
            fits += test(text)
            assert has(found, text) or not test(text), (pattern, text)
            assert not found.exact or test(text) or not has(found, text), (pattern, text)
    assert read > 300
    assert fits > 300
