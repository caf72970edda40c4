from rulesd.core.detectors.panes import Panes, Tally, number
from tests.core.plans import field


def test_a_window_is_what_its_panes_hold() -> None:
    panes = Panes(60_000, 4)
    for at, value in ((0, 3.0), (59_999, -1.0), (60_000, 5.0), (240_000, 7.0)):
        assert panes.add(at, value, 2) == at // 60_000
    again = Panes(60_000, 4)
    again.fill(panes.dump())
    for each in (panes, again):
        assert each.window(1, 4) == Tally(6, 14.0, 140.0, -1.0, 5.0)
        assert each.window(4, 3) == Tally(2, 14.0, 196.0, 7.0, 7.0)
        assert each.window(3, 2).values == 0
        assert each.after(1) == 4
        assert (each.total_of(1, 4), each.squares_of(1, 4)) == (14.0, 140.0)
        assert (each.first_in(4, 4), each.first_in(3, 2)) == (1, None)
        assert each.after(4) is None


def test_what_is_too_old_is_not_counted_and_what_gets_too_old_goes() -> None:
    panes = Panes(60_000, 4)
    panes.add(0, 1.0, 1)
    panes.add(60_000 * 7, 1.0, 1)
    assert panes.window(7, 7).values == 1
    assert panes.add(0, 1.0, 1) is None
    assert panes.add(120_000, 1.0, 1) == 2
    assert panes.add(60_000, 1.0, 1) == 1
    assert panes.add(60_000, 2.0, 1) == 1
    assert panes.window(7, 7).values == 4
    panes.add(60_000 * 15, 1.0, 1)
    assert list(panes.held) == [15]


def test_before_1970_is_a_time_too() -> None:
    panes = Panes(60_000, 4)
    assert panes.add(-1, 1.0, 1) == -1
    assert panes.add(-1, 1.0, 1) == -1
    assert panes.window(-1, 1).values == 2


def test_only_numbers_are_measures() -> None:
    for odd in (True, None, "3", [3], {}, 10**400, 1e305):
        assert number(field("x"), {"x": odd}) is None
    assert number(field("x"), {"x": 3}) == 3.0
