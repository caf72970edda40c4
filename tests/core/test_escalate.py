"""Pages that climb: through the real engine, as people would see them."""

from dataclasses import replace

import pytest

from rulesd.core.escalate import OURSELVES, Escalations, ladder
from rulesd.core.machine import NOT_DUE
from rulesd.core.people import TargetKind
from rulesd.core.plan import Plan
from rulesd.model.decision import NotificationDue, Status
from rulesd.model.inputs import (
    Acknowledged,
    AlertsPosted,
    PostedAlert,
    ResolvedByPerson,
    Unacknowledged,
)
from rulesd.model.instant import MINUTE
from rulesd.model.reasons import Reason
from tests.core.crew import chain, crew, shifts, step
from tests.core.plans import T0, burst, rule
from tests.core.test_shifts import due
from tests.core.world import World

M = 60.0


def heard(w: World) -> list[tuple[float, str, str]]:
    """(minutes, receiver, reason) of what woke somebody."""
    return [
        ((d.at - T0) / MINUTE, d.receiver, str(d.reason))
        for d in w.told()
        if d.page and d.status is Status.FIRING
    ]


def world(p: Plan | None = None) -> World:
    return World(p or crew(ladder=chain())).send(0)


def taken(w: World, by: str = "jo") -> World:
    return w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by=by))


def test_nobody_acknowledges_and_it_climbs_to_whoever_answers_for_rulesd() -> None:
    w = world().at(60 * M)
    assert heard(w) == [
        (0, "team", "must_never_happen"),
        (5, "ben-phone", "escalated"),
        (15, "lead", "escalated"),
        (25, "ours", "nobody_acknowledged"),
    ]
    first, second, third, last = (d for d in w.told() if d.page)
    assert (first.next_at, first.next_to) == (T0 + 5 * MINUTE, "ben-phone")
    assert (second.next_at, second.next_to) == (T0 + 15 * MINUTE, "lead")
    assert (third.next_at, third.next_to) == (T0 + 25 * MINUTE, OURSELVES)
    assert (last.next_at, last.next_to) == (None, "")
    assert {d.incident for d in (first, second, third, last)} == {first.incident}
    assert second.group_labels == first.group_labels
    assert all(t.changed for t in second.alerts)


def test_an_acknowledgement_stops_it_and_giving_back_lets_it_go_on() -> None:
    w = taken(world().at(2 * M)).at(20 * M)
    assert [r for _, r, _ in heard(w)] == ["team"]
    w.give(Unacknowledged(alert=w.engine.alerts()[0].alert, by="jo")).at(60 * M)
    assert heard(w)[1:] == [
        (25, "ben-phone", "escalated"),
        (35, "lead", "escalated"),
        (45, "ours", "nobody_acknowledged"),
    ]


def test_one_of_two_alerts_taken_is_not_enough() -> None:
    p = crew(ladder=chain(), receivers={"default": "team"})
    w = (
        World(replace(p, root=replace(p.root, group_by=("alertname",))))
        .send(0)
        .send(0.5, tenant="b")
    )
    taken(w).at(6 * M)
    page = w.told()[-1]
    assert (page.receiver, page.reason) == ("ben-phone", "escalated")
    assert [t.alert.labels["tenant"] for t in page.alerts] == ["b"]


def test_the_end_of_an_incident_ends_it_for_everybody_who_was_told() -> None:
    w = world().at(6 * M)
    w.give(ResolvedByPerson(alert=w.engine.alerts()[0].alert, by="jo"))
    ended = [d.receiver for d in w.told() if d.status is Status.RESOLVED]
    assert ended == ["team", "ben-phone"]
    assert w.clear().at(60 * M).told() == []


def test_everybody_who_was_told_sees_who_took_it() -> None:
    w = taken(world().at(6 * M))
    seen = [d.receiver for d in w.told() if d.status is Status.ACKNOWLEDGED]
    assert seen == ["team", "ben-phone"]


def test_it_begins_again_with_the_owner_as_often_as_it_says() -> None:
    w = world(crew(ladder=chain(step(5, "lead"), repeat=1))).at(90 * M)
    assert heard(w) == [
        (0, "team", "must_never_happen"),
        (5, "lead", "escalated"),
        (15, "team", "escalated"),
        (20, "lead", "escalated"),
        (30, "ours", "nobody_acknowledged"),
    ]


