"""Whom an alert reaches, when, and how often."""

from dataclasses import replace

import pytest

from rulesd.core import dispatch as module
from rulesd.core import foreign
from rulesd.core.dispatch import Dispatch
from rulesd.core.plan import Matcher, Owner, Plan, Route
from rulesd.model.decision import (
    AlertChanged,
    Decision,
    Kind,
    LimitReached,
    NotificationDue,
    Status,
)
from rulesd.model.event import Document
from rulesd.model.inputs import Acknowledged, ResolvedByPerson, Unacknowledged
from rulesd.model.instant import HOUR, MINUTE
from tests.core.foreigners import FAST, Posts, stops
from tests.core.plans import T0, burst, plan, rule
from tests.core.world import World

HOURLY = Route(
    receiver="default",
    group_by=("alertname",),
    group_wait=30_000,
    group_interval=5 * MINUTE,
    repeat_interval=HOUR,
)


def bursting(**changes: object) -> World:
    return World(
        plan(rule(detector=burst(2, 600_000), keep_firing_for=4 * HOUR, **changes), root=HOURLY)
    )


def test_an_ordinary_alert_waits_for_its_group() -> None:
    w = bursting().send(0).send(1).send(5, tenant="b").send(6, tenant="b").at(100)
    assert w.pages() == [(31, "first_notification")]
    assert [t.alert.labels["tenant"] for t in w.told()[0].alerts] == ["acme", "b"]


def test_news_wait_for_the_interval_and_silence_is_repeated() -> None:
    w = bursting().send(0).send(1).at(40).send(50, tenant="b").send(51, tenant="b").at(3_600 + 400)
    assert w.pages() == [
        (31, "first_notification"),
        (331, "new_alerts_in_group"),
        (331 + 3600, "repeat_interval_elapsed"),
    ]


def test_resolved_before_the_first_page_pages_nobody() -> None:
    w = World(
        plan(
            rule(detector=burst(2, 1_000), keep_firing_for=0, lateness=0),
            root=Route(receiver="default", group_wait=2 * HOUR),
        )
    )
    w.send(0).send(0.5).at(3 * 3600)
    assert w.changes(Kind.RESOLVED)
    assert w.told() == []
    assert not w.engine.dispatch.groups


def test_some_resolved_then_all() -> None:
    w = bursting().send(0).send(1).send(2, tenant="b").send(3, tenant="b").at(40)
    first, second = (a.alert for a in w.engine.alerts())
    w.give(ResolvedByPerson(alert=first, by="jo"))
    w.give(ResolvedByPerson(alert=second, by="jo"))
    assert [(str(d.reason), str(d.status)) for d in w.told()[1:]] == [
        ("some_alerts_resolved", "firing"),
        ("all_alerts_resolved", "resolved"),
    ]
    assert [str(t.status) for t in w.told()[1].alerts] == ["resolved", "firing"]
    w.at(60)
    assert not w.engine.dispatch.groups


def test_a_must_never_happen_alert_pages_at_once_and_shares_the_page_for_a_second() -> None:
    w = World(plan(rule())).send(0, tenant="a", x=1)
    assert w.pages() == [(0, "must_never_happen")]
    group = World(plan(rule(), root=Route(receiver="default", group_by=("alertname",))))
    group.send(0, tenant="a").send(0.3, tenant="b").send(0.4, tenant="c").at(5)
    assert group.pages() == [(0, "must_never_happen"), (1, "must_never_happen")]
    assert len(group.told()[1].alerts) == 3


def test_it_pages_again_only_for_an_old_page_or_after_it_was_taken() -> None:
    w = World(plan(rule())).send(0).send(600).send(899).at(905)
    assert w.pages() == [(0, "must_never_happen")]
    w.send(900 + 30)
    assert w.pages()[1:] == [(930, "happened_again")]
    w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by="jo")).send(940)
    assert w.pages()[2:] == [(940, "happened_again")]


def test_in_between_the_page_is_brought_up_to_date_at_most_every_ten_seconds() -> None:
    w = World(plan(rule()))
    for n in range(40):
        w.send(n)
    updates = [(d.at - w.told()[0].at) / 1000 for d in w.told() if not d.page]
    assert updates == [10, 20, 30]
    assert len(w.pages()) == 1


def test_by_time_alone_a_must_never_happen_page_is_not_repeated() -> None:
    w = World(plan(rule(), root=HOURLY)).send(0).at(20 * 3600)
    assert len(w.told()) == 1


