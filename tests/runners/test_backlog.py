import random

from rulesd.ports.store import OutboxRow
from rulesd.runners.backlog import Backlog


def row(
    id_: str, incident: str = "", priority: int = 0, created: int = 0, **given: int
) -> OutboxRow:
    return OutboxRow(
        id=id_,
        receiver="r",
        channel="c",
        incident=incident or id_,
        priority=priority,
        created=created,
        body=b"",
        **given,
    )


def drain(backlog: Backlog, now: int = 0) -> list[str]:
    out = []
    while (one := backlog.take(now)) is not None:
        out.append(one.id)
        backlog.done(one)
    return out


def test_worst_first_then_oldest() -> None:
    backlog = Backlog()
    for one in (row("low", priority=3, created=1), row("new", created=9), row("old", created=5)):
        assert backlog.add(one)
    assert drain(backlog) == ["old", "new", "low"]
    assert len(backlog) == 0


def test_a_row_is_taken_once() -> None:
    backlog = Backlog()
    assert backlog.add(row("a"))
    assert not backlog.add(row("a"))
    assert drain(backlog) == ["a"]
    assert backlog.add(row("a"))  # told again after its end: the caller's business


def test_rows_of_one_incident_leave_strictly_in_turn() -> None:
    backlog = Backlog()
    backlog.add(row("1", "i", priority=7))
    first = backlog.take(0)
    assert first is not None
    backlog.add(row("2", "i", priority=0))
    assert backlog.take(0) is None  # the first one is still out
    backlog.later(first, attempts=1, next_at=50)
    assert backlog.take(49) is None
    assert backlog.next_at() == 50
    again = backlog.take(50)
    assert again is not None
    assert (again.id, again.attempts) == ("1", 1)
    backlog.done(again)
    assert drain(backlog) == ["2"]


def test_an_incident_whose_row_is_out_is_not_taken_again() -> None:
    backlog = Backlog()
    backlog.add(row("1", "i"))
    backlog.add(row("2", "i"))  # a second entry for the same incident
    assert backlog.take(0) is not None
    assert backlog.take(0) is None


def test_a_page_behind_a_quiet_row_pulls_its_incident_forward() -> None:
    backlog = Backlog()
    backlog.add(row("other", priority=2))
    backlog.add(row("quiet", "i", priority=8))
    backlog.add(row("page", "i", priority=0))
    assert drain(backlog) == ["quiet", "page", "other"]


def test_rows_rest_until_their_time_and_wake_together() -> None:
    backlog = Backlog()
    backlog.add(row("a", next_at=100))
    backlog.add(row("b", next_at=200, priority=0))
    assert backlog.next_at() == 100
    assert drain(backlog, 150) == ["a"]
    backlog.wake_all()
    assert backlog.next_at() == 0
    assert drain(backlog, 150) == ["b"]
    assert backlog.next_at() is None


def test_a_probe_takes_a_resting_row() -> None:
    backlog = Backlog()
    backlog.add(row("low", next_at=100, priority=3))
    backlog.add(row("high", next_at=900, priority=0))
    assert backlog.take(0) is None
    probe = backlog.take(0, rested=False)
    assert probe is not None
    assert probe.id == "high"


def test_what_is_out_can_be_put_back() -> None:
    backlog = Backlog()
    backlog.add(row("a"))
    backlog.add(row("b", created=1))
    first, second = backlog.take(0), backlog.take(0)
    assert first is not None
    assert second is not None
    assert backlog.take(0) is None
    backlog.put_back(first)
    again = backlog.take(0)
    assert again is first  # and the other is still out
    assert backlog.take(0) is None
    backlog.done(second)
    backlog.put_back(second)
    backlog.put_back(first)
    assert drain(backlog) == ["a"]


def test_oldest_and_follower() -> None:
    backlog = Backlog()
    assert backlog.oldest() is None
    backlog.add(row("a", "i", created=7))
    backlog.add(row("b", "i", created=8))
    backlog.add(row("c", created=5))
    assert backlog.oldest() == 5
    assert [r.id for r in backlog.rows()] == ["a", "b", "c"]
    follower = backlog.follower(row("a", "i"))
    assert follower is not None
    assert follower.id == "b"
    assert backlog.follower(row("c")) is None


def test_any_mix_of_additions_failures_and_ends_loses_nothing_and_keeps_turns() -> None:
    """A thousand random lives: every row ends exactly once, incidents in order, nothing left behind."""
    rng = random.Random(11)
    for _ in range(60):
        backlog, now, made, ended = Backlog(), 0, 0, []
        out: list[OutboxRow] = []
        while made < 40 or len(backlog):
            now += rng.randrange(5)
            act = rng.random()
            if act < 0.4 and made < 40:
                backlog.add(
                    row(
                        f"{made:03d}",
                        incident=f"i{rng.randrange(6)}",
                        priority=rng.randrange(9),
                        created=now,
                        next_at=rng.choice([0, 0, now + 3]),
                    )
                )
                made += 1
            elif act < 0.7:
                one = backlog.take(now, rested=rng.random() < 0.9)
                if one is not None:
                    assert one.incident not in {o.incident for o in out}
                    out.append(one)
            elif out:
                one = out.pop(rng.randrange(len(out)))
                if rng.random() < 0.3:
                    backlog.later(one, attempts=one.attempts + 1, next_at=now + rng.randrange(9))
                else:
                    backlog.done(one)
                    ended.append(one)
            due = backlog.next_at()
            if not out and len(backlog):
                assert due is not None
        assert sorted(r.id for r in ended) == [f"{i:03d}" for i in range(40)]
        for incident in {r.incident for r in ended}:
            turns = [r.id for r in ended if r.incident == incident]
            assert turns == sorted(turns)


def test_memory_does_not_grow_with_outdated_entries() -> None:
    backlog = Backlog()
    backlog.add(row("first", "i", priority=9))
    for number in range(2_000):
        backlog.add(row(f"n{number}", "i", priority=8))
        taken = backlog.take(0)
        assert taken is not None
        backlog.put_back(taken)
    assert len(backlog._ready) < 500


def test_a_row_that_waits_can_be_taken_out_and_the_next_one_has_its_turn() -> None:
    backlog = Backlog()
    for one in (row("a", "i"), row("b", "i", created=1), row("c", "j", created=2)):
        backlog.add(one)
    assert backlog.withdraw("nothing") is None
    taken = backlog.withdraw("a")
    assert taken is not None
    assert (taken.id, len(backlog), backlog.knows("a")) == ("a", 2, False)
    first = backlog.take(0)
    assert first is not None
    assert first.id == "b"
    assert backlog.withdraw("b") is None  # it is out
    assert backlog.withdraw("c") is not None
    backlog.done(first)
    assert len(backlog) == 0
    assert backlog.take(0) is None


def test_behind_a_row_that_is_out_another_can_be_taken_out() -> None:
    backlog = Backlog()
    for one in (row("a", "i"), row("b", "i"), row("c", "i")):
        backlog.add(one)
    out = backlog.take(0)
    assert out is not None
    assert backlog.withdraw("b") is not None
    assert backlog.take(0) is None
    backlog.done(out)
    last = backlog.take(0)
    assert last is not None
    assert last.id == "c"
