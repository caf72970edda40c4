"""The five calls: the same inputs give the same decisions, through any restart."""

import json
import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rulesd.core import foreign
from rulesd.core.engine import Engine, KeyState, Limits, sampled
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Maturity, Plan, Route
from rulesd.core.proof import Proof
from rulesd.model.alert import Alert
from rulesd.model.decision import (
    ActionDue,
    AlertChanged,
    Decision,
    Kind,
    NotificationDue,
    ReviewOpened,
    line,
)  # fmt: skip
from rulesd.model.event import Document, Event, Json, Rejected
from rulesd.model.inputs import (
    Acknowledged,
    AlertsPosted,
    BaselinesRelearned,
    Delivered,
    EventRefused,
    PlanReplaced,
    PostedAlert,
    ResolvedByPerson,
    SwitchSet,
    Unacknowledged,
)  # fmt: skip
from rulesd.model.instant import HOUR
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason, Outcome, Reason
from rulesd.model.switch import Switch
from tests.core.crew import chain, crew
from tests.core.plans import T0, burst, event, field, plan, rule
from tests.core.test_baselines import shift
from tests.core.test_switch_table import LOCK
from tests.core.world import World
from tests.model.test_alert import alert


def test_a_duplicate_is_counted_and_decides_nothing() -> None:
    w = World(plan(rule())).send(0, id_="x").clear()
    w.give(event("x", T0))
    assert w.decisions == []
    assert w.engine.outcomes[Outcome.DUPLICATE] == 1
    w.give(event("x", T0, other=1))
    assert w.engine.conflicts == 1
    assert w.engine.alerts()[0].count == 2


def test_every_event_ends_in_exactly_one_outcome() -> None:
    w = World(plan(rule())).send(0).send(1, type_="other").send(1, id_="e1").send(2)
    w.give(EventRefused(source="http", rejected=Rejected(0, "invalid_json", "m", "")))
    assert {str(k): v for k, v in w.engine.outcomes.items()} == {
        "matched": 3,
        "unmatched": 1,
        "duplicate": 0,
        "rejected": 1,
    }
    assert line(1, w.decisions[-1])["kind"] == "event.rejected"


def test_time_never_goes_back() -> None:
    engine = Engine(plan(rule()))
    engine.receive(event("a", T0), T0 + 1_000)
    made = engine.receive(event("b", T0, tenant="b"), T0)
    assert made[0].at == T0 + 1_000
    assert engine.clamped == 1


def test_deadlines_run_before_an_input_each_as_of_its_own_time() -> None:
    w = (
        World(plan(rule(detector=burst(2, 10_000), lateness=0)))
        .send(0)
        .send(1)
        .send(5_000, tenant="b")
    )
    assert [d.at - T0 for d in w.decisions if isinstance(d, AlertChanged)] == [1_000, 80_000]


def test_inputs_that_decide_nothing() -> None:
    w = World(plan(rule())).send(0).clear()
    w.give(PlanReplaced(digest="d"))
    w.give(
        Delivered(
            notification="n",
            receiver="r",
            channel="c",
            outcome=DeliveryOutcome.DELIVERED,
            reason=DeliveryReason.OK,
        )
    )
    assert w.decisions == []
    id_ = w.engine.alerts()[0].alert
    w.give(Acknowledged(alert=id_, by="jo")).give(Unacknowledged(alert=id_, by="jo")).give(
        ResolvedByPerson(alert=id_, by="jo")
    )
    reasons = [str(d.reason) for d in w.decisions if isinstance(d, AlertChanged)]
    assert reasons == ["acknowledged", "unacknowledged", "resolved_by_person"]


def test_a_shadow_rule_decides_and_logs_and_never_pages() -> None:
    w = World(plan(rule(maturity=Maturity.SHADOW, actions=("lock",)))).send(0).send(100)
    assert w.changes() == [
        (0, "alert.firing", "condition_met"),
        (0, "alert.suppressed", "shadow_rule"),
    ]
    assert w.told() == []
    assert not any(isinstance(d, ActionDue) for d in w.decisions)


def test_actions_and_reviews_follow_a_firing_alert() -> None:
    w = World(plan(rule(actions=("lock", "cap"), review_sample=1.0))).send(0)
    assert [d.action for d in w.decisions if isinstance(d, ActionDue)] == ["lock", "cap"]
    assert len([d for d in w.decisions if isinstance(d, ReviewOpened)]) == 1


def test_the_sampled_share_is_decided_by_the_alert_alone() -> None:
    chosen = [sampled(alert(alert=f"{n}"), 0.3) for n in range(2_000)]
    assert 500 < sum(chosen) < 700
    assert not sampled(alert(), 0.0)
    assert sampled(alert(), 1.0)