def test_taken_alerts_are_told_to_all_and_not_repeated() -> None:
    w = bursting().send(0).send(1).send(2, tenant="b").send(3, tenant="b").at(40)
    one, two = (a.alert for a in w.engine.alerts())
    w.give(Acknowledged(alert=one, by="jo"))
    assert (w.told()[-1].status, w.told()[-1].page, len(w.told()[-1].alerts)) == (
        Status.FIRING,
        False,
        2,
    )
    w.give(Acknowledged(alert=two, by="jo"))
    assert w.told()[-1].status is Status.ACKNOWLEDGED
    w.clear().at(3 * 3600)
    assert w.pages() == []
    w.give(Unacknowledged(alert=one, by="jo"))
    assert [str(d.reason) for d in w.told()] == ["unacknowledged"]


def test_taking_an_alert_before_its_first_page_tells_nobody_yet() -> None:
    w = bursting().send(0).send(1)
    w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by="jo"))
    assert w.told() == []
    w.at(40)
    assert str(w.told()[0].alerts[0].status) == "acknowledged"


def graded(facts: Document) -> str:
    alert = facts["alert"]
    assert isinstance(alert, dict)
    count = alert["count"]
    assert isinstance(count, int)
    return "critical" if count >= 4 else "medium"


def test_a_severity_that_rose_is_news_at_the_next_interval() -> None:
    w = bursting(severity=graded).send(0).send(1).at(40).send(50).send(51).at(400)
    assert w.pages() == [(31, "first_notification"), (331, "severity_raised")]


def test_a_severity_that_rose_is_news_at_once_for_must_never_happen() -> None:
    w = World(plan(rule(severity=graded))).send(0).send(10).send(20).send(30)
    assert w.pages() == [(0, "must_never_happen"), (30, "severity_raised")]


def test_a_new_severity_may_lead_to_another_receiver_and_ends_at_the_old_one() -> None:
    owners = {"safety": Owner(name="safety", receivers={"critical": "pager", "default": "chat"})}
    r = rule(detector=burst(2, 600_000), keep_firing_for=4 * HOUR, severity=graded)
    w = World(plan(r, owners=owners, root=HOURLY)).send(0).send(1).at(40).send(50).send(51).at(400)
    assert [(d.receiver, str(d.status)) for d in w.told()] == [
        ("chat", "firing"),
        ("pager", "firing"),
        ("chat", "resolved"),
    ]
    # Up and down between two flushes: it never left.
    assert set(w.engine.dispatch.groups) == {
        ('{}/{owner="safety"}:{alertname="tool.denied"}', "pager")
    }


def test_a_severity_that_falls_back_finds_its_old_group_again() -> None:
    owners = {"safety": Owner(name="safety", receivers={"critical": "pager", "default": "chat"})}
    grade = iter(["medium", "medium", "critical", "medium", "medium"])
    r = rule(
        detector=burst(2, 600_000), keep_firing_for=4 * HOUR, severity=lambda facts: next(grade)
    )
    w = (
        World(plan(r, owners=owners, root=HOURLY))
        .send(0)
        .send(1)
        .at(40)
        .send(50)
        .send(51)
        .send(52)
        .at(400)
    )
    assert next((d.receiver, str(d.status)) for d in w.told()) == ("chat", "firing")


def test_continue_tells_two_receivers() -> None:
    match = Matcher(name="tenant", op="=", value="acme", test=lambda text: text == "acme")
    audit = Route(receiver="audit", matchers=(match,), go_on=True, key='{}/{tenant="acme"}')
    pager = Route(receiver="pager", matchers=(match,), key='{}/{tenant="acme"}')
    w = World(plan(rule(), root=Route(receiver="default", routes=(audit, pager)))).send(0)
    assert [d.receiver for d in w.told()] == ["audit", "pager"]
    w.give(ResolvedByPerson(alert=w.engine.alerts()[0].alert, by="jo"))
    assert [d.receiver for d in w.told()[2:]] == ["audit", "pager"]


def test_a_new_episode_before_the_old_ones_end_was_told_tells_both() -> None:
    r = rule(detector=burst(2, 10_000), keep_firing_for=0, lateness=0)
    w = World(plan(r, root=HOURLY)).send(0).send(1).at(40)
    old = w.last(Kind.FIRING).alert
    w.at(100).send(320).send(321).at(340)
    told = w.told()[1]
    assert str(told.reason) == "new_alerts_in_group"
    assert {t.alert.alert: str(t.status) for t in told.alerts}[old] == "resolved"
    assert len(told.alerts) == 2


