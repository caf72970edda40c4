from rulesd.core.detectors.categories import (
    add_to,
    count_at,
    count_in,
    events,
    folded,
    moved,
    of_shares,
    without,
)


def test_counts_grow_to_the_right() -> None:
    counts = [0, 0]
    count_in(counts, 3, 2)
    count_in(counts, 1, 1)
    assert counts == [5, 1, 0, 2]
    assert (count_at(counts, 3), count_at(counts, 9)) == (2, 0)


def test_sums_differences_and_new_places() -> None:
    total = [1, 1]
    add_to(total, [4, 0, 2])
    add_to(total, [1, 1])
    assert total == [6, 2, 2]
    assert without(total, [[1, 1], [4, 0, 2]]) == [1, 1, 0]
    assert moved([3, 1, 1, 1], {2: 1, 3: 2}) == [3, 2, 1]
    assert moved([2, 2], {}) == [2, 2]


def test_a_sampled_event_is_worth_one() -> None:
    assert events([100, 0, 10]) == 1.0
    assert events([10, 0, 10]) == 10.0
    assert events([]) == events([0, 0]) == 0.0


def test_shares_that_people_wrote() -> None:
    assert of_shares(0.1, [0.6, 0.3]) == [10_000, 1_000, 6_000, 3_000]
    assert events(of_shares(0.0, [0.5, 0.5])) == 10_000


def test_categories_beyond_the_kept_ones_are_others() -> None:
    assert folded([9, 1, 2, 3], 2) == [9, 1, 2, 3]
    assert folded([9, 1, 2, 3, 4, 5], 2) == [9, 10, 2, 3]
    assert folded([], 2) == []
