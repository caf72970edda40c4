"""What a group says: gate first, then the dedup table over what is left; what is held back is said once."""

from collections.abc import Sequence
from dataclasses import replace

from rulesd.core.flush import Flush
from rulesd.core.gate import Gate, Held
from rulesd.core.group import Group, Member
from rulesd.core.plan import ChannelSpec, Plan, Receiver, Route
from rulesd.core.throttle import Throttle
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Audience, Decision, NotificationDue, Status
from rulesd.model.instant import SECOND, Instant
from rulesd.model.reasons import AlertState, Reason
from tests.core.foreigners import FAST, span, stops
from tests.core.plans import T0, plan, rule
from tests.core.test_inhibit import DOWN, SLOW, foreign
from tests.model.test_alert import alert

OVER = AlertState.RESOLVED
A, B = foreign("A x=1"), foreign("A x=2")


class Counter:
    """One group, flushed by hand."""

    def __init__(self, *members: Alert, route: Route = FAST, under: Plan | None = None) -> None:
        self.plan = under or replace(plan(rule()), inhibit_rules=(stops(),))
        self.gate = Gate(self.plan)
        self.silenced: dict[str, tuple[str, ...]] = {}
        self.gate.silencing = lambda alert, now: self.silenced.get(alert.fingerprint, ())
        self.gate.may_silence = lambda: bool(self.silenced)
        self.elsewhere: list[tuple[str, Held]] = []
        self.known_elsewhere = False
        self.stage = Flush(self.plan, self.gate, Throttle(), self._elsewhere)
        self.group = Group(route, "default", "k", {}, "incident")
        self.out: list[Decision] = []
        self.add(*members)

    def _elsewhere(self, group: Group, name: str, held: Held) -> bool:
        assert group is self.group
        self.elsewhere.append((name, held))
        return self.known_elsewhere

    def add(self, *members: Alert) -> "Counter":
        for each in members:
            before = self.group.members.get(each.fingerprint)
            made = before or Member(each, aims=self.gate.inhibitor.aims(each))
            made.alert = each
            self.group.members[each.fingerprint] = made
            self.group.fresh = True
        return self

    def flush(self, at: float, why: Reason | None = None) -> list[str]:
        return self.stage.flush(self.group, why, instant(at), self.out)

    def said(self) -> list[tuple[str, str, int]]:
        """(reason, status, alerts) of every notification since the last question."""
        due = [d for d in self.out if isinstance(d, NotificationDue)]
        self.out = [d for d in self.out if not isinstance(d, NotificationDue)]
        return [(str(d.reason), str(d.status), len(d.alerts)) for d in due]

    def held(self) -> list[tuple[str, Sequence[str]]]:
        changes = [d for d in self.out if isinstance(d, AlertChanged)]
        self.out = []
        return [(str(d.reason), d.held_by) for d in changes]


def instant(seconds: float) -> Instant:
    return T0 + round(seconds * SECOND)


def over(one: Alert) -> Alert:
    return replace(one, state=OVER)


def test_a_flush_says_what_changed_and_sets_the_next_tick() -> None:
    c = Counter(A, B)
    assert c.flush(1) == []
    assert c.said() == [("first_notification", "firing", 2)]
    assert (c.group.tick, c.group.flushed, c.group.fresh) == (instant(3), True, False)
    c.add(over(A)).flush(3)
    assert c.said() == [("some_alerts_resolved", "firing", 2)]
    assert list(c.group.members) == [B.fingerprint]
    assert c.add(over(B)).flush(5) == []
    assert c.group.members == {}
    assert c.said() == [("all_alerts_resolved", "resolved", 1)]


def test_nothing_new_costs_nothing_until_it_is_to_be_repeated() -> None:
    c = Counter(A)
    c.flush(1)
    c.group.members[A.fingerprint].alert = replace(A, severity="critical")  # nobody said so
    c.flush(3)
    c.flush(7.9)
    assert len(c.said()) == 1
    c.flush(8)
    assert c.said() == [("severity_raised", "firing", 1)]
    fresh = Counter()
    fresh.group.fresh = False
    fresh.flush(1)
    assert (fresh.said(), fresh.group.tick) == ([], instant(3))


