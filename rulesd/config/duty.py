"""People, schedules and escalations of owners.yaml, compiled: who can be told, who is on call, who is told next.

Law: every name that is used exists, and every calendar can be read; nothing here knows what time it is (``duty_checks`` does).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from rulesd.config.calendars import Calendar, names
from rulesd.config.document import Document, Path_
from rulesd.config.escalation import Chains
from rulesd.config.oncall import Duty, Events, Layer, Overrides, ScheduleEntry, moment, turns
from rulesd.config.owners import OwnersFile
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.shape import parse
from rulesd.core.people import Escalation, Person, Schedule, TargetKind
from rulesd.core.plan import Owner
from rulesd.model.alert import SEVERITIES

FOLDER = "notifiers/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What owners.yaml says beside owners."""

    people: Mapping[str, Person] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    escalations: Mapping[str, Escalation] = field(default_factory=dict)


def duties(
    document: Document,
    owners: Mapping[str, Owner],
    receivers: Iterable[str],
    content: Mapping[str, bytes],
    problems: Problems,
) -> Duties:
    """Everything that can be read. ``content``: all files by name, for calendars."""
    parsed = parse(OwnersFile, document, Problems())
    if parsed is None:
        return Duties()
    known = frozenset(receivers)
    people = _people(parsed, known, document, problems)
    shop = _Schedules(people, content, document, problems)
    schedules = {name: shop.schedule(name, entry) for name, entry in parsed.schedules.items()}
    targets = {
        TargetKind.RECEIVER: known,
        TargetKind.SCHEDULE: frozenset(schedules),
        TargetKind.OWNER: frozenset(owners),
        TargetKind.PERSON: frozenset(people),
    }
    escalations = Chains(parsed.escalations, targets, document, problems).compile()
    for owner in owners.values():
        _named(owner.schedule, schedules, "schedule", owner, document, problems)
        _named(owner.escalation, escalations, "escalation", owner, document, problems)
    return Duties(
        people=people,
        schedules={n: s for n, s in schedules.items() if s is not None},
        escalations=escalations,
    )


def _people(
    parsed: OwnersFile, known: frozenset[str], document: Document, problems: Problems
) -> dict[str, Person]:
    out: dict[str, Person] = {}
    for name, entry in parsed.people.items():
        for severity, receiver in entry.receivers.items():
            at: Path_ = ("people", name, "receivers", severity)
            if severity not in (*SEVERITIES, "default"):
                hint = f"Write one of: {', '.join(SEVERITIES)}, default."
                said = f'"{severity}" is no severity'
                problems.at(document, at, Code.INVALID_VALUE, said, hint, key=True)
            if receiver not in known:
                hint = f"{did_you_mean(receiver, known)}Known: {listed(known) or 'none'}."
                said = f'the receiver "{receiver}" is in neither routing.yaml nor receivers.yaml'
                problems.at(document, at, Code.UNKNOWN_RECEIVER, said, hint)
        out[name] = Person(name=name, contact=entry.contact, receivers=dict(entry.receivers))
    return out


def _named(
    name: str,
    known: Mapping[str, object],
    word: str,
    owner: Owner,
    document: Document,
    problems: Problems,
) -> None:
    if name and name not in known:
        code = Code.UNKNOWN_SCHEDULE if word == "schedule" else Code.UNKNOWN_ESCALATION
        hint = f"{did_you_mean(name, known)}Known: {listed(known) or 'none'}."
        path = ("owners", owner.name, word)
        problems.at(document, path, code, f'there is no {word} "{name}"', hint)


