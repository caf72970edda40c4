"""Dispatch: alert transitions in, notifications due out. Keyed by group; Alertmanager's semantics, and the never class.

Law: pure. It knows nothing of events and detectors; alerts are all it sees. Every wait is a deadline in processing time.

Ordinary alerts: a new group waits ``group_wait``, then speaks on change every ``group_interval``, and repeats after ``repeat_interval``; an
alert that resolves before the first flush pages nobody. Must-never-happen alerts page at once; further ones of the group within
one second share the page; one that happens again pages again only when it was acknowledged or its page is older than
``again_after``; in between the page is brought up to date in place. They are never repeated by time alone: never twice for one event.
"""

from dataclasses import replace
from heapq import heapify, heappop, heappush

from rulesd.core import dedup
from rulesd.core.gate import Gate
from rulesd.core.group import Group, Member, load_group
from rulesd.core.machine import NOT_DUE
from rulesd.core.mute import muting
from rulesd.core.plan import Plan, Route
from rulesd.core.route import Destination, destinations
from rulesd.core.standing import GroupView, Standing
from rulesd.core.throttle import REFRESH, GroupId, Throttle, due_of
from rulesd.model.alert import Alert, severity_rank
from rulesd.model.decision import (
    AlertChanged,
    Decision,
    Kind,
    LimitReached,
    Status,
    Told,
)
from rulesd.model.event import Json
from rulesd.model.fingerprint import episode_id
from rulesd.model.instant import SECOND, Instant, Milliseconds
from rulesd.model.reasons import AlertState, Reason

SHARE: Milliseconds = SECOND
"Must-never-happen alerts of one group within this time share a page."

MAX_GROUPS = 10_000
"Groups of one receiver's route beyond this share one group without labels."


