from math import log

from rulesd.core.detectors.releases import Releases
from rulesd.model.instant import DAY, HOUR, MINUTE


def test_a_release_is_watched_for_its_time_and_stages_within_an_hour_are_one() -> None:
    pool = Releases()
    assert pool.release(HOUR, DAY) is None
    for at in (10 * HOUR, 10 * HOUR + 30 * MINUTE, 40 * HOUR):
        pool.change(at)
    assert pool.release(10 * HOUR, DAY) is None
    assert pool.release(10 * HOUR + 1, DAY) == 10 * HOUR
    assert pool.release(11 * HOUR, DAY) == 10 * HOUR
    assert pool.release(34 * HOUR, DAY) == 10 * HOUR
    assert pool.release(35 * HOUR, DAY) is None
    assert pool.release(41 * HOUR, DAY) == 40 * HOUR


def test_the_last_eight_are_kept() -> None:
    pool = Releases()
    for day in range(12):
        pool.change(day * DAY)
        pool.change(day * DAY)
    assert pool.changes == [day * DAY for day in range(4, 12)]


def test_segments_pass_together_what_one_alone_would_not() -> None:
    pool, alpha = Releases(), 0.05
    for n in range(9):
        assert not pool.passes((f"t{n}",), 1, 0, 0.0, alpha)
    later = HOUR
    assert not pool.passes(("a",), 1, later, log(150.0), alpha)  # 10 segments: 200 alone
    assert pool.passes(("b",), 1, later + 1, log(230.0), alpha)  # the eleventh: 220 alone
    assert not pool.passes(("a",), 1, later + 2, log(150.0), alpha)  # b has said so just now
    later += 12 * MINUTE
    assert pool.passes(("a",), 1, later, log(150.0), alpha)  # two of eleven: 110 each
    assert not pool.passes(("c",), 1, later, log(60.0), alpha)
    assert not pool.passes(("c",), 1, later, log(19.0), alpha)
    assert pool.passes(("c",), 2, later, log(60.0), alpha)  # another release: the only segment
    assert pool.passes(("c",), 2, later, 1e9, alpha)


def test_segments_that_have_not_spoken_yet_are_on_trial_too() -> None:
    pool, alpha = Releases(), 0.05
    for n in range(100):
        pool.segments.count((f"t{n}",), 0, 1, False, DAY)
    pool.change(1)
    assert pool.known == 100
    assert not pool.passes(("t1",), 1, HOUR, log(1_900.0), alpha)  # 100 segments: 2,000 alone
    assert pool.passes(("t2",), 1, HOUR + 1, log(2_100.0), alpha)
    again = Releases.load(pool.dump())
    assert again.known == 100
    again.segments.close()
    again.change(9)
    assert again.known == 100
    old = pool.dump()
    assert isinstance(old, list)
    assert Releases.load(old[:4]).known == 0


def test_of_each_segment_the_last_frames_are_kept() -> None:
    pool = Releases()
    for frame in range(9):
        pool.passes(("a",), 1, frame * 6 * MINUTE, float(frame), 0.05)
    assert pool.evidence[("a",)] == {n: float(n) for n in range(3, 9)}


def test_it_is_written_and_read_back() -> None:
    pool = Releases()
    pool.change(5)
    pool.passes(("a",), 5, HOUR, 1.5, 0.01)
    pool.segments.count(("a",), 1, 1, True, DAY)
    assert Releases.load(pool.dump()).dump() == pool.dump()


def test_of_two_segments_in_one_slot_neither_waits_for_the_other() -> None:
    def judged(*order: str) -> dict[str, bool]:
        pool = Releases()
        for key in ("a", "b", "c", "d"):
            pool.passes((key,), 1, 0, 0.0, 0.05)
        said = {"a": log(50.0), "b": log(90.0)}  # of four 80 alone, two together 40 each
        return {key: pool.passes((key,), 1, HOUR, said[key], 0.05) for key in order}

    assert judged("a", "b") == judged("b", "a") == {"a": False, "b": True}


def test_what_by_itself_passes_needs_no_others_and_stages_are_found_again() -> None:
    pool = Releases()
    for n in range(9):
        pool.passes((f"t{n}",), 1, 0, 0.0, 0.05)
    assert pool.passes(("a",), 1, HOUR, log(10 / 0.05), 0.05)
    for at in (HOUR, HOUR + MINUTE, 3 * HOUR):
        pool.change(at)
    assert pool.starts == [HOUR, 3 * HOUR]
    assert Releases.load(pool.dump()).starts == pool.starts


def test_the_last_slots_of_a_watch_do_not_undo_what_was_said_in_the_next() -> None:
    pool = Releases()
    for n in range(10):
        pool.passes((f"t{n}",), 2 * DAY, 2 * DAY + HOUR, 0.0, 0.05)
    assert not pool.passes(("a",), DAY, 2 * DAY, 0.0, 0.05)
    assert pool.watched == 2 * DAY
    assert not pool.passes(("t0",), 2 * DAY, 2 * DAY + 2 * HOUR, log(150.0), 0.05)  # 200 alone
