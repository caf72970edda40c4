"""Baselines are visible, and looking changes nothing."""

from typing import Any

import pytest

from rulesd.core.baselines import Baseline, Phase, Search, baselines, level_text
from rulesd.core.detectors.drift import Drift
from rulesd.core.detectors.rollout import Rollout
from rulesd.core.detectors.shift import Shift
from rulesd.core.detectors.spike import Spike
from rulesd.core.detectors.spike_measure import SpikeMeasure
from rulesd.core.labels import error_key
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, MINUTE, format_instant
from tests.core.plans import T0, burst, field, plan, rule
from tests.core.world import World


def learns(**changes: Any) -> Spike:
    values: dict[str, Any] = {
        "within": 10 * MINUTE, "reference": 2 * HOUR, "min_count": 1, "ratio": 2.0, "budget": 1.0
    }  # fmt: skip
    return Spike(**{**values, **changes})


def bad(document: Any) -> bool:
    return bool(document["data"].get("bad"))


def shift(**changes: Any) -> Shift:
    values: dict[str, Any] = {
        "numerator": bad, "baseline": 6 * HOUR, "ratio": 2.0, "tolerance": 0.0, "direction": "up", "budget": 1.0
    }  # fmt: skip
    return Shift(**{**values, **changes})


def only(world: World) -> Baseline:
    (one,) = baselines(world.engine.detection, world.now)
    return one


def test_each_key_of_each_rule_that_learns_has_a_row() -> None:
    by = (field("tool"),)
    world = World(plan(rule("t.spike", detector=learns(), by=by), rule("t.b", detector=burst(3))))
    for n in range(18):
        world.send(n * 600, tool="shell")
    world.send(18 * 600, tool="new")
    before = world.engine.snapshot()
    rows = list(baselines(world.engine.detection, world.now))
    assert [(r.rule, r.labels) for r in rows] == [
        ("t.spike", {"tool": "new"}),
        ("t.spike", {"tool": "shell"}),
    ]
    told = rows[1].learned
    assert told is not None
    assert told["expected"] == 1.0
    assert (rows[1].phase, rows[1].level) == (Phase.FOLLOWS, "1 in 10m")
    assert world.engine.snapshot() == before


def test_what_is_still_learning_says_so_and_errors_are_no_keys() -> None:
    def odd(_: object) -> bool:
        raise TypeError

    one = rule("t.spike", detector=learns())
    world = World(plan(one)).send(0)
    found = only(world)
    assert (found.labels, found.learned, found.phase) == (
        {"tenant": "acme"},
        None,
        Phase.LEARNING,
    )
    broken = World(plan(one, when={"t.spike": odd})).send(0)
    assert list(baselines(broken.engine.detection, T0)) == []


def test_a_share_is_learned_then_fixed_then_watched_then_learned_anew() -> None:
    on = ("tool.call", "deploy.change")
    world = World(plan(rule("t.shift", detector=shift(), on=on)))
    minute = 60
    for n in range(5 * 60):
        world.send(n * minute, bad=n % 10 == 0)
    first = only(world)
    assert (first.phase, first.level) == (Phase.LEARNING, "")
    assert first.since == format_instant(T0)
    assert first.until == format_instant(T0 + 6 * HOUR)
    for n in range(5 * 60, 8 * 60):
        world.send(n * minute, bad=n % 10 == 0)
    fixed = only(world)
    assert (fixed.phase, fixed.level[:2]) == (Phase.FIXED, "10")
    assert (fixed.events or 0) > 300
    deploy = T0 + 8 * HOUR
    world.send(8 * 3600, type_="deploy.change")
    world.send(8 * 3600 + minute)
    watch = only(world)
    assert (watch.phase, watch.deploy) == (Phase.WATCH, format_instant(deploy))
    assert watch.until == format_instant(deploy + DAY)
    for n in range(8 * 60 + 2, 33 * 60):
        world.send(n * minute, bad=n % 10 == 0)
    world.send(33 * 3600, tenant="young")
    world.send(33 * 3600 + 120, tenant="young")
    anew, young = baselines(world.engine.detection, world.now)
    assert (young.phase, young.events, young.deploy) == (Phase.LEARNING, 0, "")
    assert young.level != ""
    assert (anew.phase, anew.deploy) == (Phase.RELEARNING, format_instant(deploy))
    assert anew.level[:2] == "10"


