from dataclasses import replace

import pytest

from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Target, TargetKind
from rulesd.core.shifts import (
    LISTED,
    HandOvers,
    Place,
    answers_for_rulesd,
    of_owner,
    of_target,
    on_duty,
    places,
    worst,
)
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.instant import HOUR
from rulesd.model.reasons import Reason
from tests.core.crew import crew, shifts
from tests.core.plans import T0, plan
from tests.model.test_alert import alert

DUTY = {"main": shifts("anna", "ben", "", "nemo")}
SHIFT = 12 * HOUR


def due(*told: Told, at: int = T0, owner: str = "safety", **changes: object) -> NotificationDue:
    values: dict[str, object] = {
        "at": at,
        "reason": Reason.FIRST,
        "receiver": "team",
        "group": f'{{}}/{{owner="{owner}"}}:{{alertname="tool.x"}}',
        "group_labels": {},
        "status": Status.FIRING,
        "alerts": told or (Told(alert=alert(), status=Status.FIRING, changed=True),),
        "incident": "i",
        "page": True,
    }
    return NotificationDue(**{**values, **changes})  # type: ignore[arg-type]


def test_the_worst_of_what_fires_counts() -> None:
    low = Told(alert=alert(severity="low"), status=Status.FIRING, changed=True)
    over = Told(alert=alert(severity="critical"), status=Status.RESOLVED, changed=True)
    assert worst(due(low, over)) == "low"
    assert worst(due(over)) == "critical"
    assert worst(replace(due(), alerts=())) == "low"


def test_whoever_is_on_call_by_severity() -> None:
    p = crew(schedule="main", schedules=DUTY)
    assert on_duty(p, "main", "high", T0) == [Place("anna-phone", "anna")]
    assert on_duty(p, "main", "low", T0 + SHIFT) == [Place("ben-mail", "ben")]
    assert on_duty(p, "main", "high", T0 + 2 * SHIFT) == []  # a gap
    assert on_duty(p, "main", "high", T0 + 3 * SHIFT) == []  # nobody can reach nemo
    assert on_duty(p, "gone", "high", T0) == []
    stranger = {"main": shifts("stranger")}
    assert on_duty(crew(schedules=stranger), "main", "high", T0) == []


def test_an_owners_page_goes_to_whoever_is_on_call_unless_a_receiver_is_named_for_it() -> None:
    p = crew(schedule="main", schedules=DUTY, receivers={"default": "team", "low": "lead"})
    assert of_owner(p, "safety", "high", T0) == [Place("anna-phone", "anna")]
    assert of_owner(p, "safety", "low", T0) == [Place("lead")]
    assert of_owner(p, "safety", "high", T0 + 2 * SHIFT) == [Place("team")]
    assert of_owner(p, "nobody", "high", T0) == [Place("default")]
    assert of_owner(crew(), "safety", "high", T0) == [Place("team")]


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (TargetKind.RECEIVER, "lead", [Place("lead")]),
        (TargetKind.SCHEDULE, "main", [Place("anna-phone", "anna")]),
        (TargetKind.OWNER, "rulesd", [Place("ours")]),
        (TargetKind.PERSON, "ben", [Place("ben-phone", "ben")]),
        (TargetKind.PERSON, "nemo", []),
    ],
)
def test_where_a_step_leads(kind: TargetKind, name: str, expected: list[Place]) -> None:
    p = crew(schedules=DUTY)
    assert of_target(p, Target(kind=kind, name=name), "high", T0) == expected


def test_a_page_that_a_child_route_took_is_left_alone() -> None:
    p = crew(schedule="main", schedules=DUTY)
    assert places(p, due()) == [Place("anna-phone", "anna")]
    assert places(p, due(group='{}/{team="x"}:{}')) == [Place("team")]
    assert places(p, due(at=T0 + 2 * SHIFT)) == [Place("team")]
    assert places(p, replace(due(), alerts=())) == [Place("team")]


def test_who_answers_for_rulesd() -> None:
    assert answers_for_rulesd(crew()) == "rulesd"
    assert answers_for_rulesd(plan()) == "safety"
    assert answers_for_rulesd(replace(plan(), owners={})) == ""