class Dispatch:
    """Every group, and the page limits of owners."""

    def __init__(
        self, plan: Plan, *, page_limit: int = 10, page_window: Milliseconds = 300_000
    ) -> None:
        """Start with no groups."""
        self.plan = plan
        self.gate = Gate(plan)
        self.groups: dict[GroupId, Group] = {}
        self.throttle = Throttle(limit=page_limit, window=page_window)
        self._where: dict[str, list[GroupId]] = {}
        "By fingerprint: the groups an alert is in."
        self._heap: list[tuple[Instant, GroupId]] = []
        self.due: Instant = NOT_DUE
        "The earliest deadline; beyond all time when there is none."

    # ------------------------------------------------------------------ alerts

    def receive(self, change: AlertChanged, now: Instant, out: list[Decision]) -> None:
        """Take one transition of one alert."""
        alert = change.alert
        self.gate.inhibitor.see(alert)
        match change.kind:
            case Kind.FIRING if alert.foreign is not None:
                return  # It was posted, too.
            case Kind.FIRING:
                for place in destinations(self.plan, alert):
                    self._join(self._group(place, alert, now, out), alert, now, out)
            case Kind.UPDATED:
                self._update(change, now, out)
            case Kind.RESOLVED:
                for id_ in self._where.pop(alert.fingerprint, []):
                    self._leave(self.groups[id_], change, now, out)
            case _:
                return
        self._look()

    def post(self, alert: Alert, now: Instant, out: list[Decision]) -> None:
        """Take a foreign alert that its source sent (again)."""
        self.gate.inhibitor.see(alert)
        if alert.fingerprint not in self._where:
            for place in destinations(self.plan, alert):
                self._join(self._group(place, alert, now, out), alert, now, out)
        for id_ in self._where[alert.fingerprint]:
            self.groups[id_].members[alert.fingerprint].alert = alert
        self._look()

    def standing(self, alert: Alert, now: Instant) -> Standing:
        """How an alert stands: what holds it back now, and where it goes."""
        places = [(place.route, place.receiver) for place in destinations(self.plan, alert)]
        return self.gate.standing(alert, places, now)

    def overview(self, now: Instant = 0) -> list[GroupView]:
        """Every group that has alerts, by route and labels; ``now`` tells which routes are quiet."""
        return [
            GroupView(
                key=group.key,
                receiver=group.receiver,
                route=group.route,
                labels=dict(group.labels),
                alerts=tuple(member.alert for member in group.members.values()),
                muted_by=muting(group.route, now),
                due=group.tick,
            )
            for _, group in sorted(self.groups.items())
            if group.members
        ]

    def _group(self, place: Destination, alert: Alert, now: Instant, out: list[Decision]) -> Group:
        id_ = (place.group, place.receiver)
        group = self.groups.get(id_)
        if group is None and len(self.groups) >= MAX_GROUPS:
            detail = f"further alerts of {place.route.key} share one group"
            out.append(
                LimitReached(
                    at=now,
                    reason=Reason.GROUP_LIMIT,
                    rule=alert.rule,
                    limit=MAX_GROUPS,
                    detail=detail,
                )
            )
            id_ = (f"{place.route.key}:{{}}", place.receiver)
            group = self.groups.get(id_)
        if group is None:
            incident = episode_id(id_[0], (place.receiver,), alert.alert, now)
            group = Group(place.route, place.receiver, id_[0], place.labels, incident)
            self.groups[id_] = group
        places = self._where.setdefault(alert.fingerprint, [])
        if id_ not in places:
            places.append(id_)
        return group

    def _join(self, group: Group, alert: Alert, now: Instant, out: list[Decision]) -> None:
        """A firing alert enters a group, or a new episode takes the place of one that is over but not told."""
        before = group.members.get(alert.fingerprint)
        if before is not None and before.told is not None:
            group.keep_untold(alert.fingerprint)
        group.members[alert.fingerprint] = Member(alert)
        if group.tick is None:
            group.tick = now + group.route.group_wait
        if alert.never:
            self._hurry(group, Reason.NEVER, now, out)
        self._arm(group)

    def _update(self, change: AlertChanged, now: Instant, out: list[Decision]) -> None:
        alert = change.alert
        if alert.state is not AlertState.FIRING:
            return
        if change.reason is Reason.SEVERITY_CHANGED:
            self._reroute(alert, now, out)
        for id_ in self._where.get(alert.fingerprint, []):
            group = self.groups[id_]
            member = group.members[alert.fingerprint]
            raised = severity_rank(alert.severity) < severity_rank(member.alert.severity)
            member.alert = alert
            self._tell_update(group, member, change.reason, raised, now, out)
            self._arm(group)

    def _tell_update(
        self,
        group: Group,
        member: Member,
        reason: Reason,
        raised: bool,
        now: Instant,
        out: list[Decision],
    ) -> None:
        alert = member.alert
        if reason in (Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED):
            if member.told is not None:
                firing = [m for m in group.members.values() if m.firing and m.told is not None]
                told = tuple(m.tell() for m in firing)
                taken = all(m.told is Status.ACKNOWLEDGED for m in firing)
                status = Status.ACKNOWLEDGED if taken else Status.FIRING
                self._emit(group, reason, status, told, False, now, out)
            return
        again = self.plan.rules[self.plan.by_id[alert.rule]].again_after
        if alert.never and (reason is Reason.REOPENED or now - member.paged_at >= again):
            member.told = None
            self._hurry(group, Reason.AGAIN, now, out)
        elif alert.never and raised:
            self._hurry(group, Reason.SEVERITY_RAISED, now, out)
        elif member.told is not None and group.refresh is None:
            group.refresh = max(now, group.notified_at + REFRESH)

    def _reroute(self, alert: Alert, now: Instant, out: list[Decision]) -> None:
        """A changed severity may lead elsewhere: enter the new groups, and be over in the ones left."""
        before = self._where.get(alert.fingerprint, [])
        wanted = destinations(self.plan, alert)
        ids = [(place.group, place.receiver) for place in wanted]
        if before == ids:
            return
        self._where[alert.fingerprint] = []
        for place in wanted:
            group = self._group(place, alert, now, out)
            if alert.fingerprint not in group.members:
                self._join(group, alert, now, out)
        for id_ in before:
            if id_ not in ids:
                group = self.groups[id_]
                over = replace(alert, state=AlertState.RESOLVED, ended_at=now)
                group.members[alert.fingerprint].alert = over

    def _leave(self, group: Group, change: AlertChanged, now: Instant, out: list[Decision]) -> None:
        alert = change.alert
        member = group.members.get(alert.fingerprint)
        if member is None:
            return
        member.alert = alert
        if alert.never or change.reason is Reason.RESOLVED_BY_PERSON:
            self._flush(group, None, now, out)
        self._arm(group)

    # ------------------------------------------------------------------ flushing

    def _hurry(self, group: Group, why: Reason, now: Instant, out: list[Decision]) -> None:
        """Page now, or within the second that the last urgent page of this group began."""
        if group.urgent is not None:
            return
        if group.urgent_at and now - group.urgent_at < SHARE:
            group.urgent = group.urgent_at + SHARE
            return
        group.urgent_at = now
        self._flush(group, why, now, out)

    def _flush(self, group: Group, why: Reason | None, now: Instant, out: list[Decision]) -> None:
        """Tell the receiver what changed, if anything did; forget what is over."""
        firing, resolved = group.firing(), group.resolved()
        members = list(group.members.values())
        quiet = all(m.alert.never or m.alert.acknowledged_by for m in members if m.firing)
        repeat = None if quiet else group.route.repeat_interval
        reason = why or dedup.reason(group.last, firing, resolved, repeat_interval=repeat, now=now)
        if reason is not Reason.UNCHANGED:
            told = tuple(m.tell() for m in members if m.firing or m.told is not None)
            for member in members:
                if member.firing:
                    member.paged_at = now
            status = Status.FIRING if firing else Status.RESOLVED
            group.last = dedup.Sent(at=now, firing=firing, resolved=resolved)
            self._emit(group, reason, status, told, True, now, out)
        for fingerprint in resolved:
            del group.members[fingerprint]
        group.urgent = None
        group.tick = now + group.route.group_interval
        if not group.members:
            self.groups.pop((group.key, group.receiver), None)

    def _emit(
        self,
        group: Group,
        reason: Reason,
        status: Status,
        told: tuple[Told, ...],
        page: bool,
        now: Instant,
        out: list[Decision],
    ) -> None:
        group.notified_at = now
        group.refresh = None
        due = due_of(group, reason, status, told, page=page, now=now)
        if page and status is not Status.RESOLVED:
            self.throttle.page(group, due, out)
        else:
            self.throttle.tell(group, due, out)

    # ------------------------------------------------------------------ time

    def next_timer(self) -> Instant | None:
        """The earliest deadline."""
        return self.due if self.due < NOT_DUE else None

    def _look(self) -> None:
        refresh = self.throttle.next_timer()
        self.due = min(
            self._heap[0][0] if self._heap else NOT_DUE, NOT_DUE if refresh is None else refresh
        )

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Run the deadlines due at ``now``."""
        while self._heap and self._heap[0][0] <= now:
            due, id_ = heappop(self._heap)
            group = self.groups.get(id_)
            if group is None or group.armed != due:
                continue
            group.armed = None
            if group.urgent is not None and group.urgent <= now:
                group.urgent_at = now
                self._flush(group, Reason.NEVER, now, out)
            elif group.tick is not None and group.tick <= now:
                self._flush(group, None, now, out)
            elif group.refresh is not None and group.refresh <= now:
                told = tuple(m.tell() for m in group.members.values() if m.told is not None)
                group.refresh = None
                if told:
                    self._emit(group, Reason.UPDATE, Status.FIRING, told, False, now, out)
            self._arm(group)
        self.throttle.handle_timer(self.groups, now, out)
        self._look()

    def _arm(self, group: Group) -> None:
        due = group.due()
        id_ = (group.key, group.receiver)
        if due is not None and id_ in self.groups and (group.armed is None or due < group.armed):
            group.armed = due
            heappush(self._heap, (due, id_))
            self.due = min(self.due, due)

    # ------------------------------------------------------------------ state

    def dump(self) -> Json:
        """All groups and page limits as plain data."""
        return {
            "groups": [group.dump() for group in self.groups.values()],
            "owners": self.throttle.dump(),
        }

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        routes = _by_key(self.plan.root)
        groups = data["groups"]
        assert isinstance(groups, list)
        for each in groups:
            group = load_group(each, routes, self.plan.root)
            self.groups[group.key, group.receiver] = group
        self.throttle.load(data["owners"])
        self._rebuild()

    def _rebuild(self) -> None:
        self._where = {}
        self._heap = []
        for id_, group in self.groups.items():
            for fingerprint, member in group.members.items():
                if member.firing:
                    self._where.setdefault(fingerprint, []).append(id_)
            group.armed = group.due()
            if group.armed is not None:
                self._heap.append((group.armed, id_))
        heapify(self._heap)
        self._look()

    def replace(self, plan: Plan) -> None:
        """Take a new plan: groups keep what they told; their route is the new one of the same key, or what it was."""
        self.plan = plan
        routes = _by_key(plan.root)
        for group in self.groups.values():
            group.route = routes.get(group.route.key, group.route)


def _by_key(route: Route) -> dict[str, Route]:
    out = {route.key: route}
    for child in route.routes:
        out.update(_by_key(child))
    return out
