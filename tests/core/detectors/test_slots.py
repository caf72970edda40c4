from rulesd.core.detectors.slots import WIDTH, Slots
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
