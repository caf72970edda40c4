"""Escalation: a page that nobody acknowledges climbs, step by step, until somebody does.

Law: pure. One climb for each incident (a group's, or an owner's collected page in a storm), however many alerts are in it. It looks at
the group when a step is due: it tells the alerts as they stand then, and says nothing when all are acknowledged, over or held back. Giving an
alert back lets it go on; the end of the incident ends it. When its last step is answered by nobody, whoever answers for rulesd itself is paged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from heapq import heapify, heappop, heappush

from rulesd.core import shifts
from rulesd.core.machine import NOT_DUE
from rulesd.core.people import Ladder
from rulesd.core.plan import Plan
from rulesd.core.shifts import Place
from rulesd.model.alert import Alert
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.event import Json
from rulesd.model.instant import Instant
from rulesd.model.reasons import Reason

Members = Callable[[str, str, str], tuple[Mapping[str, str], Sequence[Alert]]]
"""Of (group key, receiver, owner): the group's labels and its alerts that fire and may be told now; of all of an owner's folded groups
when the key is empty."""

OURSELVES = "whoever answers for rulesd itself"

MOST_CLIMBS = 50_000
"Climbs that are kept; of more the oldest is forgotten, a stopped one first."

TOLD = 100
"Alerts that a step tells of; a page lists no more."


@dataclass(slots=True)
class Climb:
    """How far one incident has come."""

    group: str
    "Empty: the collected page of a storm."

    receiver: str
    owner: str
    severity: str
    step: int = 0
    "The next step; one past the last: the end of the round."

    round: int = 0
    due: Instant = NOT_DUE
    "Beyond all time while it is acknowledged, and at its end."

    over: bool = False
    "Nobody answered its last step."

    storm: int = 0
    "Above 0: the collected page of a storm, with so many pages in it."


def ladder(plan: Plan, owner: str, severity: str) -> Ladder | None:
    """What an owner's unanswered pages of a severity climb, if anything."""
    known = plan.owners.get(owner)
    found = None if known is None else plan.escalations.get(known.escalation)
    if found is None or severity not in found.severities:
        return None
    return found.critical if severity == "critical" else found.default


