"""What sleeps after a restart, and that it makes no difference."""

from random import Random
from typing import Any

import pytest

from rulesd.core.book import NOT_DUE
from rulesd.core.detectors.absence import Absence
from rulesd.core.engine import Engine, KeyState
from rulesd.model.event import Json
from rulesd.model.instant import MINUTE
from rulesd.ports.store import KeyRow
from rulesd.runners import codec
from rulesd.runners.waking import awake
from tests.core.plans import burst, plan, rule
from tests.core.world import World

QUIET = rule("t.burst", detector=burst(3, 10 * MINUTE))
TIMED = rule("t.absence", detector=Absence(MINUTE, 2))
BOTH = plan(QUIET, TIMED)


def written(engine: Engine) -> tuple[Json, list[KeyRow]]:
    small, keys = engine.snapshot()
    return small, [codec.pack_key(key) for key in keys]


def restarted(engine: Engine, under: Any = BOTH) -> Engine:
    small, rows = written(engine)
    again = Engine(under)
    again.restore(small, awake(rows, small, again.detection.books))
    return again


def asleep(engine: Engine) -> list[list[str]]:
    return [sorted(key[0] for key in book.asleep) for book in engine.detection.books]


def test_quiet_keys_sleep_and_those_with_an_episode_or_a_deadline_do_not() -> None:
    w = World(BOTH)
    for second, who in enumerate(["a", "b", "b", "c", "c", "c"]):
        w.send(second, tenant=who)
    again = restarted(w.engine)
    assert asleep(again) == [["a", "b"], []]
    assert again.alerts() == w.engine.alerts()
    assert again.next_timer() == w.engine.next_timer()
    assert again.snapshot() == w.engine.snapshot()
    assert asleep(again) == [[], []], "a snapshot tells of every key"


def test_what_another_rule_or_another_version_wrote_is_read_at_once() -> None:
    w = World(BOTH).send(0, tenant="a")
    other = restarted(w.engine, plan(rule("t.burst", digest="other", detector=burst(3)), TIMED))
    assert [len(book) for book in other.detection.books] == [0, 1]
    small, rows = written(w.engine)
    again = Engine(BOTH)
    older = codec.pack_key(KeyState("t.burst", ("a",), [9, [[], []], None, NOT_DUE]))
    gone = codec.pack_key(KeyState("t.gone", ("a",), [2, [0, [], []], None, NOT_DUE]))
    found = list(awake([older, gone, *rows], small, again.detection.books))
    assert [key.rule for key in found] == ["t.burst", "t.gone", "t.absence"]
    assert asleep(again) == [["a"], []]


@pytest.mark.parametrize("seed", range(6))
def test_an_engine_whose_keys_sleep_decides_as_one_that_never_stopped(seed: int) -> None:
    rng = Random(seed)
    w = World(BOTH)
    at = 0
    for step in range(120):
        at += rng.randrange(20)
        w.send(at, tenant=rng.choice("abcdefgh"))
        if step % 17 == seed:
            stopped, w.engine = w.engine, restarted(w.engine)
            assert w.engine.alerts() == stopped.alerts()
    rng = Random(seed)
    plain = World(BOTH)
    at = 0
    for _ in range(120):
        at += rng.randrange(20)
        plain.send(at, tenant=rng.choice("abcdefgh"))
    assert plain.decisions == w.decisions
    assert plain.engine.snapshot() == w.engine.snapshot()
