"""Dispatch: alert transitions in, notifications due out. Keyed by group; Alertmanager's semantics, and the never class.

Law: pure. It knows nothing of events and detectors; alerts are all it sees. Every wait is a deadline in processing time.

Ordinary alerts: a new group waits ``group_wait``, then speaks on change every ``group_interval``, and repeats after ``repeat_interval``; an
alert that resolves before the first flush pages nobody. What the gate holds back at a flush is not told then. A group that became empty
keeps its ticks until the next sweep; what its receiver was told is remembered beyond that, as in Alertmanager's notification log.
Must-never-happen alerts page at once; further ones of the group within one second share the page; one that happens again pages
again only when it was acknowledged or its page is older than ``again_after``; in between the page is brought up to date in place. They are
never repeated by time alone: never twice for one event.

Here is how alerts enter and leave groups; ``rulesd.core.flush`` decides what a group says.
"""

from collections.abc import Iterable
from dataclasses import replace

from rulesd.core.ended import Ended
from rulesd.core.flush import Flush
from rulesd.core.gate import Gate, Held
from rulesd.core.group import Group, GroupId, Member
from rulesd.core.group_rows import GroupRows
from rulesd.core.machine import NOT_DUE
from rulesd.core.overview import overview
from rulesd.core.plan import Plan
from rulesd.core.route import Destination, Places, Routes, routing_of
from rulesd.core.standing import GroupView, Standing
from rulesd.core.throttle import REFRESH, Throttle
from rulesd.core.ticks import Ticks
from rulesd.model.alert import Alert, severity_rank
from rulesd.model.decision import AlertChanged, Decision, Kind, LimitReached
from rulesd.model.event import Json
from rulesd.model.fingerprint import episode_id
from rulesd.model.instant import SECOND, Instant, Milliseconds
from rulesd.model.reasons import AlertState, Reason

SHARE: Milliseconds = SECOND
"Must-never-happen alerts of one group within this time share a page."

STEP = 32
"Groups that speak before others get a turn."

