"""Review items: they open once, wait for a person, and are told when they wait too long."""

import json
from dataclasses import replace

import pytest

from rulesd.core import reviews
from rulesd.core.engine import Engine
from rulesd.core.machine import NOT_DUE
from rulesd.core.reviews import Reviews, time_for
from rulesd.model.alert import Alert
from rulesd.model.decision import Decision, NoticeDue, ReviewClosed, ReviewOpened, SwitchChanged
from rulesd.model.inputs import HumansOnly, ReviewAsked, ReviewCompleted
from rulesd.model.instant import DAY, HOUR
from rulesd.model.reasons import Reason
from rulesd.model.switch import Setting, SettingState, Until
from tests.core.plans import T0, plan, rule
from tests.core.test_switch_table import setting
from tests.core.test_switches import LOCK, with_switches
from tests.core.world import World
from tests.model.test_alert import alert


class Room:
    def __init__(self, *alerts: Alert) -> None:
        known = {a.alert: a for a in alerts}
        self.machine = Reviews(plan(rule()), known.get)
        self.said: list[Decision] = []

    def hear(self, decision: Decision, now: int = T0) -> "Room":
        self.machine.follow(decision, now, self.said)
        return self

    def sampled(self, id_: str = "r1", now: int = T0, **fields: object) -> "Room":
        made = ReviewOpened(at=now, reason=Reason.SAMPLED, review=id_, alert=alert(**fields))
        return self.hear(made, now)

    def verdict(self, verdict: str, id_: str = "r1", now: int = T0, next_: str = "") -> "Room":
        item = ReviewCompleted(review=id_, by="ana", verdict=verdict, note="n", next=next_)
        assert self.machine.take(item, now, self.said)
        return self


def locked(*holders: str) -> SwitchChanged:
    made = setting(until=Until.REVIEW, holders=holders)
    return SwitchChanged(at=T0, reason=Reason.SET, setting=made, value=False)


@pytest.mark.parametrize("verdict", ["benign", "fixed"])
def test_a_verdict_closes_an_item(verdict: str) -> None:
    room = Room().sampled().verdict(verdict)
    (said,) = room.said
    assert isinstance(said, ReviewClosed)
    assert (said.verdict, said.by, said.alert.alert) == (verdict, "ana", "a1")
    assert room.machine.open == {}
    assert room.machine.closed[0].closed_at == T0
    assert room.machine.due == NOT_DUE
    assert room.sampled().machine.open == {}


def test_harm_keeps_it_open_says_what_must_happen_and_its_time_runs_anew() -> None:
    room = Room().sampled(severity="critical")
    room.verdict("harm", now=T0 + HOUR, next_="patch the gate")
    (one,) = room.machine.open.values()
    assert (one.due_at, one.next) == (T0 + 5 * HOUR, "patch the gate")
    room.said.clear()
    room.machine.handle_timer(T0 + 5 * HOUR, room.said)
    (said,) = room.said
    assert isinstance(said, NoticeDue)
    assert "What must happen: patch the gate" in said.lines[2]
    room.verdict("fixed", now=T0 + 6 * HOUR)
    assert room.machine.open == {}


def test_what_is_no_verdict_changes_nothing() -> None:
    room = Room().sampled().verdict("maybe").verdict("benign", "unknown")
    assert room.said == []
    assert not room.machine.take(HumansOnly(on=True, by="x"), T0, [])
    assert room.hear(ReviewClosed(
        at=T0, reason=Reason.REVIEWED, review="r", verdict="harm", by="b", note="", next="", alert=alert()
    )).said == []  # fmt: skip


def test_an_overdue_item_is_told_again_and_again() -> None:
    room = Room().sampled(severity="high", labels={}).sampled("r2", severity="low")
    assert room.machine.due == T0 + DAY
    room.machine.handle_timer(T0 + DAY, room.said)
    room.machine.handle_timer(T0 + 2 * DAY, room.said)
    titles = [d.title for d in room.said if isinstance(d, NoticeDue)]
    assert titles == ["A review of tool.x is overdue"] * 2
    assert room.machine.open["r1"].told == 2
    assert room.machine.due == T0 + 3 * DAY


def test_a_lock_opens_an_item_for_each_alert_that_keeps_it_once() -> None:
    one, two = alert(alert="a1"), alert(alert="a2")
    room = Room(one, two).hear(locked("a1", "a2"))
    opened = [d for d in room.said if isinstance(d, ReviewOpened)]
    assert [(d.reason, d.alert.alert) for d in opened] == [
        (Reason.LOCKED, "a1"),
        (Reason.LOCKED, "a2"),
    ]
    for d in opened:
        room.hear(d)
    assert all(r.locked for r in room.machine.open.values())
    room.said.clear()
    assert room.hear(locked("a1")).said == []


def test_a_sampled_item_becomes_a_locked_one() -> None:
    room = Room(alert(alert="a1")).sampled(alert="a1").hear(locked("a1"))
    assert room.said == []
    assert room.machine.open["r1"].locked
    room.machine.handle_timer(T0 + DAY, room.said)
    (said,) = room.said
    assert isinstance(said, NoticeDue)
    assert "A switch stays locked until there is a verdict." in said.lines


def test_a_lock_whose_alert_is_gone_gets_a_review_of_itself() -> None:
    room = Room().hear(locked("gone"))
    (opened,) = room.said
    assert isinstance(opened, ReviewOpened)
    assert (opened.alert.alert, opened.alert.rule) == ("gone", "switch:lock_tool")
    assert room.machine.open[opened.review].held == ("s1",)


