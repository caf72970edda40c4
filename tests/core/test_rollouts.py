"""Watches over releases: what opens them, what is evidence, what fails them, how they end."""

import json
from dataclasses import replace

import pytest

from rulesd.core import rollouts
from rulesd.core.engine import Engine
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.core.rollouts import Rollouts
from rulesd.model.decision import (
    ActionDue,
    AlertChanged,
    Decision,
    Kind,
    NoticeDue,
    RolloutChanged,
    SwitchChanged,
)
from rulesd.model.event import Event
from rulesd.model.inputs import HumansOnly, RolloutFinished, RolloutSigned
from rulesd.model.instant import DAY, HOUR, MINUTE
from rulesd.model.reasons import AlertState, Reason
from rulesd.model.rollout import Criteria, Rollout, Verdict
from rulesd.model.switch import Switch
from tests.core.plans import T0, event, plan, rule
from tests.model.test_alert import alert

QUICK = Criteria(watch=HOUR, min_events=2, rollback="undo", owner="ml")


def world(criteria: Criteria = QUICK) -> Plan:
    return replace(plan(rule()), rollouts={"default": criteria, "prompt": Criteria(watch=MINUTE)})


class Room:
    def __init__(self, criteria: Criteria = QUICK, reviews: int = 0) -> None:
        self.machine = Rollouts(world(criteria), lambda: reviews)
        self.said: list[Decision] = []

    def deploy(self, now: int = T0, id_: str = "c1", **data: object) -> "Room":
        values: dict[str, object] = {
            "change_id": id_, "kind": "model", "component": "assistant", "from_version": "m1", "to_version": "m2",
            "stage": "canary",
        }  # fmt: skip
        return self.see("deploy.change", now, **{**values, **data})

    def see(self, type_: str, now: int = T0, tenant: str = "", **data: object) -> "Room":
        made: Event = event("e", now, type_=type_, tenant=tenant, **data)
        self.machine.observe(made, now, self.said)
        return self

    def fired(self, now: int = T0, **fields: object) -> "Room":
        values: dict[str, object] = {"context": {}, "labels": {}, "state": AlertState.FIRING}
        made = alert(**{**values, **fields})
        change = AlertChanged(kind=Kind.FIRING, at=now, reason=Reason.CONDITION_MET, alert=made)
        self.machine.follow(change, now, self.said)
        return self

    def reasons(self) -> list[Reason]:
        out = [d.reason for d in self.said]
        self.said.clear()
        return out

    @property
    def one(self) -> Rollout:
        found = self.machine.find("c1")
        assert found is not None
        return found

    def verdict(self) -> Verdict:
        return self.machine.finding(self.one).verdict


def test_a_quiet_release_with_enough_traffic_passes() -> None:
    room = Room().deploy()
    assert room.reasons() == [Reason.ROLLOUT_STARTED]
    assert (room.one.owner, room.one.ends_at, room.machine.due) == ("ml", T0 + HOUR, T0 + HOUR)
    room.see("tool.call", model="m2").see("tool.call", model="m1").see("tool.call", release="m2")
    assert room.one.seen == 2
    assert room.verdict() is Verdict.INCONCLUSIVE
    room.machine.handle_timer(T0 + MINUTE, room.said)
    assert room.said == []
    room.machine.handle_timer(T0 + HOUR, room.said)
    told = room.said[-1]
    assert isinstance(told, NoticeDue)
    assert told.title == "PASS: the watch over c1 (model assistant m1 -> m2) is over"
    assert room.reasons() == [Reason.ROLLOUT_OVER, Reason.VERDICT]
    assert room.verdict() is Verdict.PASS
    assert room.machine.due == NOT_DUE


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"labels": {"model": "m2"}}, "it names m2"),
        ({"context": {"component": "assistant"}}, "it names assistant"),
        ({"rule": "tool.other"}, "its rule was quiet before the change"),
        ({"rule": "usual"}, ""),
        ({"rule": "tool.other", "labels": {"model": "m1"}}, ""),
    ],
)
def test_how_an_alert_is_tied_to_the_change(fields: dict[str, object], why: str) -> None:
    room = Room().fired(T0 - MINUTE, rule="usual").deploy().fired(**fields)
    (seen,) = room.one.alerts
    assert seen.why == why
    assert room.verdict() is (Verdict.FAIL if why else Verdict.INCONCLUSIVE)


