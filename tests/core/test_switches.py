"""Switches: set, again, approved, ended; every end by itself, every refusal told."""

import json
from dataclasses import replace

import pytest

from rulesd.core.engine import Engine
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.core.switches import PATIENCE, Switches
from rulesd.model.decision import (
    ActionDue,
    AlertChanged,
    Decision,
    Kind,
    NoticeDue,
    ReviewClosed,
    SwitchChanged,
)
from rulesd.model.event import Document, Json
from rulesd.model.inputs import (
    Acknowledged,
    AlertsPosted,
    Delivered,
    HumansOnly,
    Input,
    PostedAlert,
    SwitchApproved,
    SwitchReverted,
    SwitchSet,
)
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.reasons import AlertState, DeliveryOutcome, DeliveryReason, Reason
from rulesd.model.switch import SETTLED, Approvals, SettingState, Switch, Until
from tests.core.plans import T0, event, field, plan, rule
from tests.core.test_switch_table import LOCK
from tests.core.world import World
from tests.model.test_alert import alert

ACME = {"tool": "shell", "tenant": "acme"}


def with_switches(*switches: Switch, humans_only: bool = False) -> Plan:
    made = plan(rule())
    return replace(made, switches={s.name: s for s in switches}, humans_only=humans_only)


class Room:
    """A machine alone, with what it said."""

    def __init__(self, *switches: Switch, humans_only: bool = False) -> None:
        self.machine = Switches(with_switches(*(switches or (LOCK,)), humans_only=humans_only))
        self.said: list[Decision] = []

    def give(self, item: Input, now: int = T0) -> "Room":
        assert self.machine.take(item, now, self.said)
        return self

    def hear(self, decision: Decision, now: int = T0) -> "Room":
        self.machine.follow(decision, now, self.said)
        return self

    def ring(self, now: int) -> "Room":
        self.machine.handle_timer(now, self.said)
        return self

    def set(self, id_: str = "w1", now: int = T0, **fields: object) -> "Room":
        values: dict[str, object] = {
            "id": id_, "switch": "lock_tool", "by": "ana", "reason": "exercise", "labels": ACME,
        }  # fmt: skip
        return self.give(SwitchSet(**{**values, **fields}), now)  # type: ignore[arg-type]

    def rule(self, now: int = T0, **fields: object) -> "Room":
        values: dict[str, object] = {"alert": "a1", "labels": ACME}
        due = ActionDue(
            at=now, reason=Reason.RULE_ACTION, action="lock_tool", alert=alert(**{**values, **fields})
        )  # fmt: skip
        return self.hear(due, now)

    def reasons(self) -> list[Reason]:
        out = [d.reason for d in self.said if isinstance(d, SwitchChanged)]
        self.said.clear()
        return out

    def value(self, tenant: str = "acme") -> Json:
        found = self.machine.table.verdict("tool.shell.enabled", {"tenant": tenant})
        assert found is not None
        return found.value


def resolved(id_: str) -> AlertChanged:
    made = alert(alert=id_, state=AlertState.RESOLVED)
    return AlertChanged(kind=Kind.RESOLVED, at=T0, reason=Reason.HOLD_ELAPSED, alert=made)


def closed(id_: str, verdict: str) -> ReviewClosed:
    return ReviewClosed(
        at=T0, reason=Reason.REVIEWED, review="r", verdict=verdict, by="rev", note="", next="", alert=alert(alert=id_)
    )  # fmt: skip


def test_a_person_sets_a_switch_for_one_tenant_and_it_ends_by_itself() -> None:
    room = Room().set()
    (said,) = room.said
    assert isinstance(said, SwitchChanged)
    assert (said.reason, said.value, said.setting.expires_at) == (Reason.SET, False, T0 + 4 * HOUR)
    assert (room.value(), room.value("other")) == (False, True)
    room.said.clear()
    assert room.machine.due == T0 + SETTLED
    assert room.ring(T0 + SETTLED).reasons() == [Reason.SETTLED]
    assert room.machine.due == T0 + 4 * HOUR
    assert room.ring(T0 + HOUR).reasons() == []
    assert room.ring(T0 + 4 * HOUR).reasons() == [Reason.EXPIRED]
    assert room.value() is True
    assert room.machine.due == NOT_DUE
    assert room.machine.ended[-1].ended_by == "rulesd"


