"""An acknowledgement that counts for a time: through the real engine, and the book of what expires."""

from rulesd.core.ack_timeout import AckTimeouts
from rulesd.core.machine import NOT_DUE
from rulesd.model.decision import AlertChanged, Kind
from rulesd.model.inputs import Acknowledged, ResolvedByPerson, Unacknowledged
from rulesd.model.instant import HOUR, MINUTE
from rulesd.model.reasons import Reason
from tests.core.crew import chain, crew, step
from tests.core.plans import T0, burst, rule
from tests.core.test_escalate import heard, taken, world
from tests.core.world import World
from tests.model.test_alert import alert

M = 60.0
ONE_HOUR = chain(step(5, "lead"), ack_timeout=HOUR)


def change(kind: Kind, **of: object) -> AlertChanged:
    return AlertChanged(kind=kind, at=T0, reason=Reason.ACKNOWLEDGED, alert=alert(**of))


def test_after_the_time_it_pages_again_and_escalates() -> None:
    w = taken(world(crew(ladder=ONE_HOUR)).at(1 * M)).at(70 * M)
    assert heard(w) == [
        (0, "team", "must_never_happen"),
        (61, "team", "ack_expired"),
        (66, "lead", "escalated"),
    ]
    given_back = w.last(Kind.UPDATED)
    assert given_back.acknowledged_by == ""
    page = next(d for d in w.told() if d.reason is Reason.ACK_EXPIRED)
    assert [t.changed for t in page.alerts] == [True]


def test_an_ordinary_alert_comes_back_the_same_way() -> None:
    p = crew(rule(detector=burst(1, 24 * HOUR), lateness=0), ladder=ONE_HOUR)
    w = taken(World(p).send(0).at(1 * M)).at(70 * M)
    assert [(at, reason) for at, _, reason in heard(w)] == [
        (0.5, "first_notification"),
        (61, "ack_expired"),
        (66, "escalated"),
    ]


def test_what_is_over_or_given_back_does_not_expire() -> None:
    w = taken(world(crew(ladder=ONE_HOUR)).at(1 * M))
    w.give(Unacknowledged(alert=w.engine.alerts()[0].alert, by="jo"))
    w.give(Acknowledged(alert=w.engine.alerts()[0].alert, by="kim")).at(30 * M)
    assert w.engine.paging.ack_timeouts.due == T0 + 61 * MINUTE
    w.give(ResolvedByPerson(alert=w.engine.alerts()[0].alert, by="jo")).at(120 * M)
    assert heard(w) == [(0, "team", "must_never_happen")]
    assert w.engine.paging.ack_timeouts.due == NOT_DUE


def test_taking_it_once_more_is_no_new_time() -> None:
    w = taken(world(crew(ladder=ONE_HOUR)).at(1 * M)).at(50 * M)
    taken(w, "jo")
    taken(w, "kim").at(62 * M)
    assert heard(w)[1:] == [(61, "team", "ack_expired")]


def test_resolving_wins_over_an_older_acknowledgement_and_acts_are_idempotent() -> None:
    w = world(crew(ladder=ONE_HOUR)).at(1 * M)
    id_ = w.engine.alerts()[0].alert
    w.give(ResolvedByPerson(alert=id_, by="kim")).clear()
    late = Acknowledged(alert=id_, by="jo")
    w.give(late).give(late).give(ResolvedByPerson(alert=id_, by="jo"))
    w.give(Unacknowledged(alert=id_, by="jo")).at(120 * M)
    assert w.decisions == []  # It stays resolved, and nothing is told or expires.
    again = world(crew(ladder=ONE_HOUR)).clear()
    for _ in range(3):
        taken(again)
    said = [d for d in again.decisions if isinstance(d, AlertChanged)]
    assert [(str(d.reason), d.alert.acknowledged_by) for d in said] == [("acknowledged", "jo")]


def test_without_a_timeout_an_acknowledgement_counts_for_ever() -> None:
    for p in (crew(ladder=chain()), crew()):
        w = taken(world(p).at(1 * M)).at(24 * 60 * M)
        assert w.engine.paging.ack_timeouts.due == NOT_DUE
        assert all(reason != "ack_expired" for _, _, reason in heard(w))


def test_the_book_is_kept_over_a_restart() -> None:
    book = AckTimeouts(crew(ladder=ONE_HOUR))
    book.follow(change(Kind.UPDATED, acknowledged_by="jo"))
    book.follow(change(Kind.UPDATED, alert="a0", acknowledged_by="jo"))
    book.follow(change(Kind.FIRING, alert="other"))
    again = AckTimeouts(book.plan)
    again.load(book.dump())
    assert again.due == T0 + HOUR
    assert again.expired(T0 + HOUR - 1) == []
    assert again.expired(T0 + HOUR) == ["a0", "a1"]
    assert again.due == NOT_DUE