class _Schedules:
    """Compiles schedules; one with a mistake is reported and left out."""

    def __init__(
        self,
        people: Mapping[str, Person],
        content: Mapping[str, bytes],
        document: Document,
        problems: Problems,
    ) -> None:
        self._people, self._content = people, content
        self._document, self._problems = document, problems

    def schedule(self, name: str, entry: ScheduleEntry) -> Schedule | None:
        at: Path_ = ("schedules", name)
        zone = self._zone(entry.timezone, (*at, "timezone"))
        if bool(entry.rota) == bool(entry.ical):
            said, hint = "a schedule has either a rota or an ical file", "Keep one of them."
            self._say(at, Code.EXCLUSIVE, said, hint)
            return None
        if zone is None:
            return None
        layers = [self._overrides(entry, zone, at), *self._rotas(entry, zone, at)]
        if entry.ical:
            layers.append(self._calendar(entry.ical, zone, (*at, "ical")))
        if None in layers:
            return None
        duty = Duty([layer for layer in layers if layer is not None])
        return Schedule(
            name=name, on_call=duty.on_call, next_change=duty.next_change, zone=zone.key
        )

    def _zone(self, name: str, at: Path_) -> ZoneInfo | None:
        try:
            return ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            said = f'"{name[:60]}" is no time zone'
            self._say(at, Code.SCHEDULE, said, "Write one such as Europe/Berlin.")
            return None

    def _rotas(self, entry: ScheduleEntry, zone: ZoneInfo, at: Path_) -> list[Layer | None]:
        out: list[Layer | None] = []
        several = self._is_list((*at, "rota"))
        for i, rota in enumerate(entry.rota):
            here: Path_ = (*at, "rota", i) if several else (*at, "rota")
            good = self._known(rota.people, (*here, "people"))
            if not rota.people:
                self._say((*here, "people"), Code.MISSING_FIELD, "nobody is in it", "Add people.")
                good = False
            try:
                made = turns(rota, zone)
            except ValueError as error:
                said, _, hint = str(error).partition(". ")
                self._say(here, Code.SCHEDULE, said, f"{hint}.")
                good = False
            out.append(made if good else None)
        return out

    def _overrides(self, entry: ScheduleEntry, zone: ZoneInfo, at: Path_) -> Layer | None:
        rows = []
        good = True
        for i, row in enumerate(entry.overrides):
            here: Path_ = (*at, "overrides", i)
            good = self._known(row.who, (*here, "who")) and good
            try:
                begins, ends = moment(row.from_, zone), moment(row.to, zone)
            except ValueError as error:
                said, _, hint = str(error).partition(". ")
                self._say(here, Code.SCHEDULE, said, f"{hint}.")
                good = False
                continue
            if ends <= begins:
                said, hint = "the override ends before it begins", "Swap from and to."
                self._say(here, Code.SCHEDULE, said, hint)
                good = False
            rows.append((begins, ends, row.who))
        return Overrides(rows) if good else None

    def _calendar(self, name: str, zone: ZoneInfo, at: Path_) -> Layer | None:
        text = self._content.get(FOLDER + name)
        if text is None:
            said = f'there is no file "{name[:80]}" in notifiers'
            hint = "Write the path of an .ics file below that folder."
            self._say(at, Code.CALENDAR, said, hint)
            return None
        try:
            calendar = Calendar(text, zone)
        except ValueError as error:
            self._say(at, Code.CALENDAR, str(error), "Export it again as iCalendar.")
            return None
        if not calendar.events:
            self._say(at, Code.CALENDAR, "the calendar has no events", "Export it again.")
            return None
        return Events(calendar, names(self._people))

    def _known(self, people: Iterable[str], at: Path_) -> bool:
        good = True
        for name in people:
            if name not in self._people:
                hint = f"{did_you_mean(name, self._people)}Known: {listed(self._people) or 'none'}."
                said = f'"{name}" is not in people'
                self._say(at, Code.UNKNOWN_PERSON, said, hint)
                good = False
        return good

    def _is_list(self, at: Path_) -> bool:
        node = self._document.node(at)
        return node is not None and node.items is not None

    def _say(self, at: Path_, code: Code, said: str, hint: str) -> None:
        self._problems.at(self._document, at, code, said, hint)
