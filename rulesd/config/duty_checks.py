"""Whether somebody is there: severities that wake nobody, and times at which nobody is on call.

Law: what depends on the time of day is asked with ``now`` and is never part of a load, so that the same files always load the same way.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rulesd.config.document import Document
from rulesd.config.files import Files
from rulesd.config.problems import Code, Problems
from rulesd.config.read import SUFFIXES, read
from rulesd.config.rules import Compiled
from rulesd.core.people import Person, Schedule
from rulesd.core.plan import Owner, Plan, Receiver, Route
from rulesd.model.alert import SEVERITIES, severity_rank
from rulesd.model.errors import Located
from rulesd.model.instant import DAY, SECOND, Instant, Milliseconds

AHEAD: Milliseconds = 35 * DAY
"How far ahead schedules are looked through: five weeks."

MOST_CHANGES = 2_000
"Changes of one schedule that are looked at."

WAKING = ("critical", "high")
"The severities that must reach a person."


def wakes_nobody(
    compiled: Iterable[Compiled],
    owners: Mapping[str, Owner],
    root: Route,
    receivers: Mapping[str, Receiver],
    document: Document,
    problems: Problems,
) -> None:
    """Owners whose worst alerts go to a receiver without channels, or where only machines read."""
    worst: dict[str, int] = {}
    for one in compiled:
        rank = severity_rank(one.rule.worst_severity)
        worst[one.rule.owner] = min(rank, worst.get(one.rule.owner, rank))
    for name, rank in sorted(worst.items()):
        owner = owners.get(name)
        if owner is None or owner.schedule or any(_may_take(r, name) for r in root.routes):
            continue
        for severity in WAKING:
            if SEVERITIES.index(severity) < rank:
                continue
            chosen = owner.receivers.get(severity)
            if chosen is None or chosen not in receivers:
                continue
            channels = receivers[chosen].channels
            if any(spec.for_people for spec in channels):
                continue
            said = f'a {severity} alert of "{name}" wakes nobody: "{chosen}" has no channel'
            if channels:
                said += " that people read"
            problems.at(
                document,
                ("owners", name, "receivers", severity),
                Code.WAKES_NOBODY,
                said,
                "Give it one in receivers.yaml, or name another receiver.",
                warning=not channels,
                info=bool(channels),
            )


def unreachable(
    people: Mapping[str, Person],
    receivers: Mapping[str, Receiver],
    document: Document,
    problems: Problems,
) -> None:
    """People who could be on call, and whom a grave page would not reach."""
    for person in people.values():
        for severity in WAKING:
            name = person.receivers.get(severity) or person.receivers.get("default")
            at = ("people", person.name, "receivers")
            if name is None:
                said = f'a {severity} page does not reach "{person.name}": no receiver for it'
                problems.at(
                    document,
                    at,
                    Code.WAKES_NOBODY,
                    said,
                    'Add "default: ...".',
                    key=True,
                    warning=True,
                )
            elif name in receivers and not receivers[name].channels:
                said = f'a {severity} page does not reach "{person.name}": "{name}" has no channels'
                problems.at(
                    document,
                    at,
                    Code.WAKES_NOBODY,
                    said,
                    "Give it one in receivers.yaml.",
                    key=True,
                    warning=True,
                )
                break


def _may_take(route: Route, owner: str) -> bool:
    return all(m.test(owner) for m in route.matchers if m.name == "owner")


def gaps(files: Files, plan: Plan, now: Instant) -> tuple[Located, ...]:
    """The first time within five weeks at which nobody is on call, for each schedule that an owner has."""
    problems = Problems()
    name = next(
        (n for s in SUFFIXES if (n := f"notifiers/owners{s}") in files.content), "notifiers/owners"
    )
    if name not in files.content:
        return ()
    document = read(name, files.content[name], files.path(name), Problems())
    if document is None:
        return ()
    for owner in plan.owners.values():
        schedule = plan.schedules.get(owner.schedule)
        gap = None if schedule is None else first_gap(schedule, now)
        if schedule is None or gap is None:
            continue
        begins, ends = gap
        instead = plan.receiver_for(owner.name, "critical") or plan.root.receiver
        until = f" until {clock(ends, schedule.zone)}" if ends < now + AHEAD else ""
        said = (
            f'nobody is on call for "{owner.name}" from {clock(begins, schedule.zone)}{until}: '
            f'its pages go to "{instead}"'
        )
        hint = "Add hours, a person or an override to the schedule."
        covered = "default" in owner.receivers
        problems.at(
            document,
            ("owners", owner.name, "schedule"),
            Code.NOBODY_ON_CALL,
            said,
            hint,
            warning=not covered,
            info=covered,
        )
    return (*problems.sorted(), *problems.infos)


def first_gap(schedule: Schedule, now: Instant) -> tuple[Instant, Instant] | None:
    """The first stretch within five weeks in which nobody is on call."""
    for at in _changes(schedule, now):
        if not schedule.on_call(at):
            return at, schedule.next_change(at)
    return None


def _changes(schedule: Schedule, now: Instant) -> Iterator[Instant]:
    at = now
    for _ in range(MOST_CHANGES):
        if at >= now + AHEAD:
            return
        yield at
        at = schedule.next_change(at)


def clock(at: Instant, zone: str) -> str:
    """``Saturday 03:00 (2026-01-10, Europe/Berlin)``."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at // SECOND)).astimezone(
        ZoneInfo(zone)
    )
    return f"{local:%A %H:%M} ({local:%Y-%m-%d}, {zone})"