def test_a_rollout_is_watched_and_its_level_moves_on() -> None:
    detector = Rollout(
        numerator=bad,
        change=lambda d: d["type"] == "deploy.change",
        alpha=0.05,
        tolerance=0.1,
        watch=HOUR,
    )
    world = World(plan(rule("t.r", detector=detector, on=("tool.call", "deploy.change"))))
    world.send(0)
    assert only(world).phase is Phase.LEARNING
    assert only(world).until == ""
    for n in range(1, 350):
        world.send(n * 10, bad=n % 10 == 0)
    world.send(3600, type_="deploy.change")
    for n in range(61, 70):
        world.send(n * 60, bad=n % 10 == 0)
    assert only(world).phase is Phase.WATCH
    for n in range(130, 140):
        world.send(n * 60, bad=n % 10 == 0)
    assert only(world).phase is Phase.FOLLOWS


def test_a_mean_says_what_it_has_seen_and_a_pinned_one_that_it_is() -> None:
    mean = SpikeMeasure(field=field("ms"), within=HOUR, reference=DAY, budget=1.0)
    world = World(plan(rule("t.mean", detector=mean)))
    for n in range(80):
        world.send(n * 300, ms=100.0 + n % 7)
    assert "±" in only(world).level
    pinned = Drift(
        field=field("v"),
        bins=None,
        top=5,
        baseline=DAY,
        budget=1.0,
        pinned=(("a", 0.9), ("b", 0.1)),
    )
    world = World(plan(rule("t.drift", detector=pinned))).send(0, v="a")
    assert (only(world).phase, only(world).level) == (Phase.PINNED, "a 90%, b 10%")
    assert only(world).events == 10_000


def test_a_share_that_is_given_says_how_long_the_rule_is_still_silent() -> None:
    given = shift(shares=((("acme",), 0.02),))
    world = World(plan(rule("t.shift", detector=given)))
    for n in range(5 * 60):
        world.send(n * 60, tenant="acme")
    row = only(world)
    assert (row.phase, row.level) == (Phase.LEARNING, "2%")
    assert (row.since, row.until) == (format_instant(T0), format_instant(T0 + 6 * HOUR))
    assert row.learned == {
        "share": 0.02, "pinned": True, "learning": True, "learning_since": row.since, "learning_until": row.until
    }  # fmt: skip
    world.send(361 * 60, tenant="acme")  # over, and nothing judged yet
    assert (only(world).phase, only(world).until) == (Phase.PINNED, "")
    for n in range(362, 370):
        world.send(n * 60, tenant="acme")
    assert (only(world).phase, only(world).level) == (Phase.PINNED, "2%")


@pytest.mark.parametrize(
    ("learned", "within", "said"),
    [
        ({"share": 0.02}, 0, "2%"),
        ({"share": 0.02, "low": 0.01, "high": 0.03}, 0, "2% (1% to 3%)"),
        ({"expected": 312.0}, 0, "312"),
        ({"shares": {"a": 0.4, "b": 0.3, "c": 0.1, "d": 0.1, "e": 0.1}}, 0, "a 40%, b 30%, c 10%, d 10%, ..."),
        ({"odd": 1}, 0, ""),
    ],
)  # fmt: skip
def test_levels_in_words(learned: dict[str, Json], within: int, said: str) -> None:
    assert level_text(learned, within) == said


def test_a_search_keeps_the_first_keys_that_fit_in_any_order_of_looking() -> None:
    by = (field("tenant"), field("tool"))
    world = World(plan(rule("t.spike", detector=learns(), by=by)))
    for who in "dbace":
        world.send(0, tenant=who, tool="sh")
        world.send(0, tenant=who, tool="py")
    (book,) = world.engine.detection.books
    keys = [*book.young, *book.old]
    search = Search(book, {"tool": "sh"}, ("a", "sh"), 3)
    search.look(keys[:4])
    search.look(reversed(keys[4:]))
    search.look([("z", "sh")])
    assert search.found == [("b", "sh"), ("c", "sh"), ("d", "sh")]
    every = Search(book, {})
    every.look([*keys, error_key("s", "t")])
    assert sorted(every.found) == sorted(keys)
    assert not Search(book, {"color": "red"}).fits
