from dataclasses import replace

from rulesd.core.detectors.burst import Burst
from rulesd.core.detectors.news import News
from rulesd.core.open_episodes import OpenEpisodes
from rulesd.model.baseline import BaselineChanged
from rulesd.model.decision import Decision, Kind
from rulesd.model.inputs import Acknowledged, BaselinesRelearned, ResolvedByPerson
from rulesd.model.instant import MINUTE
from rulesd.model.reasons import Reason
from tests.core.plans import T0, burst, field, plan, rule
from tests.core.world import World


def test_acknowledging_twice_or_something_unknown_changes_nothing() -> None:
    w = World(plan(rule())).send(0)
    id_ = w.engine.alerts()[0].alert
    w.give(Acknowledged(alert=id_, by="jo")).clear()
    w.give(Acknowledged(alert=id_, by="jo")).give(Acknowledged(alert="nope", by="jo")).give(
        ResolvedByPerson(alert="nope", by="jo")
    )
    assert w.decisions == []


def test_after_a_person_resolved_it_only_new_evidence_counts() -> None:
    w = World(plan(rule(detector=burst(3, 600_000)))).send(0).send(1).send(2)
    w.give(ResolvedByPerson(alert=w.engine.alerts()[0].alert, by="jo"))
    assert w.last(Kind.RESOLVED).acknowledged_by == "jo"
    w.send(3).send(4)
    assert w.engine.alerts() == []
    w.send(5)
    assert len(w.engine.alerts()) == 1


def test_an_alert_whose_entry_went_is_not_found() -> None:
    w = World(plan(rule())).send(0)
    w.engine.detection.books[0].forget(("acme",))
    assert w.engine.alerts() == []
    w.at(10**6)
    assert not w.changes(Kind.RESOLVED)


class Teaches(Burst):
    """Learns, has news, and keeps something when a person resolves its alert."""

    def learned(self, state: object, pool: object, at: int) -> None:
        return None

    def settle(self, state: object, pool: object, now: int) -> object:
        return self.start((), now)

    def news(self, state: object) -> list[News]:
        return [News(Reason.RELEARN_SILENT, "silent")]


def test_keys_learn_afresh_by_an_input_and_news_is_told_after_each_advance() -> None:
    w = World(plan(rule("t.b", detector=Teaches(1, 1_000, None, False)), rule("t.never")))
    w.send(0).send(2)
    said = [d.reason for d in w.decisions if isinstance(d, BaselineChanged)]
    assert set(said) == {Reason.RELEARN_SILENT}
    alert = next(a for a in w.engine.alerts() if a.rule == "t.b")
    w.decisions = []
    w.give(ResolvedByPerson(alert=alert.alert, by="ana"))
    # What it keeps is no reason to say that it learns afresh.
    assert not [d for d in w.decisions if isinstance(d, BaselineChanged)]
    asked = BaselinesRelearned(rule="t.b", labels={}, keys=(), by="ana", reason="r")
    out: list[Decision] = []
    assert w.engine.detection.episodes.relearn(asked, w.now, out) == ["t.b"]
    assert w.engine.detection.episodes.relearn(replace(asked, rule="t.gone"), w.now, out) == []
    assert w.engine.detection.episodes.relearn(replace(asked, rule="t.never"), w.now, out) == []
    assert [d.reason for d in out] == [Reason.RELEARN_ASKED]


def test_nothing_is_open_at_first() -> None:
    episodes = OpenEpisodes({})
    assert episodes.alerts(T0) == []
    assert not episodes.acknowledge("nope", "jo", T0, [])


def test_they_are_told_oldest_first_and_found_again_after_a_restore() -> None:
    w = World(plan(rule(), rule("t.also", by=(field("tool"),)), rule("t.quiet", detector=burst(9))))
    w.send(0, tenant="b", tool="x").send(1, tenant="a", tool="x")
    known = w.engine.alerts()
    assert [(a.rule, (a.started_at - T0) // 1000) for a in known] == sorted(
        ((a.rule, (a.started_at - T0) // 1000) for a in known), key=lambda row: row[1]
    )
    assert len(known) == 3
    again = World(w.engine.plan)
    again.engine.restore(*w.engine.snapshot())
    assert again.engine.alerts() == known
    again.now = w.now
    again.give(Acknowledged(alert=known[0].alert, by="jo"))
    assert again.last(Kind.UPDATED).acknowledged_by == "jo"


def test_an_acknowledgement_is_given_back_with_its_reason() -> None:
    w = World(plan(rule())).send(0)
    alert = w.engine.alerts()[0].alert
    out: list[Decision] = []
    episodes = w.engine.detection.episodes
    assert episodes.acknowledge(alert, "jo", w.now, out)
    assert episodes.acknowledge(alert, "", w.now, out, Reason.ACK_EXPIRED)
    assert episodes.acknowledge(alert, "jo", w.now, out)
    assert episodes.acknowledge(alert, "", w.now, out)
    assert [d.reason for d in out] == [
        Reason.ACKNOWLEDGED,
        Reason.ACK_EXPIRED,
        Reason.ACKNOWLEDGED,
        Reason.UNACKNOWLEDGED,
    ]


def test_an_episode_that_ends_is_not_found_any_more() -> None:
    w = World(plan(rule(detector=burst(2, 60_000), keep_firing_for=MINUTE))).send(0).send(1)
    alert = w.engine.alerts()[0].alert
    w.at(3600).clear()
    w.give(Acknowledged(alert=alert, by="jo"))
    assert w.engine.alerts() == w.decisions == []


def test_the_alerts_of_a_rule_that_is_gone_end() -> None:
    w = World(plan(rule(), rule("t.quiet", detector=burst(9)))).send(0)
    w.take(w.engine.replace(plan(), w.now))
    assert w.last(Kind.RESOLVED).labels == {"tenant": "acme"}
    assert w.engine.alerts() == []
