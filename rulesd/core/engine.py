"""The engine: Detection and Dispatch behind five calls. Live, replay, rule tests and recovery all run this.

Law: the same inputs with the same ``now`` give the same decisions, byte for byte. Before an input is taken, every deadline at or
before its ``now`` runs first, in order, each as of its own time and not of the wake-up. ``now`` never goes back: an earlier one is
read as the latest known.

    receive(item, now)    take one input, return what it decides
    handle_timer(now)     run the deadlines that are due
    next_timer()          when to call handle_timer next
    snapshot() / changes() plain data: everything, or what changed since the last checkpoint
    restore(...)          the state from plain data
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rulesd.core import engine_state
from rulesd.core.deploy_watches import DeployWatches
from rulesd.core.detection import Detection, transitions
from rulesd.core.dispatch import Dispatch
from rulesd.core.duplicates import Duplicates, Seen
from rulesd.core.engine_state import KeyState as KeyState
from rulesd.core.foreign import ForeignAlerts
from rulesd.core.machine import NOT_DUE, Machine, Rows
from rulesd.core.obedience import EVALUATION, Obedience
from rulesd.core.paging import Paging
from rulesd.core.plan import Maturity, Plan
from rulesd.core.reviews import Reviews
from rulesd.core.rollouts import TYPES, Rollouts
from rulesd.core.silence import Silences
from rulesd.core.state_event import state_event, switch_event
from rulesd.core.switches import Switches
from rulesd.core.tellable import tellable
from rulesd.model.alert import Alert
from rulesd.model.decision import (
    ActionDue,
    AlertChanged,
    Decision,
    EventWasRejected,
    Kind,
    ReviewOpened,
    SwitchChanged,
)
from rulesd.model.event import Event, Json
from rulesd.model.fingerprint import digest64, episode_id
from rulesd.model.inputs import (
    Acknowledged,
    AlertsPosted,
    BaselinesRelearned,
    EventRefused,
    Input,
    ResolvedByPerson,
    Unacknowledged,
)
from rulesd.model.instant import DAY, Instant, Milliseconds
from rulesd.model.reasons import Outcome, Reason

_NONE: list[Decision] = []

_HEARD = frozenset({*TYPES, "action.result"})
"Types of events that a machine always hears."

NEVER_YET: Instant = -1
"Before the first input no time is known: what happens by the calendar begins with it."


@dataclass(frozen=True, slots=True)
class Limits:
    """The engine's own limits; rules carry theirs."""

    window: Milliseconds = DAY
    ids: int = 1_000_000
    owner_pages: int = 10
    owner_window: Milliseconds = 300_000


