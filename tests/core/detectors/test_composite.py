from typing import Any

from rulesd.core.detectors.composite import Composite, Heard, Together
from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.core.plan import Maturity
from rulesd.model.decision import Kind
from rulesd.model.event import Json
from rulesd.model.inputs import ResolvedByPerson
from rulesd.model.instant import HOUR, MINUTE
from tests.core.plans import burst, field, plan, rule
from tests.core.world import World

TENANT = (field("tenant"),)


def composite(**changes: Any) -> Composite:
    given: dict[str, Any] = {"all": (), "any": (), "not_": (), "within": HOUR, "by": TENANT}
    return Composite(**(given | changes))


class Desk:
    """One composite that hears of alerts, the way the engine tells it."""

    def __init__(self, detector: Composite, key: tuple[str, ...] = ("acme",)) -> None:
        self.detector = detector
        self.pool: object = detector.pool()
        self.state: Together = detector.start(key, 0)
        self.said: list[tuple[int, bool]] = []
        self.last: Reading | None = None

    def hear(self, at: int, rule_: str, state: str = "firing", *, n: int = 1, tenant: str = "acme"):  # type: ignore[no-untyped-def]
        self.to(at)
        data: dict[str, Json] = {"rule": rule_, "state": state}
        if tenant:
            data["tenant"] = tenant
        id_ = f"{rule_}{n}-{state}"
        seen = Observation(at, at, id_, 1, {"id": id_, "data": data})
        if not self.detector.observe_pool(self.pool, seen):
            self._note(self.detector.observe(self.state, self.pool, seen))
        self.state = self.detector.load(self.detector.dump(self.state))
        self.pool = self.detector.load_pool(self.detector.dump_pool(self.pool))
        return self

    def to(self, at: int) -> "Desk":
        for found in self.detector.advance(self.state, self.pool, at):
            self._note(found)
        return self

    def _note(self, found: Reading | None) -> None:
        if found is not None:
            self.last = found
            self.said.append((found.at // MINUTE, found.active))


def test_two_alerts_together_fire_and_name_themselves() -> None:
    desk = Desk(composite(all=("a", "b"))).hear(0, "a").hear(MINUTE, "b")
    assert desk.said == [(1, True)]
    assert desk.last == Reading(
        MINUTE,
        True,
        2.0,
        2.0,
        detail={"a": "firing", "b": "firing"},
        causes=["a1-firing", "b1-firing"],
    )
    assert (desk.detector.clock, desk.detector.hold) == (Clock.ARRIVAL, 0)


def test_an_alert_counts_for_a_while_after_its_end() -> None:
    both = composite(all=("a", "b"))
    desk = Desk(both).hear(0, "a").hear(MINUTE, "a", "resolved").hear(59 * MINUTE, "b")
    assert desk.said == [(59, True)]
    assert desk.last is not None
    assert desk.last.detail == {"a": "ended", "b": "firing"}
    assert desk.to(3 * HOUR).said == [(59, True), (61, False)]
    late = Desk(both).hear(0, "a").hear(MINUTE, "a", "resolved").hear(61 * MINUTE, "b")
    assert late.said == []
    again = Desk(both).hear(0, "a").hear(1, "b").hear(2, "a", "resolved", n=7).hear(3, "b", n=2)
    assert [active for _, active in again.said] == [True] * 3


def test_any_and_not() -> None:
    rules = composite(all=("a",), any=("b", "c"), not_=("d",))
    assert Desk(rules).hear(0, "a").to(HOUR).said == []
    assert Desk(rules).hear(0, "a").hear(1, "c").said == [(0, True)]
    assert Desk(rules).hear(0, "c").hear(1, "b").said == []
    assert Desk(rules).hear(0, "d").hear(0, "a").hear(1, "c").said == []
    ended = Desk(rules).hear(0, "a").hear(MINUTE, "c").hear(2 * MINUTE, "d")
    assert ended.said == [(1, True), (2, False)]
    assert ended.hear(3 * MINUTE, "d", "resolved").to(64 * MINUTE).said[2:] == [(63, True)]


def test_what_ended_beside_its_explanation_does_not_come_back() -> None:
    rules = composite(all=("a",), not_=("deploy",))
    desk = Desk(rules).hear(0, "deploy").hear(MINUTE, "deploy", "resolved")
    desk.hear(30 * MINUTE, "a").hear(40 * MINUTE, "a", "resolved")
    assert desk.to(3 * HOUR).said == []
    assert desk.state.explained == set()
    assert desk.hear(4 * HOUR, "a", n=2).said == [(240, True)]


def test_an_alert_without_the_label_concerns_every_key() -> None:
    rules = composite(all=("a",), not_=("deploy",))
    desk = Desk(rules).hear(0, "deploy", tenant="").hear(MINUTE, "a")
    assert desk.said == []
    desk = Desk(rules).hear(0, "a").hear(MINUTE // 2, "deploy", tenant="").to(5 * MINUTE)
    assert desk.said == [(0, True), (1, False)]
    two = composite(all=("a", "b"), by=(field("tenant"), field("route")))
    desk = Desk(two, ("acme", "chat"))
    desk.detector.observe(
        desk.state, desk.pool, Observation(0, 0, "a-firing", 1, {"data": {"rule": "a"}})
    )
    desk.hear(1, "b", tenant="globex")
    assert desk.to(2 * MINUTE).said == []
    desk.hear(2 * MINUTE, "b", n=2)
    assert desk.to(4 * MINUTE).said == [(3, True)]


def test_other_rules_and_other_events_concern_nobody() -> None:
    rules = composite(all=("a",))
    for document in ({"data": {"rule": "x"}}, {}, {"data": "text"}):
        assert rules.observe_pool(rules.pool(), Observation(0, 0, "e", 1, document))
    own = composite(all=("a",), by=())
    assert not own.observe_pool({}, Observation(0, 0, "e", 1, {"data": {"rule": "a"}}))


def test_memory_is_bounded() -> None:
    rules = composite(all=("a", "b"))
    desk = Desk(rules)
    for n in range(40):
        desk.hear(n, "a", n=n)
        desk.hear(n, "a", "resolved" if n == 20 else "firing", n=n)
    assert len(desk.state.heard) == 32
    for n in range(300):
        desk.hear(HOUR, "b", n=n, tenant="")
    pool: Heard = desk.pool  # type: ignore[assignment]
    assert len(pool) == 256


def test_what_ended_long_ago_leaves_the_pool() -> None:
    desk = Desk(composite(all=("a",), not_=("deploy",)))
    desk.hear(0, "deploy", tenant="").hear(1, "deploy", "resolved", tenant="")
    desk.hear(2 * HOUR, "deploy", n=2, tenant="")
    assert list(desk.pool) == [("deploy", "deploy2", ("",))]  # type: ignore[call-overload]


def test_a_key_without_alerts_asks_for_nothing() -> None:
    rules = composite(all=("a", "b"))
    desk = Desk(rules)
    assert rules.deadline(desk.state, desk.pool) is None
    assert rules.forgettable(desk.state, 0)
    desk.hear(0, "a").hear(1, "a", "resolved")
    assert not rules.forgettable(desk.state, 0)
    desk.to(2 * HOUR)
    assert rules.deadline(desk.state, desk.pool) is None
    assert rules.forgettable(desk.state, 0)


def test_in_the_engine_it_reads_shadow_rules_too() -> None:
    first = rule("a.one", detector=burst(1), maturity=Maturity.SHADOW)
    second = rule("a.two", detector=burst(1), on=("policy.decision",))
    both = rule(
        "a.both", detector=composite(all=("a.one", "a.two")), on=("alert.state",), digest="both"
    )
    made = plan(first, second, both)
    object.__setattr__(made, "watches_alerts", True)
    world = World(made).send(0).send(10, type_="policy.decision")
    assert world.last(Kind.FIRING).rule == "a.both"
    assert world.last(Kind.FIRING).labels == {"tenant": "acme"}


def test_what_still_fires_when_a_person_resolves_counts_with_the_next_news() -> None:
    desk = Desk(composite(all=("a", "b"))).hear(0, "a").hear(MINUTE, "b")
    desk.state = desk.detector.settle(desk.state, desk.pool, 2 * MINUTE)
    desk.to(HOUR)
    assert desk.said == [(1, True)]  # both still fire, and that is no news
    desk.hear(HOUR + MINUTE, "b", n=2)
    assert desk.said == [(1, True), (61, True)]
    assert desk.last is not None
    assert desk.last.causes == ["a1-firing", "b1-firing", "b2-firing"]

    alone = Desk(composite(all=("a", "b"))).hear(0, "a").hear(MINUTE, "b")
    alone.state = alone.detector.settle(alone.state, alone.pool, 2 * MINUTE)
    alone.hear(3 * MINUTE, "a", "resolved").hear(3 * MINUTE, "b", "resolved").to(3 * HOUR)
    alone.hear(3 * HOUR, "a", n=2)
    assert alone.said == [(1, True)]  # what was settled is over: one of two is not enough
    assert alone.state.settled == set()
    assert alone.hear(3 * HOUR + MINUTE, "b", n=2).said[-1] == (181, True)

    late = Desk(composite(all=("a", "b"), within=MINUTE)).hear(0, "a").hear(0, "a", "resolved")
    late.state = late.detector.settle(late.state, late.pool, HOUR)
    assert (late.state.heard, late.state.settled) == ({}, set())


def test_in_the_engine_a_person_resolves_it_and_a_new_alert_brings_it_back() -> None:
    first = rule("a.one", detector=burst(1, HOUR), by=(field("tenant"), field("tool")))
    second = rule("a.two", detector=burst(1, HOUR), on=("policy.decision",))
    both = rule(
        "a.both", detector=composite(all=("a.one", "a.two")), on=("alert.state",), digest="both"
    )
    made = plan(first, second, both)
    object.__setattr__(made, "watches_alerts", True)
    world = World(made).send(0, tool="x").send(10, type_="policy.decision")
    (open_,) = (a.alert for a in world.engine.alerts() if a.rule == "a.both")
    world.give(ResolvedByPerson(alert=open_, by="jo")).clear()
    assert not [a for a in world.engine.alerts() if a.rule == "a.both"]
    world.send(20, tool="y")
    assert [a.alert == open_ for a in world.engine.alerts() if a.rule == "a.both"] == [False]
