"""One alert of another system: how it is made of what was posted, joined with what is known, and written down.

Law: pure values. Times and identity are Alertmanager's (types.Alert.Merge); constructors are written out, because a source sends a hundred
thousand alerts every minute.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from sys import intern
from typing import cast

from rulesd.core.machine import NOT_DUE
from rulesd.model.alert import Alert, Foreign
from rulesd.model.event import Json
from rulesd.model.inputs import PostedAlert
from rulesd.model.instant import Instant
from rulesd.model.reasons import AlertState


def fires(alert: Alert) -> bool:
    """Whether it is on."""
    return alert.state is AlertState.FIRING


def end_of(alert: Alert) -> Instant:
    """When it is over unless its source sends it again; never, for one that is no alert of another system."""
    return NOT_DUE if alert.foreign is None else alert.foreign.ends_at


def merge(old: Foreign, new: Foreign, now: Instant) -> Foreign:
    """What is known and what is posted later, joined when their times overlap, else the later one as it is."""
    overlaps = (
        old.starts_at < new.ends_at < old.ends_at or old.starts_at < new.starts_at < old.ends_at
    )
    if not overlaps:
        return new
    ends = new.ends_at
    if new.ends_at <= now:
        if old.ends_at <= now:
            ends = max(ends, old.ends_at)
    elif not old.timeout:
        ends = max(ends, old.ends_at)
    starts = min(old.starts_at, new.starts_at)
    if (starts, ends) == (new.starts_at, new.ends_at):
        return new
    return replace(new, starts_at=starts, ends_at=ends)


def told_by(posted: PostedAlert, old: Alert | None, now: Instant) -> Foreign:
    """What was posted; texts that are the same as before are kept once."""
    annotations, url = posted.annotations, posted.generator_url
    before = None if old is None else old.foreign
    if before is not None and not posted.labels:
        annotations, url = before.annotations, before.generator_url
    else:
        url = intern(str(url))
        if before is not None and before.annotations == annotations:
            annotations = before.annotations
    return Foreign(
        annotations=annotations,
        generator_url=url,
        starts_at=posted.starts_at,
        ends_at=posted.ends_at,
        timeout=posted.timeout,
        updated_at=now,
    )


def opened(
    name: str,
    id_: str,
    labels: Mapping[str, str],
    new: Foreign,
    now: Instant,
    ended_at: Instant | None,
) -> Alert:
    """A new episode."""
    return Alert(
        alert=id_,
        rule=labels.get("alertname", ""),
        fingerprint=name,
        labels=labels,
        context=_NO_CONTEXT,
        severity=labels.get("severity", ""),
        owner=labels.get("owner", ""),
        state=AlertState.FIRING if ended_at is None else AlertState.RESOLVED,
        value=1.0,
        threshold=None,
        count=1,
        since=new.starts_at,
        event_time=now,
        started_at=now,
        ended_at=ended_at,
        foreign=new,
    )


_NO_CONTEXT: Mapping[str, str] = {}


def renewed(old: Alert, new: Foreign, ended_at: Instant | None) -> Alert:
    """The same episode with what is known now. Written out: a source sends a hundred thousand of them every minute."""
    return Alert(
        alert=old.alert,
        rule=old.rule,
        fingerprint=old.fingerprint,
        labels=old.labels,
        context=_NO_CONTEXT,
        severity=old.severity,
        owner=old.owner,
        state=AlertState.FIRING if ended_at is None else AlertState.RESOLVED,
        value=old.value,
        threshold=None,
        count=old.count,
        since=new.starts_at,
        event_time=old.event_time,
        started_at=old.started_at,
        ended_at=ended_at,
        acknowledged_by=old.acknowledged_by,
        foreign=new,
    )


def dump_foreign(alert: Alert) -> Json:
    """A foreign alert as plain data, as short as it can be: there may be a hundred thousand."""
    foreign = alert.foreign
    assert foreign is not None
    return [
        alert.alert,
        dict(alert.labels),
        alert.started_at,
        alert.ended_at,
        alert.acknowledged_by,
        dict(foreign.annotations),
        foreign.generator_url,
        foreign.starts_at,
        foreign.ends_at,
        foreign.timeout,
        foreign.updated_at,
    ]


Share = Callable[[Mapping[str, str]], dict[str, str]]
"Labels in, the same labels with shared texts out."


def load_foreign(name: str, data: Json, share: Share) -> Alert:
    """From what ``dump_foreign`` gave."""
    assert isinstance(data, list)
    id_, labels, started, ended, by, annotations, url, starts, ends, timeout, updated = data
    foreign = Foreign(
        annotations=cast("dict[str, str]", annotations),
        generator_url=intern(str(url)),
        starts_at=cast("int", starts),
        ends_at=cast("int", ends),
        timeout=timeout is True,
        updated_at=cast("int", updated),
    )
    at, over = cast("int", started), cast("int | None", ended)
    texts = share(cast("dict[str, str]", labels))
    made = opened(name, str(id_), texts, foreign, at, over)
    return replace(made, acknowledged_by=str(by)) if by else made
