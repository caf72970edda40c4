"""Groups speak in order of their deadlines, each once for the earliest it has."""

from rulesd.core.group import Group
from rulesd.core.machine import NOT_DUE
from rulesd.core.ticks import Ticks
from tests.core.foreigners import FAST


def group(name: str, tick: int | None) -> Group:
    made = Group(FAST, "default", name, {}, name)
    made.tick = tick
    return made


def test_the_earliest_deadline_counts_and_each_group_is_taken_once() -> None:
    ticks = Ticks()
    assert ticks.due == NOT_DUE
    late, soon, never = group("late", 30), group("soon", 20), group("never", None)
    groups = {g.id: g for g in (late, soon, never)}
    assert [ticks.arm(g) for g in (late, soon, never)] == [True, True, False]
    assert ticks.due == 20
    assert ticks.take(groups, 19) is None
    assert ticks.take(groups, 40) is soon
    assert soon.armed is None
    assert ticks.take(groups, 40) is late
    assert ticks.take(groups, 40) is None


def test_what_is_out_of_date_or_gone_is_passed_over() -> None:
    ticks = Ticks()
    moved, gone = group("moved", 30), group("gone", 25)
    ticks.arm(moved)
    ticks.arm(gone)
    moved.urgent = 10
    assert ticks.arm(moved)
    moved.urgent = 20
    assert not ticks.arm(moved)  # An earlier one is waited for already.
    groups = {moved.id: moved}
    assert ticks.take(groups, 50) is moved
    moved.urgent, moved.tick = None, 60
    ticks.arm(moved)
    assert ticks.take(groups, 50) is None
    assert ticks.take(groups, 60) is moved


def test_it_is_rebuilt_from_the_groups_as_they_are() -> None:
    ticks = Ticks()
    one, two, none = group("one", 30), group("two", 20), group("none", None)
    none.armed = 5
    ticks.rebuild([one, two, none])
    assert [g.armed for g in (one, two, none)] == [30, 20, None]
    assert ticks.due == 20
    assert ticks.take({g.id: g for g in (one, two)}, 30) is two