def test_a_setting_rings_at_its_own_time_and_not_at_that_of_another() -> None:
    room = Room().set().set("w2", T0 + SETTLED - 1, labels={**ACME, "tenant": "globex"})
    room.said.clear()
    assert room.ring(T0 + SETTLED).reasons() == [Reason.SETTLED]
    assert [s.settled for s in room.machine.open.values()] == [True, False]
    assert room.machine.due == T0 + 2 * SETTLED - 1


def test_an_end_that_fell_into_a_downtime_is_carried_out_as_of_its_time() -> None:
    engine = Engine(with_switches(LOCK))
    engine.receive(SwitchSet(id="w", switch="lock_tool", by="a", reason="r", labels=ACME), T0)
    made = engine.handle_timer(T0 + 9 * HOUR)
    ends = [d for d in made if isinstance(d, SwitchChanged) and d.reason is Reason.EXPIRED]
    assert [d.at for d in ends] == [T0 + 4 * HOUR]


def test_a_time_and_a_value_of_ones_own() -> None:
    switch = replace(LOCK, until=Until.REVIEW)
    room = Room(switch).set(value="true", ttl=MINUTE)
    (one,) = room.machine.open.values()
    assert (one.value, one.until, one.expires_at) == (True, Until.TTL, T0 + MINUTE)


def test_the_same_id_twice_and_an_unknown_switch_change_nothing() -> None:
    room = Room().set().set()
    assert room.reasons() == [Reason.SET]
    room.give(SwitchReverted(id="w1", by="bo")).set()
    assert room.reasons() == [Reason.REVERTED]
    assert room.set("w2", switch="unknown").said == []
    assert room.give(SwitchReverted(id="nobody", by="bo")).said == []
    assert not room.machine.take(Acknowledged(alert="a", by="b"), T0, [])


def test_a_rule_that_asks_a_thousand_times_holds_one_setting_and_says_so_once_a_minute() -> None:
    room = Room()
    for i in range(1_000):
        room.rule(T0 + i * 60, alert=f"a{i}")
    assert room.reasons() == [Reason.SET]
    (one,) = room.machine.open.values()
    assert one.expires_at == T0 + 4 * HOUR
    version = room.machine.version
    room.rule(T0 + 2 * MINUTE).rule(T0 + 2 * MINUTE + 1)
    assert room.reasons() == [Reason.MOVED]
    assert room.machine.version == version + 1
    (one,) = room.machine.open.values()
    assert one.expires_at == T0 + 2 * MINUTE + 4 * HOUR
    (shown,) = room.machine.table.by_key["tool.shell.enabled"]
    assert shown.expires_at == one.expires_at


def test_a_person_moves_an_end_by_what_was_asked_and_never_brings_it_forward() -> None:
    room = Room().set().set("w2", T0 + 1)
    assert room.reasons() == [Reason.SET, Reason.MOVED]
    room.set("w3", T0 + 2, ttl=MINUTE)
    assert room.reasons() == []
    (one,) = room.machine.open.values()
    assert one.expires_at == T0 + 1 + 4 * HOUR
    room.set("w4", T0 + 2, dry_run=True, ttl=9 * HOUR)
    assert room.machine.open["w1"].expires_at == T0 + 1 + 4 * HOUR


def test_what_waits_is_not_prolonged_by_asking_again() -> None:
    room = Room(replace(LOCK, approvals=Approvals.ALWAYS)).rule().rule(T0 + MINUTE)
    assert room.reasons() == [Reason.APPROVAL_NEEDED, Reason.SET_AGAIN]
    assert room.ring(T0 + PATIENCE).reasons() == [Reason.EXPIRED]


def test_a_setting_on_trial_does_not_keep_a_real_one_from_being_set() -> None:
    room = Room().set(dry_run=True).set("w2")
    assert room.reasons() == [Reason.DRY_RUN, Reason.SET]
    assert room.value() is False


