"""Alertmanager's merge rules, episodes around them, and what people say of alerts that are not ours."""

from dataclasses import replace

import pytest

from rulesd.core import foreign as module
from rulesd.core.foreign import SWEEP, ForeignAlerts
from rulesd.core.foreign_alert import merge
from rulesd.core.machine import NOT_DUE
from rulesd.model.alert import Alert, Foreign
from rulesd.model.decision import AlertChanged, Decision
from rulesd.model.fingerprint import fingerprint
from rulesd.model.inputs import (
    Acknowledged,
    PlanReplaced,
    PostedAlert,
    ResolvedByPerson,
    Unacknowledged,
)
from rulesd.model.reasons import AlertState, Reason
from tests.core.foreigners import posted
from tests.core.plans import T0, plan, rule


class Desk:
    """A machine alone, with its decisions."""

    def __init__(self) -> None:
        self.machine = ForeignAlerts()
        self.out: list[Decision] = []

    def post(
        self, at: float, text: str = "A", starts: float = 0, ends: float = 1_000, **more: object
    ) -> Alert:
        self.time(at)
        item = posted(text, starts, ends, **more)  # type: ignore[arg-type]
        return self.machine.post([item], T0 + round(at * 1000), self.out)[0]

    def time(self, at: float) -> "Desk":
        now = T0 + round(at * 1000)
        while self.machine.due <= now:
            self.machine.handle_timer(self.machine.due, self.out)
        return self

    def say(self, at: float, item: object) -> bool:
        return self.machine.take(item, T0 + round(at * 1000), self.out)  # type: ignore[arg-type]

    def said(self) -> list[tuple[float, str, str]]:
        changes = [d for d in self.out if isinstance(d, AlertChanged)]
        assert len(changes) == len(self.out)
        return [((d.at - T0) / 1000, str(d.kind), str(d.reason)) for d in changes]


def foreign(starts: int, ends: int, *, timeout: bool = False) -> Foreign:
    return Foreign(
        annotations={},
        generator_url="",
        starts_at=starts,
        ends_at=ends,
        timeout=timeout,
        updated_at=0,
    )


@pytest.mark.parametrize(
    ("old", "new", "now", "expected"),
    [
        # No overlap: the later one stands as it is.
        (foreign(0, 10), foreign(20, 30), 15, (20, 30)),
        (foreign(0, 10), foreign(0, 30), 5, (0, 30)),
        (foreign(0, 10), foreign(10, 30), 5, (10, 30)),
        (foreign(5, 10), foreign(0, 30), 5, (0, 30)),
        # Overlap: the earliest start; the later explicit end, while it fires.
        (foreign(0, 10), foreign(5, 30), 6, (0, 30)),
        (foreign(0, 30), foreign(5, 20), 6, (0, 30)),
        (foreign(0, 30), foreign(0, 20), 6, (0, 30)),
        (foreign(0, 30, timeout=True), foreign(0, 20), 6, (0, 20)),
        # The later one says that it is over: it is; of two that are over, the latest end.
        (foreign(0, 30), foreign(0, 5), 6, (0, 5)),
        (foreign(0, 5), foreign(2, 4), 6, (0, 5)),
        (foreign(0, 5), foreign(2, 4), 4, (0, 4)),
        # What was over and fires again, with a start that lies in it.
        (foreign(0, 5), foreign(2, 30), 6, (0, 30)),
    ],
)  # fmt: skip
def test_merge(old: Foreign, new: Foreign, now: int, expected: tuple[int, int]) -> None:
    made = merge(old, new, now)
    assert (made.starts_at, made.ends_at) == expected


def test_the_later_post_has_the_word_on_everything_but_times() -> None:
    old = replace(foreign(0, 30), annotations={"a": "old"}, updated_at=1)
    new = replace(foreign(5, 20, timeout=True), annotations={"a": "new"}, updated_at=2)
    made = merge(old, new, 6)
    assert (made.annotations, made.timeout, made.updated_at) == ({"a": "new"}, True, 2)


