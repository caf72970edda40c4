"""Templates of flag keys that can come out the same: exact, against all short flags."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulesd.config.flag_keys import common_flag
from rulesd.model.switch import pattern


@pytest.mark.parametrize(
    ("one", "other", "flag"),
    [
        ("tool.enabled", "tool.enabled", "tool.enabled"),
        ("tool.enabled", "tools.enabled", None),
        ("tool.{tool}.enabled", "tool.shell.enabled", "tool.shell.enabled"),
        ("tool.{tool}.enabled", "tool.enabled", None),
        ("tool.{tool}.enabled", "{area}.shell.enabled", "tool.shell.enabled"),
        ("tool.{tool}.enabled", "tool.{a}.{b}", "tool.x.enabled"),
        ("tool.{tool}.enabled", "tool.{tool}.limit", None),
        # A label's value may have dots in it.
        ("tool.{tool}.enabled", "tool.shell.read.enabled", "tool.shell.read.enabled"),
        ("{a}", "{b}", "x"),
        ("{a}{b}", "y", None),
        ("{a}-{b}", "{a}.{b}", "x-.x"),
        ("a.{x}.b", "a..b", None),
    ],
)
def test_the_shortest_flag_that_both_can_make(one: str, other: str, flag: str | None) -> None:
    found = common_flag(one, other)
    back = common_flag(other, one)
    assert (found is None) == (back is None) == (flag is None)
    if flag is not None:
        assert len(found or "") == len(back or "") == len(flag)
        for each in (found, back):
            assert pattern(one).fullmatch(each or "")
            assert pattern(other).fullmatch(each or "")


TEMPLATES = st.lists(st.sampled_from(["a", "b", ".", "{p}", "{q}"]), min_size=1, max_size=5).map(
    "".join
)
SHORT = ["".join(chars) for n in range(1, 6) for chars in product("ab.", repeat=n)]


@given(TEMPLATES, TEMPLATES)
def test_it_agrees_with_looking_at_every_short_flag(one: str, other: str) -> None:
    found = common_flag(one, other)
    both = [re.compile(p) for p in (pattern(one), pattern(other))]
    short = next((f for f in SHORT if all(p.fullmatch(f) for p in both)), None)
    if short is not None:
        assert found is not None
        assert len(found) == len(short)
    if found is not None:
        assert all(p.fullmatch(found) for p in both)
