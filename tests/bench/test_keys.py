"""A small slice of the flood of keys: what is held, what is told, and that idle keys go."""

from rulesd.model.alert import OVERFLOW
from rulesd.model.instant import HOUR
from rulesd.model.reasons import Reason
from tests.bench.keys import Flood

MANY = 6_000


def test_a_flood_of_keys_is_bounded_told_once_and_gone_when_it_is_over() -> None:
    flood = Flood(2_000)
    flood.send(MANY)
    assert flood.most == len(flood.book) == 2_001, "one more for what has no room"
    assert flood.fired() == [OVERFLOW]
    (told,) = flood.limits()
    assert (told.reason, told.rule, told.limit) == (Reason.KEY_LIMIT, "test.keys", 2_000)
    assert flood.pages() == 1
    flood.wait(2 * HOUR)
    flood.send(MANY)
    assert [d.limit for d in flood.limits()] == [2_000, 2_000], "once an hour"
    assert flood.fired() == [OVERFLOW, OVERFLOW]
    kept = {who for (who,) in flood.book.keys()} - {OVERFLOW}  # noqa: SIM118 - a method of its own
    assert len(kept) == 2_000
    assert min(kept) >= f"conv-{MANY:08d}", "those of before the silence have made room"


def test_below_its_limit_nothing_is_told_and_idle_keys_go_two_for_each_new_one() -> None:
    flood = Flood(None)
    flood.send(4_000)
    assert len(flood.book) == 4_000
    flood.wait(2 * HOUR)
    flood.send(2_010)
    assert flood.said == []
    assert len(flood.book) == 2_010