def test_an_alert_fires_when_it_comes_and_what_is_sent_again_is_no_decision() -> None:
    desk = Desk()
    first = desk.post(0, "A severity=page owner=team", note="x")
    again = desk.post(60, "A severity=page owner=team", ends=2_000, note="x")
    assert desk.said() == [(0, "alert.firing", "condition_met")]
    assert again.alert == first.alert
    assert (again.started_at, again.rule, again.severity, again.owner) == (T0, "A", "page", "team")
    assert again.foreign is not None
    assert first.foreign is not None
    assert again.foreign.annotations is first.foreign.annotations
    assert (again.foreign.ends_at, again.foreign.updated_at) == (T0 + 2_000_000, T0 + 60_000)
    assert desk.post(70, "A severity=page owner=team", note="y").foreign != again.foreign
    assert desk.machine.alerts() == list(desk.machine.known.values())


def test_it_is_over_at_its_end_unless_it_is_sent_again() -> None:
    desk = Desk()
    desk.post(0, ends=60)
    desk.post(30, ends=90)
    assert desk.machine.due == T0 + 60_000
    desk.time(89)
    assert len(desk.said()) == 1
    desk.time(90)
    assert desk.said()[1:] == [(90, "alert.resolved", "condition_cleared")]
    (over,) = desk.machine.known.values()
    assert (over.state, over.ended_at) == (AlertState.RESOLVED, T0 + 90_000)
    assert desk.machine.alerts() == []


def test_an_end_that_moves_closer_is_kept_to() -> None:
    desk = Desk()
    desk.post(0, ends=300, timeout=True)
    desk.post(1, ends=20)
    desk.time(20)
    assert desk.said()[1:] == [(20, "alert.resolved", "condition_cleared")]
    desk.time(299)
    assert len(desk.said()) == 2


def test_it_is_over_when_its_source_says_so_and_back_as_a_new_episode() -> None:
    desk = Desk()
    first = desk.post(0)
    over = desk.post(10, ends=10)
    assert (over.alert, over.ended_at) == (first.alert, T0 + 10_000)
    assert desk.post(20, ends=10).ended_at == T0 + 10_000  # said again: nothing new
    back = desk.post(30, starts=5)
    assert back.foreign is not None
    assert back.foreign.starts_at == T0  # it overlaps what was over
    assert back.alert != first.alert
    assert desk.said() == [
        (0, "alert.firing", "condition_met"),
        (10, "alert.resolved", "condition_cleared"),
        (30, "alert.firing", "condition_met"),
    ]
    desk.time(1_000)
    assert len(desk.said()) == 4


def test_what_comes_as_over_was_never_on() -> None:
    desk = Desk()
    made = desk.post(10, ends=5)
    assert (made.state, made.ended_at) == (AlertState.RESOLVED, T0 + 10_000)
    assert desk.said() == []


