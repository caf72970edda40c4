"""Alerts of other systems (API v2): Alertmanager's rules for joining what is posted again, and their episodes.

Law: pure. Labels, times and identity are Alertmanager's (provider/mem, types.Alert.Merge); ours are the episode around them and
what people say. An alert is over at ``ends_at``, unless its source sends it again before. What is over is remembered until a sweep
on a fixed half-hour grid, because a late post may still overlap it.

A post that changes no state is no decision: a source that repeats 100,000 alerts every minute must not fill the decision log. A
person's "resolved" ends an alert until its source sends it again: rulesd cannot know better than the source for longer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import islice
from sys import intern

from rulesd.core.foreign_alert import (
    dump_foreign,
    end_of,
    fires,
    load_foreign,
    merge,
    opened,
    renewed,
    told_by,
)
from rulesd.core.labels import Key
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
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
from rulesd.model.quick import quick
from rulesd.model.reasons import AlertState, Reason

SWEEP: Milliseconds = 30 * MINUTE
"The grid on which alerts that are over are forgotten (Alertmanager's ``alerts.gc-interval``, here in step with the clock)."


STEP = 200
"Alerts whose end has come that are looked at before others get a turn."

FORGOTTEN = 1_000
"Alerts that are forgotten before others get a turn."

MOST_TEXTS = 5_000
"Different values that are worth keeping once; what many alerts share is among the first."


class ForeignAlerts:
    """Every alert other systems have posted: those that fire, and those that were over a short time ago."""

    name = "foreign"

    def __init__(self) -> None:
        """Start with none."""
        self.known: dict[str, Alert] = {}
        "By fingerprint; those that fire in the order in which they began to, those of one moment by fingerprint."

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

        self._begun: tuple[Instant, list[str]] = (0, [])
        "The latest moment at which alerts began to fire, and which."

        self._ending: list[str] | None = None
        "Whom to look at yet, the last one first, of those whose end is the first in ``_order``."

        self._sweep: Instant = NOT_DUE

    # ------------------------------------------------------------------ posts

    def post(self, posted: Sequence[PostedAlert], now: Instant, out: list[Decision]) -> list[Alert]:
        """Take what one request posted; returns each as it now stands, for Dispatch.

        A repeat of what is not known any more (a journal whose beginning is gone) says too little to be an alert.
        """
        begun: list[str] = []
        known = self.known
        made = [
            self._post(each, now, begun, out)
            for each in posted
            if each.labels or each.fingerprint in known
        ]
        self._line_up(begun, now)
        self._look(now)
        return made

    def _post(
        self, posted: PostedAlert, now: Instant, begun: list[str], out: list[Decision]
    ) -> Alert:
        name = posted.fingerprint or fingerprint(posted.labels)
        old = self.known.get(name)
        new = told_by(posted, old, now)
        if old is not None and old.foreign is not None:
            new = merge(old.foreign, new, now)
        firing = new.ends_at > now
        fired = old is not None and old.state is AlertState.FIRING
        if old is not None and (fired or not firing):
            alert = renewed(old, new, None if firing else old.ended_at or now)
        else:
            id_ = episode_id("", (name,), "", now)
            labels = self._shared(posted.labels) if posted.labels or old is None else old.labels
            alert = opened(name, id_, labels, new, now, None if firing else now)
            self.known.pop(name, None)
            begun.append(name)
        self.known[name] = alert
        self.dirty[name] = None
        self._over += (not firing) - (old is not None and not fired)
        if firing and (old is None or not fired or new.ends_at < end_of(old)):
            self._arm(name, new.ends_at)
        if firing and not fired:
            out.append(_changed(Kind.FIRING, Reason.CONDITION_MET, alert, now))
        elif fired and not firing:
            out.append(_changed(Kind.RESOLVED, Reason.CONDITION_CLEARED, alert, now))
        return alert

    def _line_up(self, begun: list[str], now: Instant) -> None:
        """Alerts that began at one moment stand in order of fingerprint, however they came."""
        if not begun:
            return
        at, earlier = self._begun
        if at == now:
            begun = list(dict.fromkeys((*earlier, *begun)))
        self._begun = (now, begun)
        if len(begun) > 1:
            begun.sort()
            known = self.known
            for name in begun:
                known[name] = known.pop(name)

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
        return next((a for a in self.known.values() if a.alert == id_ and fires(a)), None)

    def _resolve(self, old: Alert, by: str, now: Instant, out: list[Decision]) -> None:
        assert old.foreign is not None
        new = replace(old.foreign, ends_at=now, timeout=False, updated_at=now)
        alert = replace(renewed(old, new, now), acknowledged_by=by)
        self._end(alert)
        out.append(_changed(Kind.RESOLVED, Reason.RESOLVED_BY_PERSON, alert, now))
        self._look(now)

    # ------------------------------------------------------------------ time

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """End what was not sent again in time; forget what is over. ``STEP`` of them at most: with more to do it stays due."""
        left = STEP
        while left and self._order and self._order[0] <= now:
            left = self._expire_some(self._order[0], left, now, out)
        if left and self._sweep <= now:
            over = (n for n, a in self.known.items() if not fires(a))
            names = list(islice(over, FORGOTTEN))
            for name in names:
                del self.known[name]
                self.dirty[name] = None
            self._over -= len(names)
            if len(names) < FORGOTTEN:
                self._over, self._sweep = 0, NOT_DUE
                self._texts.clear()
                self._begun = (0, [])
        self._look(now)

    def _expire_some(self, at: Instant, most: int, now: Instant, out: list[Decision]) -> int:
        """Look at some of those that end at ``at``, the oldest first: alerts of one group came together. Returns how many more there may be."""
        if self._ending is None:
            self._ending = self._oldest_last(dict.fromkeys(self._ends.pop(at)))
        some = self._ending[-most:]
        del self._ending[-most:]
        for name in reversed(some):
            self._expire(name, now, out)
        if not self._ending:
            heappop(self._order)
            self._ending = None
        return most - len(some)

    def _expire(self, name: str, now: Instant, out: list[Decision]) -> None:
        old = self.known.get(name)
        if old is None or old.foreign is None or old.state is not AlertState.FIRING:
            return
        if old.foreign.ends_at > now:
            self._arm(name, old.foreign.ends_at)
            return
        alert = renewed(old, old.foreign, now)
        self._end(alert)
        out.append(_changed(Kind.RESOLVED, Reason.CONDITION_CLEARED, alert, now))

    def _oldest_last(self, names: Mapping[str, None]) -> list[str]:
        """Those of them that are known, in the order in which they began: looked up in the order of all where they are many of all."""
        if len(names) * 8 > len(self.known):
            found = [name for name in self.known if name in names]
            found.reverse()
            return found
        known = sorted(
            (self.known[name] for name in names if name in self.known),
            key=lambda alert: (alert.started_at, alert.fingerprint),
            reverse=True,
        )
        return [alert.fingerprint for alert in known]

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
        self._over += 1

    def _shared(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels, with texts that others have, too, kept once."""
        texts = self._texts
        if len(texts) < MOST_TEXTS:
            return {intern(n): texts.setdefault(v, v) for n, v in labels.items()}
        return {intern(n): texts.get(v, v) for n, v in labels.items()}

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
        return [alert for alert in self.known.values() if fires(alert)]

    def dump(self) -> Json:
        """Only the sweep: each alert is a row of its own."""
        return None if self._sweep == NOT_DUE else self._sweep

    def load(self, data: Json) -> None:
        """From what ``dump`` gave, after the rows."""
        known = sorted(self.known.values(), key=lambda a: (a.started_at, a.fingerprint))
        self.known.clear()
        self.known.update((alert.fingerprint, alert) for alert in known)
        firing = self.alerts()
        for alert in firing:
            self._arm(alert.fingerprint, end_of(alert))
            if alert.started_at != self._begun[0]:
                self._begun = (alert.started_at, [])
            self._begun[1].append(alert.fingerprint)
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
        self.known[name] = load_foreign(name, data, self._shared)


def _changed(kind: Kind, reason: Reason, alert: Alert, now: Instant) -> AlertChanged:
    return _make_change(kind, now, reason, alert, ())


_make_change = quick(AlertChanged, "kind", "at", "reason", "alert", "held_by")