def test_a_further_page_of_the_same_incident_climbs_on() -> None:
    w = world().send(20 * M)  # The same thing again, after it pages again.
    assert heard(w)[:4] == [
        (0, "team", "must_never_happen"),
        (5, "ben-phone", "escalated"),
        (15, "lead", "escalated"),
        (20, "team", "happened_again"),
    ]
    again = next(d for d in w.told() if d.reason is Reason.AGAIN)
    assert (again.next_at, again.next_to) == (T0 + 25 * MINUTE, OURSELVES)
    others = [d for d in w.told() if d.at == again.at and not d.page]
    assert [d.receiver for d in others] == ["ben-phone", "lead"]  # brought up to date


def test_after_its_end_and_after_an_acknowledgement_a_page_begins_anew() -> None:
    w = world().at(30 * M).clear().send(40 * M).at(46 * M)
    assert heard(w) == [(40, "team", "happened_again"), (45, "ben-phone", "escalated")]
    w = taken(world().at(1 * M)).clear().send(2 * M).at(8 * M)
    assert heard(w) == [(2, "team", "happened_again"), (7, "ben-phone", "escalated")]


def test_a_critical_alert_climbs_its_own_chain_also_when_it_becomes_critical() -> None:
    severity = ["high"]
    made = rule(severity=lambda _: severity[0])
    p = crew(made, ladder=chain(step(30, "lead")), critical=chain(step(2, "ben-phone")))
    w = World(p).send(0).at(1 * M)
    assert w.told()[0].next_to == "lead"
    severity[0] = "critical"
    w.send(1 * M).at(10 * M)
    assert heard(w)[1:] == [(1, "team", "severity_raised"), (3, "ben-phone", "escalated")]


def test_severities_that_are_not_escalated() -> None:
    p = crew(rule(severity=lambda _: "medium"), ladder=chain())
    assert heard(World(p).send(0).at(60 * M)) == [(0, "team", "must_never_happen")]
    assert ladder(p, "safety", "medium") is None
    assert ladder(p, "nobody", "high") is None
    assert ladder(crew(), "safety", "high") is None


def test_a_step_may_tell_several_and_skips_nobody_for_a_gap() -> None:
    duty = {"main": shifts("")}
    both = chain(step(5, "lead", "ben-phone", "lead"), step(5, "main", kind=TargetKind.SCHEDULE))
    w = world(crew(ladder=both, schedules=duty)).at(12 * M)
    assert heard(w)[1:] == [
        (5, "lead", "escalated"),
        (5, "ben-phone", "escalated"),
        (10, "team", "escalated"),  # Nobody is on call: the owner is told again.
    ]
    assert w.told()[0].next_to == "lead, ben-phone"


def test_a_person_is_named() -> None:
    p = crew(ladder=chain(step(5, "ben", kind=TargetKind.PERSON)))
    w = world(p).at(6 * M)
    assert w.told()[0].next_to == "ben"
    assert (w.told()[1].receiver, w.told()[1].on_call) == ("ben-phone", "ben")


def test_a_storm_climbs_once() -> None:
    rules = [rule(f"tool.r{n}") for n in range(40)]
    w = World(crew(*rules, ladder=chain(step(5, "lead")))).send(0).at(6 * M)
    steps = [d for d in w.told() if d.reason is Reason.ESCALATED]
    alone = [d for d in steps if not d.storm]
    (storm,) = (d for d in steps if d.storm)
    assert len(alone) == 10  # The pages before the limit have climbs of their own.
    assert storm.storm == 30
    assert len(storm.alerts) == 30
    assert storm.group_labels == {}


def test_somebody_at_work_on_a_storm_stops_its_climb() -> None:
    rules = [rule(f"tool.r{n}") for n in range(40)]
    w = World(crew(*rules, ladder=chain(step(5, "lead")))).send(0)
    folded = next(a for a in w.engine.alerts() if a.rule == "tool.r39")
    w.at(1 * M).give(Acknowledged(alert=folded.alert, by="jo")).at(60 * M)
    assert not [d for d in w.told() if d.reason is Reason.ESCALATED and d.storm]


def test_an_ordinary_alert_that_ended_before_its_step_does_not_climb() -> None:
    p = crew(rule(detector=burst(1, 60_000), lateness=0), ladder=chain(step(50, "lead")))
    w = World(p).send(0).at(120 * M)
    assert [r for _, r, _ in heard(w)] == ["team"]