def test_a_quick_return_that_nobody_was_told_of_is_just_a_return() -> None:
    r = rule(detector=burst(2, 2_000), keep_firing_for=0, lateness=0)
    w = (
        World(plan(r, root=Route(receiver="default", group_wait=10 * MINUTE)))
        .send(0)
        .send(1)
        .at(100)
        .send(101)
        .send(102)
        .at(800)
    )
    assert len(w.changes(Kind.FIRING)) == 2


def test_groups_are_limited_and_the_limit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_GROUPS", 2)
    w = World(plan(rule(), root=Route(receiver="default", group_by=("tenant",))))
    for n in range(5):
        w.send(n * 2, tenant=f"t{n}")
    limits = [d for d in w.decisions if isinstance(d, LimitReached)]
    assert {str(d.reason) for d in limits} == {"group_limit"}
    assert len(w.engine.dispatch.groups) == 3
    assert len(w.pages()) == 5  # nobody is dropped


def reloaded(dispatch: Dispatch, under: Plan | None = None) -> Dispatch:
    """Written down and read back."""
    again = Dispatch(under or dispatch.plan)
    alerts = [m.alert for g in dispatch.groups.values() for m in g.members.values()]
    for key, data in reversed(list(dispatch.rows.rows())):
        again.rows.load_row(key, data)
    again.load(dispatch.dump(), {a.fingerprint: a for a in alerts if a.foreign is not None})
    return again


def test_state_survives_writing_and_reading_at_any_moment() -> None:
    def story(restart: bool) -> list[object]:
        w = bursting(severity=graded)
        for n, act in enumerate(
            (lambda: w.send(0), lambda: w.send(1), lambda: w.at(40), lambda: w.send(50, tenant="b"), lambda: w.send(51, tenant="b"),
             lambda: w.send(52).send(53), lambda: w.at(4_000), lambda: w.at(40_000))
        ):  # fmt: skip
            act()
            if restart:
                again = reloaded(w.engine.dispatch)
                assert again.dump() == w.engine.dispatch.dump(), n
                assert list(again.rows.rows()) == list(w.engine.dispatch.rows.rows()), n
                w.engine.dispatch = again
        return [d for d in w.decisions if isinstance(d, NotificationDue)]

    assert story(restart=False) == story(restart=True)


def test_what_concerns_nobody_changes_nothing() -> None:
    w = bursting().send(0).send(1)
    w.engine.dispatch.replace(w.engine.plan, w.now, [])
    change = next(d for d in w.decisions if getattr(d, "kind", None) is Kind.FIRING)
    out: list[object] = []
    w.engine.dispatch.receive(
        type(change)(kind=Kind.PENDING, at=0, reason=change.reason, alert=change.alert), 0, out
    )  # type: ignore[arg-type,union-attr,call-arg]
    assert out == []


def test_acknowledging_what_is_only_pending_tells_nobody() -> None:
    w = (
        World(plan(rule(detector=burst(2, 600_000), pending_for=MINUTE), root=HOURLY))
        .send(0)
        .send(1)
    )
    w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by="jo"))
    assert w.told() == []


def test_a_second_urgent_alert_waits_for_the_page_that_is_on_its_way() -> None:
    w = World(plan(rule(), root=Route(receiver="default", group_by=("alertname",))))
    w.send(0, tenant="a").send(0.3, tenant="b").send(0.5, tenant="c").at(1)
    assert [len(d.alerts) for d in w.told()] == [1, 3]


def test_routes_are_found_again_by_their_key() -> None:
    match = Matcher(name="tenant", op="=", value="acme", test=lambda text: text == "acme")
    child = Route(receiver="audit", matchers=(match,), key='{}/{tenant="acme"}', repeat_interval=5)
    root = Route(receiver="default", routes=(child,))
    w = World(plan(rule(), root=root)).send(0)
    w.engine.dispatch.replace(plan(rule(), root=root), w.now, [])
    assert next(iter(w.engine.dispatch.groups.values())).route is child
    again = reloaded(w.engine.dispatch, plan(rule(), root=Route(receiver="default")))
    assert next(iter(again.groups.values())).route.receiver == "default"


def test_an_update_of_what_nobody_was_told_yet_waits() -> None:
    w = (
        bursting().send(0).send(1).send(2).send(3).send(4)
    )  # the count doubled before the first page
    assert w.told() == []
    group = next(iter(w.engine.dispatch.groups.values()))
    group.refresh = w.now
    w.engine.dispatch._arm(group)
    w.at(5)
    assert w.told() == []
    w.at(40)
    assert len(w.told()) == 1
    w.send(50).send(51).send(52).send(53).send(54).send(55).at(70)
    assert [str(d.reason) for d in w.told()[1:]] == ["updated_in_place"]