def test_what_is_inhibited_is_not_told_and_said_once() -> None:
    c = Counter(SLOW, DOWN)
    c.gate.inhibitor.see(DOWN)
    c.flush(1)
    assert c.said() == [("first_notification", "firing", 1)]
    c.flush(3)
    c.flush(5)
    assert c.held() == [("inhibited", (DOWN.fingerprint,))]
    assert c.group.fresh
    c.gate.inhibitor.see(over(DOWN))
    c.add(over(DOWN)).flush(7)
    assert c.said() == [("new_alerts_in_group", "firing", 2)]
    c.gate.inhibitor.see(DOWN)
    c.add(DOWN).flush(9)
    assert c.held() == [("inhibited", (DOWN.fingerprint,))]  # again: it was free in between


def test_what_is_silenced_is_not_told_and_a_change_of_cause_is_said() -> None:
    c = Counter(A)
    c.silenced = {A.fingerprint: ("s1",)}
    c.flush(1)
    c.flush(3)
    c.silenced = {A.fingerprint: ("s1", "s2")}
    c.flush(5)
    assert c.held() == [("silenced", ("s1",)), ("silenced", ("s1", "s2"))]
    c.silenced = {}
    c.flush(7)
    assert c.said() == [("first_notification", "firing", 1)]
    assert c.group.members[A.fingerprint].held is None


def test_with_everything_held_back_nothing_is_said_also_not_that_it_is_over() -> None:
    c = Counter(A)
    c.flush(1)
    c.said()
    c.silenced = {A.fingerprint: ("s1",)}
    c.add(over(A)).flush(3)
    assert c.group.members == {}  # it leaves all the same
    assert (c.said(), c.held()) == ([], [])
    c.silenced = {}
    c.add(A).flush(5)
    assert c.said() == []  # its receiver believes that it fires, and it does
    c.add(B).flush(7)
    assert c.said() == [("new_alerts_in_group", "firing", 2)]


def test_in_a_muted_interval_a_route_is_quiet() -> None:
    c = Counter(A, route=replace(FAST, mute=(span("night", 0, 5),)))
    c.flush(1)
    c.flush(3)
    assert c.held() == [("muted", ("night",))]
    c.flush(5)
    assert c.said() == [("first_notification", "firing", 1)]


def test_what_another_group_has_said_is_not_said_again() -> None:
    c = Counter(A)
    c.known_elsewhere = True
    c.silenced = {A.fingerprint: ("s",)}
    c.flush(1)
    c.flush(3)
    assert c.held() == []
    assert c.elsewhere == [(A.fingerprint, Held(Reason.SILENCED, ("s",)))]


def test_ours_that_ended_untold_is_nobodys_news_and_a_foreign_one_is() -> None:
    ours = alert(fingerprint="own")
    c = Counter(A, over(ours))
    assert c.flush(1) == ["own"]
    assert c.said() == [("first_notification", "firing", 1)]
    c.add(over(B)).flush(3)
    assert c.said() == [("some_alerts_resolved", "firing", 2)]


def test_a_receiver_without_send_resolved_hears_of_the_last_one_only() -> None:
    channel = ChannelSpec(
        receiver="default", name="slack_configs[0]", kind="slack_configs", settings={},
        for_people=True, per_alert=False, updates_in_place=False, send_resolved=False,
    )  # fmt: skip
    under = replace(
        plan(rule()), receivers={"default": Receiver(name="default", channels=(channel,))}
    )
    c = Counter(A, B, under=under)
    c.flush(1)
    c.add(over(B)).flush(3)
    assert len(c.said()) == 1
    c.add(over(A)).flush(5)
    assert c.said() == [("all_alerts_resolved", "resolved", 1)]
    loud = replace(
        under,
        receivers={
            "default": Receiver(
                name="default", channels=(channel, replace(channel, send_resolved=True))
            )
        },
    )
    c = Counter(A, B, under=loud)
    c.flush(1)
    c.add(over(B)).flush(3)
    assert len(c.said()) == 2
    c = Counter(A, B, under=replace(under, receivers={}))
    c.flush(1)
    c.add(over(B)).flush(3)
    assert len(c.said()) == 2


