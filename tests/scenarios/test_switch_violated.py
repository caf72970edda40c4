"""The shipped switches, rules and engine: a switch of each kind is set, and a service goes on all the same."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rulesd.config import load
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Kind, line
from rulesd.model.inputs import SwitchReverted, SwitchSet
from rulesd.runners import codec
from tests.core.world import World

ROOT = Path(__file__).resolve().parents[2]
RULE = "acting.switch_violated"


@cache
def shipped() -> Plan:
    loaded = load(ROOT / "rules", ROOT / "notifiers")
    assert loaded.plan is not None, loaded.errors
    return loaded.plan


def violations(w: World) -> list[Alert]:
    return [
        d.alert
        for d in w.decisions
        if isinstance(d, AlertChanged) and d.kind is Kind.FIRING and d.alert.rule == RULE
    ]


def contained(switch: str, **labels: str) -> World:
    """A world in which a person has set a switch for acme."""
    w = World(shipped())
    wish = SwitchSet(
        id="w1", switch=switch, by="ana", reason="exercise", labels={"tenant": "acme", **labels}
    )
    return w.give(wish)


CASES: list[tuple[str, dict[str, str], dict[str, Any], dict[str, Any]]] = [
    # switch, its labels, what a service does all the same, what one does that obeys
    ("safer_model", {"language": "de"}, {"type_": "output.classification", "language": "de", "model": "usual"}, {"type_": "output.classification", "language": "de", "model": "small-1"}),
    ("safer_model", {"language": "de"}, {"language": "de", "model_route": "usual"}, {"language": "de", "model_route": "conservative"}),
    ("tighten_policy", {}, {"type_": "policy.decision", "policy_level": "usual"}, {"type_": "policy.decision", "policy_level": "strict"}),
    ("cap_spend", {}, {"type_": "usage.cost", "cost_usd": 0.2}, {"type_": "usage.cost", "cost_usd": 0}),
    ("throttle_spend", {}, {"type_": "usage.cost", "meter": "requests", "weight": 21}, {"type_": "usage.cost", "meter": "requests", "weight": 20}),
    ("throttle_key", {"api_key_ref": "k1"}, {"type_": "usage.cost", "api_key_ref": "k1", "weight": 21}, {"type_": "usage.cost", "api_key_ref": "k2", "weight": 21}),
    ("stop_loop", {"user_ref": "u1"}, {"user_ref": "u1", "outcome": "ok"}, {"user_ref": "u1", "outcome": "denied"}),
    ("stop_session", {"session_id": "s1"}, {"session_id": "s1", "outcome": "ok"}, {"session_id": "s2", "outcome": "ok"}),
    ("tighten_policy", {}, {"type_": "feature_flag.evaluation", "key": "policy.level", "value": "usual"}, {"type_": "feature_flag.evaluation", "key": "policy.level", "value": "strict"}),
    ("lock_tool", {"tool": "shell"}, {"type_": "feature_flag.evaluation", "key": "tool.shell.enabled", "value": True}, {"type_": "feature_flag.evaluation", "key": "tool.shell.enabled", "value": False}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("switch", "labels", "wrong", "right"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_set_but_violated_is_an_alert(
    switch: str, labels: dict[str, str], wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    w = contained(switch, **labels)
    w.send(20, id_="early", **wrong).send(80, id_="obeys", **right)
    assert violations(w) == []
    w.send(90, id_="proof", tenant="globex", **wrong)
    assert violations(w) == []
    w.send(200, id_="proof", **wrong)
    (found,) = violations(w)
    assert (found.severity, found.labels["tenant"]) == ("critical", "acme")
    assert found.labels["key"] == shipped().switches[switch].key.replace("{tool}", "shell")
    assert found.context["switch"] == switch
    # The page names the event that shows it.
    assert found.causes == ("proof",)


def test_what_is_lifted_or_never_was_set_is_no_violation() -> None:
    w = World(shipped()).send(0, type_="policy.decision", policy_level="usual")
    w = contained("tighten_policy").send(60, type_="policy.decision", policy_level="strict")
    w.give(SwitchReverted(id="w1", by="ana", reason="over"))
    w.send(120, type_="policy.decision", policy_level="usual")
    assert violations(w) == []


def test_a_restart_in_the_middle_of_a_window_counts_on() -> None:
    one = contained("throttle_spend").send(60, type_="usage.cost", meter="requests", weight=15)
    other = World(shipped())
    small, keys = one.engine.snapshot()
    other.engine.restore(codec.unpack_state(codec.pack_state(small)), keys)
    for w in (one, other):
        w.clear().send(70, id_="proof", type_="usage.cost", meter="requests", weight=10)
        assert len(violations(w)) == 1
    assert [line(0, d) for d in other.decisions] == [line(0, d) for d in one.decisions]
