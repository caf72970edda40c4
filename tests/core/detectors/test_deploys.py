"""The watch after a deploy: how much likelier a chance alarm is, and when it is over."""

from rulesd.core.detectors.deploys import (
    KEPT,
    MOST_TAIL,
    TIGHTER,
    WATCH,
    is_deploy,
    noted,
    over,
    tail,
    watched,
)
from rulesd.core.detectors.protocol import Observation
from rulesd.model.instant import DAY


def test_a_deploy_is_told_by_its_type() -> None:
    assert is_deploy(Observation(0, 0, "e", 1, {"type": "deploy.change"}))
    assert not is_deploy(Observation(0, 0, "e", 1, {"type": "tool.call"}))


def test_the_latest_deploys_are_kept_in_order_and_once() -> None:
    known: list[int] = []
    for at in (5, 3, 5, *range(10, 20)):
        known = noted(known, at)
    assert known == list(range(20 - KEPT, 20))


def test_a_watch_begins_after_the_deploy_and_lasts_a_day() -> None:
    assert watched([10, 20], 10) is None
    assert watched([10, 20], 11) == 10
    assert watched([10, 20], 21) == 20
    assert watched([10, 20], 10 + WATCH) == 20
    assert watched([10], 11 + WATCH) is None
    assert over([10, 20], 20 + WATCH) == 20 + WATCH
    assert over([10, 20], 15 + WATCH) == 10 + WATCH
    assert over([10], 9 + WATCH) is None


def test_in_the_watch_a_look_costs_fourteen_times_as_much_and_never_more_than_a_twentieth() -> None:
    assert TIGHTER * WATCH == 14 * DAY
    assert tail(1e-4, [], 5) == 1e-4
    assert tail(1e-4, [10], 5) == 1e-4
    assert tail(1e-4, [10], 11) == TIGHTER * 1e-4
    assert tail(0.01, [10], 11) == MOST_TAIL
    assert tail(0.2, [10], 11) == 0.2
