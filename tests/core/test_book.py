import json

from rulesd.core.book import Book, Entry
from rulesd.core.detectors.never import Never
from rulesd.model.event import Json
from rulesd.model.instant import HOUR
from tests.core.plans import burst, rule


def book(max_keys: int = 100, **changes: object) -> Book:
    r = rule(detector=burst(3, 1_000), lateness=0, max_keys=max_keys, **changes)
    return Book(r, None)


def add(b: Book, name: str, at: int) -> Entry:
    entry = Entry((name,), b.rule.detector.start((name,), at))
    entry.state.put(at, 1)  # type: ignore[attr-defined]
    b.add(entry, at, at)
    return entry


def test_a_key_is_found_and_kept_young_by_use() -> None:
    b = book()
    one = add(b, "a", 100_000)
    assert b.get(("a",)) is one
    assert b.get(("zzz",)) is None
    add(b, "b", 200_000)  # the generations turn
    assert b.old
    assert b.get(("zzz",)) is None
    assert b.get(("a",)) is one
    assert ("a",) in b.young
    assert b.peek(("b",)) is not None
    assert len(b) == 2
    assert [e.key for e in b.entries()] == [("a",), ("b",)]
    assert {e.key for e in b.all()} == {("a",), ("b",)}


def test_idle_keys_are_given_up_a_little_at_a_time() -> None:
    b = book()
    for n in range(20):
        add(b, f"old{n}", 100_000)
    for n in range(20):
        add(b, f"new{n}", 100_000 + 10 * HOUR)
    assert len(b) == 20
    assert all(key[0].startswith("new") for key in b.young)
    assert len(b.dirty) >= 20  # the store must hear of what is gone


def test_a_key_with_an_episode_is_never_given_up() -> None:
    b = book()
    entry = add(b, "held", 100_000)
    entry.episode = object()  # type: ignore[assignment]
    for n in range(9):
        add(b, f"n{n}", 100_000 + (n + 1) * 10 * HOUR)
    assert b.peek(("held",)) is entry


def test_the_limit_holds_and_idle_keys_make_room() -> None:
    b = book(max_keys=3)
    for n in range(3):
        add(b, f"k{n}", 100_000)
    assert b.full(100_000)
    assert not b.full(100_000 + 10 * HOUR)
    assert len(b) == 0


def test_forgetting_is_told_to_the_store() -> None:
    b = book()
    add(b, "a", 100_000)
    b.dirty.clear()
    b.forget(("a",))
    assert list(b.dirty) == [("a",)]
    assert len(b) == 0


def test_an_entry_is_written_and_read_back_and_an_unknown_shape_starts_afresh() -> None:
    b = book()
    entry = add(b, "a", 100_000)
    again = book()
    assert again.load_entry(("a",), b.dump_entry(entry))
    assert again.dump_entry(again.young[("a",)]) == b.dump_entry(entry)
    assert not again.load_entry(("a",), [99, "what?", None, 0])
    never = Book(rule(detector=Never()), None)
    assert never.load_entry(("a",), [1, 5, None, 0])


def test_old_keys_make_room_before_the_generations_turn() -> None:
    b = book(max_keys=2)
    add(b, "a", 100_000)
    add(b, "b", 100_000)
    assert b.full(100_000)
    entry = b.peek(("a",))
    assert entry is not None
    entry.episode = object()  # type: ignore[assignment]
    assert b.full(100_000)
    assert len(b) == 2


def test_an_open_episode_is_read_back() -> None:
    from rulesd.core.episode import Episode

    b = book()
    entry = add(b, "a", 100_000)
    entry.episode = Episode(episode="e", at=1, since=1, now=1)
    again = book()
    again.load_entry(("a",), b.dump_entry(entry))
    assert again.young[("a",)].episode is not None


def test_a_full_book_whose_keys_are_all_young_turns_and_looks_at_them() -> None:
    b = book(max_keys=1)
    entry = Entry(("a",), b.rule.detector.start(("a",), 0))
    b.young[entry.key] = entry
    assert not b.full(10 * HOUR)


def test_below_its_limit_a_book_is_not_full() -> None:
    assert not book(max_keys=1).full(0)
    b = book(max_keys=1)
    add(b, "a", 100_000)
    assert b.old
    assert b.full(100_000)


