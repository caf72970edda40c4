from rulesd.core.detectors.known import Known


def again(known: Known) -> Known:
    return Known.load(known.dump())


def test_a_value_is_new_once_and_its_first_sight_is_the_earliest() -> None:
    known = again(Known())
    assert known.first is None
    assert known.see("a", 100, None, 9) == (True, 100)
    known = again(known)
    assert known.see("a", 50, None, 9) == (False, 50)
    assert known.see("a", 200, None, 9) == (False, 50)
    assert known.first == 50
    assert known.values == {"a": (50, 200)}


def test_what_was_not_seen_for_long_is_new_again() -> None:
    known = Known()
    known.see("a", 0, 10, 9)
    assert known.see("a", 10, 10, 9) == (False, 0)
    assert known.see("a", 21, 10, 9) == (True, 21)


def test_the_value_that_rests_longest_goes_first() -> None:
    known = Known()
    for at, value in enumerate("abac"):
        known.see(value, at, None, 2)
        known.count(value, at, 1, new=True)
    assert set(known.values) == {"a", "c"}
    assert set(known.fresh) == {"a", "c"}


def test_shares_are_counted_for_three_new_values_at_a_time() -> None:
    known = Known()
    for at, value in enumerate("abcdd"):
        known.count(value, at, 2, new=True)
        known = again(known)
    known.count("old", 9, 1, new=False)
    assert list(known.fresh) == ["a", "b", "c"]
    assert known.total is not None
    assert known.total[0].window(0, 1)[0] == 11
    assert known.fresh["b"][1].window(0, 1)[0] == 2


def test_a_late_sight_moves_only_the_end_it_is_beyond() -> None:
    known = Known()
    for at in (50, 90, 70, 20):
        known.see("a", at, None, 9)
    assert known.values == {"a": (20, 90)}
    assert known.first == 20