def test_rules_about_alerts_see_their_transitions() -> None:
    def about(document: Document) -> bool:
        data = document["data"]
        return (
            document["type"] == "alert.state"
            and isinstance(data, dict)
            and data["rule"] == "tool.denied"
        )

    both = (rule("both.two", by=(field("tenant"),), owner="boss"), rule())
    watching = replace(plan(*both, when={"both.two": about}), watches_alerts=True)
    w = World(watching).send(0, model="m1")
    assert [a.rule for a in w.engine.alerts()] == ["tool.denied", "both.two"] or {
        a.rule for a in w.engine.alerts()
    } == {"tool.denied", "both.two"}


def test_an_event_of_the_journal_was_new_when_it_came() -> None:
    engine = Engine(plan(rule()))
    one = event("a", T0)
    assert engine.take_again(one, T0)
    assert engine.take_again(one, T0 + 5_000)
    assert engine.outcomes[Outcome.DUPLICATE] == 0


def rules() -> Plan:
    return plan(
        rule("a.never"),
        rule("b.burst", detector=burst(3, 60_000), by=(field("tenant"), field("tool"))),
        rule("c.distinct", detector=burst(2, 60_000, distinct=field("tool")), pending_for=5_000),
    )


def traffic(seed: int, size: int) -> list[tuple[Event, int]]:
    chance = random.Random(seed)
    now, out = T0, []
    for n in range(size):
        now += chance.choice([0, 200, 3_000, 40_000, 400_000])
        late = chance.choice([0, 0, 0, 2_000, 20_000])
        out.append(
            (event(n, now - late, tenant=chance.choice("ab"), tool=chance.choice("xyz")), now)
        )
    return out


def through(engine: Engine, parts: Plan) -> Engine:
    """A restart: everything written down and read back into a new engine."""
    small, keys = engine.snapshot()
    again = Engine(parts)
    assert again.restore(small, keys) == []
    again.duplicates = engine.duplicates
    assert again.snapshot() == (small, keys)
    return again


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_a_restart_at_any_moment_changes_no_decision(seed: int, size: int) -> None:
    straight, restarted, parts = Engine(rules()), Engine(rules()), rules()
    for item, now in traffic(seed, size):
        restarted = through(restarted, parts)
        assert straight.receive(item, now) == restarted.receive(item, now)
    last = straight.now + 10**9
    assert straight.handle_timer(last) == restarted.handle_timer(last)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_what_changed_since_the_last_checkpoint_is_all_that_is_needed(seed: int, size: int) -> None:
    engine, kept = Engine(rules()), dict[tuple[str, tuple[str, ...]], KeyState]()
    for item, now in traffic(seed, size):
        engine.receive(item, now)
        for state in engine.changes():
            kept[state.rule, state.key] = state
    _, keys = engine.snapshot()
    alive = {place: state.data for place, state in kept.items() if state.data is not None}
    assert alive == {(k.rule, k.key): k.data for k in keys}


def test_a_rule_that_changed_since_the_snapshot_starts_afresh() -> None:
    w = World(rules()).send(0, tool="x")
    small, keys = w.engine.snapshot()
    other = Engine(plan(rule("a.never", digest="other")))
    assert other.restore(small, keys) == ["a.never", "b.burst", "c.distinct"]
    assert other.alerts() == []


def posted(name: str = "DiskFull") -> AlertsPosted:
    one = PostedAlert(labels={"alertname": name}, starts_at=T0, ends_at=T0 + HOUR)
    return AlertsPosted(alerts=(one,))


def test_alerts_of_others_go_the_same_way() -> None:
    w = World(plan(rule())).give(posted()).at(60)
    assert [str(d.status) for d in w.told()] == ["firing"]
    (one,) = w.engine.alerts()
    assert list(w.engine.firing()) == [one]
    assert w.engine.alert(one.alert) == one
    assert w.engine.alert("gone") is None
    w.at(2 * 3_600)
    assert list(w.engine.firing()) == []
    assert w.engine.alerts() == []


