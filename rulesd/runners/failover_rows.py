"""The rows of a failover: the same page for another receiver's channels, and later what became of it.

Law: pure. The same page gives the same rows, ids included, whichever of its channels failed first and however often it is asked.
Identities stay: the incident and the alerts' ids are those of the page, so one PagerDuty incident is one, whoever opened it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from rulesd.core.plan import ChannelSpec, Receiver
from rulesd.model.alert import severity_rank
from rulesd.model.instant import Instant
from rulesd.model.notification import Notification, PageAlert
from rulesd.notify.compose import QUIET, encode_notification
from rulesd.ports.store import OutboxRow


def page_rows(page: Notification, target: Receiver, sentence: str, at: Instant) -> list[OutboxRow]:
    """``page`` for every channel of ``target``. ``sentence`` says why it comes there."""
    return [
        _row(page, part, spec, sentence, at)
        for spec in target.channels
        for part in _parts(page, spec)
    ]


def later_rows(page: Notification, target: Receiver, sentence: str, at: Instant) -> list[OutboxRow]:
    """What came later of a page that was failed over (taken, resolved), for those channels of ``target`` that can show it."""
    return [
        _row(page, part, spec, sentence, at)
        for spec in target.channels
        if (page.page or spec.updates_in_place)
        and (page.status != "resolved" or spec.send_resolved)
        for part in _parts(page, spec)
    ]


def _parts(page: Notification, spec: ChannelSpec) -> Iterator[Sequence[PageAlert]]:
    """The alerts of each row: all in one, or each alone where the channel keeps an incident for each."""
    if spec.per_alert and not page.storm:
        yield from ((one,) for one in page.alerts)
    else:
        yield page.alerts


def _row(
    page: Notification, alerts: Sequence[PageAlert], spec: ChannelSpec, sentence: str, at: Instant
) -> OutboxRow:
    alone = spec.per_alert and not page.storm
    id_ = _id(page, alerts, spec)
    note = replace(
        page,
        id=id_,
        receiver=spec.receiver,
        incident=alerts[0].alert if alone else page.incident,
        status=alerts[0].status if alone else page.status,
        alerts=tuple(alerts),
        failover=sentence,
    )
    firing = [a for a in alerts if a.status == "firing"]
    worst = min(severity_rank(a.severity) for a in firing or alerts)
    return OutboxRow(
        id=id_,
        receiver=spec.receiver,
        channel=spec.name,
        incident=note.incident,
        priority=worst if page.page and firing else QUIET + worst,
        created=at,
        body=encode_notification(note),
        alerts=tuple(a.alert for a in alerts),
    )


def _id(page: Notification, alerts: Sequence[PageAlert], spec: ChannelSpec) -> str:
    """By what is told to whom, and not by which channel failed: two that fail owe one page."""
    named = sorted(a.alert for a in alerts)
    parts = (page.group, page.at, page.status, page.reason, spec.receiver, spec.name, *named)
    digest = blake2b(
        "\x1f".join(parts).encode("utf-8", "replace"), digest_size=16, person=b"failover"
    )
    return f"fo_{digest.hexdigest()}"
