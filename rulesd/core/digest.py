"""Digests: pages that can wait are told together, at their time, with exact counts.

Law: pure. What waits is known per owner and receiver; nothing that waits is lost: machines hear of it at once, people in the next digest.
Critical alerts, must-never-happen alerts and those of other systems never wait. A group that waits stays quiet, its end included,
until something in it is worth a page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rulesd.core.machine import NOT_DUE
from rulesd.core.people import DigestSpec
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import Audience, NoticeDue, NotificationDue, Status
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, MINUTE, Instant, format_instant
from rulesd.model.reasons import Reason

MOST_RULES = 30
"Rules that a digest tells of, the loudest first; the rest is counted."

MOST_GROUPS = 100_000
"Groups that wait and are known; of more the oldest are forgotten, and their end is told."

MOST_OPEN = 10_000
"Open alerts of a rule that are known one by one; of others the events are counted as of when they were folded."

MOST_TENANTS = 1_000
"Tenants counted by name for a rule in one digest."

WITHOUT_TIME = 12 * HOUR
"When a digest is told that has no time of its own (the owner's budget was spent, and it has no ``digest``)."

AFTER_STORM = 5 * MINUTE
"When the figures of a storm are told, from the first page that was folded on."

_PAGES = (Status.FIRING, Status.ACKNOWLEDGED)


@dataclass(slots=True)
class _Row:
    """What one rule adds to a digest."""

    alerts: int
    "Episodes that would have paged."

    events: int
    "Of the episodes that are over."

    since: Instant
    over: int
    "How many of them have ended."

    tenants: dict[str, None]
    open: dict[str, int]
    "By alert that is not over: its events when it was folded."


class Digests:
    """What waits, for every owner and receiver."""

    def __init__(self, plan: Plan) -> None:
        """Nothing waits."""
        self.plan = plan
        self.rows: dict[tuple[str, str], dict[str, _Row]] = {}
        "By (owner, receiver), then by rule."
        self._told_at: dict[tuple[str, str], Instant] = {}
        self._groups: dict[tuple[str, str], None] = {}
        "The groups people have not been told of: (group key, receiver)."

    @property
    def due(self) -> Instant:
        """The next digest."""
        return min(self._told_at.values(), default=NOT_DUE)

    def waits(self, due: NotificationDue) -> bool:
        """Whether the receiver or the owner wants a page like this one in a digest."""
        spec = self._spec(_owner(due), due.receiver)
        return spec is not None and _may_wait(due, spec.severities)

    def known(self, due: NotificationDue) -> bool:
        """Whether people have not been told of this group."""
        return (due.group, due.receiver) in self._groups

    def tell(self, due: NotificationDue) -> None:
        """People are told of this group after all."""
        self._groups.pop((due.group, due.receiver), None)

    def fold(self, due: NotificationDue, until: Instant | None = None) -> NotificationDue:
        """Let a page wait, until the owner's digest or (without one) ``until``: machines hear it all the same."""
        place = (_owner(due), due.receiver)
        self._groups[due.group, due.receiver] = None
        if len(self._groups) > MOST_GROUPS:
            del self._groups[next(iter(self._groups))]
        rows = self.rows.setdefault(place, {})
        for told in due.alerts:
            if told.changed and told.status in _PAGES and due.reason is not Reason.ACK_EXPIRED:
                _count(rows, told.alert)
        spec = self._spec(*place)
        at = spec.next(due.at) if spec is not None else until or due.at + WITHOUT_TIME
        self._told_at[place] = min(self._told_at.get(place, NOT_DUE), at)
        return replace(due, audience=Audience.MACHINES, reason=Reason.DIGEST)

    def folded(self, due: NotificationDue) -> None:
        """Count what went into an owner's collected page: the exact figures are told when the first rush is over."""
        place = (_owner(due), due.receiver)
        rows = self.rows.setdefault(place, {})
        for told in due.alerts:
            if told.changed and told.status in _PAGES:
                _count(rows, told.alert)
        at = due.at + AFTER_STORM
        self._told_at[place] = min(self._told_at.get(place, NOT_DUE), at)

    def end(self, due: NotificationDue) -> NotificationDue:
        """An update, or the end, of a group people have not been told of."""
        for told in due.alerts:
            if told.changed and told.status is Status.RESOLVED:
                row = self.rows.get((_owner(due), due.receiver), {}).get(told.alert.rule)
                if row is not None and row.over < row.alerts:
                    row.over += 1
                    if row.open.pop(told.alert.alert, None) is not None:
                        row.events += told.alert.count
        if due.status is Status.RESOLVED:
            self.tell(due)
        return replace(due, audience=Audience.MACHINES)

    def _spec(self, owner: str, receiver: str) -> DigestSpec | None:
        """The receiver's, if it has one, else the owner's."""
        there, known = self.plan.receivers.get(receiver), self.plan.owners.get(owner)
        if there is not None and there.digest is not None:
            return there.digest
        return None if known is None else known.digest

    def handle_timer(self, now: Instant, alerts: Sequence[Alert]) -> list[NoticeDue]:
        """The digests that are due. ``alerts``: what is open, as it stands."""
        counts = {alert.alert: alert.count for alert in alerts}
        out: list[NoticeDue] = []
        for place in sorted(p for p, at in self._told_at.items() if at <= now):
            rows = self.rows.pop(place, {})
            del self._told_at[place]
            for row in rows.values():
                row.events += sum(counts.get(a, count) for a, count in row.open.items())
            out.append(_notice(self.plan, place, rows, now))
        return out

    def dump(self) -> Json:
        """Plain data."""
        rows: list[Json] = [
            [
                *place,
                self._told_at[place],
                [
                    [rule, r.alerts, r.events, r.since, r.over, list(r.tenants), dict(r.open)]
                    for rule, r in found.items()
                ],
            ]
            for place, found in self.rows.items()
        ]
        return {"rows": rows, "groups": [list(g) for g in self._groups]}

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, dict)
        rows: Any = data["rows"]
        groups: Any = data["groups"]
        for owner, receiver, at, found in rows:
            self._told_at[owner, receiver] = at
            self.rows[owner, receiver] = {
                rule: _Row(alerts, events, since, over, dict.fromkeys(tenants), dict(known))
                for rule, alerts, events, since, over, tenants, known in found
            }
        for group, receiver in groups:
            self._groups[group, receiver] = None