def test_what_has_ended_and_waits_to_be_told_does_not_fire() -> None:
    w = World(plan(rule(), root=Route(receiver="default", group_by=())))
    short = PostedAlert(labels={"alertname": "Short"}, starts_at=T0, ends_at=T0 + HOUR // 2)
    w.give(AlertsPosted(alerts=(short,))).give(posted()).at(1_800)
    (group,) = w.engine.dispatch.groups.values()
    assert [m.firing for m in group.members.values()] == [False, True]
    assert list(w.engine.firing()) == w.engine.alerts()


def test_what_is_kept_beside_the_rows_is_all_of_the_machines() -> None:
    w = World(plan(rule())).send(0)
    small = w.engine.small_state()
    assert json.loads(json.dumps(small)) == small
    assert isinstance(small, dict)
    whole, _ = w.engine.snapshot()
    assert isinstance(whole, dict)
    assert set(small) <= set(whole)


def test_events_about_changes_and_actions_reach_their_machines() -> None:
    lock = replace(LOCK, default=True)
    w = World(replace(plan(rule()), switches={"lock_tool": lock}))
    w.send(0, type_="deploy.change", change_id="c1")
    assert len(w.engine.rollouts.open) == 1
    labels = {"tool": "shell", "tenant": "acme"}
    w.give(SwitchSet(id="w1", switch="lock_tool", by="ana", reason="r", labels=labels))
    assert w.engine.switches.open["w1"].result == ""
    w.send(1, type_="action.result", setting="w1", outcome="ok")
    assert w.engine.switches.open["w1"].result.startswith("ok")


def test_rules_about_switches_see_their_changes() -> None:
    def about(document: Document) -> bool:
        return document["type"] == "containment.changed"

    seen = plan(rule("lock.seen", by=(field("key"),)), when={"lock.seen": about})
    w = World(replace(seen, watches_switches=True, switches={"lock_tool": LOCK}))
    labels = {"tool": "shell", "tenant": "acme"}
    w.give(SwitchSet(id="w1", switch="lock_tool", by="ana", reason="r", labels=labels))
    assert [a.rule for a in w.engine.alerts()] == ["lock.seen"]


def test_limits_are_handed_on() -> None:
    engine = Engine(plan(rule()), Limits(window=10, ids=5, owner_pages=1))
    engine.receive(event("a", T0), T0)
    engine.receive(event("a", T0), T0 + 100)
    assert engine.outcomes[Outcome.MATCHED] == 2


def test_a_reload_runs_what_is_due_first_and_then_swaps() -> None:
    w = (
        World(plan(rule(detector=burst(2, 10_000), lateness=0, keep_firing_for=0), rule("t.gone")))
        .send(0)
        .send(1)
    )
    made = w.engine.replace(
        plan(rule(detector=burst(2, 10_000), lateness=0, keep_firing_for=0)), T0 + 100_000
    )
    said = [(d.at - T0, str(d.reason)) for d in made if isinstance(d, AlertChanged)]
    assert said == [(70_000, "condition_cleared"), (100_000, "rule_removed")]
    assert w.engine.void == ["t.gone"]
    assert w.engine.plan is w.engine.dispatch.plan


def test_the_alert_of_a_rule_that_is_gone_still_ends_where_it_was_told() -> None:
    w = World(plan(rule(), rule("t.gone"))).send(0).clear()
    w.take(w.engine.replace(plan(rule()), w.now))
    assert [str(d.status) for d in w.told()] == ["resolved"]


def test_a_reload_may_bring_another_page_limit() -> None:
    w = World(plan(rule()))
    w.engine.replace(plan(rule()), w.now, pages=(1, 60_000))
    assert w.engine.dispatch.throttle.allowed == (1, 60_000)
    small, keys = w.engine.snapshot()
    again = Engine(plan(rule()))
    again.restore(small, keys)
    assert again.dispatch.throttle.allowed == (1, 60_000)


class Echo:
    """A machine that writes down what it hears, answers one input and rings once."""

    name = "echo"

    def __init__(self) -> None:
        self.due = NOT_DUE
        self.heard: list[str] = []
        self.plans = 0

    def take(self, item: object, now: int, out: list[Decision]) -> bool:
        if not isinstance(item, AlertsPosted):
            return False
        self.due = now + 5_000
        out.append(change(now, "posted"))
        return True

    def follow(self, decision: Decision, now: int, out: list[Decision]) -> None:
        self.heard.append(str(line(0, decision)["kind"]))
        if isinstance(decision, AlertChanged) and decision.alert.alert == "posted":
            out.append(change(now, "consequence"))

    def handle_timer(self, now: int, out: list[Decision]) -> None:
        self.due = NOT_DUE
        out.append(change(now, "rang"))

    def replace(self, plan: Plan, now: int, out: list[Decision]) -> None:
        self.plans += 1
        out.append(change(now, "replaced"))

    def alerts(self) -> list[Alert]:
        return [alert(alert="mine")]

    def dump(self) -> Json:
        return {"heard": list(self.heard)}

    def load(self, data: Json) -> None:
        assert isinstance(data, dict)
        self.heard = [str(w) for w in list(data["heard"])]  # type: ignore[arg-type]


def change(now: int, name: str) -> AlertChanged:
    made = alert(alert=name, fingerprint=name)
    return AlertChanged(kind=Kind.FIRING, at=now, reason=Reason.CONDITION_MET, alert=made)


def test_a_machine_takes_its_inputs_hears_every_decision_and_keeps_its_deadlines_and_state() -> (
    None
):
    w = World(plan(rule()))
    echo = Echo()
    w.engine.machines = (Echo(), echo)
    w.engine.machines[0].take = lambda *_: False  # type: ignore[method-assign]
    made = w.engine.receive(AlertsPosted(alerts=()), T0)
    assert [d.alert.alert for d in made if isinstance(d, AlertChanged)][:2] == [
        "posted",
        "consequence",
    ]
    assert w.engine.next_timer() == T0 + 5_000
    assert w.engine.alerts()[-1].alert == "mine"
    made = w.engine.receive(event("a", T0 + 6_000), T0 + 6_000)
    assert made[0].at == T0 + 5_000
    assert "notification.due" in echo.heard
    made = w.engine.replace(w.engine.plan, T0 + 7_000)
    assert echo.plans == 1
    assert any(isinstance(d, NotificationDue) for d in made) or made
    small, keys = w.engine.snapshot()
    again, other = Engine(w.engine.plan), Echo()
    again.machines = (other,)
    again.restore(small, keys)
    assert other.heard == echo.heard
    without = Engine(w.engine.plan)
    odd = Echo()
    odd.name = "unknown"
    without.machines = (odd,)
    without.restore(small, keys)
    assert odd.heard == []


def test_an_acknowledgement_that_expires_is_taken_back() -> None:
    w = World(crew(ladder=chain(ack_timeout=60_000))).send(0)
    w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by="jo")).at(120)
    assert w.engine.alerts()[0].acknowledged_by == ""
    assert str(w.last(Kind.UPDATED).acknowledged_by) == ""