def test_a_deadline_of_a_group_that_is_gone_means_nothing() -> None:
    w = bursting().send(0).send(1)
    w.engine.dispatch.groups.clear()
    w.at(100)
    assert w.told() == []


def test_two_routes_to_one_place_are_one_group() -> None:
    match = Matcher(name="tenant", op="=", value="acme", test=lambda text: text == "acme")
    twice = Route(receiver="audit", matchers=(match,), go_on=True, key='{}/{tenant="acme"}')
    w = World(plan(rule(), root=Route(receiver="default", routes=(twice, twice)))).send(0)
    assert len(w.engine.dispatch.groups) == 1


def test_an_update_that_is_due_when_nobody_was_told_says_nothing() -> None:
    w = bursting().send(0).send(1)
    group = next(iter(w.engine.dispatch.groups.values()))
    group.tick, group.refresh = None, w.now + 1
    w.engine.dispatch._arm(group)
    w.at(5)
    assert w.told() == []
    assert reloaded(w.engine.dispatch).next_timer() is None  # a group that waits for nothing


def test_what_is_over_but_not_told_is_found_again_after_a_restart() -> None:
    w = (
        World(plan(rule(detector=burst(2, 10_000), keep_firing_for=0, lateness=0), root=HOURLY))
        .send(0)
        .send(1)
        .at(100)
    )
    again = reloaded(w.engine.dispatch)
    out: list[object] = []
    again.handle_timer(w.now + 10**6, out)  # type: ignore[arg-type]
    assert [str(d.reason) for d in out] == ["all_alerts_resolved"]  # type: ignore[attr-defined]


def test_a_severity_that_falls_back_before_anybody_looked() -> None:
    owners = {"safety": Owner(name="safety", receivers={"critical": "pager", "default": "chat"})}
    grade = iter(["medium", "critical", "medium"])
    r = rule(detector=burst(2, 600_000), keep_firing_for=1, severity=lambda facts: next(grade))
    w = World(plan(r, owners=owners, root=HOURLY)).send(0).send(1).send(2).send(3)
    assert sorted(w.engine.dispatch.groups) == [
        ('{}/{owner="safety"}:{alertname="tool.denied"}', n) for n in ("chat", "pager")
    ]
    w.at(60)
    assert [(d.receiver, str(d.status)) for d in w.told()] == [("chat", "firing")]


def test_an_urgent_page_moves_the_regular_one() -> None:
    root = Route(receiver="default", group_by=("tenant",))
    w = World(plan(rule(), rule("t.burst", detector=burst(2, 600_000), on=("other",)), root=root))
    w.send(0, type_="other").send(1, type_="other").send(10).at(100)
    assert w.pages() == [(10, "must_never_happen")]
    assert len(w.told()[0].alerts) == 2


def test_a_severity_may_change_one_of_two_places() -> None:
    tenant = Matcher(name="tenant", op="=", value="acme", test=lambda text: text == "acme")
    worst = Matcher(name="severity", op="=", value="critical", test=lambda text: text == "critical")
    audit = Route(
        receiver="audit", matchers=(tenant,), go_on=True, key="{}/a", group_by=("alertname",)
    )
    pager = Route(receiver="pager", matchers=(worst,), key="{}/p", group_by=("alertname",))
    grade = iter(["medium", "critical", "medium"])
    r = rule(detector=burst(2, 600_000), keep_firing_for=1, severity=lambda facts: next(grade))
    w = (
        World(plan(r, root=Route(receiver="default", routes=(audit, pager))))
        .send(0)
        .send(1)
        .send(2)
        .send(3)
        .at(60)
    )
    assert [d.receiver for d in w.told()] == ["audit"]


# ---------------------------------------------------------------------- alerts of other systems


def test_a_group_of_foreign_alerts_lives_as_alertmanagers_do() -> None:
    w = Posts()
    w.post(0, "A x=1").post(2, "A x=2").post(2.5, "A x=1").over(4, "A x=1").over(6, "A x=2")
    w.post(10, "A x=1").at(20)
    assert w.lines() == [
        (1, "firing", "A/firing"),
        (3, "firing", "A/firing A/firing"),
        (5, "firing", "A/resolved A/firing"),
        (7, "resolved", "A/resolved"),
        (11, "firing", "A/firing"),  # the group had ticked on, empty
        (19, "firing", "A/firing"),
    ]


