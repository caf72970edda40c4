"""Baselines are visible, and looking changes nothing."""

from rulesd.core.baselines import Baseline, baselines
from rulesd.core.detectors.spike import Spike
from rulesd.model.instant import HOUR, MINUTE
from tests.core.plans import T0, burst, field, plan, rule
from tests.core.world import World


def test_each_key_of_each_rule_that_learns_has_a_row() -> None:
    learns = Spike(within=10 * MINUTE, reference=2 * HOUR, min_count=1, ratio=2.0, budget=1.0)
    by = (field("tool"),)
    world = World(plan(rule("t.spike", detector=learns, by=by), rule("t.b", detector=burst(3))))
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
    assert world.engine.snapshot() == before


def test_what_is_still_learning_says_so_and_errors_are_no_keys() -> None:
    learns = Spike(within=10 * MINUTE, reference=2 * HOUR, min_count=1, ratio=2.0, budget=1.0)

    def odd(_: object) -> bool:
        raise TypeError

    one = rule("t.spike", detector=learns)
    world = World(plan(one)).send(0)
    assert list(baselines(world.engine.detection, T0)) == [
        Baseline("t.spike", {"tenant": "acme"}, None)
    ]
    broken = World(plan(one, when={"t.spike": odd})).send(0)
    assert list(baselines(broken.engine.detection, T0)) == []
