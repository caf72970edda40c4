from dataclasses import replace

from rulesd.core.dedup import Sent
from rulesd.core.group import Group, Member, dump_alert, load_alert, load_group
from rulesd.core.plan import Route
from rulesd.model.alert import Foreign
from rulesd.model.decision import Status
from rulesd.model.reasons import AlertState
from tests.model.test_alert import alert


def group() -> Group:
    return Group(Route(receiver="r"), "r", "{}:{}", {"a": "b"}, "i")


def test_its_next_deadline_is_the_earliest() -> None:
    g = group()
    assert g.due() is None
    g.tick, g.urgent, g.refresh = 30, 10, 20
    assert g.due() == 10


def test_it_knows_who_fires_and_how_badly() -> None:
    g = group()
    g.members = {"a": Member(alert()), "b": Member(alert(state=AlertState.RESOLVED))}
    assert g.firing() == {"a": 1}
    assert g.resolved() == {"b": None}


def test_telling_is_remembered() -> None:
    member = Member(alert())
    assert (member.tell().changed, member.tell().changed) == (True, False)
    member.alert = alert(acknowledged_by="jo")
    assert member.tell().status is Status.ACKNOWLEDGED
    member.alert = alert(state=AlertState.RESOLVED)
    assert member.tell().status is Status.RESOLVED


def test_an_episode_that_is_over_but_untold_is_kept_beside_the_new_one() -> None:
    g = group()
    g.members = {"f": Member(alert(), Status.FIRING)}
    g.keep_untold("f")
    assert list(g.members) == ["f/a1"]
    g = group()
    g.members = {"f": Member(alert(), Status.FIRING)}
    g.last = Sent(at=0, firing={"f": 1, "x": 2}, resolved={})
    g.keep_untold("f")
    assert g.last.firing == {"x": 2, "f/a1": 1}
    other = group()
    other.members = {"f": Member(alert(), Status.FIRING)}
    other.last = Sent(at=0, firing={"x": 2}, resolved={})
    other.keep_untold("f")
    assert other.last.firing == {"x": 2}


def test_it_is_written_and_read_back() -> None:
    g = group()
    g.members = {"a": Member(alert(causes=("e",)), Status.FIRING, 5), "b": Member(alert())}
    g.last = Sent(at=3, firing={"a": 1}, resolved={"z": None})
    g.tick, g.folded = 9, True
    again = load_group(g.dump(), {"{}": Route(receiver="r")}, Route(receiver="r"))
    assert again.dump() == g.dump()
    assert again.members["a"].alert == g.members["a"].alert
    assert load_group(group().dump(), {}, Route(receiver="r")).last is None


def test_alerts_are_written_and_read_back() -> None:
    one = alert(causes=("e1", "e2"), threshold=2.0, ended_at=5)
    assert load_alert(dump_alert(one)) == one
    foreign = Foreign(
        annotations={"a": "b"}, generator_url="", starts_at=1, ends_at=2, timeout=True, updated_at=1
    )
    two = replace(one, foreign=foreign)
    assert load_alert(dump_alert(two)) == two