def test_a_rule_that_watches_releases_is_always_tied() -> None:
    room = Room().fired(T0 - MINUTE, rule="tool.denied")
    detector = room.machine.plan.rules[0].detector
    room.machine.plan.rules[0].detector.__class__.name, before = "rollout", detector.name
    try:
        room.deploy().fired(rule="tool.denied")
    finally:
        detector.__class__.name = before
    assert room.one.alerts[0].why == "its rule compares before and after a release"


def test_the_first_failure_asks_for_the_rollback_once() -> None:
    room = Room().deploy().fired(labels={"model": "m2"}).fired(labels={"model": "m2"}, alert="a2")
    asked = [d for d in room.said if isinstance(d, ActionDue)]
    assert [(d.action, d.reason, d.alert.alert) for d in asked] == [("undo", Reason.ROLLBACK, "a1")]
    room.said.clear()
    room.deploy(stage="rollback")
    assert room.reasons() == [Reason.ROLLED_BACK, Reason.VERDICT]
    assert room.one.rolled_back
    assert room.deploy(id_="other", stage="rollback").reasons() == []


def test_without_a_rollback_people_do_it() -> None:
    room = Room(replace(QUICK, rollback="")).deploy().fired(labels={"model": "m2"})
    assert not any(isinstance(d, ActionDue) for d in room.said)


def test_a_change_that_moves_on_is_watched_anew_under_its_kinds_criteria() -> None:
    room = Room().deploy(kind="prompt")
    assert room.one.ends_at == T0 + MINUTE
    room.deploy(T0 + 1, kind="prompt", stage="full")
    assert (room.one.stage, room.one.ends_at) == ("full", T0 + 1 + MINUTE)
    assert room.reasons() == [Reason.ROLLOUT_STARTED, Reason.ROLLOUT_STAGE]


def test_without_criteria_of_its_own_the_usual_ones_hold() -> None:
    machine = Rollouts(plan(rule()), lambda: 0)
    machine.observe(event("e", T0, type_="deploy.change", tenant=""), T0, [])
    (one,) = machine.open.values()
    assert (one.id, one.criteria) == ("e", Criteria())


def test_red_team_findings_for_the_change_or_its_version() -> None:
    room = Room(replace(QUICK, redteam=True)).deploy()
    room.see("redteam.finding", change_id="c1", result="pass")
    room.see("redteam.finding", model="m2", result="odd")
    room.see("redteam.finding", change_id="c9", result="fail")
    assert (room.one.passed, room.one.failed) == (1, 0)
    room.said.clear()
    room.see("redteam.finding", model="m2", result="fail")
    asked = room.said[-1]
    assert isinstance(asked, ActionDue)
    assert asked.alert.labels == {"change": "c1", "component": "assistant", "version": "m2"}
    assert room.reasons() == [Reason.ROLLOUT_EVIDENCE, Reason.ROLLBACK]
    assert room.verdict() is Verdict.FAIL
    room.see("redteam.finding", model="m2", result="fail")
    assert room.reasons() == [Reason.ROLLOUT_EVIDENCE]


def test_nobody_touches_the_change_of_another_tenant() -> None:
    room = Room().see("deploy.change", tenant="acme", change_id="c1", to_version="m2")
    room.see("deploy.change", tenant="globex", change_id="c1", stage="rollback")
    room.see("redteam.finding", tenant="globex", change_id="c1", result="fail")
    assert (room.one.tenant, room.one.failed, room.one.rolled_back) == ("acme", 0, False)
    room.see("deploy.change", tenant="globex", change_id="c1", to_version="m9")
    room.see("deploy.change", change_id="c1", to_version="m9")
    assert list(room.machine.open) == ["c1", "globex:c1", "everybody:c1"]
    room.see("redteam.finding", tenant="acme", change_id="c1", result="fail")
    assert room.one.failed == 1


def test_another_tenants_alert_is_no_evidence() -> None:
    room = Room().deploy()
    room.machine.open["c1"] = replace(room.one, tenant="acme")
    room.fired(labels={"tenant": "other"}).fired(labels={"tenant": "acme"})
    assert [s.labels for s in room.one.alerts] == [{"tenant": "acme"}]


