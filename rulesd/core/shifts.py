"""Whom to tell: from an owner, a schedule, a person or a receiver to receivers, as of one instant.

Law: pure; calendars are callables of the plan. A page to an owner with a schedule goes to whoever is on call, unless the owner names
a receiver for its severity, a child route took it, or nobody is on call: then it goes where it would have gone without a schedule.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Target, TargetKind
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert, severity_rank
from rulesd.model.decision import NoticeDue, NotificationDue, Status
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.reasons import Reason

LISTED = 20
"Open alerts that a hand-over lists; the rest is counted."


class Place(NamedTuple):
    """One receiver, and who is behind it."""

    receiver: str
    on_call: str = ""
    "The person's name, where a schedule chose them."


def worst(due: NotificationDue) -> str:
    """The worst severity among the alerts that fire; of all when none does."""
    firing = [t.alert.severity for t in due.alerts if t.status is not Status.RESOLVED]
    return min(firing or [t.alert.severity for t in due.alerts], key=severity_rank, default="low")


def on_duty(plan: Plan, schedule: str, severity: str, at: Instant) -> list[Place]:
    """Whoever is on call, each with the receiver for this severity; people without one are left out."""
    found = plan.schedules.get(schedule)
    names = found.on_call(at) if found is not None else ()
    places: list[Place] = []
    for name in names:
        receiver = _of_person(plan, name, severity)
        if receiver:
            places.append(Place(receiver, name))
    return places


def _of_person(plan: Plan, name: str, severity: str) -> str:
    person = plan.people.get(name)
    if person is None:
        return ""
    return person.receivers.get(severity) or person.receivers.get("default") or ""


def of_owner(plan: Plan, owner: str, severity: str, at: Instant) -> list[Place]:
    """Where a page about this owner's alert goes when no child route takes it; at least one place."""
    known = plan.owners.get(owner)
    if known is not None and known.schedule and severity not in known.receivers:
        duty = on_duty(plan, known.schedule, severity, at)
        if duty:
            return duty
    return [Place(plan.receiver_for(owner, severity) or plan.root.receiver)]


def of_target(plan: Plan, target: Target, severity: str, at: Instant) -> list[Place]:
    """Where a step of an escalation leads; nowhere when a schedule has a gap."""
    match target.kind:
        case TargetKind.RECEIVER:
            return [Place(target.name)]
        case TargetKind.SCHEDULE:
            return on_duty(plan, target.name, severity, at)
        case TargetKind.OWNER:
            return of_owner(plan, target.name, severity, at)
        case _:
            receiver = _of_person(plan, target.name, severity)
            return [Place(receiver, target.name)] if receiver else []


def places(plan: Plan, due: NotificationDue) -> list[Place]:
    """Where a page that Dispatch decided goes."""
    owner = due.alerts[0].alert.owner if due.alerts else ""
    return reached(plan, due.group, due.receiver, owner, worst(due), due.at)


def reached(
    plan: Plan, group: str, receiver: str, owner: str, severity: str, at: Instant
) -> list[Place]:
    """Who is behind a group's receiver: whoever is on call, where the group came there by its owner and not by a route."""
    if group.startswith(f'{plan.root.key}/{{owner="{owner}"}}:'):
        found = of_owner(plan, owner, severity, at)
        if found[0].on_call:
            return found
    return [Place(receiver)]


def answers_for_rulesd(plan: Plan) -> str:
    """The owner of rulesd itself."""
    return plan.self_owner or next(iter(plan.owners), "")


class HandOvers:
    """Tells whoever comes on call what is open."""

    def __init__(self, plan: Plan) -> None:
        """Nothing is due before ``begin``."""
        self.plan = plan
        self._next: dict[str, Instant] = {}
        "By schedule: its next change."
        self.due: Instant = NOT_DUE

    def begin(self, now: Instant) -> None:
        """Watch every schedule that an owner has, from now on."""
        owned = {o.schedule: None for o in self.plan.owners.values() if o.schedule}
        self._next = {
            name: self.plan.schedules[name].next_change(now)
            for name in owned
            if name in self.plan.schedules
        }
        self._look()

    def _look(self) -> None:
        self.due = min(self._next.values(), default=NOT_DUE)

    def change(
        self, plan: Plan, schedule: str, now: Instant, alerts: Sequence[Alert]
    ) -> list[NoticeDue]:
        """Somebody stands in, or no longer does: the notices for whoever comes on call by that at once. ``plan``: as it is now."""
        before = self.plan.schedules.get(schedule)
        self.plan = plan
        if schedule not in self._next or before is None:
            return []
        was, found = before.on_call(now), plan.schedules[schedule]
        self._next[schedule] = found.next_change(now)
        self._look()
        out: list[NoticeDue] = []
        for person in found.on_call(now):
            if person not in was:
                out += self._tell(schedule, person, now, alerts)
        return out

    def handle_timer(self, now: Instant, alerts: Sequence[Alert]) -> list[NoticeDue]:
        """The notices of every shift that begins now. ``alerts``: what is open."""
        out: list[NoticeDue] = []
        for name in sorted(n for n, at in self._next.items() if at <= now):
            schedule = self.plan.schedules[name]
            self._next[name] = schedule.next_change(now)
            before = schedule.on_call(now - 1)
            for person in schedule.on_call(now):
                if person not in before:
                    out += self._tell(name, person, now, alerts)
        self._look()
        return out

    def _tell(
        self, schedule: str, person: str, now: Instant, alerts: Sequence[Alert]
    ) -> list[NoticeDue]:
        receiver = _of_person(self.plan, person, "default")
        if not receiver:
            return []
        owners = [o.name for o in self.plan.owners.values() if o.schedule == schedule]
        mine = [a for a in alerts if a.owner in owners]
        until = self._next[schedule]
        end = "" if until >= NOT_DUE else f" until {format_instant(until)}"
        many = "nothing is open" if not mine else f"{len(mine)} open"
        shown = sorted(mine, key=lambda a: (severity_rank(a.severity), a.started_at, a.alert))
        rows = [_row(self.plan, alert) for alert in shown[:LISTED]]
        if len(mine) > LISTED:
            rows.append(f"and {len(mine) - LISTED} more")
        return [
            NoticeDue(
                at=now,
                reason=Reason.HAND_OVER,
                receiver=receiver,
                owner=owners[0],
                title=f"{person} is on call for {', '.join(owners)}{end}: {many}",
                lines=tuple(rows) or ("Nothing is open.",),
                until=until if until < NOT_DUE else None,
            )
        ]

    def dump(self) -> Json:
        """Plain data."""
        return dict(self._next)

    def load(self, data: Json) -> None:
        """From what ``dump`` gave; schedules that are gone are forgotten."""
        assert isinstance(data, dict)
        self._next = {
            k: v for k, v in data.items() if isinstance(v, int) and k in self.plan.schedules
        }
        self._look()


def _row(plan: Plan, alert: Alert) -> str:
    position = plan.by_id.get(alert.rule)
    title = plan.rules[position].title if position is not None else alert.rule
    where = ", ".join(f"{k} {v}" for k, v in sorted(alert.labels.items()))
    by = f", acknowledged by {alert.acknowledged_by}" if alert.acknowledged_by else ""
    since = format_instant(alert.since)
    return f"{alert.severity}: {title} ({where}), seen {alert.count} times since {since}{by}"
