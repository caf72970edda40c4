"""The index finds what asking every silence would find."""

import re

import pytest

from rulesd.core.silence_index import MOST_VALUES, Index, file, label_of
from rulesd.model.silence import Silence, SilenceMatcher
from tests.core.alerts import alert, foreign


def regex(pattern: str) -> object:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(str(error)) from None
    return lambda text: compiled.fullmatch(text) is not None


def silence(id_: str, *matchers: tuple[str, str, str]) -> Silence:
    return Silence(
        id=id_,
        matchers=tuple(
            SilenceMatcher(name=n, value=v, is_regex="~" in op, is_equal="!" not in op)
            for n, op, v in matchers
        ),
        starts_at=0,
        ends_at=10,
        updated_at=0,
        created_by="ana",
        comment="",
    )


def index(*silences: Silence) -> Index:
    made = Index()
    for each in silences:
        made.add(file(each, regex))  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("matcher", "fits", "fits_not"),
    [
        (("tool", "=", "shell"), {"tool": "shell"}, {"tool": "shells"}),
        (("tool", "=", ""), {"a": "b"}, {"tool": "x"}),
        (("tool", "!=", "shell"), {}, {"tool": "shell"}),
        (("tool", "=~", "sh.*"), {"tool": "shell"}, {"tool": "a shell"}),
        (("tool", "=~", "shell|browser"), {"tool": "browser"}, {"tool": "brows"}),
        (("tool", "=~", "shell|"), {}, {"tool": "x"}),
        (("tool", "=~", "sh.*"), {"tool": "sh"}, {"tool": "sh\nell"}),
        (("tool", "=~", "sh.+"), {"tool": "she"}, {"tool": "sh"}),
        (("tool", "=~", ".+"), {"tool": "x"}, {}),
        (("tool", "=~", "s.*l"), {"tool": "shell"}, {"tool": "shells"}),
        (("tool", "=~", "a.b.*"), {"tool": "axbc"}, {"tool": "axc"}),
        (("tool", "!~", "sh.*"), {}, {"tool": "shell"}),
        (("tool", "!~", "shell|browser"), {"tool": "mail"}, {"tool": "shell"}),
    ],
)
def test_every_kind_of_matcher(
    matcher: tuple[str, str, str], fits: dict[str, str], fits_not: dict[str, str]
) -> None:
    made = index(silence("one", matcher))
    assert made.find(fits) == ["one"]
    assert made.find(fits_not) == []


def test_all_matchers_must_agree_and_ids_come_in_order() -> None:
    made = index(
        silence("b", ("tool", "=", "shell")),
        silence("a", ("tool", "=", "shell"), ("tenant", "=~", "ac.*")),
        silence("c", ("tenant", "!=", "acme")),
    )
    assert made.find({"tool": "shell", "tenant": "acme"}) == ["a", "b"]
    assert made.find({"tool": "shell"}) == ["b", "c"]
    assert len(made) == 3
    assert "a" in made


def test_one_with_the_same_id_takes_the_place_and_what_is_removed_is_gone() -> None:
    made = index(silence("a", ("tool", "=~", "x|y")), silence("a", ("tool", "=", "z")))
    assert made.find({"tool": "x"}) == []
    assert made.find({"tool": "z"}) == ["a"]
    made.remove("a")
    made.remove("a")
    assert made.find({"tool": "z"}) == []
    assert not made._by_label
    made.add(file(silence("r", ("tool", "!=", "x")), regex))  # type: ignore[arg-type]
    made.remove("r")
    assert made.find({}) == []


def test_what_stands_beside_it_stays() -> None:
    made = index(*(silence(id_, ("tool", "=", value)) for id_, value in ("ax", "bx", "cy")))
    made.remove("a")
    made.remove("c")
    assert made.find({"tool": "x"}) == ["b"]


def test_what_is_cheap_is_asked_first() -> None:
    filed = file(
        silence("a", ("c", "=~", "x.*y"), ("b", "=~", "x|y"), ("a", "!=", "x")),
        regex,  # type: ignore[arg-type]
    )
    assert [name for name, _ in filed.tests] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("value", "costly"),
    [("a|b", False), ("a.*", False), (".+", False), ("a.*b", True), ("(a)", True)],
)
def test_what_needs_a_regular_expression_is_known(value: str, costly: bool) -> None:
    made = index(silence("a", ("tool", "=~", value)))
    assert made.costly is costly
    made.remove("a")
    assert not made.costly


def test_a_label_without_making_them_all() -> None:
    own = alert(labels={"tenant": "acme", "empty": ""}, context={"model": "m1", "tenant": "x"})
    there = foreign("f", tool="shell", alertname="Disk")
    for one in (own, there):
        every = one.all_labels()
        for name in ("tenant", "model", "empty", "alertname", "owner", "severity", "tool", "zone"):
            assert label_of(one, name) == every.get(name, ""), name


def test_a_glance_passes_over_most() -> None:
    filed = file(
        silence("a", ("tenant", "=~", "acme|globex"), ("tool", "=", "shell"), ("zone", "!=", "x")),
        regex,  # type: ignore[arg-type]
    )
    assert filed.near(alert())
    assert not filed.near(alert(labels={"tenant": "acme", "tool": "mail"}))
    made = Index()
    made.add(filed)
    assert made.get("a") is filed
    assert made.get("b") is None


def test_it_is_filed_where_the_fewest_stand() -> None:
    """Ten thousand silences that all name one alertname are told apart by the other label."""
    many = [
        silence(f"{n}", ("alertname", "=", "x"), ("tenant", "=", f"t{n}")) for n in range(1_000)
    ]
    made = index(*many)
    largest = max(len(there) for by_value in made._by_label.values() for there in by_value.values())
    assert largest == 1
    assert made.find({"alertname": "x", "tenant": "t7"}) == ["7"]


def test_a_long_list_of_alternatives_is_asked_like_any_pattern() -> None:
    names = "|".join(f"v{n}" for n in range(MOST_VALUES + 1))
    made = index(silence("a", ("tool", "=~", names)))
    assert not made._by_label
    assert made.find({"tool": "v3"}) == ["a"]


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="unterminated"):
        file(silence("a", ("tool", "=~", "(")), regex)  # type: ignore[arg-type]


def test_without_matchers_it_would_silence_everything() -> None:
    with pytest.raises(ValueError, match="no matcher"):
        file(silence("a"), regex)  # type: ignore[arg-type]
