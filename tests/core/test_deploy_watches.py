"""The end of a rule's watch after deploys: told once, and not at all when the rule has begun anew."""

from typing import Any

from rulesd.core.deploy_watches import DeployWatches
from rulesd.core.machine import NOT_DUE
from rulesd.model.baseline import BaselineChanged
from rulesd.model.decision import Decision, LimitReached
from rulesd.model.inputs import Acknowledged
from rulesd.model.instant import HOUR
from rulesd.model.reasons import Reason
from tests.core.plans import T0, plan, rule

PLAN = plan(rule("t.a"), rule("t.b"))


def said(reason: Reason, name: str = "t.a", **changes: Any) -> BaselineChanged:
    values: dict[str, Any] = {"at": T0, "reason": reason, "rule": name, "labels": {}, "keys": 1}
    return BaselineChanged(**{**values, **changes})


def hear(machine: DeployWatches, *decisions: Decision) -> None:
    out: list[Decision] = []
    for one in decisions:
        machine.follow(one, T0, out)
    assert out == []


def test_the_last_deploy_of_a_rule_decides_when_its_watch_is_over() -> None:
    machine, out = DeployWatches(PLAN), list[Decision]()
    assert machine.due == NOT_DUE
    hear(
        machine,
        said(Reason.DEPLOY_WATCH, until=T0 + 2 * HOUR),
        said(Reason.DEPLOY_WATCH, until=T0 + HOUR),
        said(Reason.DEPLOY_WATCH, "t.b", until=T0 + 3 * HOUR),
        said(Reason.DEPLOY_WATCH, "t.c"),
        LimitReached(at=T0, reason=Reason.KEY_LIMIT, rule="t.a", limit=1, detail=""),
    )
    assert machine.due == T0 + 2 * HOUR
    machine.handle_timer(machine.due, out)
    assert [(d.reason, d.rule) for d in out if isinstance(d, BaselineChanged)] == [
        (Reason.RELEARN_DEPLOY, "t.a")
    ]
    assert machine.due == T0 + 3 * HOUR
    hear(machine, *out)
    again = DeployWatches(PLAN)
    again.load(machine.dump())
    assert (again.open, again.due) == (machine.open, machine.due)


def test_a_rule_that_begins_anew_has_nothing_to_learn_anew() -> None:
    machine = DeployWatches(PLAN)
    opened = said(Reason.DEPLOY_WATCH, until=T0 + HOUR)
    hear(machine, opened, said(Reason.RELEARN_ASKED, labels={"tenant": "acme"}))
    assert machine.open
    hear(machine, said(Reason.RELEARN_ASKED))
    assert not machine.open
    hear(machine, opened, said(Reason.RELEARN_RULE))
    assert (machine.open, machine.due) == ({}, NOT_DUE)


def test_rules_that_are_gone_have_no_watch_and_nothing_else_is_its_business() -> None:
    machine, out = DeployWatches(PLAN), list[Decision]()
    hear(machine, said(Reason.DEPLOY_WATCH, "t.b", until=T0 + HOUR))
    machine.replace(plan(rule("t.a")), T0, out)
    assert (machine.open, machine.due, machine.alerts(), out) == ({}, NOT_DUE, [], [])
    assert not machine.take(Acknowledged(alert="a", by="b"), T0, out)