def test_a_version_nobody_names_counts_all_traffic() -> None:
    room = Room().deploy(to_version="", from_version=None).see("tool.call").see("tool.call")
    assert room.one.seen == 2
    made = event("x", T0)._replace(document={"id": "x", "source": "s", "type": "t", "data": 3})
    room.machine.observe(made, T0, room.said)
    assert room.one.seen == 2


def test_sign_off_and_an_early_end() -> None:
    room = Room(replace(QUICK, signoff=True, min_events=0)).deploy()
    room.said.clear()
    assert room.machine.take(RolloutSigned(change="c1", by="ana"), T0, room.said)
    assert room.machine.take(RolloutSigned(change="none", by="ana"), T0, room.said)
    assert room.reasons() == [Reason.ROLLOUT_SIGNED]
    assert room.machine.take(RolloutFinished(change="c1", by="ana", note="enough"), T0, room.said)
    assert room.machine.take(RolloutFinished(change="c1", by="ana"), T0, room.said)
    assert room.reasons() == [Reason.ROLLOUT_OVER, Reason.VERDICT]
    assert (room.verdict(), room.one.note) == (Verdict.PASS, "enough")
    assert room.one.ended_early == "ana ended the watch after 0s of 1h"
    room.machine.take(RolloutSigned(change="c1", by="bo", note="later"), T0, room.said)
    assert (room.one.signed_by, room.one.note) == ("bo", "later")
    assert not room.machine.take(HumansOnly(on=True, by="x"), T0, [])


def test_a_watch_that_was_cut_short_passes_nothing_unless_its_owner_says_so() -> None:
    room = Room(replace(QUICK, min_events=0)).deploy()
    room.machine.take(RolloutFinished(change="c1", by="ci"), T0 + 3 * MINUTE + 5, room.said)
    finding = room.machine.finding(room.one)
    assert finding.missing == ("ci ended the watch after 3m of 1h; ml has not signed off on that",)
    room.machine.take(RolloutSigned(change="c1", by="ana"), T0 + HOUR, room.said)
    assert room.verdict() is Verdict.PASS


def test_open_reviews_are_missing_evidence() -> None:
    room = Room(replace(QUICK, min_events=0), reviews=1).deploy()
    room.machine.handle_timer(T0 + HOUR, room.said)
    (said,) = [d for d in room.said if d.reason is Reason.ROLLOUT_OVER]
    assert isinstance(said, RolloutChanged)
    assert said.finding.missing == ("1 critical reviews are open",)


def test_everything_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollouts, "MOST_OPEN", 1)
    monkeypatch.setattr(rollouts, "MOST_ALERTS", 1)
    room = Room().deploy().fired().fired(alert="a2")
    assert len(room.one.alerts) == 1
    room.deploy(id_="c2")
    assert list(room.machine.open) == ["c2"]
    assert room.one.ended_early == "newer changes pushed its watch out after 0s of 1h"


def test_the_baseline_forgets_what_is_older_than_a_day() -> None:
    room = Room().fired(T0).deploy(T0)
    room.machine.handle_timer(T0 + 2 * DAY, room.said)
    assert list(room.machine._fired) == []


def test_state_survives() -> None:
    room = Room().fired(T0 - 5, rule="usual").deploy().fired().deploy(id_="c2")
    room.machine.take(RolloutFinished(change="c2", by="x"), T0, room.said)
    again = Rollouts(world(), lambda: 0)
    again.load(json.loads(json.dumps(room.machine.dump())))
    assert again.dump() == room.machine.dump()
    assert again.due == room.machine.due
    again.replace(world(), T0, [])
    assert again.alerts() == []
    room.machine.follow(room.said[0], T0, room.said)


def test_a_bad_release_is_rolled_back_through_the_whole_engine() -> None:
    undo = Switch(name="undo", key="rollback", type="boolean", safe=True, default=False)
    made = replace(world(), switches={"undo": undo})
    engine = Engine(made)
    engine.receive(
        event("d", T0, type_="deploy.change", tenant="", change_id="c1", to_version="m2", stage="full"), T0
    )  # fmt: skip
    out = engine.receive(event("t", T0 + 5, model="m2"), T0 + 5)
    assert [d.reason for d in out if isinstance(d, SwitchChanged)] == [Reason.SET]
    found = engine.switches.table.verdict("rollback", {})
    assert found is not None
    assert found.value is True