def test_what_is_over_is_forgotten_on_the_grid() -> None:
    desk = Desk()
    desk.post(0, "A", ends=60)
    desk.post(0, "B", ends=SWEEP // 1000 * 9)
    desk.time(61)
    first = (T0 // SWEEP + 1) * SWEEP
    assert desk.machine.due == first
    list(desk.machine.changes())
    desk.time((first - T0) / 1000)
    assert [a.rule for a in desk.machine.known.values()] == ["B"]
    assert [data for _, data in desk.machine.changes()] == [None]
    assert desk.post((first - T0) / 1000 + 1, "A", starts=30).foreign is not None


def test_those_that_fire_are_listed_in_an_order_a_restart_does_not_change() -> None:
    desk = Desk()
    for at, name in ((0, "C"), (0, "A"), (1, "B"), (2, "D")):
        desk.post(at, name)
    desk.post(3, "A", ends=3)
    desk.post(4, "A", starts=4)
    again = Desk()
    for key, data in reversed(list(desk.machine.rows())):
        again.machine.load_row(key, data)
    again.machine.load(desk.machine.dump())
    assert [a.rule for a in desk.machine.alerts()] == ["C", "B", "D", "A"]
    assert again.machine.alerts() == desk.machine.alerts()
    assert again.time(2_000).out == desk.time(2_000).out[-4:]


def test_values_are_kept_once_as_long_as_there_are_not_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_TEXTS", 2)
    desk = Desk()
    one, two = desk.post(0, "A x=12345 y=1"), desk.post(0, "A x=12345 y=2")
    assert one.labels["x"] is two.labels["x"]
    three = desk.post(0, "A x=12345 z=98765")
    assert three.labels["z"] is not desk.post(0, "B z=98765").labels["z"]
    assert three.labels == {"alertname": "A", "x": "12345", "z": "98765"}


def test_people_take_it_and_give_it_back() -> None:
    desk = Desk()
    id_ = desk.post(0).alert
    assert desk.say(1, Acknowledged(alert=id_, by="jo"))
    assert desk.say(2, Acknowledged(alert=id_, by="jo"))
    assert desk.post(3).acknowledged_by == "jo"
    assert desk.say(4, Unacknowledged(alert=id_, by="jo"))
    assert desk.machine.alerts()[0].acknowledged_by == ""
    assert [reason for _, _, reason in desk.said()[1:]] == ["acknowledged", "unacknowledged"]
    assert desk.machine.acknowledge(id_, "jo", T0, desk.out)
    assert desk.machine.acknowledge(id_, "", T0, desk.out, Reason.ACK_EXPIRED)
    assert [reason for _, _, reason in desk.said()[3:]] == ["acknowledged", str(Reason.ACK_EXPIRED)]
    assert not desk.say(5, Acknowledged(alert="another", by="jo"))
    assert not desk.say(5, PlanReplaced(digest=""))


def test_a_person_ends_it_until_its_source_sends_it_again() -> None:
    desk = Desk()
    id_ = desk.post(0).alert
    assert desk.say(10, ResolvedByPerson(alert=id_, by="jo"))
    (over,) = desk.machine.known.values()
    assert (over.state, over.acknowledged_by) == (AlertState.RESOLVED, "jo")
    assert over.foreign is not None
    assert over.foreign.ends_at == T0 + 10_000
    assert not desk.say(11, ResolvedByPerson(alert=id_, by="jo"))
    desk.time(100)
    assert desk.said()[1:] == [(10, "alert.resolved", "resolved_by_person")]
    back = desk.post(120)
    assert (back.state, back.acknowledged_by, back.alert != id_) == (AlertState.FIRING, "", True)


def test_labels_without_a_name_are_an_alert_too() -> None:
    desk = Desk()
    made = desk.machine.post([replace(posted("A"), labels={"job": "x"})], T0, [])[0]
    assert (made.rule, made.severity, made.owner) == ("", "", "")


def test_it_is_written_row_by_row_and_read_back() -> None:
    desk = Desk()
    desk.post(0, "A x=1", ends=60, note="n")
    desk.post(0, "B", ends=600)
    desk.say(1, Acknowledged(alert=desk.machine.alerts()[1].alert, by="jo"))
    desk.time(61)
    rows = dict(desk.machine.changes())
    assert rows == dict(desk.machine.rows())
    assert list(desk.machine.changes()) == []
    again = Desk()
    for key, data in rows.items():
        again.machine.load_row(key, data)
    again.machine.load(desk.machine.dump())
    assert again.machine.known == desk.machine.known
    assert again.machine.due == desk.machine.due
    assert again.time(700).said() == desk.time(700).said()[-1:]
    empty = ForeignAlerts()
    empty.load(empty.dump())
    assert empty.due == NOT_DUE


def test_the_rest_of_a_machine_does_nothing_here() -> None:
    desk = Desk()
    desk.machine.replace(plan(rule()), T0, desk.out)
    desk.post(0)
    desk.machine.follow(desk.out[0], T0, desk.out)
    assert len(desk.out) == 1


def test_an_entry_of_the_past_is_passed_over() -> None:
    desk = Desk()
    desk.post(0, ends=60)
    desk.post(10, ends=10)
    desk.post(20, starts=20, ends=50)
    desk.time(60)
    assert desk.said()[-1] == (50, "alert.resolved", "condition_cleared")


def many(count: int) -> list[PostedAlert]:
    return [posted(f"A n={n}", ends=100) for n in range(count)]


def test_what_ends_at_once_is_looked_at_in_steps_and_in_one_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def story(step: int) -> tuple[list[Decision], int]:
        monkeypatch.setattr(module, "STEP", step)
        desk, steps = Desk(), 0
        desk.machine.post(many(10), T0, desk.out)
        desk.post(1, "B", ends=100, timeout=True)
        desk.post(2, "B", ends=50)  # Told to end earlier, it stands there twice.
        while desk.machine.due < T0 + SWEEP // 2:
            before = len(desk.out)
            desk.machine.handle_timer(desk.machine.due, desk.out)
            assert len(desk.out) - before <= step
            steps += 1
        return desk.out, steps

    at_once, one = story(100)
    assert story(3) == (at_once, one + 3)
    assert len(at_once) == 22


def test_what_is_over_is_forgotten_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORGOTTEN", 4)
    desk = Desk()
    desk.machine.post(many(10), T0, desk.out)
    desk.post(0.5, "B", ends=9_000)
    desk.time(101)
    at = desk.machine.due
    known = []
    while desk.machine.due == at:
        desk.machine.handle_timer(at, desk.out)
        known.append(len(desk.machine.known))
    assert known == [7, 3, 1]
    assert [a.rule for a in desk.machine.alerts()] == ["B"]


def test_alerts_that_began_at_one_moment_stand_in_order_of_fingerprint() -> None:
    def order(machine: ForeignAlerts) -> list[str]:
        return [alert.fingerprint for alert in machine.alerts()]

    desk = Desk()
    for item in many(6):  # One moment, several posts.
        desk.machine.post([item], T0, desk.out)
    first = order(desk.machine)
    assert first == sorted(first)
    desk.post(1, "Later")
    desk.machine.post(many(1), T0 + 2_000, desk.out)
    desk.post(3, "A n=1", ends=3)
    desk.post(4, "A n=1", ends=1_000)  # A new episode is the youngest.
    found = order(desk.machine)
    assert found[-1] == fingerprint(posted("A n=1").labels)
    assert found[-2] == fingerprint(posted("Later").labels)
    again = ForeignAlerts()
    for key, data in desk.machine.rows():
        again.load_row(key, data)
    again.load(desk.machine.dump())
    assert order(again) == found
    for machine in (desk.machine, again):
        machine.post(many(8), T0 + 4_000, [])
    assert order(again) == order(desk.machine)


def test_a_fingerprint_that_came_along_is_not_worked_out_again() -> None:
    desk = Desk()
    item = replace(posted("A"), fingerprint="00000000000000ff")
    assert desk.machine.post([item], T0, desk.out)[0].fingerprint == "00000000000000ff"


def test_a_post_without_labels_is_the_known_alert_again() -> None:
    def again(desk: Desk, at: float, ends: float) -> Alert:
        name = fingerprint(posted("A x=1").labels)
        item = replace(posted("A", 0, ends), labels={}, annotations={}, fingerprint=name)
        return desk.machine.post([item], T0 + round(at * 1000), desk.out)[0]

    desk, plainly = Desk(), Desk()
    for each in (desk, plainly):
        each.post(0, "A x=1", note="n", ends=10)
    steps = ((5, 20), (12, 12), (14, 30))  # Longer, over, and a new episode.
    for at, ends in steps:
        shown = again(desk.time(at), at, ends)
        assert shown == plainly.post(at, "A x=1", note="n", ends=ends)
        assert shown.labels == {"alertname": "A", "x": "1"}
    assert desk.out == plainly.out


def test_a_repeat_of_what_is_not_known_is_no_alert() -> None:
    desk = Desk()
    item = replace(posted("A"), labels={}, fingerprint="00000000000000ff")
    assert desk.machine.post([item], T0, desk.out) == []
    assert (desk.out, dict(desk.machine.known)) == ([], {})


def test_few_of_many_end_in_the_order_in_which_they_began() -> None:
    desk = Desk()
    texts = ("z", "b", "y", "a")
    for at, text in enumerate(texts):
        desk.post(at, text, ends=50, timeout=True)
    desk.machine.post(many(60), T0 + 4_000, [])
    desk.post(5, "y", ends=40)  # It is over before, and stands there still.
    desk.out.clear()
    desk.time(60)
    ended = [d.alert.rule for d in desk.out if isinstance(d, AlertChanged)]
    assert ended == ["y", "z", "b", "a"]
