from random import Random

import pytest

from rulesd.core.detectors.evidence import expit
from rulesd.core.detectors.segments import WEEK, Segments
from rulesd.model.instant import DAY, HOUR


def learned(rows: dict[tuple[str, ...], tuple[int, int]], weight: int = 1) -> Segments:
    """A pool that has seen (trials, hits) of each key, evenly over a week."""
    pool = Segments()
    for key, (trials, hits) in rows.items():
        for n in range(trials):
            pool.count(key, n * WEEK // max(trials, 1), weight, n < hits, WEEK)
    pool.close()
    return pool


def share(pool: Segments, key: tuple[str, ...], trials: int = 0, hits: int = 0) -> float:
    return expit(pool.posterior(key, trials, hits)[0])


def test_a_small_segment_leans_on_the_whole_and_a_large_one_stands_alone() -> None:
    pool = learned({(f"t{n}",): (500, 25) for n in range(8)})
    assert share(pool, ("new",)) == pytest.approx(0.05, rel=0.05)
    assert 0.05 < share(pool, ("t0",), 10, 5) < 0.12
    assert share(pool, ("t0",), 50_000, 10_000) == pytest.approx(0.2, rel=0.05)


def test_segments_that_differ_lend_less() -> None:
    alike = learned({(f"t{n}",): (1_000, 100) for n in range(6)})
    apart = learned({(f"t{n}",): (1_000, 10 + 60 * n) for n in range(6)})
    assert alike.cv2 < apart.cv2
    assert alike.posterior(("new",), 0, 0)[1] < apart.posterior(("new",), 0, 0)[1]
    assert abs(share(apart, ("x",), 100, 1) - 0.01) < abs(share(alike, ("x",), 100, 1) - 0.01)


def test_what_labels_have_in_common_is_borrowed() -> None:
    rows = {
        (t, h): (400, round(400 * p)) for t in "abc" for h, p in (("weapons", 0.5), ("legal", 0.04))
    }
    pool = learned(rows)
    assert share(pool, ("new", "weapons")) == pytest.approx(0.5, abs=0.06)
    assert share(pool, ("new", "legal")) == pytest.approx(0.04, abs=0.015)
    assert 0.04 < share(pool, ("new", "new")) < 0.5


def test_one_value_of_a_label_says_nothing_about_that_label() -> None:
    assert learned({("a", "x"): (100, 10), ("a", "y"): (100, 20)}).effects[0] == {}


def test_doubt_shrinks_with_evidence() -> None:
    pool = learned({(f"t{n}",): (500, 25) for n in range(8)})
    doubts = [pool.posterior(("t0",), n, n // 20)[1] for n in (0, 100, 1_000, 10_000)]
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[-1] == pytest.approx(1 / (10_000 * 0.05 * 0.95) ** 0.5, rel=0.1)


def test_thresholds_are_shared_by_the_roots_of_the_traffic() -> None:
    pool = learned({("big",): (900, 90), ("small",): (100, 10)})
    assert pool.part(900) == pytest.approx(0.9**0.5 * (0.9**0.5 + 0.1**0.5))
    assert pool.part(100) < pool.part(900)
    assert pool.part(0) == 1.0
    assert sum(t / (pool.part(t) * 1_000) for t in (900, 100)) == pytest.approx(1.0)
    assert Segments().part(5) == 1.0


def test_a_sampled_event_is_one_piece_of_evidence() -> None:
    plain, sampled = learned({("a",): (1_000, 50)}), learned({("a",): (1_000, 50)}, weight=10)
    assert sampled.deff == 10.0
    assert sampled.posterior(("a",), 10_000, 500) == pytest.approx(
        plain.posterior(("a",), 1_000, 50), rel=0.01
    )
    assert sampled.volume(WEEK, WEEK) == plain.volume(WEEK, WEEK) == 1_000


def test_the_volume_is_that_of_the_busier_of_two_whole_weeks() -> None:
    pool = Segments()
    for day in range(21):
        for _ in range(10 if day < 7 else 20 if day < 14 else 1):
            pool.count(("a",), day * DAY, 1, False, DAY)
    assert pool.volume(6 * DAY, DAY) == 70.0  # of the first day, in a week
    assert pool.volume(7 * DAY, DAY) == 70.0
    assert pool.volume(15 * DAY, DAY) == 140.0
    assert pool.volume(22 * DAY, DAY) == 140.0
    assert pool.volume(29 * DAY, DAY) == 7.0
    assert Segments().volume(0, DAY) == 1.0
    for week in range(9):
        pool.count(("a",), week * WEEK, 1, False, DAY)
    assert len(pool.weeks) == 4


def test_the_beginning_moves_back_for_stragglers_and_not_for_broken_clocks() -> None:
    pool = Segments()
    pool.count(("a",), 10 * DAY, 1, False, WEEK)
    pool.count(("a",), 10 * DAY - HOUR // 2, 1, False, WEEK)
    assert pool.mature(WEEK) == 17 * DAY - HOUR // 2
    pool.count(("a",), 0, 1, False, WEEK)
    assert pool.mature(WEEK) == 17 * DAY - HOUR // 2
    pool.close()
    pool.count(("a",), 10 * DAY - HOUR, 1, False, WEEK)
    assert pool.mature(WEEK) == 17 * DAY - HOUR // 2
    assert pool.tallies == {}


def test_nothing_is_learned_from_nothing() -> None:
    pool = learned({})
    assert pool.posterior(("a",), 0, 0)[1] > 0
    pool = learned({("a",): (0, 0), ("b",): (3, 0)})
    assert share(pool, ("b",), 3, 0) < 0.5


def test_after_the_learning_time_it_is_only_counted() -> None:
    pool = Segments()
    pool.count(("a",), 0, 1, True, WEEK)
    pool.count(("a",), WEEK, 1, True, WEEK)
    assert pool.weight == 1
    assert pool.weeks == {0: 1, 1: 1}


def test_the_order_of_arrival_does_not_matter() -> None:
    events = [((f"t{n % 3}", f"h{n % 2}"), n * 1_000, 1 + n % 2, n % 7 == 0) for n in range(300)]
    dumps = []
    for seed in (0, 1, 2):
        pool, some = Segments(), list(events)
        Random(seed).shuffle(some)
        for key, at, weight, hit in some:
            pool.count(key, at, weight, hit, WEEK)
        pool.close()
        dumps.append(pool.dump())
    assert dumps[0] == dumps[1] == dumps[2]


def test_it_is_written_and_read_back() -> None:
    pool = Segments()
    assert Segments.load(pool.dump()).since is None
    for n in range(200):
        pool.count((f"t{n % 3}", "h"), n * HOUR, 2, n % 9 == 0, 30 * DAY)
    for n in range(12):
        pool.watch(n)
    pool.watch(11)
    assert pool.watches == [4, 5, 6, 7, 8, 9, 10, 11]
    assert Segments.load(pool.dump()).dump() == pool.dump()
    pool.close()
    again = Segments.load(pool.dump())
    assert again.dump() == pool.dump()
    assert again.posterior(("t0", "h"), 10, 1) == pool.posterior(("t0", "h"), 10, 1)


def test_the_newest_week_is_counted_without_looking_and_older_ones_are_not_forgotten() -> None:
    pool = Segments()
    for day in range(8):
        pool.count(("a",), day * DAY, 1, False, DAY)
    pool.close()
    pool.count(("a",), 8 * DAY, 1, False, DAY)
    edition, volume = pool.edition, pool.volume(8 * DAY, DAY)
    for _ in range(50):
        pool.count(("a",), 9 * DAY, 1, True, DAY)
    assert pool.edition is edition
    assert pool.weeks == {0: 7, 1: 52}
    assert pool.volume(8 * DAY, DAY) == volume == 7.0
    pool.count(("a",), 2 * DAY, 3, False, DAY)  # late: more of the week before
    assert pool.edition is not edition
    assert pool.volume(8 * DAY, DAY) == 10.0
    assert pool.volume(15 * DAY, DAY) == 52.0
    pool.count(("a",), 9 * DAY, 1, False, DAY)
    assert pool.volume(15 * DAY, DAY) == 53.0
    pool.count(("a",), 15 * DAY, 1, False, DAY)
    assert pool.weeks == {0: 10, 1: 53, 2: 1}
    assert Segments.load(pool.dump()).volume(15 * DAY, DAY) == 53.0
    assert pool.week_ends(8 * DAY) == 14 * DAY
    assert pool.week_ends(14 * DAY) == 21 * DAY
    assert Segments().week_ends(0) == WEEK


def test_stages_within_an_hour_are_one_release_and_half_its_effects_begin_over_six_hours() -> None:
    pool = Segments()
    assert not pool.watched(0)
    edition = pool.edition
    for at in (10 * HOUR, 10 * HOUR + HOUR // 2, 11 * HOUR):
        pool.watch(at)
    assert pool.edition is not edition
    assert pool.releases == [10 * HOUR, 11 * HOUR]
    assert Segments.load(pool.dump()).releases == pool.releases
    assert pool.watched(17 * HOUR - 1)
    assert not pool.watched(17 * HOUR)
    assert pool.begun(9 * HOUR, [10 * HOUR - 1, 10 * HOUR, 10 * HOUR + 6]) == pytest.approx(
        [0.0, 0.5, 0.5 * 6 / (6 * HOUR)]
    )
    steady = pool.begun(12 * HOUR, [13 * HOUR, 15 * HOUR])
    assert steady == pytest.approx([2 * 0.5 / 6, 2 * 0.5 * 2 / 6])
    over = pool.begun(12 * HOUR, [15 * HOUR, 20 * HOUR])
    assert over == pytest.approx([2 * 0.5 * 3 / 6, 0.5 / 6 + 0.5 * 2 / 6])
    assert sum(pool.begun(0, [n * HOUR for n in range(9, 20)])) == pytest.approx(2.0)


def test_what_begins_is_bounded() -> None:
    rng, pool = Random(8), Segments()
    assert pool.begun_at_most(0, DAY) == 0.0
    for _ in range(6):
        pool.watch(rng.randrange(DAY))
    exact = 0
    for _ in range(500):
        last = rng.randrange(2 * DAY)
        end = last + rng.randrange(1, 8 * HOUR)
        begun = pool.begun(last, [end])[0] if pool.watched(last) else 0.0
        assert begun <= pool.begun_at_most(last, end) + 1e-12
        exact += pool.begun_at_most(last, end) == pytest.approx(begun)
    assert exact > 200


def test_a_watch_is_over_after_a_day() -> None:
    pool = Segments()
    assert pool.settles(0) > 10**15
    pool.watch(10 * HOUR)
    pool.watch(40 * HOUR)
    assert pool.settles(0) == 10 * HOUR + DAY
    assert pool.settles(10 * HOUR + DAY - 1) == 10 * HOUR + DAY
    assert pool.settles(10 * HOUR + DAY) == 40 * HOUR + DAY
    assert pool.settles(40 * HOUR + DAY) > 10**15
