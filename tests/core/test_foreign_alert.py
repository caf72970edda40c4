"""One alert of another system: what is written down comes back, and what is known is kept once."""

from dataclasses import replace

import pytest

from rulesd.core.foreign_alert import (
    dump_foreign,
    end_of,
    fires,
    load_foreign,
    merge,
    opened,
    renewed,
    told_by,
)
from rulesd.core.machine import NOT_DUE
from rulesd.model.alert import Alert, Foreign
from rulesd.model.reasons import AlertState
from tests.core.foreigners import posted
from tests.core.plans import T0
from tests.model.test_alert import alert as own


def known(text: str = "A x=1", note: str = "n", ended_at: int | None = None) -> Alert:
    item = posted(text, note=note)
    return opened("f" * 16, "id", dict(item.labels), told_by(item, None, T0), T0, ended_at)


def times(starts: int, ends: int, *, timeout: bool = False) -> Foreign:
    told = told_by(posted("A", timeout=timeout), None, 0)
    return replace(told, starts_at=starts, ends_at=ends)


def test_what_is_on_says_when_it_is_over() -> None:
    assert fires(known())
    assert not fires(known(ended_at=T0))
    assert end_of(known()) == T0 + 10_000_000
    assert end_of(own()) == NOT_DUE


@pytest.mark.parametrize(
    ("old", "new", "now", "expected"),
    [
        (times(0, 10), times(20, 30), 15, (20, 30)),
        (times(0, 10), times(5, 30), 6, (0, 30)),
        (times(0, 30), times(5, 20), 6, (0, 30)),
        (times(0, 30, timeout=True), times(0, 20), 6, (0, 20)),
        (times(0, 30), times(0, 5), 6, (0, 5)),
        (times(0, 5), times(2, 4), 6, (0, 5)),
    ],
)
def test_merge(old: Foreign, new: Foreign, now: int, expected: tuple[int, int]) -> None:
    made = merge(old, new, now)
    assert (made.starts_at, made.ends_at) == expected


def test_texts_that_are_the_same_as_before_are_kept_once() -> None:
    before = known()
    assert before.foreign is not None
    again = told_by(posted("A x=1", note="n"), before, T0 + 1)
    assert again.annotations is before.foreign.annotations
    other = told_by(posted("A x=1", note="other"), before, T0 + 1)
    assert other.annotations == {"note": "other"}
    short = replace(posted("A x=1"), labels={}, annotations={})
    assert told_by(short, before, T0 + 1) == again


def test_an_episode_goes_on_with_what_is_known_now() -> None:
    before = replace(known(), acknowledged_by="jane")
    told = replace(told_by(posted("A x=1"), None, T0 + 5), starts_at=T0 - 7)
    on, over = renewed(before, told, None), renewed(before, told, T0 + 9)
    assert (on.state, on.ended_at, on.since, on.acknowledged_by) == (
        AlertState.FIRING,
        None,
        T0 - 7,
        "jane",
    )
    assert (over.state, over.ended_at, over.alert) == (AlertState.RESOLVED, T0 + 9, before.alert)


@pytest.mark.parametrize("by", ["", "jane"])
@pytest.mark.parametrize("ended_at", [None, T0 + 3])
def test_what_is_written_comes_back(by: str, ended_at: int | None) -> None:
    one = replace(known(ended_at=ended_at), acknowledged_by=by)
    assert load_foreign("f" * 16, dump_foreign(one), dict) == one