def test_it_ends_with_its_time_and_says_so_at_the_next_tick() -> None:
    w = Posts().post(0, "A", ends=4).at(20)
    assert w.lines() == [(1, "firing", "A/firing"), (5, "resolved", "A/resolved")]
    assert w.changes() == [
        (0, "alert.firing", "condition_met"),
        (4, "alert.resolved", "condition_cleared"),
    ]


def test_an_old_alert_does_not_wait_before_the_first_flush_of_its_group() -> None:
    w = Posts().post(0, "A x=1", starts=-60).at(0).post(0.5, "A x=2", starts=-60).at(4)
    assert w.lines() == [(0, "firing", "A/firing"), (2, "firing", "A/firing A/firing")]
    late = Posts().post(0, "A").post(0.5, "A", starts=-60).at(1)
    assert late.lines() == [(0.5, "firing", "A/firing")]


def test_what_was_over_when_it_came_makes_a_group_that_ticks() -> None:
    w = Posts().post(0, "A", starts=-0.5, ends=-0.1).post(1.5, "A x=2").at(4)
    assert w.lines() == [(3, "firing", "A/firing")]


def test_an_empty_group_ends_with_the_sweep() -> None:
    w = Posts().post(1, "A").over(3, "A").at(29.9)
    assert len(w.engine.dispatch.groups) == 1
    w.at(30)
    assert not w.engine.dispatch.groups
    w.clear().post(31.5, "A").at(33)
    assert w.lines() == [(32.5, "firing", "A/firing")]


def test_a_person_resolves_it_at_once_until_its_source_sends_it_again() -> None:
    w = Posts().post(0, "A").at(1.5)
    w.give(ResolvedByPerson(alert=w.engine.alerts()[0].alert, by="jo"))
    w.post(10, "A", starts=0).at(14)
    assert w.lines() == [
        (1, "firing", "A/firing"),
        (1.5, "resolved", "A/resolved"),
        (11.5, "firing", "A/firing"),
    ]


def test_a_person_takes_it_and_it_is_repeated_no_more() -> None:
    w = Posts().post(0, "A").at(1.5)
    w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by="jo"))
    w.post(3, "A").at(60)
    assert w.lines()[1:] == [(1.5, "acknowledged", "A/acknowledged")]


def two_ways() -> Route:
    team = Matcher(name="alertname", op="=", value="W", test="W".__eq__)
    audit = replace(FAST, receiver="audit", matchers=(team,), key="{}/a", go_on=True)
    pager = replace(FAST, receiver="pager", matchers=(team,), key="{}/p")
    return replace(FAST, routes=(audit, pager))


def test_what_is_held_back_in_two_groups_is_said_once() -> None:
    w = Posts(stops(), root=two_ways())
    w.post(0, "D severity=critical cluster=x", "W severity=warning cluster=x").at(10)
    held = [d for d in w.decisions if isinstance(d, AlertChanged) and d.kind is Kind.SUPPRESSED]
    assert [(str(d.reason), d.held_by) for d in held] == [
        ("inhibited", (w.engine.foreign.alerts()[0].fingerprint,))
    ]
    w.clear().over(11, "D severity=critical cluster=x").at(14)
    assert sorted(d.receiver for d in w.told()) == ["audit", "default", "pager"]


def test_a_silenced_must_never_happen_alert_waits_for_the_end_of_its_silence() -> None:
    w = World(plan(rule(), root=FAST))
    quiet = True
    w.engine.dispatch.gate.silencing = lambda alert, now: ("s",) if quiet else ()
    w.engine.dispatch.gate.may_silence = lambda: True
    w.send(0).at(4).send(5)
    assert w.told() == []
    assert [reason for _, kind, reason in w.changes(Kind.SUPPRESSED)] == ["silenced"]
    quiet = False
    w.at(8)
    assert w.pages() == [(7, "first_notification")]


def test_how_an_alert_stands_and_all_groups() -> None:
    w = Posts(stops(), root=two_ways())
    w.post(0, "D severity=critical cluster=x", "W severity=warning cluster=x").at(2)
    source, target = w.engine.foreign.alerts()
    assert w.engine.dispatch.standing(source, w.now).state == "active"
    standing = w.engine.dispatch.standing(target, w.now)
    assert (standing.state, standing.receivers) == ("suppressed", ("audit", "pager"))
    assert standing.inhibited_by == (source.fingerprint,)
    views = w.engine.dispatch.overview(w.now)
    assert [(v.receiver, [a.rule for a in v.alerts]) for v in views] == [
        ("audit", ["W"]),
        ("pager", ["W"]),
        ("default", ["D"]),
    ]


