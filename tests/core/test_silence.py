"""Silences in virtual time: whom they hold back, when they end, whom they tell."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Maturity, Owner, Plan
from rulesd.core.silence import (
    FEW,
    KEPT,
    MOST_ACTS,
    NAMED,
    NEVER_LONGEST,
    WARNING,
    Silences,
    suits_never,
)
from rulesd.core.silence_state import Did
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Decision, Kind, LimitReached, NoticeDue
from rulesd.model.inputs import Acknowledged, SilenceExpired, SilenceSet
from rulesd.model.instant import DAY, HOUR, MINUTE, Instant
from rulesd.model.reasons import AlertState, Reason
from rulesd.model.silence import Silence, SilenceMatcher
from tests.core.alerts import alert, foreign
from tests.core.plans import T0, plan, rule


def hourly(line: str) -> Callable[[Instant], Instant]:
    """Every full hour; ``CRON_TZ`` shifts it by half an hour, so that a test sees it was passed on."""
    if "never" in line:
        raise ValueError(line)
    shift = 30 * MINUTE if line.startswith("CRON_TZ=") else 0
    return lambda at: (at - shift) // HOUR * HOUR + HOUR + shift


def regex(pattern: str) -> Callable[[str], bool]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(str(error)) from None
    return lambda text: compiled.fullmatch(text) is not None


def world(**changes: Any) -> Plan:
    made = plan(
        rule("tool.denied"),
        rule("tool.shadow", maturity=Maturity.SHADOW),
        owners={
            "safety": Owner(name="safety", receivers={"default": "pager"}),
            "other": Owner(name="other"),
        },
    )
    return replace(made, regex=regex, schedule=hourly, **changes)


def silence(id_: str = "s1", **changes: Any) -> Silence:
    values: dict[str, Any] = {
        "id": id_,
        "matchers": (SilenceMatcher(name="tool", value="shell"),),
        "starts_at": T0,
        "ends_at": T0 + HOUR,
        "updated_at": T0,
        "created_by": "ana",
        "comment": "planned",
    }
    return Silence(**{**values, **changes})


class Bench:
    """A machine with alerts that fire beside it."""

    def __init__(self, *firing: Alert, plan_: Plan | None = None) -> None:
        self.firing = {a.alert: a for a in firing}
        self.machine = Silences(plan_ or world(), self.firing.values)
        self.out: list[Decision] = []
        self.saved: dict[Any, Any] = {}

    def set(self, one: Silence, at: Instant = T0, by: str = "ana") -> "Bench":
        assert self.machine.take(SilenceSet(silence=one, by=by), at, self.out)
        return self

    def to(self, at: Instant) -> "Bench":
        while self.machine.due <= at:
            self.machine.handle_timer(self.machine.due, self.out)
        return self

    def change(
        self,
        kind: Kind,
        one: Alert,
        at: Instant = T0,
        reason: Reason = Reason.CONDITION_MET,
        held_by: tuple[str, ...] = (),
    ) -> None:
        if kind is Kind.RESOLVED:
            self.firing.pop(one.alert, None)
        elif kind is Kind.FIRING:
            self.firing[one.alert] = one
        said = AlertChanged(kind=kind, at=at, reason=reason, alert=one, held_by=held_by)
        self.machine.follow(said, at, self.out)

    def restored(self) -> "Bench":
        other = Bench(*self.firing.values(), plan_=self.machine.plan)
        for key, data in self.machine.changes():
            self.saved[key] = data
        kept = {key: data for key, data in self.saved.items() if data is not None}
        assert kept == dict(self.machine.rows())
        assert list(self.machine.changes()) == []
        for key in sorted(kept):
            other.machine.load_row(key, json.loads(json.dumps(kept[key])))
        other.machine.load(self.machine.dump())
        other.saved = kept
        assert dict(other.machine.rows()) == kept
        assert other.machine.due == self.machine.due
        return other

    def ids(self, one: Alert, at: Instant = T0) -> tuple[str, ...]:
        return self.machine.silencing(one, at)


# ---------------------------------------------------------------------- whom


def test_without_silences_nothing_is_held_back() -> None:
    b = Bench()
    assert b.ids(alert()) == ()
    assert not b.machine.live()
    assert b.machine.due == NOT_DUE
    assert b.machine.alerts() == []
    b.machine.handle_timer(T0, b.out)


def test_from_start_to_end_over_the_full_label_set() -> None:
    matchers = (
        SilenceMatcher(name="model", value="m1"),
        SilenceMatcher(name="alertname", value="tool.*", is_regex=True),
        SilenceMatcher(name="severity", value="low", is_equal=False),
    )
    b = Bench().set(silence(matchers=matchers, starts_at=T0 + 10, ends_at=T0 + HOUR))
    assert [b.ids(alert(), at) for at in (T0 + 9, T0 + 10, T0 + HOUR - 1, T0 + HOUR)] == [
        (),
        ("s1",),
        ("s1",),
        (),
    ]
    assert b.ids(alert(severity="low"), T0 + 10) == ()
    assert b.ids(alert(context={}), T0 + 10) == ()


def test_several_silences_are_all_named_in_order() -> None:
    b = Bench().set(silence("s2")).set(silence("s1"))
    assert b.ids(alert()) == ("s1", "s2")
    assert b.machine.live()
    assert [s.id for s in b.machine.listing()] == ["s2", "s1"]


def test_a_silence_that_cannot_be_understood_holds_nothing_back() -> None:
    bad = (SilenceMatcher(name="tool", value="(", is_regex=True),)
    b = Bench().set(silence(matchers=bad)).set(silence("s2", cron="never", lasts=MINUTE))
    assert b.ids(alert()) == ()
    assert len(b.machine.listing()) == 2
    assert b.ids(alert()) == b.restored().ids(alert())


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, False),
        ({"approved_by": "jo", "ends_at": T0 + NEVER_LONGEST}, True),
        ({"approved_by": "jo", "ends_at": T0 + NEVER_LONGEST + 1}, False),
        ({"ends_at": T0 + MINUTE}, False),
    ],
)
def test_what_must_never_happen_is_held_back_only_by_an_approved_short_silence(
    changes: dict[str, Any], holds: bool
) -> None:
    one = silence(**changes)
    b = Bench().set(one)
    never = alert(never=True)
    assert suits_never(one) is holds
    assert b.ids(never) == (("s1",) if holds else ())
    assert b.machine.unapplied(never, T0) == (() if holds else ("s1",))
    assert b.ids(alert()) == ("s1",)
    assert b.machine.unapplied(alert(), T0) == ()


def test_alerts_of_other_systems_are_silenced_as_alertmanager_does() -> None:
    b = Bench().set(silence())
    assert b.ids(foreign("f1", tool="shell")) == ("s1",)
    assert b.ids(foreign("f2", tool="mail")) == ()


# ---------------------------------------------------------------------- changes and history


def test_changes_are_on_record_with_author_and_time() -> None:
    b = Bench().set(silence())
    longer = silence(ends_at=T0 + 2 * HOUR)
    b.set(longer, T0 + 1, "bo").set(replace(longer, approved_by="jo"), T0 + 2, "jo")
    assert b.machine.take(SilenceExpired(id="s1", by="cy"), T0 + 3, b.out)
    record = b.machine.find("s1")
    assert record is not None
    assert [(a.at - T0, a.by, a.did) for a in record.acts] == [
        (0, "ana", Did.CREATED),
        (1, "bo", Did.UPDATED),
        (2, "jo", Did.APPROVED),
        (3, "cy", Did.EXPIRED),
    ]
    assert record.silence.ends_at == T0 + 3
    assert b.ids(alert(), T0 + 3) == ()
    assert b.machine.records() == [record]
    assert b.machine.find("nobody") is None
    assert b.restored().machine.find("s1") == record


def test_what_is_over_or_unknown_is_not_ended_again() -> None:
    b = Bench().set(silence())
    for id_ in ("s1", "s1", "nobody"):
        assert b.machine.take(SilenceExpired(id=id_, by="cy"), T0 + 3, b.out)
    record = b.machine.find("s1")
    assert record is not None
    assert len(record.acts) == 2


def test_a_pending_silence_that_is_ended_never_begins() -> None:
    b = Bench().set(silence(starts_at=T0 + 10))
    b.machine.take(SilenceExpired(id="s1", by="cy"), T0 + 3, b.out)
    (one,) = b.machine.listing()
    assert (one.starts_at, one.ends_at) == (T0 + 3, T0 + 3)
    assert b.ids(alert(), T0 + 10) == ()


def test_the_history_keeps_the_first_act_and_the_latest() -> None:
    b = Bench()
    for n in range(MOST_ACTS + 5):
        b.set(silence(comment=str(n)), T0 + n)
    record = b.machine.find("s1")
    assert record is not None
    assert [len(record.acts), record.acts[0].at, record.acts[1].at] == [MOST_ACTS, T0, T0 + 6]


def test_inputs_for_others_are_left_to_them() -> None:
    b = Bench()
    assert not b.machine.take(Acknowledged(alert="a1", by="jo"), T0, b.out)


def test_what_is_over_is_kept_for_a_while_and_then_forgotten() -> None:
    b = Bench().set(silence())
    b.to(T0 + HOUR + KEPT - 1)
    assert len(b.machine.listing()) == 1
    b.restored()
    b.to(T0 + HOUR + KEPT)
    assert b.machine.listing() == []
    assert b.restored().machine.listing() == []
    assert b.machine.due == NOT_DUE


def test_a_silence_that_comes_when_it_is_over_is_only_kept() -> None:
    b = Bench().set(silence(), T0 + HOUR)
    assert b.ids(alert(), T0 + HOUR) == ()
    assert b.machine.due == T0 + HOUR + KEPT


def test_a_changed_end_moves_the_deadlines() -> None:
    b = Bench(alert()).set(silence()).set(silence(ends_at=T0 + 3 * HOUR), T0 + 1)
    b.to(T0 + 2 * HOUR)
    assert b.ids(alert(), T0 + 2 * HOUR) == ("s1",)
    assert b.out == []
    b.to(T0 + 3 * HOUR)
    assert [d.at for d in b.out] == [T0 + 3 * HOUR - WARNING]


def test_a_deadline_that_no_longer_stands_does_nothing() -> None:
    b = (
        Bench(alert())
        .set(silence())
        .set(silence("s2"))
        .set(silence("s2", ends_at=T0 + DAY), T0 + 1)
    )
    b.machine.handle_timer(T0 + HOUR - WARNING, b.out)
    (notice,) = b.out
    assert isinstance(notice, NoticeDue)
    assert notice.lines[-1] == "silence s1 by ana"


# ---------------------------------------------------------------------- what it held back


def test_what_was_held_back_is_counted() -> None:
    b = Bench().set(silence()).set(silence("s2", starts_at=T0 + HOUR, ends_at=T0 + DAY))
    b.change(Kind.SUPPRESSED, alert(), T0 + 5, Reason.SILENCED, ("s1", "gone"))
    b.change(Kind.SUPPRESSED, alert(), T0 + 6, Reason.INHIBITED, ("s1",))
    b.change(Kind.SUPPRESSED, alert("a2"), T0 + 7, Reason.SILENCED, ("s1",))
    limit = LimitReached(at=T0, reason=Reason.KEY_LIMIT, rule="r", limit=1, detail="")
    b.machine.follow(limit, T0, b.out)
    assert [(r.held_back, r.last_held) for r in b.restored().machine.records()] == [
        (2, T0 + 7),
        (0, 0),
    ]


# ---------------------------------------------------------------------- end on resolve


def test_it_ends_when_the_last_alert_it_covers_has_resolved() -> None:
    mail = alert("mail", labels={"tool": "mail"})
    b = Bench(alert("early"), mail).set(silence(end_on_resolve=True)).set(silence("s2"))
    b.change(Kind.FIRING, alert("late"), T0 + 1)
    b.change(Kind.FIRING, alert("else", labels={"tool": "mail"}), T0 + 1)
    b.change(Kind.UPDATED, alert("waits", state=AlertState.PENDING), T0 + 1)
    b.change(Kind.RESOLVED, alert("early"), T0 + 2)
    b.change(Kind.RESOLVED, alert("else"), T0 + 2)
    assert b.ids(alert(), T0 + 3) == ("s1", "s2")
    b = b.restored()
    b.change(Kind.RESOLVED, alert("late"), T0 + 4)
    assert b.ids(alert(), T0 + 4) == ("s2",)
    record = b.machine.find("s1")
    assert record is not None
    assert record.silence.ends_at == T0 + 4
    assert record.acts[-1][1:] == ("rulesd", Did.ENDED, "the last alert it covered has resolved")


def test_it_waits_for_its_first_alert() -> None:
    b = Bench().set(silence(end_on_resolve=True))
    b.change(Kind.RESOLVED, alert(), T0 + 1)
    assert b.ids(alert(), T0 + 1) == ("s1",)


def test_one_that_begins_later_looks_then() -> None:
    b = Bench(alert()).set(silence(starts_at=T0 + 10, end_on_resolve=True))
    assert b.machine.due == T0 + 10
    b.change(Kind.FIRING, alert("a2"), T0 + 1)
    b.change(Kind.RESOLVED, alert("a2"), T0 + 2)
    b.restored().to(T0 + 10)
    b.to(T0 + 10)
    b.change(Kind.RESOLVED, alert(), T0 + 11)
    assert b.ids(alert(), T0 + 11) == ()


def test_one_that_is_made_anew_to_begin_later_looks_again() -> None:
    b = Bench().set(silence(end_on_resolve=True))
    b.change(Kind.FIRING, alert())
    b.set(silence(starts_at=T0 + 10, end_on_resolve=True), T0 + 1).to(T0 + 10)
    b.change(Kind.RESOLVED, alert(), T0 + 11)
    assert b.ids(alert("a2"), T0 + 11) == ()


def test_alerts_that_never_page_do_not_keep_it() -> None:
    b = Bench().set(silence(end_on_resolve=True))
    b.change(Kind.FIRING, alert())
    b.change(Kind.FIRING, alert("s", rule="tool.shadow"))
    b.change(Kind.FIRING, alert("n", never=True))
    b.change(Kind.UPDATED, alert("gone", rule="tool.unknown"))
    b.change(Kind.RESOLVED, alert(), T0 + 1)
    assert b.ids(alert(), T0 + 1) == ("s1",)
    b.change(Kind.RESOLVED, alert("gone"), T0 + 2)
    assert b.ids(alert(), T0 + 2) == ()


def test_two_that_end_with_different_alerts() -> None:
    b = Bench().set(silence(end_on_resolve=True))
    other = (SilenceMatcher(name="tool", value="mail"),)
    b.set(silence("s2", matchers=other, end_on_resolve=True))
    mail = alert("m", labels={"tool": "mail"})
    b.change(Kind.FIRING, alert())
    b.change(Kind.FIRING, mail)
    b.change(Kind.RESOLVED, mail, T0 + 1)
    assert (b.ids(alert(), T0 + 1), b.ids(mail, T0 + 1)) == (("s1",), ())


# ---------------------------------------------------------------------- windows


def test_recurring_windows() -> None:
    b = Bench().set(
        silence(ends_at=T0 + DAY, starts_at=T0 + 90 * MINUTE, cron="0 * * * *", lasts=20 * MINUTE)
    )
    minutes = (60, 90, 119, 120, 125, 139, 140, 179, 180, 1439, 1440)
    held = [bool(b.ids(alert(), T0 + m * MINUTE)) for m in minutes]
    assert held == [False, False, False, True, True, True, False, False, True, False, False]
    # Asked about another moment, it does not answer from memory.
    assert b.ids(alert(), T0 + 125 * MINUTE) == ("s1",)


def test_windows_in_a_zone() -> None:
    b = Bench().set(
        silence(ends_at=T0 + DAY, cron="0 * * * *", lasts=MINUTE, timezone="Asia/Kolkata")
    )
    assert b.ids(alert(), T0) == ()
    assert b.ids(alert(), T0 + 30 * MINUTE) == ("s1",)


# ---------------------------------------------------------------------- the warning


def test_owners_are_told_what_will_page_again() -> None:
    mine = [alert(f"a{n}") for n in range(NAMED + 2)]
    others = [alert("b", owner="other"), foreign("f", tool="shell", alertname="Disk")]
    quiet = [alert("c", labels={"tool": "mail"}), alert("n", never=True)]
    b = Bench(*mine, *others, *quiet).set(silence())
    b = b.restored().to(T0 + HOUR - WARNING)
    notices = [d for d in b.out if isinstance(d, NoticeDue)]
    assert [(n.owner, n.receiver, n.reason) for n in notices] == [
        ("safety", "pager", Reason.SILENCE_ENDS),
        ("other", "default", Reason.SILENCE_ENDS),
        ("", "default", Reason.SILENCE_ENDS),
    ]
    assert notices[0].title == "A silence ends at 2026-01-05 09:00 UTC: 12 alerts page again"
    assert notices[0].lines[0] == "high tool.denied tenant=acme tool=shell"
    assert notices[0].lines[-2:] == ("and 2 more", "silence s1 by ana")
    assert notices[1].title.endswith(": 1 alert pages again")
    assert notices[2].lines[0] == "alertname=Disk tool=shell"
    b.to(T0 + HOUR)
    assert len(b.out) == 3


@pytest.mark.parametrize("many", [1, FEW + 1])
def test_silences_that_end_together_are_told_one_by_one(many: int) -> None:
    b = Bench(alert("a1"), alert("a2", labels={"tool": "mail"}))
    for n in range(many):
        b.set(silence(f"s{n}"))
    b.set(silence("other", matchers=(SilenceMatcher(name="tool", value="none"),)))
    b.to(T0 + HOUR)
    told = [d.lines for d in b.out if isinstance(d, NoticeDue)]
    assert [lines[-1] for lines in told] == [f"silence s{n} by ana" for n in range(many)]
    assert {lines[0] for lines in told} == {"high tool.denied tenant=acme tool=shell"}


@pytest.mark.parametrize("changes", [{"ends_at": T0 + WARNING}, {"matchers": ()}])
def test_nobody_is_told_of_a_short_one_or_one_that_hides_nothing(changes: dict[str, Any]) -> None:
    one = silence(**changes)
    if not one.matchers:
        one = replace(one, matchers=(SilenceMatcher(name="tool", value="mail"),))
    b = Bench(alert()).set(one).to(T0 + HOUR)
    assert b.out == []


def test_an_authors_name_is_one_short_line() -> None:
    b = Bench(alert()).set(silence(created_by="ana\nof " + "x" * 500)).to(T0 + HOUR)
    (notice,) = b.out
    assert isinstance(notice, NoticeDue)
    assert notice.lines[-1] == "silence s1 by ana of " + "x" * 93


def test_a_new_plan_names_the_receivers() -> None:
    b = Bench(alert()).set(silence())
    b.machine.replace(world(owners={}), T0, b.out)
    b.to(T0 + HOUR)
    (notice,) = b.out
    assert isinstance(notice, NoticeDue)
    assert notice.receiver == "default"
