from dataclasses import replace

from rulesd.core.dedup import Sent
from rulesd.core.ended import REMEMBERED, SWEEP, Ended, next_sweep
from rulesd.core.group import Group, Member
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Route
from rulesd.model.instant import HOUR
from tests.core.foreigners import FAST
from tests.model.test_alert import alert

TOLD = Sent(at=1_000, firing={"f": 1}, resolved={})


def group(name: str = "r", route: Route = FAST, last: Sent | None = None) -> Group:
    made = Group(route, name, "{}:{}", {}, "i")
    made.last = last
    return made


def test_the_grid_is_in_step_with_the_clock() -> None:
    assert [next_sweep(t) for t in (0, 1, SWEEP - 1, SWEEP)] == [SWEEP, SWEEP, SWEEP, 2 * SWEEP]


def test_an_empty_group_lives_until_the_next_sweep() -> None:
    ended, empty = Ended(), group()
    groups = {empty.id: empty}
    assert ended.due == NOT_DUE
    ended.empty(empty, 10)
    ended.empty(empty, 10)
    assert ended.due == SWEEP
    assert ended.sweep(groups, SWEEP) == [empty]
    assert groups == {}
    assert ended.due == NOT_DUE


def test_one_that_has_members_again_lives_on_and_one_that_is_gone_is_gone() -> None:
    ended, back, gone = Ended(), group("a"), group("b")
    for each in (back, gone):
        ended.empty(each, 0)
    back.members["f"] = Member(alert())
    assert ended.sweep({back.id: back}, SWEEP) == []


def test_what_a_receiver_believes_outlives_its_group() -> None:
    ended = Ended()
    believes, knows = group("a", last=TOLD), group("b", last=replace(TOLD, firing={}))
    long = group("c", replace(FAST, repeat_interval=200 * HOUR), TOLD)
    every = [believes, knows, long, group("d")]
    for each in every:
        ended.empty(each, 0)
    ended.sweep({g.id: g for g in every}, SWEEP)
    assert ended.recall(knows.id, SWEEP) is None
    assert ended.recall(long.id, 1_000 + REMEMBERED) is None
    ended.empty(believes, SWEEP)  # made again, empty again
    ended.sweep({believes.id: believes}, 2 * SWEEP)
    assert ended.recall(believes.id, 1_000 + 14_000 - 1) == TOLD
    assert ended.recall(believes.id, 0) is None


def test_what_is_old_is_forgotten_with_a_sweep() -> None:
    ended, one = Ended(), group(last=TOLD)
    ended.empty(one, 0)
    ended.sweep({one.id: one}, SWEEP)
    ended.sweep({}, 20 * SWEEP)
    assert ended.recall(one.id, 0) is None


def test_it_is_written_and_read_back() -> None:
    ended, one, two = Ended(), group("a", last=TOLD), group("b")
    ended.empty(one, 0)
    ended.sweep({one.id: one}, SWEEP)
    ended.empty(two, SWEEP)
    again = Ended()
    again.load(ended.dump(), {two.id: two})
    assert again.dump() == ended.dump()
    assert again.due == 2 * SWEEP
    assert again.sweep({two.id: two}, 2 * SWEEP) == [two]
    quiet = Ended()
    quiet.load(Ended().dump(), {})
    quiet.load(None, {})  # an older version wrote nothing of this
    assert quiet.due == NOT_DUE
