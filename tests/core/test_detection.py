"""Keys, limits, clocks and reloads."""

from dataclasses import replace

from rulesd.core.detection import Detection
from rulesd.core.detectors.absence import Absence
from rulesd.core.detectors.never import Never
from rulesd.core.detectors.protocol import Clock, Observation
from rulesd.core.detectors.repeat import Repeat
from rulesd.core.detectors.spike_measure import SpikeMeasure
from rulesd.core.plan import Plan
from rulesd.model.baseline import BaselineChanged
from rulesd.model.decision import AlertChanged, Kind, LimitReached
from rulesd.model.event import Document
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.reasons import Reason
from tests.core.plans import T0, burst, field, plan, rule
from tests.core.world import World


def test_an_event_that_no_rule_wants_costs_and_changes_nothing() -> None:
    w = World(plan(rule())).send(0, type_="other")
    assert w.decisions == []
    assert w.engine.detection.rule_matches == {"tool.denied": 0}


def test_each_key_is_an_alert_of_its_own() -> None:
    w = (
        World(plan(rule(by=(field("tenant"), field("tool")))))
        .send(0, tool="a")
        .send(1, tool="b")
        .send(2, tenant="")
    )
    labels = [tuple(a.labels.values()) for a in w.engine.alerts()]
    assert labels == [("acme", "a"), ("acme", "b"), ("(missing)", "(missing)")]
    assert len({a.fingerprint for a in w.engine.alerts()}) == 3


def test_an_event_from_the_far_future_moves_no_time_but_must_never_happen_fires_on_it() -> None:
    w = (
        World(plan(rule(), rule("t.burst", detector=burst(2, 60_000))))
        .send(0, late=-(10**6))
        .send(1, late=-(10**6))
    )
    assert {a.rule for a in w.engine.alerts()} == {"tool.denied", "t.burst"}
    assert w.engine.detection.suspect == 2
    assert all(b.newest == 0 for b in w.engine.detection.books)
    assert w.last(Kind.FIRING).event_time <= T0 + 1_000


def test_an_event_from_the_far_past_fires_must_never_happen_and_fills_only_its_own_window() -> None:
    w = (
        World(plan(rule(), rule("t.burst", detector=burst(3, 60_000))))
        .send(100)
        .send(101, late=10**9)
        .send(102)
    )
    assert [a.rule for a in w.engine.alerts()] == ["tool.denied"]


def test_late_events_complete_the_window_they_belong_to() -> None:
    w = World(plan(rule(detector=burst(3, 10_000)))).send(0).send(1).send(50).send(51, late=49)
    assert w.changes() == [(51, "alert.firing", "condition_met")]


def test_a_key_explosion_becomes_one_visible_alert() -> None:
    w = World(plan(rule(max_keys=3)))
    for n in range(8):
        w.send(n, tenant=f"t{n}")
    limits = [d for d in w.decisions if isinstance(d, LimitReached)]
    assert [(d.rule, d.limit) for d in limits] == [("tool.denied", 3)]
    assert w.engine.alerts()[-1].labels == {"tenant": "(more keys)"}
    assert w.engine.alerts()[-1].count == 5
    w.at(7200).send(7201, tenant="later")
    assert len([d for d in w.decisions if isinstance(d, LimitReached)]) == 2


def test_what_a_detector_had_to_give_up_is_told_once_an_hour() -> None:
    w = World(plan(rule(detector=Repeat((field("args"),), 200, HOUR))))
    for n in range(9):
        w.send(n, args=f"h{n}")
    (told,) = (d for d in w.decisions if isinstance(d, LimitReached))
    assert (told.reason, told.limit, told.rule) == (Reason.VALUE_LIMIT, 4, "tool.denied")
    assert "1 of this key went" in told.detail


def raising(document: Document) -> bool:
    raise TypeError


def test_errors_of_many_producers_are_bounded_too() -> None:
    r = rule(max_keys=2)
    w = World(plan(r, when={r.id: raising}))
    for n in range(5):
        w.send(n, type_=f"type{n}")
    assert [a.labels["type"] for a in w.engine.alerts()] == ["type0", "type1", "(more keys)"]


class Choosy(Never):
    """A detector whose own condition raises on some documents, and whose pool takes deploys."""

    pooled = True

    def pool(self) -> list[str]:
        return []

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        assert isinstance(pool, list)
        if seen.document["data"].get("deploy"):  # type: ignore[union-attr]
            pool.append(seen.event)
            return True
        return False

    def observe(self, state: object, pool: object, seen: Observation) -> None:  # type: ignore[override]
        raise ValueError("odd document")


