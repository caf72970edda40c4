"""Between Dispatch and people: what can wait, who is on call, who has been told, and who is told next.

Law: pure. ``spare`` is asked about each notification before the page limit: it may wait for a digest, or only bring a page up to date that
said "flapping". ``reach`` is asked after it: a page goes to whoever is on call, and everybody who was told of an incident hears how it
goes on. Machines' channels hear everything at once. One machine towards the engine; each policy is a file of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from rulesd.core import shifts
from rulesd.core.ack_timeout import AckTimeouts
from rulesd.core.digest import Digests
from rulesd.core.escalate import Escalations, Members
from rulesd.core.flap import Flapping
from rulesd.core.machine import NOT_DUE
from rulesd.core.page_budget import Budgets
from rulesd.core.plan import Plan
from rulesd.core.shifts import HandOvers
from rulesd.core.stand_ins import StandIns
from rulesd.model.alert import Alert
from rulesd.model.decision import (
    AlertChanged,
    Audience,
    Decision,
    Kind,
    NotificationDue,
    Status,
)
from rulesd.model.event import Json
from rulesd.model.inputs import Input, OverrideRemoved, OverrideSet
from rulesd.model.instant import Instant
from rulesd.model.reasons import Reason

MOST_TOLD = 50_000
"Incidents whose receivers are remembered beside the groups' own; of more the oldest are forgotten."


class Paging:
    """Escalation, schedules, digests, budgets and flapping, as one part of the engine."""

    name = "paging"

    def __init__(self, plan: Plan, members: Members, alerts: Callable[[], Sequence[Alert]]) -> None:
        """``members``: what fires in a group; ``alerts``: everything that is open."""
        self.plan = self._written = plan
        "``plan`` with whoever stands in; ``_written`` as the files have it."
        self.restaffed = False
        "Whether ``plan`` is another one since the engine took it last."
        self._alerts = alerts
        self.stand_ins = StandIns()
        self.flapping = Flapping()
        self.digests = Digests(plan)
        self.budgets = Budgets(plan)
        self.escalations = Escalations(plan, members)
        self.hand_overs = HandOvers(plan)
        self.ack_timeouts = AckTimeouts(plan)
        self._told: dict[str, list[str]] = {}
        "By incident: the receivers that were told, where it is not the group's own alone."
        self.due: Instant = NOT_DUE

    def begin(self, now: Instant) -> None:
        """The first moment that is known: shifts that begin later are handed over."""
        self.hand_overs.begin(now)
        self._look()

    def _look(self) -> None:
        self.due = min(
            self.digests.due,
            self.escalations.due,
            self.hand_overs.due,
            self.ack_timeouts.due,
            self.stand_ins.due,
        )

    # ------------------------------------------------------------------ notifications

    def spare(self, due: NotificationDue) -> NotificationDue:
        """What people need to hear of a notification now."""
        if due.page:
            due = self.flapping.judge(due)
        if due.page and due.status is Status.FIRING:
            until = None if self.digests.waits(due) else self.budgets.until(due)
            if until is not None or self.digests.waits(due):
                due = self.digests.fold(due, until)
                self._look()
            else:
                self.digests.tell(due)
        elif self.digests.known(due):
            due = self.digests.end(due)
        return due

    def reach(self, out: list[Decision], start: int) -> None:
        """Send each notification from position ``start`` on to whom it concerns."""
        if len(out) == start:
            return
        made: list[Decision] = []
        for decision in out[start:]:
            if isinstance(decision, NotificationDue) and decision.alerts:
                made += self._reach(decision)
            else:
                made.append(decision)
        out[start:] = made
        self.budgets.counted()
        self._look()

    def _reach(self, due: NotificationDue) -> list[Decision]:
        if due.audience is Audience.MACHINES:
            if due.status is Status.RESOLVED:
                self._told.pop(due.incident, None)
            elif due.page and due.reason is not Reason.DIGEST:
                self.digests.folded(due)
            return [due]
        if due.page and due.status is Status.FIRING:
            return self._page(due)
        due = self.escalations.quiet(due)
        known = self._told.get(due.incident, [due.receiver])
        if due.status is Status.RESOLVED:
            self._told.pop(due.incident, None)
        return [*(replace(due, receiver=name) for name in known), *self._machines(due, known)]

    def _page(self, due: NotificationDue) -> list[Decision]:
        places = shifts.places(self.plan, due)
        due = self.escalations.page(due)
        before = self._told.get(due.incident, [])
        now = [place.receiver for place in places]
        self._remember(due.incident, due.receiver, now)
        return [
            *(replace(due, receiver=p.receiver, on_call=p.on_call) for p in places),
            *(replace(due, receiver=name, page=False) for name in before if name not in now),
            *self._machines(due, now),
            *self.budgets.spend(due),
        ]

    def _remember(self, incident: str, own: str, told: Sequence[str]) -> None:
        known = self._told.get(incident)
        if known is None:
            if list(told) == [own]:
                return
            known = self._told[incident] = []
            if len(self._told) > MOST_TOLD:
                del self._told[next(iter(self._told))]
        known += [name for name in told if name not in known]

    def _machines(self, due: NotificationDue, told: Sequence[str]) -> list[Decision]:
        """The machines of the group's own receiver, when its people are not the ones who are told."""
        receiver = self.plan.receivers.get(due.receiver)
        if due.audience is Audience.PEOPLE or due.receiver in told or receiver is None:
            return []
        if all(spec.for_people for spec in receiver.channels):
            return []
        return [replace(due, audience=Audience.MACHINES)]

    # ------------------------------------------------------------------ a machine like the others

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """Take who stands in for whom; whoever comes on call by that hears what is open."""
        if not isinstance(item, OverrideSet | OverrideRemoved):
            return False
        schedule = self.stand_ins.take(item, now)
        if schedule is not None:
            plan = self.stand_ins.over(self._written)
            out += self.hand_overs.change(plan, schedule, now, self._alerts())
            self._adopt(plan)
            self._look()
        return True

    def _adopt(self, plan: Plan) -> None:
        self.restaffed = True
        self.plan = self.digests.plan = self.budgets.plan = self.ack_timeouts.plan = plan
        self.escalations.plan = self.hand_overs.plan = plan

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Hear of alerts that come and go, and of acknowledgements."""
        del now, out
        if not isinstance(decision, AlertChanged):
            return
        if decision.kind in (Kind.FIRING, Kind.RESOLVED):
            self.flapping.follow(decision)
        if decision.kind is Kind.UPDATED or self.ack_timeouts.waits:
            self.ack_timeouts.follow(decision)
            self.due = min(self.due, self.ack_timeouts.due)

    def expired(self, now: Instant) -> list[str]:
        """The alerts whose acknowledgement counts no longer."""
        return self.ack_timeouts.expired(now) if self.ack_timeouts.due <= now else []

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Digests, hand-overs and steps of escalations."""
        if self.digests.due <= now:
            out += self.digests.handle_timer(now, self._alerts())
        if self.hand_overs.due <= now:
            out += self.hand_overs.handle_timer(now, self._alerts())
        for due, own in self.escalations.handle_timer(now):
            known = self._told.setdefault(due.incident, [own])
            if due.receiver not in known:
                known.append(due.receiver)
            out.append(due)
        self.stand_ins.forget(now)
        self._look()

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Take a new plan; whoever stands in goes on doing so."""
        del out
        self._written = plan
        self._adopt(self.stand_ins.over(plan))
        self.begin(now)

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Plain data."""
        return {
            "flapping": self.flapping.dump(),
            "digests": self.digests.dump(),
            "budgets": self.budgets.dump(),
            "escalations": self.escalations.dump(),
            "hand_overs": self.hand_overs.dump(),
            "ack_timeouts": self.ack_timeouts.dump(),
            "stand_ins": self.stand_ins.dump(),
            "told": {incident: list(names) for incident, names in self._told.items()},
        }

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        self.stand_ins.load(data.get("stand_ins", []))
        self._adopt(self.stand_ins.over(self._written))
        self.flapping.load(data["flapping"])
        self.digests.load(data["digests"])
        self.budgets.load(data["budgets"])
        self.escalations.load(data["escalations"])
        self.hand_overs.load(data["hand_overs"])
        self.ack_timeouts.load(data["ack_timeouts"])
        told = data["told"]
        assert isinstance(told, dict)
        for incident, names in told.items():
            assert isinstance(names, list)
            self._told[incident] = [str(n) for n in names]
        self._look()