def test_a_lock_that_waits_for_approval_has_nothing_to_review_yet() -> None:
    waits = setting(until=Until.REVIEW, holders=("a1",), state=SettingState.PENDING)
    said = SwitchChanged(at=T0, reason=Reason.SET_AGAIN, setting=waits, value=True)
    assert Room(alert(alert="a1")).hear(said).said == []


def test_a_lock_that_ends_otherwise_is_no_longer_said_to_hold() -> None:
    one = setting(until=Until.REVIEW, holders=("a1",))
    two = replace(one, id="s2")

    def said(which: Setting, reason: Reason, state: SettingState) -> SwitchChanged:
        return SwitchChanged(at=T0, reason=reason, setting=replace(which, state=state), value=True)

    room = Room(alert(alert="a1")).hear(said(one, Reason.SET, SettingState.ACTIVE))
    room.hear(said(two, Reason.SET, SettingState.ACTIVE))
    room.hear(said(one, Reason.SETTLED, SettingState.ACTIVE))
    (review,) = room.machine.open.values()
    assert review.held == ("s1", "s2")
    room.hear(said(one, Reason.REVERTED, SettingState.ENDED))
    room.hear(said(replace(one, id="other"), Reason.REVERTED, SettingState.ENDED))
    (review,) = room.machine.open.values()
    assert (review.locked, review.held) == (True, ("s2",))
    again = Reviews(plan(rule()), lambda _: None)
    again.load(json.loads(json.dumps(room.machine.dump())))
    assert again.open == room.machine.open
    room.hear(said(two, Reason.REVERTED, SettingState.ENDED))
    (review,) = room.machine.open.values()
    assert not review.locked


def test_an_alert_that_is_locked_again_after_its_review_gets_another() -> None:
    room = Room(alert(alert="a1")).hear(locked("a1"))
    (first,) = room.machine.open
    room.verdict("fixed", first).hear(locked("a1"), T0 + DAY)
    (second,) = room.machine.open
    assert first != second


def test_a_setting_that_ends_by_time_needs_no_review() -> None:
    made = SwitchChanged(at=T0, reason=Reason.SET, setting=setting(holders=("a1",)), value=False)
    assert Room(alert(alert="a1")).hear(made).said == []


def test_the_number_of_items_is_bounded_and_locks_go_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "MOST_OPEN", 2)
    room = Room(alert(alert="a1"))
    room.hear(ReviewOpened(at=T0, reason=Reason.LOCKED, review="l", alert=alert(alert="a1")))
    room.sampled("s1").sampled("s2")
    assert list(room.machine.open) == ["l", "s2"]
    assert room.machine.dropped == 1
    room.machine.open["s2"] = replace(room.machine.open["s2"], locked=True)
    room.sampled("s3")
    assert list(room.machine.open) == ["s2", "s3"]


def test_open_items_about_critical_alerts_are_counted() -> None:
    room = Room().sampled("s1", severity="critical").sampled("s2", severity="low")
    assert room.machine.critical() == 1
    assert room.verdict("benign", "s1").machine.critical() == 0


def test_state_survives_and_plans_come_and_go() -> None:
    room = Room().sampled().sampled("r2").verdict("benign", "r2").verdict("harm", next_="x")
    again = Reviews(plan(rule()), lambda _: None)
    again.load(json.loads(json.dumps(room.machine.dump())))
    assert again.dump() == room.machine.dump()
    assert again.due == room.machine.due
    again.replace(plan(rule()), T0, [])
    assert again.alerts() == []


def test_an_unknown_severity_waits_as_long_as_the_mildest() -> None:
    assert time_for(alert(severity="odd")) == 7 * DAY


def test_a_burst_locks_the_tool_until_a_review_through_the_whole_engine() -> None:
    lock = replace(LOCK, name="lock", key="model.{model}.enabled", until=Until.REVIEW)
    made = replace(with_switches(lock), rules=(rule(actions=("lock",)),))
    w = World(made).send(0, model="m1")

    def value(engine: Engine) -> object:
        found = engine.switches.table.verdict("model.m1.enabled", {"tenant": "acme"})
        assert found is not None
        return found.value

    (item,) = w.engine.reviews.open.values()
    assert (item.locked, value(w.engine)) == (True, False)
    w.engine.receive(
        ReviewCompleted(review=item.id, by="ana", verdict="harm", next="x"), w.engine.now
    )
    assert value(w.engine) is False
    w.engine.receive(ReviewCompleted(review=item.id, by="ana", verdict="fixed"), w.engine.now)
    assert value(w.engine) is True


def test_critical_items_are_counted() -> None:
    room = Room().sampled("r1", severity="critical").sampled("r2", severity="high")
    assert room.machine.critical() == 1


def test_somebody_asks_that_a_person_looks() -> None:
    room = Room(alert(alert="a1"))
    ask = ReviewAsked(alert="a1", by="ana", note="odd")
    assert room.machine.take(ask, T0, room.said)
    assert room.machine.take(ask, T0 + 1, room.said)
    assert room.machine.take(replace(ask, alert="gone"), T0, room.said)
    (opened,) = room.said
    assert isinstance(opened, ReviewOpened)
    assert opened.reason is Reason.REVIEW_ASKED
    (review,) = room.machine.open.values()
    assert (review.note, review.locked) == ("asked for by ana: odd", False)
    room.hear(opened).verdict("fixed", review.id)
    assert room.machine.open == {}
