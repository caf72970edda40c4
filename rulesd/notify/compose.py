"""From a decision to the pages it owes: one ``Notification`` for each channel of the receiver, complete in itself.

Law: pure. The same decision, plan and number give the same rows, ids included, so a crash between decision and delivery never
makes a second page. Everything a page needs is written into the row: it can be sent after any restart, by any version of the
rules.

Who gets what:

* a channel for groups gets one row; a channel per alert (PagerDuty) one row for each changed alert, in an order of its own;
* ``page=False`` (only bring up to date) goes to channels that update in place;
* resolved alerts go only where ``send_resolved`` says so;
* in a storm, people's channels get the one collected page; machines go on getting every alert (``Audience``);
* a notice (a hand-over, a digest) goes where people read: never to a channel that would open an incident for it, unless the
  receiver has no other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Protocol

import msgspec

from rulesd.core.plan import ChannelSpec, Plan
from rulesd.model.alert import severity_rank
from rulesd.model.decision import Audience, NoticeDue, NotificationDue, Status, Told
from rulesd.model.instant import Instant, format_instant
from rulesd.model.notification import Notification, PageAlert
from rulesd.model.reasons import Reason
from rulesd.notify.telling import next_page, story, tell
from rulesd.notify.telling_foreign import ForeignTeller
from rulesd.ports.store import OutboxRow

LISTED = 100
"Alerts one notification holds; the rest is counted in ``more``."

LISTED_FOR_MACHINES = 1_000
"The same for channels that programs read: nobody has to scroll."

QUIET = 5
"Added to the priority of rows that wake nobody: pages overtake updates."

NOTICE = QUIET - 1
"The priority of a notice: behind every page, before every update."


_decode = msgspec.json.Decoder(Notification).decode
_encode = msgspec.json.Encoder().encode


class Links(Protocol):
    """Addresses people can open; every one empty without ``external_url``."""

    @property
    def external_url(self) -> str:
        """Where people reach this daemon."""
        ...

    def runbook(self, rule_id: str) -> str:
        """The signed read-only link to a runbook."""
        ...

    def alert(self, alert_id: str) -> str:
        """The console's page of one alert."""
        ...


class NoLinks:
    """What there is to link to without ``external_url``: nothing."""

    external_url = ""

    def runbook(self, rule_id: str) -> str:
        """No link."""
        return ""

    def alert(self, alert_id: str) -> str:
        """No link."""
        return ""


def compose(
    due: NotificationDue | NoticeDue, plan: Plan, *, number: int, links: Links
) -> list[OutboxRow]:
    """Every outbox row that ``due`` owes. ``number`` is the decision's sequence number. An unknown receiver owes nothing."""
    receiver = plan.receivers.get(due.receiver)
    if receiver is None:
        return []
    if isinstance(due, NoticeDue):
        return [_notice(due, spec, number, links) for spec in _readers(receiver.channels)]
    tell_one = _teller(due, plan, links)
    rows: list[OutboxRow] = []
    for spec in receiver.channels:
        if not _hears(spec, due.audience):
            continue
        for told, alone in _portions(due, spec):
            base = _notification(due, spec, told, alone, number)
            listed = tuple(tell_one(t) for t in _listed(told, _most(spec)))
            note = replace(base, alerts=listed, external_url=links.external_url)
            rows.append(_row(note, spec, due.at, told))
    return rows


def decode_notification(body: bytes) -> Notification:
    """The notification in an outbox row.

    Raises:
        msgspec.DecodeError: when the body is no notification.
    """
    return _decode(body)


def encode_notification(notification: Notification) -> bytes:
    """The bytes an outbox row keeps."""
    return _encode(notification)


def _readers(channels: Sequence[ChannelSpec]) -> Sequence[ChannelSpec]:
    """The channels a notice goes to: where people read without being called out, else where people are, else all."""
    people = [spec for spec in channels if spec.for_people]
    return [spec for spec in people if not spec.per_alert] or people or channels


def _notice(due: NoticeDue, spec: ChannelSpec, number: int, links: Links) -> OutboxRow:
    """A notice has an incident of its own: it opens one message and is never brought up to date."""
    id_ = _digest(due.receiver, spec.name, str(due.reason), due.title, str(due.at), str(number))
    note = Notification(
        id=id_,
        receiver=due.receiver,
        group=f"{due.reason}:{due.owner}",
        group_labels={"owner": due.owner} if due.owner else {},
        incident=id_,
        status=str(Status.FIRING),
        reason=str(due.reason),
        page=True,
        at=format_instant(due.at),
        alerts=(),
        external_url=links.external_url,
        title=due.title,
        lines=due.lines,
    )
    return OutboxRow(
        id=id_,
        receiver=due.receiver,
        channel=spec.name,
        incident=id_,
        priority=NOTICE,
        created=due.at,
        body=encode_notification(note),
    )