def test_a_new_episode_of_ours_is_news_although_the_end_of_the_last_was_never_told() -> None:
    w = World(plan(rule(detector=burst(2, 2_000), keep_firing_for=0, lateness=0), root=FAST))
    quiet = False
    w.engine.dispatch.gate.silencing = lambda alert, now: ("s",) if quiet else ()
    w.engine.dispatch.gate.may_silence = lambda: True
    w.send(0).send(0.1).at(2)
    quiet = True
    w.at(100)
    quiet = False
    w.send(101).send(101.1).at(104)
    assert [reason for _, reason in w.pages()] == ["first_notification", "first_notification"]


def test_other_routes_lead_alerts_elsewhere_at_once() -> None:
    w = Posts().post(0, "A", "B").at(2)
    b = Matcher(name="alertname", op="=", value="B", test="B".__eq__)
    root = replace(FAST, routes=(replace(FAST, receiver="pager", matchers=(b,), key="{}/b"),))
    other = replace(w.engine.plan, root=root, routing_yaml="other", inhibit_rules=(stops(),))
    w.clear().take(w.engine.replace(other, w.now))
    w.at(4)
    assert [(d.receiver, str(d.status)) for d in w.told()] == [
        ("pager", "firing"),
        ("default", "resolved"),
    ]
    # There and back before anybody was told: it never left.
    back = replace(w.engine.plan, root=FAST, routing_yaml="again")
    w.clear().take(w.engine.replace(back, w.now)).take(w.engine.replace(other, w.now)).at(12)
    assert {d.receiver for d in w.told() if d.status is Status.RESOLVED} == set()
    w.clear().take(w.engine.replace(back, w.now)).at(15)
    assert {d.receiver for d in w.told() if d.status is Status.RESOLVED} == {"pager"}
    other = back
    same = replace(other, digest="other rules")
    w.clear().take(w.engine.replace(same, w.now))
    assert w.decisions == []


def test_a_source_known_before_a_restart_holds_back_before_the_first_flush() -> None:
    w = Posts(stops())
    w.post(0, "D severity=critical cluster=x").post(0.5, "W severity=warning cluster=x")
    again = reloaded(w.engine.dispatch)
    out: list[Decision] = []
    for at in range(0, 5_000, 100):
        again.handle_timer(w.now + at, out)
    assert [d.alerts[0].alert.rule for d in out if isinstance(d, NotificationDue)] == ["D"]


def test_state_of_an_older_version_is_read() -> None:
    w = Posts().post(0, "A").at(2)
    again = Dispatch(w.engine.plan)
    again.load({"groups": [], "owners": {}})
    assert again.next_timer() is None


def test_an_alert_of_another_system_with_the_labels_of_ours_is_another_alert() -> None:
    """Else whoever may post could end what must never happen."""
    w = Posts(stops(("tenant",)))
    w.send(0).post(1, "tool.denied tenant=acme").over(2, "tool.denied tenant=acme").at(10)
    (ours,) = w.engine.detection.episodes.alerts(w.now)
    (group,) = w.engine.dispatch.groups.values()
    assert [m.alert.alert for m in group.members.values() if m.firing] == [ours.alert]
    assert w.pages() == [
        (0, "must_never_happen"),
        (2, "new_alerts_in_group"),
        (4, "some_alerts_resolved"),
    ]
    assert ours.fingerprint == next(iter(w.engine.foreign.known))
    w.clear().give(ResolvedByPerson(alert=ours.alert, by="jo"))
    assert [str(d.status) for d in w.told()] == ["resolved"]


def test_groups_that_are_due_together_speak_in_steps_after_all_that_ended_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def story(step: int) -> list[Decision]:
        monkeypatch.setattr(module, "STEP", step)
        monkeypatch.setattr(foreign, "STEP", step)
        w = Posts()
        w.post(0, *[f"A{n} x={m}" for n in range(7) for m in range(3)], ends=5)  # At a tick.
        for _ in range(20):
            w.take(w.engine.handle_timer(T0 + 20_000, most=1))
        return w.decisions

    assert story(3) == story(1_000)
    told = [d.status for d in story(3) if isinstance(d, NotificationDue)]
    assert told == 7 * [Status.FIRING] + 7 * [Status.RESOLVED]
