"""Learning anew: asked for or by itself, it is always told, and never a page."""

from dataclasses import replace
from typing import Any

from rulesd.core.baselines import Phase, baselines
from rulesd.core.detectors.burst import Burst
from rulesd.core.detectors.drift import Drift
from rulesd.core.detectors.never import Never
from rulesd.core.detectors.news import News
from rulesd.core.detectors.rollout import Rollout
from rulesd.core.engine import Engine
from rulesd.core.relearning import learns
from rulesd.model.baseline import BaselineChanged
from rulesd.model.decision import AlertChanged, Kind, NotificationDue
from rulesd.model.inputs import BaselinesRelearned, ResolvedByPerson
from rulesd.model.instant import DAY, HOUR
from rulesd.model.reasons import Reason
from tests.core.plans import field, plan, rule
from tests.core.test_baselines import bad, shift
from tests.core.test_baselines import learns as spike
from tests.core.world import World

ON = ("tool.call", "deploy.change")
MINUTE_S, HOUR_S = 60, 3600


def told(world: World, *reasons: Reason) -> list[BaselineChanged]:
    said = [d for d in world.decisions if isinstance(d, BaselineChanged)]
    return [d for d in said if d.reason in reasons] if reasons else said


def learned(**changes: Any) -> World:
    """Two tenants, each with a level of its own."""
    world = World(plan(rule("t.shift", detector=shift(**changes), on=ON)))
    for n in range(8 * 60):
        world.send(n * MINUTE_S, tenant="acme", bad=n % 10 == 0)
        world.send(n * MINUTE_S, tenant="globex", bad=n % 5 == 0)
    return world


def fire(world: World, tenant: str = "acme") -> str:
    """Everything of a tenant is bad from now on; the alert that follows."""
    for n in range(8 * 60, 9 * 60):
        world.send(n * MINUTE_S, tenant=tenant, bad=True)
    (alert,) = world.engine.alerts()
    return alert.alert


def asked(world: World, *keys: str, **labels: str) -> BaselinesRelearned:
    return BaselinesRelearned(
        rule="t.shift",
        labels=labels,
        keys=tuple((k,) for k in keys),
        by="ana",
        reason="a new model",
    )


def phases(world: World) -> dict[str, Phase]:
    return {b.labels["tenant"]: b.phase for b in baselines(world.engine.detection, world.now)}


def test_who_learns() -> None:
    drift = Drift(field=field("v"), bins=None, top=5, baseline=DAY, budget=1.0)
    assert learns(shift())
    assert learns(drift)
    assert not learns(replace(drift, pinned=(("a", 0.5), ("b", 0.5))))
    assert not learns(Never())


def test_named_keys_learn_afresh_and_the_others_keep_what_they_know() -> None:
    world = learned()
    world.give(asked(world, "acme", "unseen", tenant="acme"))
    (said,) = told(world)
    assert (said.reason, said.rule, said.labels) == (
        Reason.RELEARN_ASKED,
        "t.shift",
        {"tenant": "acme"},
    )
    assert (said.keys, said.by, said.note) == (1, "ana", "a new model")
    world.send(8 * HOUR_S, tenant="acme")
    world.send(8 * HOUR_S + 120, tenant="acme")
    assert phases(world) == {"acme": Phase.LEARNING, "globex": Phase.FIXED}
    assert world.engine.void == []


def test_a_whole_rule_begins_as_a_new_one() -> None:
    world = learned()
    world.give(asked(world))
    (said,) = told(world)
    assert (said.keys, said.labels) == (2, {})
    assert phases(world) == {}
    assert world.engine.void == ["t.shift"]
    for n in range(8 * 60, 9 * 60):
        world.send(n * MINUTE_S, tenant="acme", bad=True)
    assert phases(world) == {"acme": Phase.LEARNING}
    assert world.engine.alerts() == []


def test_keys_that_sleep_since_a_restart_are_forgotten_with_their_rule() -> None:
    world = learned()
    (book,) = world.engine.detection.books
    entry = book.young.pop(("globex",))
    written = book.dump_entry(entry)
    book.asleep, book.read = {("globex",): b"written"}, lambda _: written
    world.give(asked(world))
    assert (told(world)[0].keys, len(book)) == (2, 0)
    assert phases(world) == {}
    again = learned()
    (book,) = again.engine.detection.books
    book.asleep, book.read = {("globex",): b"written"}, lambda _: written
    del book.young["globex",]
    again.give(asked(again, "globex", tenant="globex"))
    assert [d.keys for d in told(again)] == [1]


def test_the_open_alert_of_a_key_that_learns_afresh_is_over_by_that_name() -> None:
    for keys, labels in ((("acme",), {"tenant": "acme"}), ((), {})):
        world = learned()
        alert = fire(world)
        start = len(world.decisions)
        world.give(asked(world, *keys, **labels))
        over = [d for d in world.decisions[start:] if isinstance(d, AlertChanged)]
        assert [(d.kind, d.reason, d.alert.alert, d.alert.acknowledged_by) for d in over] == [
            (Kind.RESOLVED, Reason.RESOLVED_BY_PERSON, alert, "ana")
        ]
        assert world.engine.alerts() == []
        assert len(told(world)) == 1


def test_alerts_about_events_it_could_not_evaluate_stay() -> None:
    def odd(document: Any) -> bool:
        if document["data"].get("odd"):
            raise TypeError
        return True

    world = World(plan(rule("t.shift", detector=shift()), when={"t.shift": odd}))
    world.send(0, tenant="acme")
    world.send(1, odd=True)
    world.give(asked(world))
    assert [a.could_not_evaluate for a in world.engine.alerts()] == [True]
    world.give(asked(world, "acme", tenant="acme"))
    assert len(told(world)) == 1


