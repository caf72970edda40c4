"""People made by hand: shifts that change every twelve hours, a chain of escalation, and plans in which an owner has them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Escalation, Ladder, Person, Schedule, Step, Target, TargetKind
from rulesd.core.plan import ChannelSpec, Owner, Plan, Receiver, Rule
from rulesd.model.instant import HOUR, MINUTE, Instant
from tests.core.plans import T0, plan, rule

PEOPLE = {
    "anna": Person(name="anna", receivers={"default": "anna-phone"}),
    "ben": Person(name="ben", receivers={"default": "ben-phone", "low": "ben-mail"}),
    "nemo": Person(name="nemo"),
}


def shifts(*names: str, every: int = 12 * HOUR, name: str = "main") -> Schedule:
    """People in turn from ``T0`` on; an empty name is a gap; one name never changes."""

    def on_call(at: Instant) -> tuple[str, ...]:
        who = names[(at - T0) // every % len(names)]
        return (who,) if who else ()

    def next_change(at: Instant) -> Instant:
        return T0 + ((at - T0) // every + 1) * every if len(names) > 1 else NOT_DUE

    return Schedule(name=name, on_call=on_call, next_change=next_change)


def step(wait_minutes: float, *names: str, kind: TargetKind = TargetKind.RECEIVER) -> Step:
    targets = tuple(Target(kind=kind, name=name) for name in names)
    return Step(wait=round(wait_minutes * MINUTE), targets=targets)


def chain(*steps: Step, last_wait: int = 10 * MINUTE, **more: Any) -> Ladder:
    return Ladder(
        steps=steps or (step(5, "ben-phone"), step(10, "lead")), last_wait=last_wait, **more
    )


def channel(receiver: str, kind: str = "slack", *, people: bool = True) -> ChannelSpec:
    return ChannelSpec(
        receiver=receiver,
        name=f"{kind}[0]",
        kind=kind,
        settings={},
        for_people=people,
        per_alert=False,
        updates_in_place=people,
        send_resolved=True,
    )


def crew(
    *rules: Rule,
    ladder: Ladder | None = None,
    critical: Ladder | None = None,
    schedules: Mapping[str, Schedule] | None = None,
    machines: tuple[str, ...] = (),
    **owner: Any,
) -> Plan:
    """A plan whose owner ``safety`` has a team's receiver and what is given; ``machines``: receivers with a webhook."""
    given = {"receivers": {"default": "team"}, "escalation": "up" if ladder else "", **owner}
    names = ("default", "team", "anna-phone", "ben-phone", "ben-mail", "lead", "ours")
    receivers = {
        n: Receiver(
            name=n,
            channels=(
                channel(n),
                *((channel(n, "webhook", people=False),) if n in machines else ()),
            ),
        )
        for n in names
    }
    made = plan(
        *(rules or (rule(),)),
        owners={
            "safety": Owner(name="safety", **given),
            "rulesd": Owner(name="rulesd", receivers={"default": "ours"}),
        },
    )
    escalations = {}
    if ladder is not None:
        escalations["up"] = Escalation(name="up", default=ladder, critical=critical or ladder)
    return replace(
        made,
        people=PEOPLE,
        schedules=schedules or {},
        escalations=escalations,
        receivers=receivers,
        self_owner="rulesd",
    )
