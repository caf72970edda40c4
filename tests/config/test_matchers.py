"""Alertmanager's own examples (configuration.md, "Label matchers"), and its classic grammar."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.config.matchers import key_of, matcher, ordered, parse_matchers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("foo = bar", [("foo", "=", "bar")]),
        ("dings != bums", [("dings", "!=", "bums")]),
        ('severity =~ "warning|critical"', [("severity", "=~", "warning|critical")]),
        (
            '{alertname="Watchdog", severity=~"warning|critical",}',
            [("alertname", "=", "Watchdog"), ("severity", "=~", "warning|critical")],
        ),
        (
            'alertname="Watchdog", severity!~"a"',
            [("alertname", "=", "Watchdog"), ("severity", "!~", "a")],
        ),
        ('{\n  a = "b",\n  c != "d",\n}', [("a", "=", "b"), ("c", "!=", "d")]),
        ('foo = "bar,baz"', [("foo", "=", "bar,baz")]),
        (
            r'{quote=~"She said: \"Hi, all!( How\'re you…)?\""}',
            [("quote", "=~", 'She said: "Hi, all!( How\'re you…)?"')],
        ),
        (r'foo="\\d+"', [("foo", "=", r"\d+")]),
        (r'foo="\xf0\x9f\x99\x82"', [("foo", "=", "🙂")]),
        (r'foo="é"', [("foo", "=", "é")]),
        ('"näme"="x"', [("näme", "=", "x")]),
        ("Προμηθεύς=1", [("Προμηθεύς", "=", "1")]),
        ('a=""', [("a", "=", "")]),
        # only the classic grammar takes these
        ("foo=", [("foo", "=", "")]),
        ('{a="b"', [("a", "=", "b")]),
        (r'a="\q"', [("a", "=", r"\q")]),
        ("foo=bar baz", [("foo", "=", "bar baz")]),
        (r"foo=~5..\d", [("foo", "=~", r"5..\d")]),
        ("statuscode=~5.., a=b", [("statuscode", "=~", "5.."), ("a", "=", "b")]),
    ],
)
def test_grammar(text: str, found: list[tuple[str, str, str]]) -> None:
    assert [(m.name, m.op, m.value) for m in parse_matchers(text)] == found


@pytest.mark.parametrize(
    "text", ["", "{}", "severity", "=x", 'a="b', 'a="b" c="d"', "1x=y z", 'a=~"("']
)
def test_what_is_no_matcher(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_matchers(text)


@pytest.mark.parametrize(
    ("op", "value", "text", "holds"),
    [
        ("=", "a", "a", True),
        ("=", "", "", True),
        ("!=", "a", "", True),
        ("=~", "a|b", "b", True),
        ("=~", "a|b", "ab", False),
        ("=~", ".*", "", True),
        ("=~", "a.c", "a\nc", False),
        ("!~", "a|b", "ab", True),
        ("!~", ".+", "", True),
    ],
)
def test_meaning_is_anchored_and_missing_is_empty(
    op: str, value: str, text: str, holds: bool
) -> None:
    assert matcher("x", op, value).test(text) is holds


def test_order_and_key_are_alertmanagers() -> None:
    found = parse_matchers('c=~"d",a="b",a="a"')
    assert key_of(ordered(found)) == '{a="a",a="b",c=~"d"}'
    assert key_of(()) == "{}"
    assert key_of(parse_matchers(r'a="x\"y\\z\n"')) == r'{a="x\"y\\z\n"}'


@given(st.text(max_size=30))
def test_any_text_is_matchers_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_matchers(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
def test_what_is_printed_reads_the_same(value: str) -> None:
    one = matcher("name", "=", value)
    assert parse_matchers(str(one))[0].value == value