class Escalations:
    """All climbs."""

    def __init__(self, plan: Plan, members: Members) -> None:
        """Nobody climbs."""
        self.plan, self._members = plan, members
        self.climbs: dict[str, Climb] = {}
        "By incident."
        self._heap: list[tuple[Instant, str]] = []

    @property
    def due(self) -> Instant:
        """When the next step may be due; a climb that has stopped since may answer too."""
        return self._heap[0][0] if self._heap else NOT_DUE

    # ------------------------------------------------------------------ what Dispatch says

    def page(self, due: NotificationDue) -> NotificationDue:
        """A page that wakes people: start or go on climbing, and say in the page what comes next."""
        severity, owner = shifts.worst(due), due.alerts[0].alert.owner
        chain = ladder(self.plan, owner, severity)
        if chain is None:
            return due
        climb = self.climbs.get(due.incident)
        fresh = climb is None or climb.over or climb.due >= NOT_DUE
        if climb is None or fresh or ladder(self.plan, owner, climb.severity) is not chain:
            group = "" if due.storm else due.group
            climb = Climb(group, due.receiver, owner, severity, storm=due.storm)
            self.climbs.pop(due.incident, None)
            self.climbs[due.incident] = climb
            self._arm(due.incident, climb, due.at + chain.steps[0].wait)
            self._limit()
        return self._announce(due, climb, chain)

    def _limit(self) -> None:
        """Incidents may end without a word (all of it silenced, say); what is left of them goes first."""
        if len(self.climbs) > MOST_CLIMBS:
            stopped = (name for name, climb in self.climbs.items() if climb.due >= NOT_DUE)
            del self.climbs[next(stopped, next(iter(self.climbs)))]

    def quiet(self, due: NotificationDue) -> NotificationDue:
        """What wakes nobody: an acknowledgement stops, giving back lets it go on, the end ends it; what still climbs says so."""
        climb = self.climbs.get(due.incident)
        if climb is None:
            return due
        if due.status is Status.RESOLVED:
            del self.climbs[due.incident]
            return due
        if due.status is Status.ACKNOWLEDGED:
            climb.due = NOT_DUE
            return due
        chain = ladder(self.plan, climb.owner, climb.severity)
        if chain is None:
            return due
        if due.storm:
            climb.storm = due.storm
        elif due.reason is Reason.UNACKNOWLEDGED and climb.due >= NOT_DUE and not climb.over:
            self._arm(due.incident, climb, due.at + _wait(chain, climb.step))
        return self._announce(due, climb, chain)

    # ------------------------------------------------------------------ time

    def handle_timer(self, now: Instant) -> list[tuple[NotificationDue, str]]:
        """The steps due at ``now``; with each page the receiver that the group itself has."""
        out: list[tuple[NotificationDue, str]] = []
        while self._heap and self._heap[0][0] <= now:
            at, incident = heappop(self._heap)
            climb = self.climbs.get(incident)
            if climb is not None and climb.due == at:
                out += self._step(incident, climb, now)
        return out

    def _step(self, incident: str, climb: Climb, now: Instant) -> list[tuple[NotificationDue, str]]:
        chain = ladder(self.plan, climb.owner, climb.severity)
        labels, alerts = self._members(climb.group, climb.receiver, climb.owner)
        if chain is None or not alerts:
            del self.climbs[incident]
            return []
        taken = [a for a in alerts if a.acknowledged_by]
        left = [a for a in alerts if not a.acknowledged_by]
        climb.due = NOT_DUE
        if not left or (taken and climb.storm):
            return []
        places, reason = self._places(climb, chain, now)
        self._advance(incident, climb, chain, now)
        told = tuple(Told(alert=a, status=Status.FIRING, changed=True) for a in left[:TOLD])
        due = NotificationDue(
            at=now,
            reason=reason,
            receiver=climb.receiver,
            group=climb.group,
            group_labels=dict(labels),
            status=Status.FIRING,
            alerts=told,
            incident=incident,
            page=True,
            storm=climb.storm,
        )
        due = self._announce(due, climb, chain)
        return [
            (replace(due, receiver=p.receiver, on_call=p.on_call), climb.receiver) for p in places
        ]

    def _places(self, climb: Climb, chain: Ladder, now: Instant) -> tuple[list[Place], Reason]:
        """Whom the step that is due now tells. A schedule with a gap is no reason to tell nobody: then the owner is told again."""
        owner = shifts.of_owner(self.plan, climb.owner, climb.severity, now)
        if climb.step >= len(chain.steps):
            if climb.round < chain.repeat:
                return owner, Reason.ESCALATED
            ourselves = shifts.answers_for_rulesd(self.plan)
            return shifts.of_owner(self.plan, ourselves, climb.severity, now), Reason.NOBODY
        found: dict[str, Place] = {}
        for target in chain.steps[climb.step].targets:
            for place in shifts.of_target(self.plan, target, climb.severity, now):
                found.setdefault(place.receiver, place)
        return list(found.values()) or owner, Reason.ESCALATED

    def _advance(self, incident: str, climb: Climb, chain: Ladder, now: Instant) -> None:
        if climb.step < len(chain.steps):
            climb.step += 1
        elif climb.round < chain.repeat:
            climb.step, climb.round = 0, climb.round + 1
        else:
            climb.over = True
            return
        self._arm(incident, climb, now + _wait(chain, climb.step))

    def _arm(self, incident: str, climb: Climb, due: Instant) -> None:
        climb.due = due
        heappush(self._heap, (due, incident))

    def _announce(self, due: NotificationDue, climb: Climb, chain: Ladder) -> NotificationDue:
        if climb.due >= NOT_DUE:
            return due
        return replace(due, next_at=climb.due, next_to=self._words(climb, chain))

    def _words(self, climb: Climb, chain: Ladder) -> str:
        """Who is told at the next step, as far as is known now."""
        places, reason = self._places(climb, chain, climb.due)
        if reason is Reason.NOBODY:
            return OURSELVES
        return ", ".join(p.on_call or p.receiver for p in places)

    # ------------------------------------------------------------------ plans and state

    def dump(self) -> Json:
        """Plain data."""
        return {incident: list(astuple(c)) for incident, c in self.climbs.items()}

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        for incident, row in data.items():
            assert isinstance(row, list)
            climb = Climb(*row)  # type: ignore[arg-type]
            self.climbs[incident] = climb
            if climb.due < NOT_DUE:
                self._heap.append((climb.due, incident))
        heapify(self._heap)


def _wait(chain: Ladder, step: int) -> int:
    return chain.steps[step].wait if step < len(chain.steps) else chain.last_wait
