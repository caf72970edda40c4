"""Alerts of other systems (API v2): Alertmanager's rules for joining what is posted again, and their episodes.

Law: pure. Labels, times and identity are Alertmanager's (provider/mem, types.Alert.Merge); ours are the episode around them and
what people say. An alert is over at ``ends_at``, unless its source sends it again before. What is over is remembered until a sweep
on a fixed half-hour grid, because a late post may still overlap it.

A post that changes no state is no decision: a source that repeats 100,000 alerts every minute must not fill the decision log. A
person's "resolved" ends an alert until its source sends it again: rulesd cannot know better than the source for longer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from sys import intern
from typing import cast

from rulesd.core.labels import Key
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert, Foreign
from rulesd.model.decision import AlertChanged, Decision, Kind
from rulesd.model.event import Json
from rulesd.model.fingerprint import episode_id, fingerprint
from rulesd.model.inputs import (
    Acknowledged,
    Input,
    PostedAlert,
    ResolvedByPerson,
    Unacknowledged,
)
from rulesd.model.instant import MINUTE, Instant, Milliseconds
from rulesd.model.reasons import AlertState, Reason

SWEEP: Milliseconds = 30 * MINUTE
"The grid on which alerts that are over are forgotten (Alertmanager's ``alerts.gc-interval``, here in step with the clock)."


MOST_TEXTS = 5_000
"Different values that are worth keeping once; what many alerts share is among the first."


class ForeignAlerts:
    """Every alert other systems have posted: those that fire, and those that were over a short time ago."""

    name = "foreign"

    def __init__(self) -> None:
        """Start with none."""
        self.known: dict[str, Alert] = {}
        "By fingerprint."

        self.due: Instant = NOT_DUE
        self.dirty: dict[str, None] = {}
        "Fingerprints whose row changed since the last checkpoint."

        self._ends: dict[Instant, list[str]] = {}
        "Whom to look at when: each firing alert at its end, or earlier. A source sends many with one end."

        self._order: list[Instant] = []
        "The times of ``_ends`` as a heap."

        self._texts: dict[str, str] = {}
        "Values that many alerts have, once."

        self._over = 0
        "How many of the known are over."

        self._firing: list[str] | None = None
        "Those that fire, in order; ``None``: look again."

        self._sweep: Instant = NOT_DUE

    # ------------------------------------------------------------------ posts

    def post(self, posted: Sequence[PostedAlert], now: Instant, out: list[Decision]) -> list[Alert]:
        """Take what one request posted; returns each as it now stands, for Dispatch."""
        made = [self._post(each, now, out) for each in posted]
        self._look(now)
        return made

    def _post(self, posted: PostedAlert, now: Instant, out: list[Decision]) -> Alert:
        name = fingerprint(posted.labels)
        old = self.known.get(name)
        new = _foreign(posted, old, now)
        if old is not None and old.foreign is not None:
            new = merge(old.foreign, new, now)
        firing = new.ends_at > now
        fired = old is not None and old.state is AlertState.FIRING
        if old is not None and (fired or not firing):
            alert = _renewed(old, new, None if firing else old.ended_at or now)
        else:
            id_ = episode_id("", (name,), "", now)
            labels = self._shared(posted.labels)
            alert = _opened(name, id_, labels, new, now, None if firing else now)
        self.known[name] = alert
        self.dirty[name] = None
        self._over += (not firing) - (old is not None and not fired)
        if firing and (old is None or not fired or new.ends_at < _end(old)):
            self._arm(name, new.ends_at)
        if firing != fired:
            self._firing = None
        if firing and not fired:
            out.append(_changed(Kind.FIRING, Reason.CONDITION_MET, alert, now))
        elif fired and not firing:
            out.append(_changed(Kind.RESOLVED, Reason.CONDITION_CLEARED, alert, now))
        return alert

    # ------------------------------------------------------------------ people

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """Take what a person says about one of these alerts."""
        if not isinstance(item, Acknowledged | Unacknowledged | ResolvedByPerson):
            return False
        if not isinstance(item, ResolvedByPerson):
            by = item.by if isinstance(item, Acknowledged) else ""
            return self.acknowledge(item.alert, by, now, out)
        old = self._find(item.alert)
        if old is not None:
            self._resolve(old, item.by, now, out)
        return old is not None

    def acknowledge(
        self, id_: str, by: str, now: Instant, out: list[Decision], why: Reason | None = None
    ) -> bool:
        """A person takes an alert, or (empty ``by``) it is given back. ``False``: it is not here."""
        old = self._find(id_)
        if old is None:
            return False
        if old.acknowledged_by != by:
            alert = replace(old, acknowledged_by=by)
            self.known[old.fingerprint] = alert
            self.dirty[old.fingerprint] = None
            reason = Reason.ACKNOWLEDGED if by else Reason.UNACKNOWLEDGED
            out.append(_changed(Kind.UPDATED, why or reason, alert, now))
        return True

    def _find(self, id_: str) -> Alert | None:
        return next((alert for alert in self.alerts() if alert.alert == id_), None)

    def _resolve(self, old: Alert, by: str, now: Instant, out: list[Decision]) -> None:
        assert old.foreign is not None
        new = replace(old.foreign, ends_at=now, timeout=False, updated_at=now)
        alert = replace(_renewed(old, new, now), acknowledged_by=by)
        self._end(alert)
        out.append(_changed(Kind.RESOLVED, Reason.RESOLVED_BY_PERSON, alert, now))
        self._look(now)

    # ------------------------------------------------------------------ time

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """End what was not sent again in time; forget what is over."""
        while self._order and self._order[0] <= now:
            # One that was told to end earlier may stand here twice.
            for name in sorted(set(self._ends.pop(heappop(self._order)))):
                self._expire(name, now, out)
        if self._sweep <= now:
            over = [n for n, a in self.known.items() if a.state is not AlertState.FIRING]
            for name in over:
                del self.known[name]
                self.dirty[name] = None
            self._over, self._sweep = 0, NOT_DUE
            self._texts.clear()
        self._look(now)

    def _expire(self, name: str, now: Instant, out: list[Decision]) -> None:
        old = self.known.get(name)
        if old is None or old.foreign is None or old.state is not AlertState.FIRING:
            return
        if old.foreign.ends_at > now:
            self._arm(name, old.foreign.ends_at)
            return
        alert = _renewed(old, old.foreign, now)
        self._end(alert)
        out.append(_changed(Kind.RESOLVED, Reason.CONDITION_CLEARED, alert, now))

    def _arm(self, name: str, at: Instant) -> None:
        names = self._ends.get(at)
        if names is None:
            self._ends[at] = [name]
            heappush(self._order, at)
        else:
            names.append(name)

    def _end(self, alert: Alert) -> None:
        self.known[alert.fingerprint] = alert
        self.dirty[alert.fingerprint] = None
        self._firing = None
        self._over += 1

    def _shared(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels, with texts that others have, too, kept once."""
        texts = self._texts
        if len(texts) < MOST_TEXTS:
            return {intern(str(n)): texts.setdefault(v, v) for n, v in labels.items()}
        return {intern(str(n)): texts.get(v, v) for n, v in labels.items()}

    def _look(self, now: Instant) -> None:
        if self._over and self._sweep == NOT_DUE:
            self._sweep = (now // SWEEP + 1) * SWEEP
        self.due = min(self._order[0] if self._order else NOT_DUE, self._sweep)

    # ------------------------------------------------------------------ the rest of a machine

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Nothing follows from decisions."""

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """No plan changes what others posted."""

    def alerts(self) -> list[Alert]:
        """Those that fire, the oldest first, in the same order before and after a restart."""
        if self._firing is None:
            firing = [a for a in self.known.values() if a.state is AlertState.FIRING]
            firing.sort(key=lambda alert: (alert.started_at, alert.fingerprint))
            self._firing = [alert.fingerprint for alert in firing]
        return [self.known[name] for name in self._firing]

    def dump(self) -> Json:
        """Only the sweep: each alert is a row of its own."""
        return None if self._sweep == NOT_DUE else self._sweep

    def load(self, data: Json) -> None:
        """From what ``dump`` gave, after the rows."""
        firing = self.alerts()
        for alert in firing:
            self._arm(alert.fingerprint, _end(alert))
        self._over = len(self.known) - len(firing)
        self._sweep = data if isinstance(data, int) else NOT_DUE
        self.due = min(self._order[0] if self._order else NOT_DUE, self._sweep)

    def changes(self) -> Iterator[tuple[Key, Json]]:
        """Rows that changed since the last call, by fingerprint; ``None``: it is gone."""
        dirty, self.dirty = self.dirty, {}
        for name in dirty:
            alert = self.known.get(name)
            yield (name,), None if alert is None else dump_foreign(alert)

    def rows(self) -> Iterator[tuple[Key, Json]]:
        """Every row."""
        return (((name,), dump_foreign(alert)) for name, alert in self.known.items())

    def load_row(self, key: Key, data: Json) -> None:
        """One row; the rest follows by ``load``."""
        (name,) = key
        self._firing = None
        self.known[name] = load_foreign(name, data, self._shared)


def _end(alert: Alert) -> Instant:
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


def _foreign(posted: PostedAlert, old: Alert | None, now: Instant) -> Foreign:
    """What was posted; texts that are the same as before are kept once."""
    annotations = posted.annotations
    if old is not None and old.foreign is not None and old.foreign.annotations == annotations:
        annotations = old.foreign.annotations
    return Foreign(
        annotations=annotations,
        generator_url=intern(str(posted.generator_url)),
        starts_at=posted.starts_at,
        ends_at=posted.ends_at,
        timeout=posted.timeout,
        updated_at=now,
    )


def _opened(
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


def _renewed(old: Alert, new: Foreign, ended_at: Instant | None) -> Alert:
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


def _changed(kind: Kind, reason: Reason, alert: Alert, now: Instant) -> AlertChanged:
    return AlertChanged(kind=kind, at=now, reason=reason, alert=alert)


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
    made = _opened(name, str(id_), texts, foreign, at, over)
    return replace(made, acknowledged_by=str(by)) if by else made
