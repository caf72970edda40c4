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
from rulesd.model.quick import quick
from rulesd.model.reasons import AlertState

_make_alert = quick(
    Alert,
    *("alert", "rule", "fingerprint", "labels", "context", "severity", "owner", "state"),
    *("value", "threshold", "count", "since", "event_time", "started_at", "ended_at", "causes"),
    *("never", "acknowledged_by", "could_not_evaluate", "foreign"),
)
_make_foreign = quick(
    Foreign, "annotations", "generator_url", "starts_at", "ends_at", "timeout", "updated_at"
)


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
    return _make_foreign(annotations, url, posted.starts_at, posted.ends_at, posted.timeout, now)


def opened(
    name: str,
    id_: str,
    labels: Mapping[str, str],
    new: Foreign,
    now: Instant,
    ended_at: Instant | None,
) -> Alert:
    """A new episode."""
    firing = ended_at is None
    return _make_alert(
        id_,
        labels.get("alertname", ""),
        name,
        labels,
        _NO_CONTEXT,
        labels.get("severity", ""),
        labels.get("owner", ""),
        AlertState.FIRING if firing else AlertState.RESOLVED,
        1.0,
        None,
        1,
        new.starts_at,
        now,
        now,
        ended_at,
        (),
        False,
        "",
        False,
        new,
    )


_NO_CONTEXT: Mapping[str, str] = {}


def renewed(old: Alert, new: Foreign, ended_at: Instant | None) -> Alert:
    """The same episode with what is known now. Written out: a source sends a hundred thousand of them every minute."""
    firing = ended_at is None
    return _make_alert(
        old.alert,
        old.rule,
        old.fingerprint,
        old.labels,
        _NO_CONTEXT,
        old.severity,
        old.owner,
        AlertState.FIRING if firing else AlertState.RESOLVED,
        old.value,
        None,
        old.count,
        new.starts_at,
        old.event_time,
        old.started_at,
        ended_at,
        (),
        False,
        old.acknowledged_by,
        False,
        new,
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