def test_an_urgent_reason_is_for_what_must_never_happen_and_is_shown() -> None:
    never = alert(fingerprint="own", never=True)
    c = Counter(never)
    c.flush(1, Reason.NEVER)
    assert c.said() == [("must_never_happen", "firing", 1)]
    assert c.group.members["own"].paged_at == instant(1)
    c.flush(100)
    assert c.said() == []  # never repeated by time alone
    c.silenced = {"own": ("s",)}
    c.flush(101, Reason.AGAIN)
    assert c.said() == []
    mixed = Counter(A, never)
    mixed.silenced = {"own": ("s",)}
    mixed.flush(1, Reason.NEVER)
    assert mixed.said() == [("first_notification", "firing", 1)]


def test_what_somebody_took_is_not_repeated() -> None:
    c = Counter(replace(A, acknowledged_by="jo"))
    c.flush(1)
    c.flush(100)
    assert len(c.said()) == 1


def test_a_page_after_all_was_resolved_is_a_new_incident() -> None:
    c = Counter(A)
    c.flush(1)
    assert c.group.incident == "incident"
    c.silenced = {B.fingerprint: ("s",)}
    c.add(B, over(A)).flush(3)
    c.silenced = {}
    c.flush(5)
    assert c.group.incident != "incident"
    assert [r for r, _, _ in c.said()] == [
        "first_notification",
        "all_alerts_resolved",
        "first_notification",
    ]


def test_a_page_that_people_are_spared_passes_the_page_limit_by() -> None:
    c = Counter(A)
    c.gate.spare = lambda due: replace(due, audience=Audience.MACHINES)
    c.flush(1)
    assert [d.audience for d in c.out if isinstance(d, NotificationDue)] == [Audience.MACHINES]
    assert c.group.folded is False


def test_people_are_told_who_took_it() -> None:
    c = Counter(A, B)
    c.flush(1)
    c.said()
    c.add(replace(A, acknowledged_by="jo"))
    c.stage.people(c.group, Reason.ACKNOWLEDGED, instant(2), c.out)
    c.add(replace(B, acknowledged_by="jo"))
    c.stage.people(c.group, Reason.ACKNOWLEDGED, instant(2), c.out)
    assert c.said() == [("acknowledged", "firing", 2), ("acknowledged", "acknowledged", 2)]


def test_a_page_is_brought_up_to_date_in_place_for_who_was_told() -> None:
    c = Counter(A)
    c.group.refresh = instant(1)
    c.stage.refresh(c.group, instant(1), c.out)
    assert c.group.refresh is None
    assert c.said() == []
    c.flush(1)
    c.stage.refresh(c.group, instant(2), c.out)
    assert [r for r, _, _ in c.said()] == ["first_notification", "updated_in_place"]


def test_foreign_alerts_are_told_in_alertmanagers_order() -> None:
    """job, then instance, then the number of labels and the labels; one without a job comes after those with one."""
    names = [
        "Z job=a instance=1",
        "A job=a instance=2",
        "A job=b",
        "B job=b",
        "A",
        "A x=0",
        "A x=1",
    ]
    c = Counter(*(foreign(name) for name in reversed(names)))
    c.flush(1)
    (due,) = [d for d in c.out if isinstance(d, NotificationDue)]
    assert [t.alert.fingerprint for t in due.alerts] == [foreign(n).fingerprint for n in names]
    assert {t.status for t in due.alerts} == {Status.FIRING}
    ours = [alert(fingerprint=name) for name in ("b", "a")]
    c = Counter(*ours)
    c.flush(1)
    (due,) = [d for d in c.out if isinstance(d, NotificationDue)]
    assert [t.alert.fingerprint for t in due.alerts] == ["b", "a"]  # ours as they came