def test_a_rule_does_not_prolong_what_it_may_not_set() -> None:
    room = Room().set().give(HumansOnly(on=True, by="ana"))
    room.rule(T0 + HOUR)
    assert room.reasons() == [Reason.SET, Reason.HUMANS_ONLY, Reason.REFUSED_HUMANS_ONLY]
    assert room.machine.open["w1"].expires_at == T0 + 4 * HOUR


@pytest.mark.parametrize("until", [Until.REVIEW, Until.RESOLVED])
def test_a_setting_without_an_alert_has_an_end_all_the_same(until: Until) -> None:
    room = Room(replace(LOCK, until=until)).set().set("w2", T0 + 1, alert="")
    one = room.machine.open["w1"]
    if until is Until.RESOLVED:
        assert (one.until, one.expires_at) == (Until.TTL, T0 + 1 + 4 * HOUR)
    else:
        assert one.holders == ("w1",)
        assert room.hear(closed("w1", "fixed")).reasons()[-1] is Reason.REVIEW_RELEASED
    assert Room(replace(LOCK, until=until)).set(alert="over").machine.open["w1"].holders == (
        "over",
    )


def test_until_an_open_alert_resolves_it_has_no_time() -> None:
    machine = Switches(with_switches(replace(LOCK, until=Until.RESOLVED)), lambda _: alert())
    said: list[Decision] = []
    machine.take(
        SwitchSet(id="w", switch="lock_tool", by="a", reason="r", labels=ACME, alert="a1"), T0, said
    )
    assert machine.open["w"].expires_at is None


def test_names_are_compared_however_they_are_spelled() -> None:
    room = Room(replace(LOCK, approvals=Approvals.ALWAYS)).set(by="ana (laptop)")
    room.give(SwitchApproved(id="w1", by="Ana (U1, Slack)"))
    room.give(SwitchApproved(id="w1", by="bo (laptop)"))
    wanted = [Reason.APPROVAL_NEEDED, Reason.REFUSED_APPROVER, Reason.REFUSED_APPROVER]
    assert room.reasons() == wanted


def test_a_webhook_that_has_not_answered_when_services_must_obey_is_told() -> None:
    hook = replace(LOCK, action="webhook")
    room = Room(hook).set().ring(T0 + SETTLED)
    assert [d.title for d in room.said if isinstance(d, NoticeDue)] == [
        "lock_tool is set, but its service has not answered yet"
    ]
    heard = Room(hook).set()
    heard.give(told("w1/set")).ring(T0 + SETTLED)
    assert not [d for d in heard.said if isinstance(d, NoticeDue)]


def test_an_end_that_the_service_did_not_take_is_told() -> None:
    room = Room(replace(LOCK, action="webhook")).set("a/b").give(SwitchReverted(id="a/b", by="bo"))
    room.give(told("a/b/end", DeliveryOutcome.FAILED))
    room.give(told("gone/end", DeliveryOutcome.FAILED)).give(
        told("a/b/set", DeliveryOutcome.FAILED)
    )
    assert [d.title for d in room.said if isinstance(d, NoticeDue)] == [
        "lock_tool was lifted, but its service could not be told"
    ]


def told(id_: str, outcome: DeliveryOutcome = DeliveryOutcome.DELIVERED) -> Delivered:
    return Delivered(
        notification=id_, receiver="action:lock_tool", channel="webhook[0]",
        outcome=outcome, reason=DeliveryReason.OK,
    )  # fmt: skip


def test_the_alerts_that_keep_a_lock_are_bounded_and_each_is_said() -> None:
    room = Room(replace(LOCK, until=Until.REVIEW))
    for i in range(200):
        room.rule(alert=f"a{i}")
    assert room.reasons() == [Reason.SET] + [Reason.SET_AGAIN] * 99
    (one,) = room.machine.open.values()
    assert len(one.holders) == 100


