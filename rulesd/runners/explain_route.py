"""Where an alert with given labels would go at this moment: routes, receivers, people, and what would hold it back.

Law: the same functions that route real alerts answer here; nothing is imitated.
"""

from collections.abc import Mapping

from rulesd.core.engine import Engine
from rulesd.core.plan import Plan, Route
from rulesd.core.route import Destination, destinations
from rulesd.core.shifts import reached
from rulesd.model.alert import Alert, Foreign
from rulesd.model.duration import format_duration
from rulesd.model.event import Json
from rulesd.model.fingerprint import fingerprint
from rulesd.model.instant import Instant, format_instant
from rulesd.model.reasons import AlertState
from rulesd.model.story import Part, Step, Story


def story(labels: Mapping[str, str], engine: Engine, now: Instant) -> Story:
    """The way of one alert."""
    plan = engine.plan
    alert = pretended(labels, plan, now)
    places = destinations(plan, alert)
    steps = [_place(place, alert, plan) for place in places]
    steps += people_of(alert, plan, now)
    steps += held_back(alert, engine, now)
    names = list(dict.fromkeys(n for place in places for n in _reached(place, alert, plan, now)))
    receivers: list[Json] = list(names)
    return Story(
        title=f"It goes to {', '.join(names)}.",
        steps=tuple(steps),
        facts={"receivers": receivers, "groups": [p.group for p in places]},
    )


def _reached(place: Destination, alert: Alert, plan: Plan, now: Instant) -> list[str]:
    """The receivers of whoever is on call, else the one the place names."""
    found = reached(plan, place.group, place.receiver, alert.owner, alert.severity, now)
    return [each.receiver for each in found]


def pretended(labels: Mapping[str, str], plan: Plan, now: Instant) -> Alert:
    """An alert of these labels: one of our own where ``alertname`` is a rule of ours, else one of another system."""
    name = labels.get("alertname", "")
    position = plan.by_id.get(name)
    rule = None if position is None else plan.rules[position]
    severity = labels.get("severity", "")
    foreign = None
    if rule is None:
        foreign = Foreign(
            annotations={}, generator_url="", starts_at=now, ends_at=now, timeout=False, updated_at=now
        )  # fmt: skip
    own = {k: v for k, v in labels.items() if k not in ("alertname", "owner", "severity")}
    return Alert(
        alert="pretended",
        rule=name,
        fingerprint=fingerprint(labels),
        labels=dict(labels) if rule is None else own,
        context={},
        severity=severity or (rule.worst_severity if rule is not None else ""),
        owner=labels.get("owner", "") or (rule.owner if rule is not None else ""),
        state=AlertState.FIRING,
        value=1.0,
        threshold=None,
        count=1,
        since=now,
        event_time=now,
        started_at=now,
        never=rule is not None and rule.never,
        foreign=foreign,
    )


def route_steps(alert: Alert, plan: Plan) -> list[Step]:
    """Where an alert goes, a step for each place."""
    return [_place(place, alert, plan) for place in destinations(plan, alert)]


def _place(place: Destination, alert: Alert, plan: Plan) -> Step:
    route = place.route
    own = route is plan.root and place.receiver != plan.root.receiver
    why = (
        f"no child route takes it: its owner {alert.owner} names this receiver"
        if own
        else f"route {route.key}"
    )
    more = [f"grouped as {place.group}"]
    if alert.never:
        more.append("it must never happen: paged at once, whatever the group's times")
    else:
        more.append(_times(route))
    receiver = plan.receivers.get(place.receiver)
    channels = [] if receiver is None else [spec.name for spec in receiver.channels]
    more.append(f"channels: {', '.join(channels) or 'none'}")
    if receiver is not None and receiver.failover:
        more.append(f"if it cannot be delivered: {receiver.failover}")
    return Step(part=Part.ROUTE, said=f"{place.receiver}: {why}", more=tuple(more))


def _times(route: Route) -> str:
    wait, interval = format_duration(route.group_wait), format_duration(route.group_interval)
    again = format_duration(route.repeat_interval)
    return (
        f"waits {wait} for others, then speaks at most every {interval}, and reminds after {again}"
    )


def people_of(alert: Alert, plan: Plan, now: Instant) -> list[Step]:
    """The owner: who is on call, and who is told next."""
    owner = plan.owners.get(alert.owner)
    if owner is None:
        return []
    more: list[str] = [owner.contact] if owner.contact else []
    schedule = plan.schedules.get(owner.schedule)
    if schedule is not None:
        names = schedule.on_call(now)
        until = schedule.next_change(now)
        more.append(f"on call now: {', '.join(names) or 'nobody'}, until {format_instant(until)}")
    chain = plan.escalations.get(owner.escalation)
    if chain is not None and alert.severity in chain.severities:
        ladder = chain.critical if alert.severity == "critical" else chain.default
        after = 0
        for step in ladder.steps:
            after += step.wait
            targets = ", ".join(f"{t.kind} {t.name}" for t in step.targets)
            more.append(f"unless acknowledged, after {format_duration(after)}: {targets}")
    return [Step(part=Part.ROUTE, said=f"owner {owner.name}", more=tuple(more))]


def held_back(alert: Alert, engine: Engine, now: Instant) -> list[Step]:
    """What holds the alert back at this moment."""
    standing = engine.dispatch.standing(alert, now)
    steps: list[Step] = []
    for id_ in standing.silenced_by:
        record = engine.silences.find(id_)
        about = (
            "" if record is None else f" by {record.silence.created_by}: {record.silence.comment}"
        )
        steps.append(Step(part=Part.HELD_BACK, said=f"silence {id_}{about}"))
    said = [f"inhibited by the alert {other}" for other in standing.inhibited_by]
    said += [f"the time interval {name} keeps it quiet" for name in standing.muted_by]
    steps += [Step(part=Part.HELD_BACK, said=one) for one in said]
    return steps or [Step(part=Part.HELD_BACK, said="nothing holds it back")]
