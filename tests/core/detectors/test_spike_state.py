"""What ``spike`` remembers is written and read back as it was, also what older versions wrote."""

from rulesd.core.detectors.history import History
from rulesd.core.detectors.ring import Ring
from rulesd.core.detectors.spike_state import NEVER, Counting, Keys
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, MINUTE


def counting() -> Counting:
    return Counting(Ring(5 * MINUTE, 12), History(HOUR, 30), DAY)


def again(data: Json) -> Counting:
    out = counting()
    out.fill(data)
    return out


def test_a_key_is_read_back_as_it_was() -> None:
    one = counting()
    one.history.add(DAY, 3)
    one.ring.add(DAY, 3, hit=True)
    one.open, one.week, one.since, one.waits = True, 2, HOUR, 300
    assert again(one.dump()).dump() == one.dump()
    one.waits = NEVER
    read = again(one.dump())
    assert (read.waits, read.open, read.since) == (NEVER, True, HOUR)


def test_what_an_older_version_wrote_has_no_forgotten_history() -> None:
    numbers, ring, history = counting().dump()  # type: ignore[misc]
    assert isinstance(numbers, list)
    assert again([numbers[:4], ring, history]).since == 0
    assert Keys.load([5, [[0, 3]]]).watches == []
    assert Keys.load([None, []]).since is None


def test_the_pool_counts_living_keys_of_the_last_weeks() -> None:
    keys = Keys()
    assert keys.alive(0) == 1
    for week in (0, 0, 0, 1, 2, 3):
        keys.live(week)
    assert keys.weeks == {1: 1, 2: 1, 3: 1}
    keys.watches = [7]
    assert Keys.load(keys.dump()).dump() == keys.dump()
    assert keys.alive(3 * 7 * DAY) == 1
    for _ in range(2):
        keys.live(3)
    assert keys.alive(3 * 7 * DAY) == 4
