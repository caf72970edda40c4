from typing import Any

from rulesd.core.dedup import Sent
from rulesd.core.group import Group, GroupId, Member, dump_alert
from rulesd.core.group_rows import GroupRows
from rulesd.core.plan import Route
from rulesd.model.alert import Alert
from rulesd.model.decision import Status
from tests.core.test_inhibit import foreign
from tests.model.test_alert import alert

ROUTE = Route(receiver="r")
OUTSIDE = foreign("A")


class Room:
    """Groups, and the rows of them that are on disk."""

    def __init__(self) -> None:
        self.groups: dict[GroupId, Group] = {}
        self.rows = GroupRows(self.groups)
        self.disk: dict[tuple[str, ...], Any] = {}

    def group(self, name: str, *members: Alert) -> Group:
        made = Group(ROUTE, name, "k", {}, "i")
        made.born = len(self.groups)
        for each in members:
            made.members[each.fingerprint] = Member(each, Status.FIRING)
            self.rows.keep(made, each.fingerprint)
        self.groups[made.id] = made
        self.rows.touch(made)
        return made

    def checkpoint(self) -> list[tuple[str, ...]]:
        changed = list(self.rows.changes())
        for key, data in changed:
            self.disk[key] = data
            if data is None:
                del self.disk[key]
        return [key for key, _ in changed]

    def restart(self) -> "Room":
        again = Room()
        for key, data in self.disk.items():
            again.rows.load_row(key, data)
        again.rows.build(lambda key, receiver: ROUTE, {OUTSIDE.fingerprint: OUTSIDE})
        return again


def test_only_what_changed_is_written_and_all_of_it_is_read_back() -> None:
    room = Room()
    one = room.group("b", alert(fingerprint="own"), OUTSIDE)
    two = room.group("a", OUTSIDE)
    assert len(room.checkpoint()) == 5
    assert room.checkpoint() == []
    assert room.disk == dict(room.rows.rows()) | {
        ("k", n, OUTSIDE.fingerprint): room.disk["k", n, OUTSIDE.fingerprint] for n in "ab"
    }
    one.members["own"].alert = alert(fingerprint="own", count=7)
    room.rows.keep(one, "own")
    assert room.checkpoint() == [("k", "b", "own")]
    again = room.restart()
    assert again.groups == room.groups
    assert list(again.groups) == [one.id, two.id]  # in the order in which they were born


def test_what_is_gone_is_gone() -> None:
    room = Room()
    one, two = room.group("a", alert(fingerprint="own")), room.group("b", alert(fingerprint="own"))
    room.checkpoint()
    del one.members["own"]
    room.rows.keep(one, "own")
    room.rows.touch(one)
    del room.groups[two.id]
    room.rows.touch(two)
    room.rows.keep(two, "own")
    room.checkpoint()
    assert set(room.disk) == {one.id}
    assert room.restart().groups == {one.id: one}


def test_groups_of_an_older_version_are_read() -> None:
    member = [["own", dump_alert(alert(fingerprint="own")), "firing", 5]]
    old = {
        "route": "{}", "receiver": "r", "key": "k", "labels": {"a": "b"}, "incident": "i", "members": member,
        "last": [3, {"own": 1}, ["z"]], "tick": 9, "urgent": None, "refresh": None, "folded": False,
        "urgent_at": 0, "notified_at": 3,
    }  # fmt: skip
    room = Room()
    young = {**old, "receiver": "young", "members": [], "last": None}
    room.rows.load_old([old, young])  # type: ignore[list-item]
    room.rows.build(lambda key, receiver: ROUTE, {})
    made, empty = room.groups.values()
    assert (empty.members, empty.last) == ({}, None)
    assert made.members == {"!own": Member(alert(fingerprint="own"), Status.FIRING, 5)}
    assert (made.last, made.tick, made.flushed) == (
        Sent(at=3, firing={"!own": 1}, resolved={"!z": None}),
        9,
        True,
    )
