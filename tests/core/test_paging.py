"""Who is told: schedules, receivers that were told, machines beside them, and all of it over restarts and reloads."""

from dataclasses import replace

import pytest

from rulesd.core.engine import Engine
from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Budget, DigestSpec
from rulesd.core.plan import Plan
from rulesd.model.decision import (
    AlertChanged,
    Audience,
    Decision,
    Kind,
    NoticeDue,
    NotificationDue,
    Status,
    line,
)
from rulesd.model.inputs import (
    Acknowledged,
    OverrideRemoved,
    OverrideSet,
    PlanReplaced,
    ResolvedByPerson,
)
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.reasons import Reason
from rulesd.runners import codec
from tests.core.crew import chain, crew, shifts, step
from tests.core.plans import T0, burst, event, rule
from tests.core.world import World
from tests.model.test_oncall import override

M = 60.0
HOURLY = DigestSpec(next=lambda at: (at // HOUR + 1) * HOUR)


def duty(*names: str, **more: object) -> Plan:
    return crew(schedule="main", schedules={"main": shifts(*names)}, **more)  # type: ignore[arg-type]


def said(w: World) -> list[tuple[str, str, bool, str]]:
    return [(d.receiver, str(d.status), d.page, str(d.audience)) for d in w.told()]


def test_a_page_goes_to_whoever_is_on_call_and_names_them() -> None:
    w = World(duty("anna", "ben")).send(0)
    (page,) = w.told()
    assert (page.receiver, page.on_call, page.page) == ("anna-phone", "anna", True)
    w.clear().send(12 * 60 * M)
    assert [(d.receiver, d.on_call, d.page) for d in w.told()] == [
        ("ben-phone", "ben", True),
        ("anna-phone", "", False),  # Her message is brought up to date, and nobody is woken by it.
    ]
    assert w.told()[1].incident == page.incident


def test_everybody_who_was_told_hears_the_end() -> None:
    w = World(duty("anna", "ben")).send(0).send(12 * 60 * M).clear()
    id_ = w.engine.alerts()[0].alert
    w.give(Acknowledged(alert=id_, by="jo")).give(ResolvedByPerson(alert=id_, by="jo"))
    assert said(w) == [
        ("anna-phone", "acknowledged", False, "all"),
        ("ben-phone", "acknowledged", False, "all"),
        ("anna-phone", "resolved", True, "all"),
        ("ben-phone", "resolved", True, "all"),
    ]
    assert w.engine.paging.dump()["told"] == {}  # type: ignore[index, call-overload]


def test_in_a_gap_the_page_goes_where_it_would_have_gone_without_a_schedule() -> None:
    assert said(World(duty("", "ben")).send(0)) == [("team", "firing", True, "all")]


def test_the_owners_machines_hear_of_it_although_its_people_do_not() -> None:
    w = World(duty("anna", machines=("team",))).send(0)
    assert said(w) == [
        ("anna-phone", "firing", True, "all"),
        ("team", "firing", True, "machines"),
    ]
    w.clear().give(ResolvedByPerson(alert=w.engine.alerts()[0].alert, by="jo"))
    assert said(w) == [
        ("anna-phone", "resolved", True, "all"),
        ("team", "resolved", True, "machines"),
    ]


def test_in_a_storm_machines_hear_of_each_and_whoever_is_on_call_of_all() -> None:
    rules = [rule(f"tool.r{n}") for n in range(14)]
    p = crew(*rules, schedule="main", schedules={"main": shifts("anna")}, machines=("team",))
    w = World(p).send(0).at(1 * M)
    assert len([d for d in w.told() if d.audience is Audience.MACHINES]) == 10 + 4
    storm = [d for d in w.told() if d.storm]
    assert {d.receiver for d in storm} == {"anna-phone"}
    assert [d.page for d in storm] == [True, False]
    for one in w.engine.alerts():
        w.give(ResolvedByPerson(alert=one.alert, by="jo"))
    assert w.engine.paging.dump()["told"] == {}  # type: ignore[index, call-overload]


def test_a_receiver_nobody_knows_has_no_machines() -> None:
    p = duty("anna")
    w = World(replace(p, receivers={})).send(0)
    assert said(w) == [("anna-phone", "firing", True, "all")]


def test_the_hand_over_tells_what_is_open_at_its_time() -> None:
    w = World(duty("anna", "ben")).send(0).clear().at(13 * 60 * M)
    (notice,) = (d for d in w.decisions if isinstance(d, NoticeDue))
    assert (notice.at, notice.receiver) == (T0 + 12 * HOUR, "ben-phone")
    assert "1 open" in notice.title


def test_nothing_is_handed_over_before_the_first_input() -> None:
    engine = Engine(duty("anna", "ben"))
    assert engine.next_timer() is None
    assert engine.handle_timer(T0 + 48 * HOUR) == []
    engine.receive(event("x", T0 + 49 * HOUR, type_="other"), T0 + 49 * HOUR)
    assert engine.next_timer() == T0 + 60 * HOUR
    again = Engine(duty("anna", "ben"))
    again.take_again(event("x", T0 + 49 * HOUR, type_="other"), T0 + 49 * HOUR)
    assert again.next_timer() == T0 + 60 * HOUR


def test_a_reload_brings_a_new_schedule() -> None:
    w = World(crew()).send(0)
    w.take(w.engine.replace(duty("anna", "ben"), w.now))
    assert w.engine.paging.due == T0 + 12 * HOUR
    w.take(w.engine.replace(crew(), w.now))
    assert w.engine.paging.due == NOT_DUE
    w.give(PlanReplaced(digest="d"))


def everything() -> Plan:
    rules = (
        rule("tool.never"),
        rule("tool.burst", detector=burst(1, 60_000), lateness=0, keep_firing_for=0),
        rule("tool.low", detector=burst(1, 60_000), lateness=0, severity=lambda _: "low"),
        rule("tool.some", detector=burst(1, 90_000), lateness=0, severity=lambda _: "medium"),
    )
    ladder = chain(step(7, "ben-phone"), step(9, "lead"), ack_timeout=10 * MINUTE, repeat=1)
    return crew(
        *rules,
        ladder=ladder,
        schedule="main",
        schedules={"main": shifts("anna", "ben", every=HOUR)},
        digest=HOURLY,
        page_budget=Budget(pages=6, per=3 * HOUR),
        repeat_max=24 * HOUR,
        machines=("team",),
    )


def test_a_day_with_everything_in_it_is_the_same_after_any_restart() -> None:
    w = World(everything())
    twin = World(everything())
    for n in range(90):
        for each in (w, twin):
            each.send(n * 7 * M, id_=f"e{n}", tenant=f"t{n % 2}")
            alerts = [a for a in each.engine.alerts() if not a.acknowledged_by]
            if n % 5 == 2 and alerts:
                each.give(Acknowledged(alert=alerts[0].alert, by="jo"))
            if n % 9 == 4 and alerts:
                each.give(ResolvedByPerson(alert=alerts[-1].alert, by="kim"))
        snapshot = twin.engine.snapshot()
        twin.engine = Engine(everything())
        twin.engine.restore(*snapshot)
    for each in (w, twin):
        each.at(24 * 60 * M)
    assert twin.decisions == w.decisions
    reasons = {str(d.reason) for d in w.decisions}
    wanted = {"escalated", "ack_expired", "digest", "hand_over", "page_budget_spent", "flapping"}
    assert wanted <= reasons
    assert "nobody_acknowledged" in reasons
    # Whatever waits or flaps: what must never happen woke somebody within its second.
    pages = [d for d in w.told() if d.page and d.audience is not Audience.MACHINES]
    for change in w.decisions:
        if isinstance(change, AlertChanged) and change.kind is Kind.FIRING and change.alert.never:
            assert any(
                change.at <= d.at <= change.at + 1_000
                and (d.storm or change.alert.alert in [t.alert.alert for t in d.alerts])
                for d in pages
            ), change


def test_reminders_are_rarer_each_time() -> None:
    p = crew(rule(detector=burst(1, 30 * 24 * HOUR), lateness=0), repeat_max=10 * HOUR)
    w = World(replace(p, root=replace(p.root, repeat_interval=HOUR))).send(0).at(48 * 60 * M)
    reminders = [(d.at - T0) // MINUTE for d in w.told() if d.reason is Reason.REPEAT]
    gaps = [round((b - a) / 60) for a, b in zip([0, *reminders], reminders, strict=False)]
    assert gaps == [1, 2, 4, 8, 10, 10, 10]
    w.send(48 * 60 * M, tenant="b").clear()
    assert isinstance(w.engine.plan, Plan)
    plain = World(crew(rule(detector=burst(1, 30 * 24 * HOUR), lateness=0))).send(0).at(24 * 60 * M)
    assert len([d for d in plain.told() if d.reason is Reason.REPEAT]) == 5


def test_every_page_is_one_of_the_log() -> None:
    w = World(everything()).send(0).at(60 * M)
    pages = [d for d in w.decisions if isinstance(d, NotificationDue) and d.page]
    assert all(d.receiver and d.incident for d in pages)
    assert pages[0].status is Status.FIRING


def test_what_is_no_notification_passes() -> None:
    w = World(duty("anna"))
    w.engine.dispatch.gate.silencing = lambda alert, now: ("s",)
    w.send(0)
    assert [kind for _, kind, _ in w.changes()] == ["alert.firing", "alert.suppressed"]
    assert w.told() == []


def test_what_wakes_in_between_changes_nothing() -> None:
    """A replay has the inputs alone; live, a timer woke the engine at every deadline."""
    live, replayed = Engine(everything()), Engine(everything())
    one: list[Decision] = []
    two: list[Decision] = []
    for n in range(60):
        now = T0 + n * 9 * MINUTE
        while (due := live.next_timer()) is not None and due <= now:
            one += live.handle_timer(due)
        item = event(f"e{n}", now, tenant=f"t{n % 2}")
        one += live.receive(item, now)
        two += replayed.take_again(item, now) if n % 2 else replayed.receive(item, now)
    assert [codec.decision_line(n, d) for n, d in enumerate(one)] == [
        codec.decision_line(n, d) for n, d in enumerate(two)
    ]
    assert {"notice.due", "notification.due"} <= {str(line(0, d)["kind"]) for d in one}


def test_of_too_many_incidents_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.core.paging.MOST_TOLD", 2)
    w = World(duty("anna"))
    for n in range(3):
        w.send(n, tenant=f"t{n}")
    assert len(w.engine.paging.dump()["told"]) == 2  # type: ignore[index, call-overload, arg-type]


def stands(who: str, begins: float, ends: float, **more: object) -> OverrideSet:
    """``who`` is on call from hour to hour."""
    values = {
        "people": (who,),
        "begins": T0 + round(begins * HOUR),
        "ends": T0 + round(ends * HOUR),
    }
    return OverrideSet(override=override(**{**values, **more}))


def notices(w: World) -> list[tuple[float, str, str]]:
    """(hours, receiver, title) of hand-overs."""
    return [
        ((d.at - T0) / HOUR, d.receiver, d.title.partition(" for ")[0])
        for d in w.decisions
        if isinstance(d, NoticeDue)
    ]


def test_who_stands_in_gets_the_pages_and_hears_what_is_open() -> None:
    w = World(duty("anna", "ben")).send(0)
    w.give(stands("ben", 0, 4))
    assert notices(w) == [(0.0, "ben-phone", "ben is on call")]
    w.clear().send(60 * M, id_="more", tenant="globex")
    assert {d.on_call for d in w.told() if d.page} == {"ben"}
    # The engine's plan says it too, for whoever asks who is on call.
    assert w.engine.plan.schedules["main"].on_call(w.now) == ("ben",)
    w.clear().at(4 * 60 * M)
    assert notices(w) == [(4.0, "anna-phone", "anna is on call")]
    assert w.engine.paging.stand_ins.rows == {}
    w.clear().send(5 * 60 * M, id_="late", tenant="initech")
    assert {d.on_call for d in w.told() if d.page} == {"anna"}


def test_one_that_begins_later_is_handed_over_then_and_hides_the_files_own_hand_over() -> None:
    w = World(duty("anna", "ben")).send(0)
    w.give(stands("nemo", 10, 14, people=("nemo",))).give(stands("anna", 11, 13, id="o2"))
    assert notices(w) == []
    w.at(15 * 60 * M)
    # Nobody can reach nemo; at 12 anna stands in for ben, whose shift begins, and at 14 he has it.
    assert notices(w) == [
        (11.0, "anna-phone", "anna is on call"),
        (14.0, "ben-phone", "ben is on call"),
    ]


def test_taking_it_back_hands_over_again_and_twice_is_nothing() -> None:
    w = World(duty("anna", "ben")).send(0).give(stands("ben", 0, 4)).clear()
    w.now += 1_000
    w.give(OverrideRemoved(id="o1", by="jo"))
    assert [n[1] for n in notices(w)] == ["anna-phone"]
    w.clear().give(OverrideRemoved(id="o1", by="jo"))
    assert w.decisions == []
    assert w.engine.plan.schedules["main"].on_call(w.now) == ("anna",)


def test_an_override_of_the_files_is_overridden_too_and_survives_a_reload() -> None:
    w = World(duty("anna", "ben")).send(0).give(stands("ben", 0, 4))
    w.take(w.engine.replace(duty("nemo", "anna"), w.now))
    assert w.engine.plan.schedules["main"].on_call(w.now) == ("ben",)
    assert w.engine.plan.schedules["main"].on_call(w.now + 5 * HOUR) == ("nemo",)
    gone = duty("anna", "ben")
    w.take(w.engine.replace(replace(gone, people={"anna": gone.people["anna"]}), w.now))
    assert w.engine.plan.schedules["main"].on_call(w.now) == ("anna",)


def test_overrides_over_a_restart_decide_the_same() -> None:
    plan = duty("anna", "ben")
    one = World(plan).send(0).give(stands("ben", 0, 4)).give(stands("anna", 20, 30, id="o2"))
    other = World(plan)
    small, keys = one.engine.snapshot()
    other.engine.restore(codec.unpack_state(codec.pack_state(small)), keys)
    other.now = one.now
    for w in (one, other):
        w.clear().send(60 * M, id_="x", tenant="globex").at(40 * 60 * M)
    assert [line(0, d) for d in other.decisions] == [line(0, d) for d in one.decisions]
    assert other.engine.small_state() == one.engine.small_state()
    before = plan, {k: v for k, v in small.items() if k != "stand_ins"}  # type: ignore[union-attr]
    assert isinstance(before[1], dict)
    machines = dict(before[1]["machines"])  # type: ignore[arg-type]
    machines["paging"] = {k: v for k, v in machines["paging"].items() if k != "stand_ins"}  # type: ignore[union-attr]
    old = World(plan)
    old.engine.restore({**before[1], "machines": machines}, keys)
    assert old.engine.paging.stand_ins.rows == {}
