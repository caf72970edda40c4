"""Guard rails: each refusal, and what people are told."""

from dataclasses import replace

import pytest

from rulesd.core.switch_guard import (
    REFUSED,
    TELL_AGAIN,
    Guard,
    asks,
    has_webhook,
    misfit,
    notice,
    same_person,
    unheard,
    untold,
)
from rulesd.model.event import Json
from rulesd.model.instant import HOUR
from rulesd.model.reasons import DeliveryReason, Reason
from rulesd.model.switch import Approvals, Switch
from tests.core.plans import plan, rule
from tests.core.test_switch_table import LOCK, setting

LABELS = {"tool": "shell", "tenant": "acme"}


def refused(
    switch: Switch = LOCK,
    *,
    origin: str = "rule",
    value: Json = False,
    labels: dict[str, str] | None = None,
    humans_only: bool = False,
) -> Reason | None:
    return Guard().refused(
        switch,
        setting(origin=origin, value=value),
        LABELS if labels is None else labels,
        humans_only=humans_only,
    )


def test_what_fits_may_be_set() -> None:
    assert refused() is None
    assert refused(origin="person", humans_only=True) is None


def test_every_refusal_has_its_reason_in_words() -> None:
    assert refused(replace(LOCK, may_set=("people",))) is Reason.REFUSED_ORIGIN
    assert refused(replace(LOCK, may_set=("rules",)), origin="hook:ci") is Reason.REFUSED_ORIGIN
    assert refused(humans_only=True) is Reason.REFUSED_HUMANS_ONLY
    assert refused(value="off") is Reason.REFUSED_VALUE
    assert refused(labels={"tenant": "acme"}) is Reason.REFUSED_SCOPE
    assert refused(replace(LOCK, allow={"tenant": ("globex",)})) is Reason.REFUSED_SCOPE
    assert refused(replace(LOCK, allow={"tenant": ("acme",)})) is None
    assert set(REFUSED) == {r for r in Reason if r.name.startswith("REFUSED_")}


def test_rules_may_set_a_switch_so_often_within_an_hour_and_people_as_they_must() -> None:
    guard, switch = Guard(), replace(LOCK, limit_per_hour=2)

    def at(now: int, origin: str = "rule") -> Reason | None:
        return guard.admit(switch, setting(origin=origin), now)

    assert [at(0), at(1), at(2)] == [None, None, Reason.REFUSED_LIMIT]
    assert at(3, "person") is None
    again = Guard()
    again.load(guard.dump())
    assert again.recent == guard.recent
    assert at(HOUR) is None


def test_a_thousand_refusals_a_minute_are_told_once_in_ten_minutes_with_their_number() -> None:
    guard = Guard()
    why = Reason.REFUSED_LIMIT
    told = [guard.tell(setting(owner="a"), why, i * 60) for i in range(1_000)]
    assert (told[0], sum(told)) == (1, 1)
    assert guard.tell(setting(owner="b"), why, 0) == 1
    again = Guard()
    again.load(guard.dump())
    assert again.told == guard.told
    assert again.tell(setting(owner="a"), why, TELL_AGAIN) == 1_000
    assert again.tell(setting(owner="a"), why, TELL_AGAIN + 1) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ana", "ana", True),
        ("ana", "bo", False),
        ("ana (ci)", "ana (laptop)", True),
        ("Ana  (laptop)", "ana (U123, Slack)", True),
        ("\uff41na (laptop)", "ana (hook ci)", True),
        ("ana (ci)", "bo (CI)", True),
        ("ana (U1, Slack)", "bo (U2, Slack)", False),
        ("ana (U1, Slack)", "bo (U1, Slack)", True),
        ("hook ci", "bo (hook ci)", True),
        ("rule tool.x", "ana", False),
        ("admin", "ana (admin)", True),
        ("", "", False),
    ],
)
def test_one_person_is_one_person_however_the_name_is_spelled(
    one: str, other: str, same: bool
) -> None:
    assert same_person(one, other) is same
    assert same_person(other, one) is same


@pytest.mark.parametrize(
    ("approvals", "scope", "needed"),
    [
        (Approvals.NEVER, {}, False),
        (Approvals.WIDE, {}, True),
        (Approvals.WIDE, {"tenant": "acme"}, False),
        (Approvals.ALWAYS, {"tenant": "acme"}, True),
    ],
)
def test_a_wide_scope_waits_for_a_second_person(
    approvals: Approvals, scope: dict[str, str], needed: bool
) -> None:
    assert asks(replace(LOCK, approvals=approvals), setting(scope=scope)) is needed


def test_people_are_told_what_did_not_happen_and_what_waits_for_them() -> None:
    made = notice(plan(rule()), setting(origin="rule", by="rule x"), Reason.REFUSED_LIMIT, 5)
    assert made is not None
    assert made.title.startswith("lock_tool was not set: ")
    assert "act yourself" in made.lines[-1]
    waits = notice(plan(rule()), setting(), None, 5)
    assert waits is not None
    assert waits.reason is Reason.APPROVAL_NEEDED
    assert waits.lines[-1] == "Approve: rulesd switch approve s1"
    many = notice(plan(rule()), setting(), Reason.REFUSED_SCOPE, 5, 40)
    assert many.lines[1] == "40 settings were refused since the last notice."


def test_people_are_told_when_a_service_was_not_told() -> None:
    made = plan(rule())
    slow = unheard(made, setting(), None, 5)
    assert slow.title == "lock_tool is set, but its service has not answered yet"
    given_up = unheard(made, setting(), DeliveryReason.CONFIG, 5)
    assert "configuration_error" in given_up.lines[0]
    assert "rulesd deliveries redeliver s1/set" in given_up.lines[0]
    over = untold(made, setting(), "its webhook is gone", 5)
    assert over.lines[0].endswith(": its webhook is gone.")


def test_what_does_not_fit_is_named_with_what_to_write() -> None:
    only = replace(LOCK, allow={"tenant": ("acme", "hooli")})
    assert misfit(only, LABELS) == ""
    said = misfit(only, {"tenant": "acme", "tool": "(missing)"})
    assert said == "its key tool.{tool}.enabled needs the label tool: write tool=..."
    assert misfit(only, {"tool": "x"}) == "allow lists only tenant=acme and tenant=hooli"


def test_whether_a_service_is_told() -> None:
    made = replace(plan(rule()), switches={"lock_tool": replace(LOCK, action="webhook")})
    assert has_webhook(made, setting())
    assert not has_webhook(made, setting(switch="gone"))
