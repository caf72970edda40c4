from dataclasses import replace

from rulesd.core.tellable import MOST, tellable
from rulesd.model.inputs import ResolvedByPerson
from tests.core.crew import crew
from tests.core.plans import T0, rule
from tests.core.world import World


def world(*rules: object) -> World:
    made = crew(*rules)  # type: ignore[arg-type]
    return World(replace(made, root=replace(made.root, group_by=("alertname",))))


def test_what_fires_in_a_group_and_is_not_held_back() -> None:
    w = world().send(0).send(0, tenant="b").send(0, tenant="c")
    d = w.engine.dispatch
    group, receiver = next(iter(d.groups))
    w.give(ResolvedByPerson(alert=w.engine.alerts()[2].alert, by="jo"))
    labels, alerts = tellable(d, group, receiver, "safety", w.now)
    assert labels == {"alertname": "tool.denied"}
    assert sorted(a.labels["tenant"] for a in alerts) == ["acme", "b"]
    d.gate.silencing = lambda alert, now: ("s",) if alert.labels["tenant"] == "b" else ()
    assert [a.labels["tenant"] for a in tellable(d, group, receiver, "safety", w.now)[1]] == [
        "acme"
    ]
    assert tellable(d, "gone", receiver, "safety", w.now) == ({}, [])


def test_in_a_storm_all_that_was_folded() -> None:
    w = world(*(rule(f"tool.r{n}") for n in range(13))).send(0)
    labels, alerts = tellable(w.engine.dispatch, "", "team", "safety", w.now)
    assert labels == {}
    assert [a.rule for a in alerts] == ["tool.r10", "tool.r11", "tool.r12"]
    assert tellable(w.engine.dispatch, "", "team", "nobody", w.now) == ({}, [])


def test_a_very_large_group_is_looked_at_in_part() -> None:
    w = world()
    for n in range(MOST + 5):
        w.send(0, tenant=f"t{n}")
    group, receiver = next(iter(w.engine.dispatch.groups))
    assert len(tellable(w.engine.dispatch, group, receiver, "safety", T0)[1]) == MOST