def test_a_rule_that_flips_many_switches_is_stopped_and_people_are_told() -> None:
    room = Room(replace(LOCK, limit_per_hour=2))
    for tenant in ("a", "b", "c"):
        room.rule(alert=tenant, labels={"tool": "shell", "tenant": tenant})
    assert [d.title for d in room.said if isinstance(d, NoticeDue)] == [
        "lock_tool was not set: the switch was already set as often as limit_per_hour allows"
    ]
    assert room.reasons() == [Reason.SET, Reason.SET, Reason.REFUSED_LIMIT]
    assert room.machine.refused[-1].state is SettingState.ENDED
    assert room.machine.history() == list(room.machine.refused)
    assert room.value("c") is True


def test_what_the_file_leaves_to_people_is_on_record_and_bothers_nobody() -> None:
    room = Room(replace(LOCK, may_set=("people",))).rule()
    assert not [d for d in room.said if isinstance(d, NoticeDue)]
    assert room.reasons() == [Reason.REFUSED_ORIGIN]
    assert room.set().reasons() == [Reason.SET]


def test_a_thousand_refusals_are_all_on_record_and_one_notice() -> None:
    room = Room(replace(LOCK, limit_per_hour=1)).set().give(SwitchReverted(id="w1", by="ana"))
    for i in range(1_000):
        room.rule(T0 + i * 60, alert=f"a{i}", labels={"tool": "shell", "tenant": f"t{i}"})
    assert len([d for d in room.said if isinstance(d, NoticeDue)]) == 1
    assert room.reasons().count(Reason.REFUSED_LIMIT) == 999
    assert [s.id for s in room.machine.ended] == ["w1"]


def test_a_person_who_is_refused_reads_it_in_the_answer() -> None:
    room = Room().set(labels={"tenant": "acme"})
    assert room.reasons() == [Reason.REFUSED_SCOPE]


def test_a_wide_setting_waits_for_a_second_person() -> None:
    room = Room().set(labels={"tool": "shell"})
    assert isinstance(room.said[-1], NoticeDue)
    assert room.reasons() == [Reason.APPROVAL_NEEDED]
    assert room.value() is True
    room.give(SwitchApproved(id="w1", by="ana"))
    assert room.reasons() == [Reason.REFUSED_APPROVER]
    room.give(SwitchApproved(id="w1", by="bo"), T0 + MINUTE)
    assert room.reasons() == [Reason.APPROVED]
    assert (room.value(), room.value("other")) == (False, False)
    assert room.machine.open["w1"].expires_at == T0 + MINUTE + 4 * HOUR
    room.give(SwitchApproved(id="w1", by="cy"))
    room.give(SwitchApproved(id="nobody", by="cy"))
    assert room.said == []


def test_an_approval_that_never_comes() -> None:
    room = Room(replace(LOCK, until=Until.REVIEW, approvals=Approvals.ALWAYS)).rule()
    assert room.reasons() == [Reason.APPROVAL_NEEDED]
    assert room.ring(T0 + PATIENCE).reasons() == [Reason.EXPIRED]


def test_approved_until_a_review_it_has_no_time() -> None:
    room = Room(replace(LOCK, until=Until.REVIEW, approvals=Approvals.ALWAYS)).set(alert="a1")
    room.give(SwitchApproved(id="w1", by="bo"))
    assert room.machine.open["w1"].expires_at is None


def test_dry_run_is_written_down_and_has_no_effect() -> None:
    room = Room(replace(LOCK, dry_run=True)).rule()
    assert room.reasons() == [Reason.DRY_RUN]
    assert room.value() is True
    assert Room().set(dry_run=True).reasons() == [Reason.DRY_RUN]


def test_until_the_alert_resolves_all_of_them() -> None:
    room = Room(replace(LOCK, until=Until.RESOLVED)).rule(alert="a1").rule(alert="a2")
    assert room.reasons() == [Reason.SET, Reason.SET_AGAIN]
    assert room.hear(resolved("a1")).reasons() == []
    assert room.value() is False
    assert room.hear(resolved("other")).reasons() == []
    assert room.hear(resolved("a2")).reasons() == [Reason.ALERT_RESOLVED]
    assert room.value() is True


