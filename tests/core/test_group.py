from rulesd.core.dedup import Sent
from rulesd.core.foreign_alert import opened
from rulesd.core.gate import Held
from rulesd.core.group import Group, Member, dump_alert, load_alert, load_group, load_sent, rank
from rulesd.core.plan import Route
from rulesd.model.alert import Alert
from rulesd.model.decision import Status
from rulesd.model.event import Json
from rulesd.model.reasons import AlertState, Reason
from tests.core.test_inhibit import foreign
from tests.model.test_alert import alert

ROUTE = Route(receiver="r")
OVER = AlertState.RESOLVED


def group() -> Group:
    return Group(ROUTE, "r", "{}:{}", {"a": "b"}, "i")


def over() -> Alert:
    """One of another system, as the engine has it."""
    told = foreign("A").foreign
    assert told is not None
    return opened("f", "a1", {"alertname": "A"}, told, 5, 9)


def again(made: Group, **alerts: Alert) -> Group:
    return load_group(made.id, made.dump(), ROUTE, alerts)


def test_its_next_deadline_is_the_earliest() -> None:
    g = group()
    assert g.due() is None
    g.tick, g.urgent, g.refresh = 30, 10, 20
    assert g.due() == 10
    g.refresh = 5
    assert g.due() == 5
    g.tick, g.refresh = 8, 20
    assert g.due() == 8


def test_its_id_as_the_only_place_is_one_object() -> None:
    g = group()
    assert g.id == ("{}:{}", "r")
    assert g.alone == (g.id,)


def test_telling_is_remembered() -> None:
    member = Member(alert())
    assert (member.tell().changed, member.tell().changed) == (True, False)
    member.alert = alert(acknowledged_by="jo")
    assert member.tell().status is Status.ACKNOWLEDGED
    member.alert = alert(state=OVER)
    assert member.tell().status is Status.RESOLVED


def test_one_of_ours_that_ended_untold_has_nothing_to_say_and_a_foreign_one_has() -> None:
    assert Member(alert()).speaks
    assert not Member(alert(state=OVER)).speaks
    assert Member(alert(state=OVER), Status.FIRING).speaks
    assert Member(foreign("A", state=OVER)).speaks
    assert rank(Member(alert(severity="critical"))) == 0


def test_an_episode_that_is_over_but_untold_is_kept_beside_the_new_one() -> None:
    g = group()
    g.members = {"f": Member(alert(), Status.FIRING)}
    assert g.keep_untold("f") == "f/a1"
    assert list(g.members) == ["f/a1"]
    g = group()
    g.members = {"f": Member(alert(), Status.FIRING)}
    g.last = Sent(at=0, firing={"f": 1, "x": 2}, resolved={})
    g.keep_untold("f")
    assert g.last.firing == {"x": 2, "f/a1": 1}
    g.forget_told("x")
    assert g.last.firing == {"f/a1": 1}
    g.forget_told("nobody")
    assert g.last.firing == {"f/a1": 1}


def test_it_is_written_and_read_back() -> None:
    g = group()
    told = Member(alert(causes=("e",)), Status.FIRING, 5)
    held = Member(alert(alert="a2"), held=Held(Reason.SILENCED, ("s1", "s2")))
    g.members = {
        "a": told,
        "b": held,
        "c": Member(alert()),
        "f": Member(foreign("A"), Status.FIRING),
    }
    g.last = Sent(at=3, firing={"a": 1}, resolved={"z": None})
    g.tick, g.folded, g.flushed, g.fresh, g.born = 9, True, True, False, 7
    g.urgent_at, g.notified_at = 2, 3
    alerts = {name: member.alert for name, member in g.members.items()}
    made = again(g, **alerts)
    assert made.dump() == g.dump()
    assert made.members == g.members
    assert (made.last, made.route, made.labels, made.born) == (g.last, ROUTE, g.labels, 7)
    assert (made.flushed, made.fresh, made.folded) == (True, False, True)
    empty = again(group())
    assert (empty.last, empty.tick, empty.urgent_at, empty.notified_at) == (None, None, 0, 0)


def test_a_foreign_alert_that_is_over_is_read_as_an_older_version_wrote_it() -> None:
    g = group()
    over = foreign("A", state=OVER)
    g.members = {"f": Member(over, Status.FIRING)}
    data = g.dump()
    assert isinstance(data, list)
    data[3] = [["f", "firing", 0, None, dump_alert(over)]]
    assert load_group(g.id, data, ROUTE, {}).members["f"].alert == over


def test_a_foreign_alert_that_is_over_is_written_with_its_group() -> None:
    """It may be forgotten elsewhere before its end is told."""
    g = group()
    g.members = {"f": Member(over(), Status.FIRING)}
    assert again(g).members == g.members
    g.members = {"f": Member(foreign("A"), Status.FIRING)}
    assert again(g).members == {}  # one that fires is known elsewhere, or nowhere


def test_alerts_are_written_and_read_back() -> None:
    for one in (alert(causes=("e1", "e2"), threshold=2.0, ended_at=5), foreign("A x=1")):
        assert load_alert(dump_alert(one)) == one


def test_what_was_told_is_read_back() -> None:
    data: Json = [3, {"a": 1}, ["z"]]
    assert load_sent(data) == Sent(at=3, firing={"a": 1}, resolved={"z": None})
    assert load_sent(None) is None