def test_a_condition_inside_a_detector_may_raise_and_a_deploy_concerns_all_keys() -> None:
    w = World(plan(rule(detector=Choosy()))).send(0, deploy=True).send(1)
    assert [a.could_not_evaluate for a in w.engine.alerts()] == [True]
    assert w.engine.detection.books[0].pool == ["e1"]


class Deployed(Choosy):
    """Only deploys matter to its pool: it is not asked about anything else."""

    clock = Clock.EVENT
    deploys = True

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        assert seen.document["type"] == "deploy.change"
        return super().observe_pool(pool, seen)


def test_a_pool_to_which_only_deploys_matter_is_asked_about_these_alone() -> None:
    w = World(plan(rule(detector=Deployed(), on=("tool.call", "deploy.change"))))
    w.send(0, deploy=True)
    w.send(1, deploy=True, type_="deploy.change")
    w.send(2, type_="deploy.change")
    assert w.engine.detection.books[0].pool == ["e2"]
    (alert_of_the_call, alert_of_the_deploy) = w.engine.alerts()
    assert alert_of_the_call.labels["type"] == "tool.call"
    assert alert_of_the_deploy.labels["type"] == "deploy.change"


def test_an_unchanged_rule_keeps_its_window_over_a_reload() -> None:
    one = rule(detector=burst(3, 600_000))
    w = World(plan(one)).send(0).send(1)
    w.take(w.engine.replace(plan(replace(one, title="better words")), w.now)).send(2)
    assert len(w.changes(Kind.FIRING)) == 1


def test_a_changed_rule_starts_its_window_afresh_but_keeps_its_open_alert() -> None:
    one = rule(detector=burst(2, 60_000), keep_firing_for=10 * MINUTE)
    w = World(plan(one)).send(0).send(1)
    w.take(
        w.engine.replace(plan(rule(detector=burst(4, 60_000), keep_firing_for=10 * MINUTE)), w.now)
    )
    assert len(w.engine.alerts()) == 1
    assert w.engine.void == ["tool.denied"]
    w.at(3600)
    assert w.changes(Kind.RESOLVED)


def test_an_open_alert_without_a_known_end_gets_one_when_its_rule_changes() -> None:
    w = World(plan(rule(detector=burst(2, 60_000)))).send(0).send(1)
    entry = next(iter(w.engine.detection.books[0].all()))
    assert entry.episode is not None
    entry.episode.until = None
    w.take(w.engine.replace(plan(rule(detector=burst(4, 60_000))), w.now)).at(3600)
    assert w.changes(Kind.RESOLVED)


def test_a_removed_rule_and_one_with_other_labels_end_their_alerts() -> None:
    w = World(plan(rule(), rule("t.gone"))).send(0).send(1, tenant="quiet", type_="other")
    w.take(w.engine.replace(plan(rule(by=(field("tool"),), digest="changed")), w.now))
    assert [c[1:] for c in w.changes(Kind.RESOLVED)] == [("alert.resolved", "rule_removed")] * 2
    assert w.engine.alerts() == []
    w.send(2)
    assert len(w.engine.alerts()) == 1


def test_a_closed_book_says_nothing_about_quiet_keys() -> None:
    w = World(plan(rule(detector=burst(9)))).send(0)
    w.take(w.engine.replace(plan(rule("t.other")), w.now))
    assert w.decisions == []
    assert w.at(10**6).decisions == []  # a deadline of a rule that is gone means nothing


def test_stale_deadlines_mean_nothing() -> None:
    w = World(plan(rule(detector=burst(2, 60_000)))).send(0).send(1)
    w.take(w.engine.replace(plan(), w.now)).clear().at(10**6)
    assert w.decisions == []
    detection = Detection(plan(rule()))
    assert detection.next_timer() is None
    assert detection.episodes.alerts(0) == []


class Ticking(Never):
    """Clears by itself, by its own deadline or before the next observation."""

    def advance(self, state: object, pool: object, watermark: int) -> tuple[object, ...]:  # type: ignore[override]
        from rulesd.core.detectors.protocol import Reading

        if watermark >= T0 + 5_000 and state.at < T0 + 5_000:  # type: ignore[attr-defined]
            state.at = T0 + 5_000  # type: ignore[attr-defined]
            return (Reading(T0 + 5_000, False, 0.0, None),)
        return ()

    def deadline(self, state: object, pool: object) -> int | None:  # type: ignore[override]
        return T0 + 5_000 if state.at < T0 + 5_000 else None  # type: ignore[attr-defined]