def test_a_review_releases_or_keeps() -> None:
    room = Room(replace(LOCK, until=Until.REVIEW)).rule(alert="a1")
    room.said.clear()
    assert room.hear(resolved("a1")).reasons() == []
    assert room.hear(closed("other", "harm")).reasons() == []
    assert room.hear(closed("a1", "harm")).reasons() == [Reason.REVIEW_KEPT]
    assert room.value() is False
    assert room.hear(closed("a1", "benign")).reasons() == [Reason.REVIEW_RELEASED]
    assert room.value() is True


def test_two_rules_that_fight_the_higher_priority_holds_and_reverting_shows_the_other() -> None:
    small = Switch(name="small", key="model", type="string", safe="small", default="large")
    none = replace(small, name="none", safe="none", priority=5)
    room = Room(small, none)
    room.set("w1", switch="none", labels={}).set("w2", switch="small", labels={})
    found = room.machine.table.verdict("model", {})
    assert found is not None
    assert found.value == "none"
    room.give(SwitchReverted(id="w1", by="ana", reason="over"))
    found = room.machine.table.verdict("model", {})
    assert found is not None
    assert found.value == "small"
    assert room.machine.ended[-1].ended_why == "over"


def test_humans_only() -> None:
    room = Room(humans_only=True).rule()
    assert room.reasons() == [Reason.REFUSED_HUMANS_ONLY]
    assert room.set().reasons() == [Reason.SET]
    room.give(HumansOnly(on=True, by="ana"))
    assert room.said == []
    room.give(HumansOnly(on=False, by="ana", reason="over"))
    assert room.reasons() == [Reason.HUMANS_ONLY]
    room.rule(labels={"tool": "shell", "tenant": "b"}).give(HumansOnly(on=True, by="ana"))
    assert room.reasons() == [Reason.SET, Reason.HUMANS_ONLY]


def test_a_rule_that_names_no_switch_and_other_decisions_mean_nothing() -> None:
    room = Room()
    room.hear(ActionDue(at=T0, reason=Reason.RULE_ACTION, action="gone", alert=alert()))
    room.hear(replace(resolved("a"), kind=Kind.UPDATED))
    assert room.said == []
    assert room.machine.alerts() == []


def test_what_a_webhook_answered_stands_in_the_setting() -> None:
    room = Room().set()
    done = Delivered(
        notification="w1/set", receiver="action:lock_tool", channel="webhook[0]",
        outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK,
    )  # fmt: skip
    room.said.clear()
    assert room.give(done).reasons() == [Reason.ACTION_RESULT]
    assert room.machine.open["w1"].result == "delivered: ok"
    assert room.give(done).reasons() == []
    failed = replace(done, outcome=DeliveryOutcome.FAILED, reason=DeliveryReason.CLIENT_ERROR)
    room.give(failed)
    assert [d.title for d in room.said if isinstance(d, NoticeDue)] == [
        "lock_tool is set, but its service did not take the order"
    ]
    room.said.clear()
    assert room.give(replace(done, notification="gone/set")).said == []
    assert not room.machine.take(replace(done, receiver="pager"), T0, [])


def test_a_switch_that_leaves_the_file_ends_its_settings() -> None:
    room = Room().set()
    room.said.clear()
    room.machine.replace(with_switches(LOCK), T0, room.said)
    assert room.said == []
    room.machine.replace(with_switches(replace(LOCK, scope=())), T0, room.said)
    assert room.reasons() == [Reason.SWITCH_REMOVED]


@pytest.mark.parametrize(
    "after", [(), (replace(LOCK, key="x.{tool}"),), (replace(LOCK, key="x", action="webhook"),)]
)
def test_a_service_that_will_not_hear_of_the_end_is_the_owners_to_tell(
    after: tuple[Switch, ...],
) -> None:
    room = Room(replace(LOCK, action="webhook")).set()
    room.said.clear()
    room.machine.replace(with_switches(*after), T0, room.said)
    notices = [d.title for d in room.said if isinstance(d, NoticeDue)]
    still = bool(after) and after[0].action == "webhook"
    assert notices == ([] if still else ["lock_tool was lifted, but its service could not be told"])
    assert room.reasons() == [Reason.SWITCH_REMOVED]