def _hears(spec: ChannelSpec, audience: Audience) -> bool:
    """In a storm people and machines are told different things."""
    if audience is Audience.ALL:
        return True
    return spec.for_people is (audience is Audience.PEOPLE)


def _portions(due: NotificationDue, spec: ChannelSpec) -> list[tuple[tuple[Told, ...], bool]]:
    """What goes to one channel: portions of the group, each with whether it stands alone (its own incident)."""
    if not due.page and not spec.updates_in_place:
        return []
    told = due.alerts
    if not spec.send_resolved:
        if due.reason is Reason.SOME_RESOLVED:
            return []  # The rest of its receiver wants to know; this channel was told of all that fires.
        told = tuple(t for t in told if t.status is not Status.RESOLVED)
    if not told:
        return []
    if not spec.per_alert or due.storm > 0:
        return [(told, False)]
    return [((one,), True) for one in _changed(told, due.page)]


def _changed(told: tuple[Told, ...], page: bool) -> tuple[Told, ...]:
    """The alerts a channel per alert hears about.

    A page that changes nothing (a reminder, the same thing again) tells all that fires; a quiet update tells its alert when it
    is about one alone: anything else would repeat the whole group.
    """
    changed = tuple(t for t in told if t.changed)
    if changed:
        return changed
    if page:
        return tuple(t for t in told if t.status is Status.FIRING) or told
    return told if len(told) == 1 else ()


def _teller(due: NotificationDue, plan: Plan, links: Links) -> Callable[[Told], PageAlert]:
    """Tells each alert at most once, however many channels show it."""
    known: dict[str, PageAlert] = {}

    foreigners = ForeignTeller(due, plan, links)

    def tell_one(told: Told) -> PageAlert:
        alert = told.alert
        page = known.get(alert.alert)
        if page is None:
            if alert.foreign is not None:
                page = foreigners.tell(told, alert.foreign)
            else:
                page = tell(told, due, plan, links)
            known[alert.alert] = page
        return page

    return tell_one


def _notification(
    due: NotificationDue, spec: ChannelSpec, told: tuple[Told, ...], alone: bool, number: int
) -> Notification:
    one = told[0].alert.alert if alone else ""
    return Notification(
        id=_id(due, spec, one, number),
        receiver=due.receiver,
        group=due.group,
        group_labels=dict(due.group_labels),
        incident=one or due.incident,
        status=str(told[0].status if alone else _status(due, told)),
        reason=str(due.reason),
        page=due.page,
        at=format_instant(due.at),
        alerts=(),
        storm=due.storm,
        story=story(told),
        next_page=next_page(due) if due.status is Status.FIRING else "",
        more=max(0, len(told) - _most(spec)),
    )


def _status(due: NotificationDue, told: Sequence[Told]) -> Status:
    """The group's status; when resolved alerts were left out, that of the rest."""
    left = {t.status for t in told}
    return due.status if len(told) == len(due.alerts) or len(left) != 1 else left.pop()


def _most(spec: ChannelSpec) -> int:
    return LISTED if spec.for_people else LISTED_FOR_MACHINES


def _listed(told: tuple[Told, ...], most: int) -> tuple[Told, ...]:
    """All alerts of a small group; of a large one the worst new ones first."""
    if len(told) <= most:
        return told
    ordered = sorted(
        told,
        key=lambda t: (
            t.status is not Status.FIRING,
            not t.changed,
            severity_rank(t.alert.severity),
        ),
    )
    return tuple(ordered[:most])


def _row(note: Notification, spec: ChannelSpec, at: Instant, told: tuple[Told, ...]) -> OutboxRow:
    firing = [t for t in told if t.status is Status.FIRING]
    worst = min(severity_rank(t.alert.severity) for t in firing or told)
    return OutboxRow(
        id=note.id,
        receiver=note.receiver,
        channel=spec.name,
        incident=note.incident,
        priority=worst if note.page and firing else QUIET + worst,
        created=at,
        body=encode_notification(note),
        alerts=tuple(one.alert for one in note.alerts),
    )


def _id(due: NotificationDue, spec: ChannelSpec, alert: str, number: int) -> str:
    return _digest(
        due.receiver, spec.name, due.incident, due.group, str(due.at), str(number), alert
    )


def _digest(*parts: str) -> str:
    digest = blake2b(
        "\x1f".join(parts).encode("utf-8", "replace"), digest_size=16, person=b"notification"
    )
    return f"msg_{digest.hexdigest()}"