def _owner(due: NotificationDue) -> str:
    return due.alerts[0].alert.owner if due.alerts else ""


def may_wait(alert: Alert, severities: tuple[str, ...]) -> bool:
    """Whether an alert is one that can be told later."""
    grave = alert.never or alert.severity == "critical" or alert.foreign is not None
    return not grave and alert.severity in severities


def _may_wait(due: NotificationDue, severities: tuple[str, ...]) -> bool:
    return all(may_wait(t.alert, severities) for t in due.alerts if t.status in _PAGES)


def _count(rows: dict[str, _Row], alert: Alert) -> None:
    row = rows.get(alert.rule)
    if row is None:
        row = rows[alert.rule] = _Row(0, 0, alert.since, 0, {}, {})
    row.alerts += 1
    if len(row.open) < MOST_OPEN:
        row.open[alert.alert] = alert.count
    else:
        row.events += alert.count
    row.since = min(row.since, alert.since)
    tenant = alert.labels.get("tenant", "")
    if tenant and len(row.tenants) < MOST_TENANTS:
        row.tenants[tenant] = None


def _notice(
    plan: Plan, place: tuple[str, str], rows: Mapping[str, _Row], now: Instant
) -> NoticeDue:
    owner, receiver = place
    total = sum(r.alerts for r in rows.values())
    since = min((r.since for r in rows.values()), default=now)
    loud = sorted(rows.items(), key=lambda item: (-item[1].alerts, item[0]))
    lines = [_line(plan, rule, row) for rule, row in loud[:MOST_RULES]]
    if len(loud) > MOST_RULES:
        rest = sum(r.alerts for _, r in loud[MOST_RULES:])
        lines.append(f"and {rest} alerts of {len(loud) - MOST_RULES} more rules")
    if receiver not in plan.receivers:  # a reload took it away, and nothing that waits is lost
        receiver = plan.receiver_for(owner, "") or plan.root.receiver
    return NoticeDue(
        at=now,
        reason=Reason.DIGEST,
        receiver=receiver,
        owner=owner,
        title=f"Digest for {owner}: {_many(total, 'alert')} of {_many(len(rows), 'rule')} since "
        f"{format_instant(since)}",
        lines=tuple(lines),
    )


def _line(plan: Plan, rule: str, row: _Row) -> str:
    position = plan.by_id.get(rule)
    title = plan.rules[position].title if position is not None else rule
    parts = [_many(row.alerts, "alert"), f"{row.alerts - row.over} still open"]
    if row.tenants:
        more = "at least " if len(row.tenants) >= MOST_TENANTS else ""
        parts.append(f"{more}{_many(len(row.tenants), 'tenant')}")
    parts.append(f"seen {_many(row.events, 'time')} since {format_instant(row.since)}")
    return f"{title} ({rule}): {', '.join(parts)}"


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