def test_whoever_takes_over_is_told_what_is_open() -> None:
    hand_overs = HandOvers(crew(schedule="main", schedules=DUTY))
    assert hand_overs.due == NOT_DUE
    hand_overs.begin(T0 + 1)
    assert hand_overs.due == T0 + SHIFT
    alerts = [
        alert(alert="b", severity="low", started_at=1),
        alert(alert="a", acknowledged_by="jo", count=3),
        alert(alert="c", owner="other"),
    ]
    (notice,) = hand_overs.handle_timer(T0 + SHIFT, alerts)
    assert (notice.receiver, notice.owner, notice.reason) == ("ben-phone", "safety", "hand_over")
    assert notice.title == "ben is on call for safety until 2026-01-06T08:00:00.000Z: 2 open"
    assert notice.lines == (
        "high: tool.x (tenant acme), seen 3 times since 1970-01-01T00:00:00.000Z, acknowledged by jo",
        "low: tool.x (tenant acme), seen 1 times since 1970-01-01T00:00:00.000Z",
    )
    assert notice.until == hand_overs.due == T0 + 2 * SHIFT
    assert hand_overs.handle_timer(T0 + 2 * SHIFT, []) == []  # nobody takes over
    assert hand_overs.handle_timer(T0 + 3 * SHIFT, []) == []  # nobody can reach nemo
    (notice,) = hand_overs.handle_timer(T0 + 4 * SHIFT, [])
    assert notice.title.endswith(": nothing is open")
    assert notice.lines == ("Nothing is open.",)


def test_a_long_list_is_cut_and_counted() -> None:
    hand_overs = HandOvers(crew(schedule="main", schedules={"main": shifts("anna", "ben")}))
    hand_overs.begin(T0)
    many = [alert(alert=f"a{n:03}", rule="tool.denied") for n in range(LISTED + 5)]
    (notice,) = hand_overs.handle_timer(T0 + SHIFT, many)
    assert len(notice.lines) == LISTED + 1
    assert notice.lines[-1] == "and 5 more"
    assert "title of tool.denied" in notice.lines[0]


def test_only_schedules_that_somebody_has_are_handed_over() -> None:
    hand_overs = HandOvers(crew(schedules=DUTY))
    hand_overs.begin(T0)
    assert hand_overs.due == NOT_DUE
    hand_overs.plan = crew(schedule="gone", schedules=DUTY)
    hand_overs.begin(T0)
    assert hand_overs.due == NOT_DUE


def test_the_last_shift_has_no_end() -> None:
    last = replace(shifts("anna"), on_call=lambda at: ("anna",) if at >= T0 + 5 else ())
    once = replace(last, next_change=lambda at: T0 + 5 if at < T0 + 5 else NOT_DUE)
    hand_overs = HandOvers(crew(schedule="main", schedules={"main": once}))
    hand_overs.begin(T0)
    (notice,) = hand_overs.handle_timer(T0 + 5, [])
    assert notice.title == "anna is on call for safety: nothing is open"
    assert notice.until is None


def test_what_is_kept_over_a_restart() -> None:
    p = crew(schedule="main", schedules=DUTY)
    hand_overs = HandOvers(p)
    hand_overs.begin(T0)
    again = HandOvers(p)
    again.load(hand_overs.dump())
    assert again.due == hand_overs.due == T0 + SHIFT
    gone = HandOvers(crew())
    gone.load(hand_overs.dump())
    assert gone.due == NOT_DUE


def test_who_stays_on_call_is_told_nothing() -> None:
    both = replace(
        shifts("anna", "ben"), on_call=lambda at: ("anna",) if at < T0 + SHIFT else ("anna", "ben")
    )
    hand_overs = HandOvers(crew(schedule="main", schedules={"main": both}))
    hand_overs.begin(T0)
    assert [n.receiver for n in hand_overs.handle_timer(T0 + SHIFT, [])] == ["ben-phone"]


def test_whoever_comes_on_call_by_an_override_is_told_at_once_and_nobody_else() -> None:
    p = crew(schedule="main", schedules=DUTY)
    hand_overs = HandOvers(p)
    stood = {"main": replace(DUTY["main"], on_call=lambda at: ("ben", "anna"))}
    other = crew(schedule="main", schedules=stood)
    assert hand_overs.change(other, "main", T0, []) == []  # Nothing has begun.
    hand_overs.plan = p
    hand_overs.begin(T0)
    (notice,) = hand_overs.change(other, "main", T0 + 1, [alert()])
    assert (notice.receiver, notice.at) == ("ben-phone", T0 + 1)
    assert notice.title == "ben is on call for safety until 2026-01-05T20:00:00.000Z: 1 open"
    assert hand_overs.plan is other
    stays = crew(schedule="main", schedules={"main": shifts("ben")})
    assert hand_overs.change(stays, "main", T0 + 2, []) == []
    assert hand_overs.due == NOT_DUE
    assert hand_overs.change(p, "gone", T0 + 3, []) == []