def test_a_detectors_own_deadline_runs_by_time_or_before_the_next_observation() -> None:
    r = rule(detector=Ticking(), never=False, keep_firing_for=0)
    w = World(plan(r)).send(0).at(10)
    assert w.changes(Kind.RESOLVED)
    early = World(plan(r)).send(0)
    early.engine.detection._heap.clear()
    early.send(20)
    assert [c[0] for c in early.changes()][:2] == [0, 20]


def test_what_happens_while_an_alert_is_open_is_counted_even_when_the_window_is_not_full() -> None:
    w = (
        World(plan(rule(detector=burst(3, 10_000), keep_firing_for=10 * MINUTE)))
        .send(0)
        .send(1)
        .send(2)
        .send(100)
    )
    assert w.engine.alerts()[0].count == 4


def test_it_is_rebuilt_from_its_books() -> None:
    w = World(plan(rule(), rule("t.burst", detector=burst(9)))).send(0)
    before = w.engine.alerts()
    w.engine.detection.rebuild()
    assert w.engine.alerts() == before
    assert w.engine.detection.next_timer() is not None


def test_a_quiet_key_of_a_changed_rule_is_dropped() -> None:
    w = World(plan(rule(detector=burst(5)))).send(0).send(1, tenant="b")
    w.take(w.engine.replace(plan(rule(detector=burst(6))), w.now))
    assert len(w.engine.detection.books[0]) == 0


def test_an_alert_that_has_an_end_keeps_it_when_its_rule_changes() -> None:
    w = World(plan(rule(detector=burst(2, 60_000)))).send(0).send(1)
    w.take(w.engine.replace(plan(rule(detector=burst(3, 60_000))), w.now))
    entry = next(iter(w.engine.detection.books[0].all()))
    assert entry.episode is not None
    assert entry.episode.until == T0 + 60_000


def test_an_expected_key_that_never_comes_fires_and_is_watched_again_after_a_change() -> None:
    def absent(missed: int) -> Plan:
        watch = Absence(60_000, missed, (("acme",), ("globex",)))
        return plan(rule("tool.silent", detector=watch, digest=f"missed {missed}"))

    world = World(absent(1))
    world.send(0)
    world.at(3_600)
    assert world.changes(Kind.FIRING) == [(165.0, "alert.firing", "condition_met")] * 2
    world = World(absent(1))
    world.send(0, type_="other")
    world.take(world.engine.replace(absent(2), T0 + 60_000))
    world.at(200)
    assert world.changes(Kind.FIRING) == []
    world.at(300)
    assert len(world.changes(Kind.FIRING)) == 2
    small, keys = world.engine.snapshot()
    again = World(absent(2))
    again.engine.restore(small, keys)
    again.send(301, type_="other")
    assert len(again.engine.alerts()) == 2


def test_a_quiet_key_is_woken_at_its_own_deadline_whichever_rule_shares_its_labels() -> None:
    watch = Absence(60_000, 1)
    rules = (
        rule("t.silent", detector=watch, lateness=0),
        rule("t.burst", detector=burst(9, 60_000)),
        rule("t.tool", detector=burst(1, 60_000), by=(field("tool"),)),
    )
    world = World(plan(*rules)).send(0, tool="shell").send(30, tool="sql")
    world.at(3_600)
    told = [d for d in world.decisions if isinstance(d, AlertChanged) and d.kind is Kind.FIRING]
    fired = {(d.alert.rule, *d.alert.labels.values()) for d in told}
    assert fired == {("t.silent", "acme"), ("t.tool", "shell"), ("t.tool", "sql")}


def test_a_key_that_comes_and_goes_is_noted_for_few_times_only() -> None:
    spike = SpikeMeasure(field("n"), 10 * MINUTE, HOUR * 24 * 7, 1.0)
    w = World(plan(rule("t.spike", detector=spike)))
    for n in range(200):
        w.at(n * 1_800).send(n * 1_800 + 1, n=n % 7)
    assert len(w.engine.detection._heap) <= 3
    before = w.engine.snapshot()
    w.at(200 * 1_800 + 29 * 86_400)
    (said,) = [d for d in w.decisions if isinstance(d, BaselineChanged)]
    assert (said.reason, said.detail) == (
        Reason.RELEARN_SILENT,
        "silent for 28d; it was 2.97",
    )
    assert w.engine.detection._heap == []
    assert w.engine.snapshot() != before


def test_what_comes_after_its_time_has_passed_is_counted_as_late() -> None:
    w = World(plan(rule(detector=burst(3), lateness=30_000))).send(100).send(100, late=30)
    assert w.engine.detection.late == 0
    w.send(100, late=30.001)
    assert w.engine.detection.late == 1
    never = World(plan(rule(lateness=30_000))).send(100).send(100, late=90)
    assert never.engine.detection.late == 0
    assert never.send(100, late=90.001).engine.detection.late == 1