def test_what_cannot_learn_afresh_says_nothing() -> None:
    world = learned()
    world.give(replace(asked(world), rule="t.none"))
    world.give(asked(world, "unseen", tenant="unseen"))
    never = World(plan(rule("t.shift", detector=Never()))).send(0)
    never.give(asked(never))
    empty = World(plan(rule("t.shift", detector=shift())))
    empty.give(asked(empty))
    assert told(world) == told(never) == told(empty) == []


def test_an_alert_that_a_person_resolves_is_told_to_teach_its_key_afresh() -> None:
    world = learned()
    alert = fire(world)
    world.give(ResolvedByPerson(alert=alert, by="bo"))
    (said,) = told(world)
    assert (said.reason, said.labels, said.by, said.alert) == (
        Reason.RELEARN_RESOLVED,
        {"tenant": "acme"},
        "bo",
        alert,
    )
    plain = World(plan(rule("t.never", detector=Never()))).send(0)
    plain.give(ResolvedByPerson(alert=plain.engine.alerts()[0].alert, by="bo"))
    assert told(plain) == []


def test_a_rule_that_a_reload_changes_is_told_to_learn_anew() -> None:
    world = learned()
    other = rule("t.shift", detector=shift(ratio=3.0), on=ON, digest="other")
    world.take(world.engine.replace(plan(other), world.now))
    (said,) = told(world)
    assert (said.reason, said.keys, said.labels) == (Reason.RELEARN_RULE, 2, {})
    same = learned()
    same.take(same.engine.replace(same.engine.plan, same.now))
    fresh = World(plan(rule("t.shift", detector=shift())))
    fresh.take(fresh.engine.replace(plan(other), fresh.now))
    changed = World(plan(rule("t.shift", detector=Never()))).send(0)
    changed.take(changed.engine.replace(plan(other), changed.now))
    assert told(same) == told(fresh) == told(changed) == []


def test_a_deploy_opens_a_watch_and_its_end_is_told_once() -> None:
    world = learned()
    for hours in (8, 8.5):
        world.send(hours * HOUR_S, type_="deploy.change")
    opened = told(world)
    assert [d.reason for d in opened] == [Reason.DEPLOY_WATCH, Reason.DEPLOY_WATCH]
    assert (opened[0].keys, opened[0].until) == (2, opened[0].at + DAY)
    world.at(32 * HOUR_S)
    assert len(told(world)) == 2
    world.at(40 * HOUR_S)
    (over,) = told(world, Reason.RELEARN_DEPLOY)
    assert (over.at, over.rule) == (opened[1].at + DAY, "t.shift")


def test_only_rules_that_learn_are_watched_for_deploys() -> None:
    def deployed(document: Any) -> bool:
        return bool(document["type"] == "deploy.change")

    compares = Rollout(numerator=bad, change=deployed, alpha=0.05, tolerance=0.1, watch=HOUR)
    world = World(plan(rule("t.r", detector=compares, on=ON), rule("t.n", detector=Never(), on=ON)))
    world.send(0, type_="deploy.change")
    assert told(world) == []


def test_none_of_it_pages_anybody() -> None:
    world = learned()
    world.send(8 * HOUR_S, type_="deploy.change")
    world.give(asked(world))
    world.at(48 * HOUR_S)
    assert len(told(world)) >= 2
    assert not [d for d in world.decisions if isinstance(d, NotificationDue)]


def test_the_journal_gives_the_same_again_from_any_checkpoint() -> None:
    world = learned()
    small, keys = world.engine.snapshot()
    again = World(world.engine.plan)
    again.engine = Engine(world.engine.plan)
    again.engine.restore(small, keys)
    again._count = world._count
    for one in (world, again):
        one.decisions = []
        one.now = world.now
        fire(one)
        one.give(asked(one, "acme", tenant="acme"))
        one.send(9 * HOUR_S, type_="deploy.change")
        one.send(9 * HOUR_S, tenant="acme", id_="x")
        one.at(60 * HOUR_S)
    assert [str(d) for d in world.decisions] == [str(d) for d in again.decisions]


class Talks(Burst):
    """Has news whenever it is asked."""

    def news(self, state: object) -> list[News]:
        return [News(Reason.RELEARN_SILENT, "it was silent")]

    def deadline(self, state: Any, pool: object) -> int:
        return 0


def test_what_a_detector_says_of_its_own_accord_is_told_about_its_key() -> None:
    world = World(plan(rule("t.talks", detector=Talks(3, 1_000, None, False))))
    world.send(0)
    said = told(world)
    assert said
    assert {(d.reason, d.rule, d.detail, d.keys) for d in said} == {
        (Reason.RELEARN_SILENT, "t.talks", "it was silent", 1)
    }
    assert said[0].labels == {"tenant": "acme"}


def test_a_count_that_learns_afresh_has_no_history() -> None:
    world = World(plan(rule("t.shift", detector=spike())))
    for n in range(30):
        world.send(n * 600)
    assert phases(world) == {"acme": Phase.FOLLOWS}
    world.give(asked(world, "acme", tenant="acme"))
    world.send(30 * 600)
    assert [d.keys for d in told(world)] == [1]


def test_a_key_that_is_pinned_learns_nothing_afresh() -> None:
    world = learned(shares=((("acme",), 0.1),))
    assert phases(world) == {"acme": Phase.PINNED, "globex": Phase.FIXED}
    world.give(asked(world, "acme", tenant="acme"))
    assert told(world) == []
    alert = fire(world)
    world.give(ResolvedByPerson(alert=alert, by="bo"))
    assert told(world) == []
    world.give(asked(world))
    assert [d.keys for d in told(world)] == [2]