def test_humans_only_in_the_file_takes_effect_with_a_reload() -> None:
    room = Room()
    room.machine.replace(with_switches(LOCK, humans_only=True), T0, room.said)
    assert room.machine.humans_only
    room.give(HumansOnly(on=False, by="ana"))
    room.machine.replace(with_switches(LOCK, humans_only=True), T0, room.said)
    assert not room.machine.humans_only
    assert room.machine.history()[0].key == "humans_only"


def test_what_is_shown_does_not_change_when_the_machine_goes_on() -> None:
    room = Room().set()
    shown = room.machine.shown()
    room.give(SwitchReverted(id="w1", by="ana"))
    assert ([s.id for s in shown.settings], shown.humans_only) == (["w1"], False)
    assert shown.version < room.machine.version
    assert room.machine.shown().settings == ()


def test_state_survives_as_plain_data() -> None:
    room = Room(replace(LOCK, limit_per_hour=5)).set().rule(labels={"tool": "b", "tenant": "x"})
    room.rule(T0 + 2 * MINUTE, labels={"tool": "b", "tenant": "x"})
    room.set("w9").give(SwitchReverted(id="w1", by="ana")).give(HumansOnly(on=True, by="ana"))
    again = Switches(with_switches(replace(LOCK, limit_per_hour=5)))
    again.load(json.loads(json.dumps(room.machine.dump())))
    assert again.dump() == room.machine.dump()
    assert again.due == room.machine.due
    assert again.table.by_key == room.machine.table.by_key
    assert again.humans_only


def test_a_rule_with_an_action_locks_through_the_whole_engine() -> None:
    made = replace(plan(rule(actions=("lock_model",))), switches={
        "lock_model": Switch(
            name="lock_model", key="model.{model}.enabled", type="boolean", safe=False, default=True, scope=("tenant",)
        )
    })  # fmt: skip
    w = World(made).send(0, model="m1")
    found = w.engine.switches.table.verdict("model.m1.enabled", {"tenant": "acme"})
    assert found is not None
    assert found.value is False
    small, keys = w.engine.snapshot()
    again = Engine(made)
    again.restore(small, keys)
    assert again.switches.table.by_key == w.engine.switches.table.by_key


def test_rules_about_switches_see_their_changes_and_foreign_alerts_set_none() -> None:
    def about(document: Document) -> bool:
        return document["type"] == "containment.changed"

    both = (
        rule("lock.seen", by=(field("key"),)),
        rule(actions=("lock_model",)),
    )
    lock = replace(LOCK, name="lock_model", key="model.{model}.enabled")
    made = replace(
        plan(*both, when={"lock.seen": about}), watches_switches=True, switches={"lock_model": lock}
    )
    w = World(made).send(0, model="m1")
    assert {a.rule for a in w.engine.alerts()} == {"tool.denied", "lock.seen"}
    quiet = World(made)
    posted = PostedAlert(
        labels={"alertname": "tool.denied", "model": "m1", "tenant": "acme"}, starts_at=T0, ends_at=T0 + HOUR
    )  # fmt: skip
    quiet.give(AlertsPosted(alerts=(posted,)))
    assert quiet.engine.switches.open == {}
    assert len(quiet.engine.alerts()) == 1


def test_a_service_that_took_an_order_reports_later() -> None:
    w = World(with_switches(LOCK))
    w.give(SwitchSet(id="w1", switch="lock_tool", by="ana", reason="r", labels=ACME))
    w.give(event("r", T0, type_="action.result", setting="w1", outcome="ok"))
    assert w.engine.switches.open["w1"].result.startswith("ok, says ")
    w.give(event("r2", T0, type_="action.result", setting="gone"))
    other = event("r4", T0, type_="action.result", setting="w1", outcome="no")
    w.give(other._replace(tenant="globex"))
    assert w.engine.switches.open["w1"].result.startswith("ok, says ")
    w.give(event("d", T0, type_="deploy.change", change_id="c1"))
    w.give(event("r5", T0, type_="action.result", setting="w1", outcome="undone"))
    assert w.engine.switches.open["w1"].result.startswith("undone, says ")
    odd = event("r3", T0, type_="action.result")._replace(
        document={"id": "r3", "type": "action.result", "data": None}
    )
    w.give(odd)
    assert len(w.engine.switches.open) == 1
