"""A flush: what a group says to its receiver now, and why; what the gate holds back is not said.

Law: pure; Alertmanager's order: inhibition, intervals, silences, then the dedup table over what is left. With nothing left nothing is
said, also not that something is over. An alert that is over leaves its group with the flush, told or not. An alert that begins to be held
back, or is by something else, is one ``alert.suppressed``, whatever the number of its groups.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rulesd.core import backoff, dedup
from rulesd.core.gate import Gate, Held
from rulesd.core.group import Group, Member, rank
from rulesd.core.mute import muting
from rulesd.core.plan import Plan
from rulesd.core.throttle import Throttle, due_of
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Audience, Decision, Kind, Status, Told
from rulesd.model.fingerprint import episode_id
from rulesd.model.instant import Instant, Milliseconds
from rulesd.model.reasons import Reason

SaidElsewhere = Callable[[Group, str, Held], bool]
"Whether another group of this alert is held back by the same already."

_FIRST = ("job", "instance")
"The labels by which Alertmanager orders alerts before all others."


class _Shown(NamedTuple):
    """The members that nothing holds back."""

    members: dict[str, Member]
    firing: dict[str, int]
    "With the rank of their severity."

    resolved: dict[str, None]


class Flush:
    """Says what groups have to say."""

    def __init__(
        self, plan: Plan, gate: Gate, throttle: Throttle, said_elsewhere: SaidElsewhere
    ) -> None:
        """Ready."""
        self.plan = plan
        self._gate = gate
        self._throttle = throttle
        self._said_elsewhere = said_elsewhere

    def flush(
        self, group: Group, why: Reason | None, now: Instant, out: list[Decision]
    ) -> list[str]:
        """Tell what changed; returns the names of those of ours that left. ``why``: an urgent page has its reason already."""
        group.urgent = None
        group.tick = now + group.route.group_interval
        group.flushed = True
        if why is None and self._still(group, now):
            return []
        shown = self._shown(group, now, out)
        reason = self._reason(group, shown, why, now)
        if reason is not Reason.UNCHANGED:
            self._page(group, shown, reason, now, out)
        over = [name for name, member in group.members.items() if not member.firing]
        ours = [name for name in over if group.members[name].alert.foreign is None]
        for name in over:
            del group.members[name]
        return ours

    def _still(self, group: Group, now: Instant) -> bool:
        """Whether nothing can have changed: then a large group costs nothing."""
        if group.fresh or self._gate.may_hold(group.route):
            return False
        return group.last is None or now - group.last.at < group.route.repeat_interval

    def _shown(self, group: Group, now: Instant, out: list[Decision]) -> _Shown:
        muted = muting(group.route, now)
        held = self._gate.may_hold(group.route)
        shown = _Shown({}, {}, {})
        group.fresh = False
        for name, member in group.members.items():
            firing = member.firing
            if not firing and not member.speaks:
                continue
            asked = held or member.held is not None
            if asked and self.hold(group, member, muted, now, out) is not None:
                group.fresh = True
                continue
            shown.members[name] = member
            if firing:
                shown.firing[name] = rank(member)
            else:
                shown.resolved[name] = None
        return shown

    def hold(
        self,
        group: Group,
        member: Member,
        muted: tuple[str, ...],
        now: Instant,
        out: list[Decision],
    ) -> Held | None:
        """What holds a member back now; the first time and when it changes that is a decision."""
        alert, before = member.alert, member.held
        held = self._gate.held(alert, member.aims, muted, now, before)
        if held != before:
            member.held = None
            if held is not None and member.firing:
                if not self._said_elsewhere(group, alert.key, held):
                    out.append(
                        AlertChanged(
                            kind=Kind.SUPPRESSED,
                            at=now,
                            reason=held.reason,
                            alert=alert,
                            held_by=held.by,
                        )
                    )
                member.held = held
        return held

    def _reason(self, group: Group, shown: _Shown, why: Reason | None, now: Instant) -> Reason:
        firing = [shown.members[name].alert for name in shown.firing]
        if why is not None and any(alert.never for alert in firing):
            return why
        if not shown.members:
            return Reason.UNCHANGED
        quiet = all(alert.never or alert.acknowledged_by for alert in firing)
        receiver = self.plan.receivers.get(group.receiver)
        channels = () if receiver is None else receiver.channels
        return dedup.reason(
            group.last,
            shown.firing,
            shown.resolved,
            repeat_interval=None if quiet else self._repeat(group, firing),
            now=now,
            send_resolved=not channels or any(channel.send_resolved for channel in channels),
        )

    def _repeat(self, group: Group, firing: Sequence[Alert]) -> Milliseconds:
        """The time until a reminder: longer each time where the owner wants that; not for alerts of other systems."""
        owner = self.plan.owners.get(firing[0].owner) if firing else None
        plain = owner is None or any(alert.foreign is not None for alert in firing)
        most = 0 if plain or owner is None else owner.repeat_max
        return backoff.wait(group.route.repeat_interval, group.repeats, most)

    def _page(
        self, group: Group, shown: _Shown, reason: Reason, now: Instant, out: list[Decision]
    ) -> None:
        if reason is Reason.FIRST and group.last is not None:
            first = next(iter(shown.firing))
            group.incident = episode_id(group.key, (group.receiver,), first, now)
        told = tuple(member.tell() for member in _ordered(shown.members.values()))
        for name in shown.firing:
            member = shown.members[name]
            member.paged_at = now if member.alert.never else 0
        status = Status.FIRING if shown.firing else Status.RESOLVED
        group.last = dedup.Sent(at=now, firing=shown.firing, resolved=shown.resolved)
        group.repeats = group.repeats + 1 if reason is Reason.REPEAT else 0
        self._emit(group, reason, status, told, True, now, out)

    def people(self, group: Group, reason: Reason, now: Instant, out: list[Decision]) -> None:
        """Tell that somebody took an alert or gave it back; when time gave it back, that is a page."""
        firing = [m for m in group.members.values() if m.firing and m.told is not None]
        told = tuple(m.tell() for m in firing)
        taken = all(m.told is Status.ACKNOWLEDGED for m in firing)
        status = Status.ACKNOWLEDGED if taken else Status.FIRING
        self._emit(group, reason, status, told, reason is Reason.ACK_EXPIRED, now, out)

    def refresh(self, group: Group, now: Instant, out: list[Decision]) -> None:
        """Bring a page up to date in place."""
        group.refresh = None
        told = tuple(m.tell() for m in group.members.values() if m.told is not None)
        if told:
            self._emit(group, Reason.UPDATE, Status.FIRING, told, False, now, out)

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
        due = self._gate.spare(due_of(group, reason, status, told, page=page, now=now))
        if due.audience is not Audience.ALL:
            out.append(due)
        elif due.page and status is not Status.RESOLVED:
            self._throttle.page(group, due, out)
        else:
            self._throttle.tell(group, due, out)


def _ordered(members: Iterable[Member]) -> list[Member]:
    """Foreign alerts in Alertmanager's order, ours as they came."""
    found = list(members)
    if any(member.alert.foreign is None for member in found):
        return found
    return sorted(found, key=lambda member: _place(member.alert))


def _place(alert: Alert) -> tuple[object, ...]:
    labels = alert.labels
    first = [(name not in labels, labels.get(name, "")) for name in _FIRST]
    return (*first, len(labels), sorted(labels.items()))