class Engine:
    """All state of one partition."""

    def __init__(self, plan: Plan, limits: Limits | None = None) -> None:
        """Start empty."""
        limits = limits or Limits()
        self.plan = plan
        self.detection = Detection(plan)
        self.dispatch = Dispatch(
            plan, page_limit=limits.owner_pages, page_window=limits.owner_window
        )
        self.foreign = ForeignAlerts()
        self.silences = Silences(plan, self.firing)
        self.dispatch.gate.silencing = self.silences.silencing
        self.dispatch.gate.may_silence = self.silences.live
        self.switches = Switches(plan, self.alert)
        self.obedience = Obedience(plan)
        self.reviews = Reviews(plan, self.alert)
        self.rollouts = Rollouts(plan, self.reviews.critical)
        self.paging = Paging(
            plan, lambda g, r, o: tellable(self.dispatch, g, r, o, self.now), self.alerts
        )
        self.dispatch.gate.spare = self.paging.spare
        self.machines: tuple[Machine, ...] = (
            self.foreign,
            self.silences,
            self.switches,
            self.obedience,
            self.reviews,
            self.rollouts,
            DeployWatches(plan),
            self.paging,
        )
        "The parts beside Detection and Dispatch, in the order in which they are asked."
        self._indifferent = (self.foreign, self.switches, self.obedience, self.reviews)
        "Those to whom it is all the same that an alert begins: a storm begins 100,000."
        self.rows: dict[str, Rows] = {
            "@foreign": self.foreign,
            "@groups": self.dispatch.rows,
            "@silences": self.silences,
        }
        "The parts that are kept row by row, under names no rule can have."
        self._machines_due: Instant = NEVER_YET
        self.duplicates = Duplicates(window=limits.window, least=limits.ids)
        self.now: Instant = 0
        self.clamped = 0
        "Inputs whose ``now`` went back."
        self.conflicts = 0
        "Events whose id was used before with another body."
        self.outcomes = dict.fromkeys(Outcome, 0)
        self.void: list[str] = []
        "Rules whose stored state is void since the last checkpoint."

    # ------------------------------------------------------------------ inputs

    def receive(self, item: Input, now: Instant) -> list[Decision]:
        """Take one input. The list belongs to the caller unless it is empty."""
        if now < self.now:
            self.clamped += 1
            now = self.now
        out: list[Decision] = _NONE
        if self.detection.due <= now or self.dispatch.due <= now or self._machines_due <= now:
            self._begin(now)
            out = self.handle_timer(now)
        self.now = now
        if type(item) is not Event:
            more: list[Decision] = []
            self._act(item, now, more)
            return [*out, *more]
        seen = self.duplicates.check(item.key, item.body, now)
        if seen is not Seen.NEW and self._was_here(seen):
            return out
        found = self._observe(item, now)
        return [*out, *found] if found else out

    def take_again(self, event: Event, now: Instant) -> list[Decision]:
        """Take an event of the journal: it was new when it came, so nobody asks whether it is a duplicate."""
        now = max(now, self.now)
        self._begin(now)
        out = self.handle_timer(now)
        self.now = now
        return out + self._observe(event, now)

    def _begin(self, now: Instant) -> None:
        if self._machines_due == NEVER_YET:
            self.paging.begin(now)
            self._look()

    def _was_here(self, seen: Seen) -> bool:
        """The id of an event came before: whether the event did, or another one took its id."""
        if seen is Seen.CONFLICT:
            self.conflicts += 1
            return False
        self.outcomes[Outcome.DUPLICATE] += 1
        return True

    def _observe(self, event: Event, now: Instant) -> list[Decision]:
        out: list[Decision] = []
        if event.type in _HEARD or self.rollouts.open or self.switches.table.by_key:
            self._hear(event, now, out)
        matched = self.detection.observe(event, now, out)
        self.outcomes[Outcome.MATCHED if matched else Outcome.UNMATCHED] += 1
        if out:
            self._settle(out, 0, now)
        return out

    def _hear(self, event: Event, now: Instant, out: list[Decision]) -> None:
        """What machines make of an event, before any rule does: most events concern none of them."""
        if self.rollouts.open or event.type in TYPES:
            self.rollouts.observe(event, now, out)
        if event.type == "action.result":
            self.switches.observe(event, now, out)
        if self.switches.table.by_key and self.plan.watches_switches:
            self._obeys(event, now, out)

    def _obeys(self, event: Event, now: Instant, out: list[Decision]) -> None:
        """Something is contained: let rules know of an event that shows that a service goes on all the same."""
        if event.type in self.plan.proofs or event.type == EVALUATION:
            for shown in self.obedience.observe(event, self.switches.table, now):
                self.detection.observe(shown, now, out)

    def _act(self, item: Input, now: Instant, out: list[Decision]) -> None:
        match item:
            case EventRefused():
                self.outcomes[Outcome.REJECTED] += 1
                bad = item.rejected
                out.append(
                    EventWasRejected(
                        at=now,
                        reason=Reason.REJECTED,
                        source=item.source,
                        code=bad.code,
                        pointer=bad.pointer,
                        message=bad.message,
                    )
                )
            case Acknowledged():
                self.detection.episodes.acknowledge(item.alert, item.by, now, out)
            case Unacknowledged():
                self.detection.episodes.acknowledge(item.alert, "", now, out)
            case ResolvedByPerson():
                self.detection.episodes.resolve(item.alert, item.by, now, out)
            case BaselinesRelearned():
                self.void += self.detection.episodes.relearn(item, now, out)
            case AlertsPosted():
                self.dispatch.post(self.foreign.post(item.alerts, now, out), now, out)
            case _:
                pass  # Deliveries and reloads are on record; here they decide nothing.
        for machine in self.machines:
            if machine.take(item, now, out):
                break
        self._settle(out, 0, now)

    def _settle(self, out: list[Decision], start: int, now: Instant) -> None:
        """Let decisions have all their consequences: those of alerts, and what the machines make of each decision."""
        self._follow(out, start, now)
        self._inform(out, start, now)

    def _inform(self, out: list[Decision], start: int, now: Instant) -> None:
        """Tell the machines of every decision; what they say has its consequences, too."""
        at = start
        concerned = [m for m in self.machines if m not in self._indifferent]
        while at < len(out) and self.machines:
            decision, at = out[at], at + 1
            more: list[Decision] = []
            if self.plan.watches_switches and isinstance(decision, SwitchChanged):
                self.detection.observe(switch_event(decision), now, more)
            begins = type(decision) is AlertChanged and decision.kind is Kind.FIRING
            for machine in concerned if begins else self.machines:
                machine.follow(decision, now, more)
            if more:
                self._follow(more, 0, now)
                out += more
        self._look()

    def _look(self) -> None:
        self._machines_due = min([machine.due for machine in self.machines])
        if self.paging.restaffed:
            self.plan, self.paging.restaffed = self.paging.plan, False

    def _follow(self, out: list[Decision], start: int, now: Instant) -> None:
        """Let alert transitions have their consequences: dispatch, actions, reviews, and rules about alerts."""
        for change in transitions(out, start):
            if change.kind not in (Kind.FIRING, Kind.UPDATED, Kind.RESOLVED):
                continue
            if self.plan.watches_alerts and change.kind is not Kind.UPDATED:
                more: list[Decision] = []
                self.detection.observe(state_event(change), now, more)
                self._follow(more, 0, now)
                out += more
            alert = change.alert
            position = self.plan.by_id.get(alert.rule) if alert.foreign is None else None
            rule = None if position is None else self.plan.rules[position]
            if rule is not None and rule.maturity is Maturity.SHADOW:
                if change.kind is Kind.FIRING:
                    out.append(
                        AlertChanged(
                            kind=Kind.SUPPRESSED, at=now, reason=Reason.SHADOW, alert=alert
                        )
                    )
                continue
            if rule is not None and change.kind is Kind.FIRING:
                out.extend(
                    ActionDue(at=now, reason=Reason.RULE_ACTION, action=name, alert=alert)
                    for name in rule.actions
                )
                if sampled(alert, rule.review_sample):
                    review = episode_id("review", (alert.alert,), "", alert.started_at)
                    out.append(
                        ReviewOpened(at=now, reason=Reason.SAMPLED, review=review, alert=alert)
                    )
            begun = len(out)
            self.dispatch.receive(change, now, out)
            self.paging.reach(out, begun)

    # ------------------------------------------------------------------ time

    @property
    def due(self) -> Instant:
        """The earliest deadline of any part; beyond all time when there is none."""
        return min(self.detection.due, self.dispatch.due, self._machines_due)

    def next_timer(self) -> Instant | None:
        """The earliest deadline of any part."""
        due = self.due
        return None if due >= NOT_DUE or due == NEVER_YET else due

    def handle_timer(self, now: Instant, most: int = 1 << 62) -> list[Decision]:
        """Run every deadline at or before ``now``, each as of its own time; after ``most`` pieces of work the rest stays due."""
        out: list[Decision] = []
        spent = 0
        while spent < most and (due := self.next_timer()) is not None and due <= now:
            at = self.now = max(due, self.now)
            start = len(out)
            self.detection.handle_timer(at, out)
            self._look()
            if len(out) == start and self._machines_due > at and self.dispatch.due > at:
                spent += 1  # A key was woken that had nothing to say: most wake-ups are such.
                continue
            known = len(self.foreign.known)
            for machine in self.machines:
                if machine.due <= at:
                    machine.handle_timer(at, out)
            for alert in self.paging.expired(at):
                if not self.detection.episodes.acknowledge(alert, "", at, out, Reason.ACK_EXPIRED):
                    self.foreign.acknowledge(alert, "", at, out, Reason.ACK_EXPIRED)
            self._follow(out, start, at)
            if self.foreign.due > at:  # Groups speak when all that ends at this moment has ended.
                begun = len(out)
                self.dispatch.handle_timer(at, out)
                self.paging.reach(out, begun)
            self._inform(out, start, at)
            spent += 1 + len(out) - start + known - len(self.foreign.known)
        return out

    # ------------------------------------------------------------------ people and plans

    def firing(self) -> Iterator[Alert]:
        """What is firing and may page; an alert of several groups comes several times."""
        for group in self.dispatch.groups.values():
            for member in group.members.values():
                if member.firing:
                    yield member.alert

    def alerts(self) -> list[Alert]:
        """Every pending and firing alert."""
        out = self.detection.episodes.alerts(self.now)
        for machine in self.machines:
            out += machine.alerts()
        return out

    def alert(self, id_: str) -> Alert | None:
        """The open alert of an episode id."""
        return next((a for a in self.alerts() if a.alert == id_), None)

    def replace(
        self, plan: Plan, now: Instant, pages: tuple[int, Milliseconds] | None = None
    ) -> list[Decision]:
        """Swap the plan; windows of unchanged rules survive. ``pages``: the page limit of owners from now on (count, window)."""
        now = max(now, self.now)
        out = self.handle_timer(now)
        self.now = now
        start = len(out)
        self.void += self.detection.replace(plan, now, out)
        self._follow(out, start, now)
        self.plan = plan
        begun = len(out)
        self.dispatch.replace(plan, now, out)
        self.paging.reach(out, begun)
        for machine in self.machines:
            machine.replace(plan, now, out)
        self._inform(out, start, now)
        if pages is not None:
            self.dispatch.throttle.allow(*pages)
        return out

    # ------------------------------------------------------------------ state

    def small_state(self) -> Json:
        """Everything but what is kept row by row, and the duplicates window (the store rebuilds that one from the journal)."""
        return engine_state.small_state(self)

    def changes(self) -> Iterator[KeyState]:
        """What changed since the last call; forgets that it did."""
        return engine_state.changes(self)

    def snapshot(self) -> tuple[Json, list[KeyState]]:
        """Everything as plain data, in a defined order."""
        return engine_state.small_state(self), engine_state.everything(self)

    def restore(self, small: Json, keys: Iterable[KeyState]) -> list[str]:
        """Take the state of a snapshot made under a plan of the same rules; rules whose digest differs start afresh.

        Returns the ids of rules whose stored state is void.
        """
        void = engine_state.restore(self, small, keys)
        self._look()
        return void


def sampled(alert: Alert, share: float) -> bool:
    """Whether an alert belongs to the share that is reviewed: decided by its id, not by chance."""
    return share > 0.0 and digest64("review", alert.alert) % 10_000 < share * 10_000