MAX_GROUPS = 100_000
"Groups beyond this share one group without labels for each route and receiver."


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
        self.rows = GroupRows(self.groups)
        self.due: Instant = NOT_DUE
        "The earliest deadline; beyond all time when there is none."
        self._flush = Flush(plan, self.gate, self.throttle, self._said_elsewhere)
        self._places = Places(plan)
        self._ended = Ended()
        self._where: dict[str, tuple[GroupId, ...]] = {}
        "By key: the groups a firing alert is in."
        self._ticks = Ticks()
        self._born = 0

    # ------------------------------------------------------------------ alerts

    def receive(self, change: AlertChanged, now: Instant, out: list[Decision]) -> None:
        """Take one transition of one alert."""
        alert = change.alert
        self.gate.inhibitor.see(alert)
        match change.kind:
            case Kind.FIRING if alert.foreign is None:
                self._enter(alert, now, out)
            case Kind.UPDATED:
                self._update(change, now, out)
            case Kind.RESOLVED:
                self._over(change, now, out)
            case _:
                return
        self._look()

    def post(self, alerts: Iterable[Alert], now: Instant, out: list[Decision]) -> None:
        """Take foreign alerts that their source sent (again), whether they fire or are over: they enter their groups either way."""
        for alert in alerts:
            self.gate.inhibitor.see(alert)
            places = self._where.get(alert.key)
            if places is None:
                self._enter(alert, now, out)
            else:
                for id_ in places:
                    self._join(self.groups[id_], alert, now, out)
        self._look()

    def _enter(self, alert: Alert, now: Instant, out: list[Decision]) -> None:
        groups = [self._group(p, alert, now, out) for p in self._places.of(alert)]
        ids = _ids(groups)
        if alert.state is AlertState.FIRING:
            self._where[alert.key] = ids
        for group in groups if len(groups) == 1 else map(self.groups.__getitem__, ids):
            self._join(group, alert, now, out)

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
            self._born += 1
            group.born = self._born
            group.last = self._ended.recall(id_, now)
            self.groups[id_] = group
        return group

    def _join(self, group: Group, alert: Alert, now: Instant, out: list[Decision]) -> None:
        """An alert enters a group, or is there already as it was before."""
        name = alert.key
        before = group.members.get(name)
        if alert.foreign is None:
            self._part(group, before, name)
        elif before is not None and before.alert.state is alert.state is AlertState.FIRING:
            before.alert = alert
            self._hasten(group, alert.foreign.starts_at, now)
            return
        if before is None or alert.foreign is None:
            aims = self.gate.inhibitor.aims(alert)
            group.members[name] = Member(alert, aims=aims)
        else:
            before.alert = alert
        group.fresh = True
        self.rows.touch(group)
        if group.tick is None:
            group.tick = now + group.route.group_wait
        if alert.foreign is not None:
            self._hasten(group, alert.foreign.starts_at, now)
        elif alert.never:
            self._hurry(group, group.members[name], Reason.NEVER, now, out)
        self._arm(group)

    def _part(self, group: Group, before: Member | None, name: str) -> None:
        """A new episode of one of our alerts is news, also when the end of the last one is still to be told, or never was."""
        if before is None:
            group.forget_told(name)
        elif before.told is not None:
            self.rows.keep(group, group.keep_untold(name))
        self.rows.keep(group, name)

    def _hasten(self, group: Group, starts_at: Instant, now: Instant) -> None:
        """Before its first flush a group does not wait for an alert that is old enough (Alertmanager's rule)."""
        if group.flushed or group.tick == now:
            return
        if starts_at + group.route.group_wait < now:
            group.tick = now
            self.rows.touch(group)
            self._arm(group)

    def _update(self, change: AlertChanged, now: Instant, out: list[Decision]) -> None:
        alert = change.alert
        if alert.state is not AlertState.FIRING:
            return
        if change.reason is Reason.SEVERITY_CHANGED:
            self._reroute(alert, now, out)
        name = alert.key
        for id_ in self._where.get(name, ()):
            group = self.groups[id_]
            member = group.members[name]
            raised = severity_rank(alert.severity) < severity_rank(member.alert.severity)
            self._renew(group, name, alert)
            self._tell_update(group, member, change.reason, raised, now, out)
            self._arm(group)

    def _renew(self, group: Group, name: str, alert: Alert) -> None:
        member = group.members[name]
        member.alert = alert
        group.fresh = True
        self.rows.touch(group)
        if alert.foreign is None:
            member.aims = self.gate.inhibitor.aims(alert)
            self.rows.keep(group, name)

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
        if reason in (Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED, Reason.ACK_EXPIRED):
            if member.told is not None:
                self._flush.people(group, reason, now, out)
            return
        again = self.plan.rules[self.plan.by_id[alert.rule]].again_after
        if alert.never and (reason is Reason.REOPENED or now - member.paged_at >= again):
            self._hurry(group, member, Reason.AGAIN, now, out)
        elif alert.never and raised:
            self._hurry(group, member, Reason.SEVERITY_RAISED, now, out)
        elif member.told is not None and group.refresh is None:
            group.refresh = max(now, group.notified_at + REFRESH)

    def _reroute(self, alert: Alert, now: Instant, out: list[Decision]) -> None:
        """A changed severity or route tree may lead elsewhere: enter the new groups, and be over in the ones left."""
        name = alert.key
        before = self._where.get(name, ())
        wanted = self._places.of(alert)
        if before == tuple((place.group, place.receiver) for place in wanted):
            return
        groups = [self._group(place, alert, now, out) for place in wanted]
        self._where[name] = _ids(groups)
        for group in groups:
            if name not in group.members:
                self._join(group, alert, now, out)
            elif not group.members[name].firing:
                self._renew(group, name, alert)
        over = replace(alert, state=AlertState.RESOLVED, ended_at=now)
        for id_ in before:
            if id_ not in self._where[name] and name in self.groups[id_].members:
                self._renew(self.groups[id_], name, over)

    def _over(self, change: AlertChanged, now: Instant, out: list[Decision]) -> None:
        alert = change.alert
        name = alert.key
        for id_ in self._where.get(name, ()):
            group = self.groups[id_]
            self._renew(group, name, alert)
            if alert.never or change.reason is Reason.RESOLVED_BY_PERSON:
                self._turn(group, None, now, out)
            self._arm(group)
        self._where.pop(name, None)

    # ------------------------------------------------------------------ flushing

    def _hurry(
        self, group: Group, member: Member, why: Reason, now: Instant, out: list[Decision]
    ) -> None:
        """Page now, or within the second that the last urgent page of this group began; not what is held back."""
        if self._flush.hold(group, member, (), now, out) is not None:
            return
        if why is Reason.AGAIN:
            member.told = None
        if group.urgent is not None:
            return
        if group.urgent_at and now - group.urgent_at < SHARE:
            group.urgent = group.urgent_at + SHARE
            return
        group.urgent_at = now
        self._turn(group, why, now, out)

    def _turn(self, group: Group, why: Reason | None, now: Instant, out: list[Decision]) -> None:
        """Tell the receiver what changed, if anything did; forget what is over."""
        for name in self._flush.flush(group, why, now, out):
            self.rows.keep(group, name)
        self.rows.touch(group)
        if not group.members:
            self._ended.empty(group, now)

    def _said_elsewhere(self, group: Group, name: str, held: Held) -> bool:
        for id_ in self._where.get(name, ()):
            other = self.groups[id_]
            if other is not group and name in other.members and other.members[name].held == held:
                return True
        return False

    # ------------------------------------------------------------------ time

    def next_timer(self) -> Instant | None:
        """The earliest deadline."""
        return self.due if self.due < NOT_DUE else None

    def _look(self) -> None:
        refresh = self.throttle.next_timer()
        self.due = min(self._ticks.due, self._ended.due, NOT_DUE if refresh is None else refresh)

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Run the deadlines due at ``now``, of ``STEP`` groups at most; with more to do it stays due."""
        for _ in range(STEP):
            group = self._ticks.take(self.groups, now)
            if group is None:
                break
            if group.urgent is not None and group.urgent <= now:
                group.urgent_at = now
                self._turn(group, Reason.NEVER, now, out)
            elif group.tick is not None and group.tick <= now:
                self._turn(group, None, now, out)
            elif group.refresh is not None and group.refresh <= now:
                self._flush.refresh(group, now, out)
                self.rows.touch(group)
            self._arm(group)
        else:
            self._look()
            return
        if self._ended.due <= now:
            for group in self._ended.sweep(self.groups, now):
                self.rows.touch(group)
        self.throttle.handle_timer(self.groups, now, out)
        self._look()

    def _arm(self, group: Group) -> None:
        if self._ticks.arm(group):
            self.due = min(self.due, self._ticks.due)

    # ------------------------------------------------------------------ views

    def standing(self, alert: Alert, now: Instant) -> Standing:
        """How an alert stands: what holds it back now, and where it goes."""
        places = [(place.route, place.receiver) for place in self._places.of(alert)]
        return self.gate.standing(alert, places, now)

    def overview(self, now: Instant = 0) -> list[GroupView]:
        """Every group that has alerts, by key and receiver; ``now`` tells which routes are quiet."""
        return overview(self.groups, now)

    # ------------------------------------------------------------------ state

    def dump(self) -> Json:
        """Page limits and what ended groups left behind; the groups are rows (``rows``)."""
        return {
            "owners": self.throttle.dump(),
            "ended": self._ended.dump(),
            "born": self._born,
        }

    def load(self, data: Json, foreign: dict[str, Alert] | None = None) -> None:
        """From what ``dump`` gave, after its rows and the ``foreign`` alerts by fingerprint."""
        assert isinstance(data, dict)
        old = data.get("groups")
        if isinstance(old, list):
            self.rows.load_old(old)
        self.rows.build(Routes(self.plan).find, foreign or {})
        self._ended.load(data.get("ended"), self.groups)
        born = data.get("born")
        self._born = born if isinstance(born, int) else len(self.groups)
        self.throttle.load(data["owners"])
        self._see_all()
        self._rebuild()

    def _see_all(self) -> None:
        """Sources first, then who is aimed at: nothing is told before both are known."""
        self.gate.replace(
            self.plan, (m.alert for g in self.groups.values() for m in g.members.values())
        )
        for group in self.groups.values():
            for member in group.members.values():
                member.aims = self.gate.inhibitor.aims(member.alert)

    def _rebuild(self) -> None:
        where: dict[str, list[Group]] = {}
        for group in self.groups.values():
            for name, member in group.members.items():
                if member.firing:
                    where.setdefault(name, []).append(group)
        self._where = {name: _ids(groups) for name, groups in where.items()}
        self._ticks.rebuild(self.groups.values())
        self._look()

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Take a new plan: groups keep what they told; their route is the new one of the same key, or what it was.

        When routes, owners' receivers or inhibition changed, every alert is routed again: it enters its new groups, and is told as over
        in those it leaves.
        """
        before, self.plan = self.plan, plan
        self._flush.plan, self._places = plan, Places(plan)
        routes = Routes(plan)
        for group in self.groups.values():
            group.route = routes.find(group.route.key, group.receiver, group.route)
        if routing_of(before) == routing_of(plan):
            return
        self._see_all()
        for name, ids in list(self._where.items()):
            self._reroute(self.groups[ids[0]].members[name].alert, now, out)
        for group in self.groups.values():
            self._arm(group)
        self._look()


def _ids(groups: list[Group]) -> tuple[GroupId, ...]:
    """The ids of groups, once each; for the usual case of one group always the same object."""
    if len(groups) == 1:
        return groups[0].alone
    return tuple(dict.fromkeys(group.id for group in groups))
