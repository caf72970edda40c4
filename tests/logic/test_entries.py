"""Which field a set of rules is split on first."""

from rulesd.logic.cover import Atom, Shape
from rulesd.logic.entries import MAX_COPIES, Entry, Frequencies, best_key, decided, knowing, without

NOBODY = Frequencies(0, {})


def key(field: str, *values: str) -> Atom:
    return Atom(Shape.KEY, (field,), values, False, None)


def test_the_field_that_spares_most_and_of_equals_the_one_of_fewest_values() -> None:
    entries = [Entry(i, 0, (key("kind", f"k{i % 3}"), key("who", f"w{i}"))) for i in range(9)]
    choice = best_key(entries, NOBODY)
    assert choice is not None
    assert (choice.path, choice.distinct, len(choice.taken)) == (("kind",), 3, 9)
    assert choice.spared == 9 - 9 / 4


def test_a_sample_of_events_tells_what_is_frequent() -> None:
    """Nearly all events are of this kind: asking for it spares nothing."""
    entries = [Entry(i, 0, (key("kind", f"k{i % 3}"), key("who", f"w{i}"))) for i in range(9)]
    seen = Frequencies(100, {("kind",): {"k0": 98, "k1": 97, "k2": 99}})
    choice = best_key(entries, seen)
    assert choice is not None
    assert choice.path == ("who",)


def test_lists_too_wide_or_too_long_are_not_keys() -> None:
    wide = [Entry(i, 0, (key("a", "x", "y", "z"),)) for i in range(5)]
    assert best_key(wide, NOBODY) is None
    long = tuple(map(str, range(MAX_COPIES + 1)))
    copied = [Entry(i, 0, (key("a", *long[i:]),), copies=2) for i in range(5)]
    choice = best_key(copied, NOBODY)
    assert choice is None or not set(map(id, copied[:1])) & set(choice.taken)
    assert best_key([], NOBODY) is None


def test_what_is_found_moves_from_atoms_to_used() -> None:
    one, two, three = key("a", "x"), key("b", "y"), key("c", "z")
    entry = Entry(4, 1, (one, two, three))
    below = without(entry, two, 3)
    assert below == Entry(4, 1, (one, three), (two,), (), 3)
    assert decided(below, [one, three]) == Entry(4, 1, (), (two, one, three), (), 3)
    assert knowing(entry, ("b",), "y").values == ((("b",), ("const", "str", "y")),)