def test_a_chain_that_a_reload_took_away_ends() -> None:
    w = world()
    w.take(w.engine.replace(crew(), w.now)).at(60 * M)
    assert heard(w) == [(0, "team", "must_never_happen")]
    w = taken(world())
    w.take(w.engine.replace(crew(), w.now))
    w.give(Unacknowledged(alert=w.engine.alerts()[0].alert, by="jo")).at(60 * M)
    assert heard(w) == [(0, "team", "must_never_happen")]


def test_what_nobody_follows_is_left_alone() -> None:
    e = Escalations(crew(ladder=chain()), lambda g, r, o: ({}, []))
    e.quiet(due(page=False))
    assert e.due == NOT_DUE
    e.page(due())
    e.quiet(due(page=False, reason=Reason.UPDATE))
    assert e.climbs["i"].due == T0 + 5 * MINUTE
    e.quiet(due(page=False, reason=Reason.UNACKNOWLEDGED))
    assert e.climbs["i"].due == T0 + 5 * MINUTE
    assert e.handle_timer(T0 + 5 * MINUTE) == []
    assert e.climbs == {}


def test_what_is_kept_over_a_restart() -> None:
    w = world().at(6 * M)
    twin = World(w.engine.plan)
    twin.engine.restore(*w.engine.snapshot())
    for each in (w, twin):
        each.clear()
        each.at(60 * M)
    assert twin.decisions == w.decisions
    assert len(heard(w)) == 2
    over = Escalations(w.engine.plan, lambda g, r, o: ({}, []))
    over.load(w.engine.paging.escalations.dump())
    assert over.due == NOT_DUE
    assert [c.over for c in over.climbs.values()] == [True]


def test_a_step_that_is_silenced_is_skipped() -> None:
    w = world()
    w.engine.dispatch.gate.silencing = lambda alert, now: ("s1",)
    assert heard(w.at(60 * M)) == [(0, "team", "must_never_happen")]


def test_a_page_that_says_how_long_the_storm_is() -> None:
    e = Escalations(
        crew(ladder=chain()), lambda g, r, o: ({}, due().alerts and [due().alerts[0].alert])
    )
    e.page(due(storm=3))
    e.quiet(due(storm=9, page=False))
    (told,) = e.handle_timer(T0 + 5 * MINUTE)
    assert isinstance(told[0], NotificationDue)
    assert (told[0].storm, told[1]) == (9, "team")
    assert e.due == T0 + 15 * MINUTE


def test_an_alert_of_another_system_climbs_where_its_owner_label_says_so() -> None:
    w = World(crew(ladder=chain(step(5, "lead"))))
    labels = {"alertname": "Down", "owner": "safety", "severity": "critical"}
    posted = PostedAlert(labels=labels, starts_at=T0, ends_at=T0 + 24 * 60 * MINUTE)
    w.give(AlertsPosted(alerts=(posted,))).at(6 * M)
    assert heard(w) == [(0.5, "team", "first_notification"), (5.5, "lead", "escalated")]
    other = World(w.engine.plan)
    other.give(AlertsPosted(alerts=(posted,))).at(1 * M)
    taken(other).at(60 * M)
    assert heard(other) == [(0.5, "team", "first_notification")]


def test_of_too_many_climbs_a_stopped_one_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rulesd.core.escalate.MOST_CLIMBS", 2)
    e = Escalations(crew(ladder=chain()), lambda g, r, o: ({}, []))
    for name in ("a", "b"):
        e.page(due(incident=name))
    e.quiet(due(incident="b", page=False, status=Status.ACKNOWLEDGED))
    e.page(due(incident="c"))
    assert list(e.climbs) == ["a", "c"]
    e.page(due(incident="d"))
    assert list(e.climbs) == ["c", "d"]


def test_a_message_that_is_brought_up_to_date_still_says_who_is_next() -> None:
    w = world().send(30, id_="more").at(60)
    update = next(d for d in w.told() if d.reason is Reason.UPDATE)
    assert (update.next_at, update.next_to) == (T0 + 5 * MINUTE, "ben-phone")
    taken(w)
    assert w.told()[-1].next_to == ""
    w.at(120).give(Unacknowledged(alert=w.engine.alerts()[0].alert, by="jo"))
    assert (w.told()[-1].next_at, w.told()[-1].next_to) == (T0 + 7 * MINUTE, "ben-phone")
