from rulesd.runners.calibrate_watch import by_key, watch
from tests.runners.traffic import BURST, World, plan_of, rule_of


def test_the_rule_fires_as_in_the_daemon_also_when_it_is_a_shadow() -> None:
    plan = plan_of(BURST.replace("severity: high", "severity: high\nmaturity: shadow"))
    events = World(per_hour=(30.0,)).events(0.2, 1)
    fired = watch(plan, rule_of(plan), events)
    assert fired
    assert all(f.labels == {"tenant": "t0"} and f.value >= 6 for f in fired)
    assert watch(plan, rule_of(plan), events[:5]) == []


def test_events_by_key_in_order() -> None:
    groups = by_key(rule_of(plan_of(BURST)), World().events(0.1, 1))
    assert list(groups) == [("t0",), ("t1",), ("t2",), ("t3",), ("t4",)]
    assert all(mine == sorted(mine, key=lambda p: p[1]) for mine in groups.values())
