from rulesd.core.detectors.slots import WIDTH, Shares, Slots, share
from rulesd.model.instant import HOUR


def test_slots_are_read_once_in_order_when_the_watermark_has_passed_their_end() -> None:
    slots = Slots()
    slots.at(2 * WIDTH, 1)[0] += 5
    slots.at(0, 1)[0] += 3
    slots.at(WIDTH - 1, 1)[0] += 1
    assert slots.due() == WIDTH
    assert slots.ripe(WIDTH - 1) == []
    assert slots.ripe(3 * WIDTH) == [(WIDTH, [4]), (3 * WIDTH, [5])]
    assert slots.ripe(9 * WIDTH) == []
    assert slots.due() is None


def test_what_comes_after_its_slot_was_read_counts_in_the_oldest_unread_one() -> None:
    slots = Slots()
    slots.at(5 * WIDTH, 1)[0] += 1
    slots.ripe(6 * WIDTH)
    slots.at(0, 1)[0] += 7
    assert slots.ripe(7 * WIDTH) == [(7 * WIDTH, [7])]


def test_they_are_written_and_read_back() -> None:
    slots = Slots()
    slots.at(0, 2)[1] += 1
    slots.ripe(WIDTH)
    slots.at(3 * WIDTH, 2)[0] += 1
    again = Slots.load(slots.dump())
    assert (again.next, again.waiting) == (slots.next, slots.waiting)


def test_what_has_nothing_to_say_is_read_an_hour_late_or_when_there_is_much_of_it() -> None:
    slots = Slots()
    assert slots.lazy() is None
    for n in range(15):
        slots.at(n * WIDTH, 1)
        assert slots.lazy() == WIDTH + HOUR
    slots.at(15 * WIDTH, 1)
    assert slots.lazy() == WIDTH


def test_shares_are_counted_in_one_number_each_and_all_together() -> None:
    shares = Shares()
    for at, weight, hit in (
        (0, 1, False),
        (1, 10, True),
        (2 * WIDTH, 7, False),
        (3 * WIDTH, 1, True),
    ):
        shares.count(at, weight, hit)
    assert share(shares.unread) == (19, 11)
    taken = shares.ripe(3 * WIDTH)
    assert [(end, share(counted)) for end, counted in taken] == [
        (WIDTH, (11, 10)),
        (3 * WIDTH, (7, 0)),
    ]
    assert share(shares.unread) == (1, 1)
    shares.count(0, 2, False)  # late: counts in the first that was not read
    assert [(end, share(counted)) for end, counted in shares.ripe(9 * WIDTH)] == [
        (4 * WIDTH, (3, 1))
    ]
    assert shares.unread == 0
    assert shares.ripe(9 * WIDTH) == []


def test_the_weights_of_an_hour_do_not_run_into_the_hits() -> None:
    shares = Shares()
    for _ in range(1_000):
        shares.count(0, 1 << 40, False)
    assert share(shares.unread) == (1_000 << 40, 0)


def test_shares_are_written_and_read_back() -> None:
    for shares in (Shares(), Shares()):
        shares.count(5 * WIDTH, 3, True)
        shares.count(2 * WIDTH, 3, False)
        shares.count(9 * WIDTH, 1, False)
        again = Shares.load(shares.dump())
        assert again.dump() == shares.dump() == [0, [[2, 3, 0], [5, 3, 3], [9, 1, 0]]]
        assert (again.oldest, again.newest, again.unread) == (2, 9, shares.unread)
        assert again.due() == 3 * WIDTH