def test_an_acknowledgement_of_an_alert_of_others_expires_too() -> None:
    w = World(crew(ladder=chain(ack_timeout=60_000))).give(posted())
    w.engine.paging.expired = lambda _: [w.engine.alerts()[0].alert]  # type: ignore[method-assign]
    w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by="jo"))
    assert w.engine.alerts()[0].acknowledged_by == "jo"
    w.at(60)
    assert w.engine.alerts()[0].acknowledged_by == ""
    assert w.last(Kind.UPDATED).acknowledged_by == ""


def test_deadlines_are_worked_off_a_little_at_a_time_where_that_is_asked_for() -> None:
    def story(most: int) -> tuple[list[Decision], int]:
        engine, turns = Engine(plan(rule())), 0
        count = 3 * foreign.STEP
        alerts = tuple(
            PostedAlert(labels={"alertname": f"A{n}"}, starts_at=T0, ends_at=T0 + 1_000)
            for n in range(count)
        )
        made = engine.receive(AlertsPosted(alerts=alerts), T0)
        while (due := engine.next_timer()) is not None and due <= T0 + HOUR:
            now = T0 + HOUR if most > count else due
            made += engine.handle_timer(now, most)
            turns += 1
        assert engine.foreign.known == {}
        return made, turns

    at_once, _ = story(1 << 62)
    cut, turns = story(50)
    assert cut == at_once
    assert turns > 5


def test_an_event_that_shows_that_a_switch_is_not_obeyed_reaches_rules_while_it_is_set() -> None:
    switch = Switch(name="lock", key="lock", type="boolean", safe=False, default=True)
    watch = rule("acting.violated", on=("containment.changed",))
    proof = Proof(switch="lock", when=lambda d: d["data"].get("outcome") == "ok", labels=())  # type: ignore[union-attr]
    made = replace(
        plan(watch, when={watch.id: lambda d: d["data"].get("stage") == "violated"}),
        switches={"lock": switch},
        proofs={"tool.call": (proof,)},
        watches_switches=True,
    )
    w = World(made).send(0, outcome="ok")
    w.give(SwitchSet(id="w1", switch="lock", by="ana", reason="exercise"))
    w.send(60, outcome="denied").send(61, type_="other", outcome="ok").send(
        62, outcome="ok", id_="x"
    )
    (found,) = w.engine.alerts()
    assert (found.rule, found.causes) == ("acting.violated", ("x",))
    w.send(70, id_="y", type_="feature_flag.evaluation", key="lock", value=True)
    assert [a.causes for a in w.engine.alerts()] == [("x", "y")]
    # Rules that do not ask are not told.
    quiet = World(replace(made, watches_switches=False))
    quiet.give(SwitchSet(id="w1", switch="lock", by="ana", reason="exercise"))
    assert quiet.send(60, outcome="ok").engine.alerts() == []


def test_a_rule_that_learns_afresh_leaves_what_is_stored_of_it_void() -> None:
    w = World(plan(rule(detector=shift()))).send(0, bad=True)
    w.give(BaselinesRelearned(rule="gone", labels={}, keys=(), by="ana", reason="moved"))
    assert w.engine.void == []
    w.give(BaselinesRelearned(rule="tool.denied", labels={}, keys=(), by="ana", reason="moved"))
    assert w.engine.void == ["tool.denied"]
