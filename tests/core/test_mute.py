from dataclasses import replace

from rulesd.core.mute import muting
from tests.core.foreigners import FAST, span
from tests.core.plans import T0


def test_a_route_speaks_unless_an_interval_says_otherwise() -> None:
    assert muting(FAST, T0) == ()
    mute = replace(FAST, mute=(span("a", 0, 10), span("b", 5, 20)))
    assert [muting(mute, T0 + s * 1000) for s in (0, 5, 10, 20)] == [("a",), ("a", "b"), ("b",), ()]


def test_a_route_with_active_intervals_speaks_only_in_one_of_them() -> None:
    active = replace(FAST, active=(span("a", 0, 10), span("b", 20, 30)))
    assert [muting(active, T0 + s * 1000) for s in (0, 9.999, 10, 20)] == [(), (), ("a", "b"), ()]
    both = replace(active, mute=(span("m", 5, 6),))
    assert [muting(both, T0 + s * 1000) for s in (5, 6, 12)] == [("m",), (), ("a", "b")]