def read(written: bytes) -> Json:
    data: Json = json.loads(written)
    return data


def sleeping(*names: str, at: int = 100_000, max_keys: int = 100) -> Book:
    """A book after a restart: its keys were quiet, and nobody has asked for them since."""
    before, after = book(), book(max_keys=max_keys)
    after.read = read
    for name in names:
        after.asleep[name,] = json.dumps(before.dump_entry(add(before, name, at))).encode()
    return after


def test_a_key_sleeps_until_somebody_asks_for_it() -> None:
    b = sleeping("a", "b", "c")
    assert len(b) == 3
    assert sorted(b.keys()) == [("a",), ("b",), ("c",)]
    assert list(b.awake()) == []
    one = b.get(("a",))
    assert one is not None
    assert one.state.newest == 100_000  # type: ignore[attr-defined]
    assert b.get(("a",)) is one
    assert b.peek(("b",)) is b.get(("b",))
    assert b.peek(("zzz",)) is None
    assert list(b.asleep) == [("c",)]
    assert {e.key for e in b.all()} == {("a",), ("b",), ("c",)}
    assert b.asleep == {}
    assert [e.key for e in sleeping("b", "a").entries()] == [("a",), ("b",)]


def test_keys_that_sleep_are_given_up_when_they_are_idle_and_count_until_then() -> None:
    b = sleeping("a", "b", "c", at=100_000, max_keys=4)
    assert not b.full(100_000)
    add(b, "new", 100_000)
    assert b.full(100_000), "nothing is idle yet, and all have been looked at"
    assert len(b) == 4
    b = sleeping("a", "b", "c", max_keys=3)
    assert not b.full(100_000 + 10 * HOUR)
    assert len(b) == 0
    assert sorted(b.dirty) == [("a",), ("b",), ("c",)]
    b = sleeping("a")
    b.forget(("a",))
    assert (len(b), list(b.dirty)) == (0, [("a",)])


def test_only_open_episodes_are_busy_and_they_come_in_order() -> None:
    b = sleeping("z")
    for name in "cab":
        entry = add(b, name, 100_000)
        entry.episode = None if name == "b" else object()  # type: ignore[assignment]
    assert [e.key for e in b.busy()] == [("a",), ("c",)]


def test_a_full_book_looks_at_a_few_keys_at_a_time_and_at_all_of_them_in_ten_minutes() -> None:
    b = book(max_keys=800)
    for n in range(800):
        entry = Entry((f"k{n}",), b.rule.detector.start(("k",), 0))
        entry.state.put(100_000, 1)  # type: ignore[attr-defined]
        b.young[entry.key] = entry
    late = 100_000 + 2 * HOUR
    assert not b.full(late)
    assert len(b) == 792
    for n in range(8):
        b.young[f"new{n}",] = Entry((f"new{n}",), b.rule.detector.start(("k",), late))
    looked = [n for n in range(60_000) if not b.full(late + n) or len(b) < 800]
    assert looked[0] == 6_000, "eight of 800 each six seconds"


def test_a_time_far_ahead_is_noted_once_however_often_a_nearer_one_comes_between() -> None:
    one = Entry(("k",), None)
    assert one.wakes(1_000)  # a month of silence, say
    for n in range(10, 100, 10):
        assert one.wakes(n)
        assert one.woken(n)
        assert not one.wakes(1_000 + n)  # it stands there already, a little early
        assert one.wake == 1_000
    assert one.wakes(500)
    assert one.wakes(400)
    assert not one.woken(500)
    assert not one.woken(1_000)  # 400 is what counts
    assert (one.wake, one.later) == (400, 0)
    assert one.woken(400)
    assert (one.wake, one.later) == (0, 0)


def test_what_was_told_goes_where_its_key_goes() -> None:
    b = book()
    entry = add(b, "a", 0)
    b.told[entry.key] = (5, 9)
    again = book()
    assert again.load_entry(entry.key, b.dump_entry(entry))
    assert again.told == {entry.key: (5, 9)}
    again.forget(entry.key)
    assert again.told == {}
    b.old, b.young = b.young, {}
    add(b, "b", 100 * HOUR)
    assert (entry.key in b.told, entry.key in b.old) == (False, False)
