"""Silences: which of them hold an alert back now, when they end, and what they have held back so far.

Law: pure. What a silence says is decided by whoever wrote it down (Alertmanager's rules stand at the door, in the runners); here it is
kept, asked, counted, and ended when its time has come. A silence that cannot be understood holds nothing back.

Alertmanager's silence, with four things it lacks. An alert of a must-never-happen rule is held back only by a silence that a
second person approved and that is no longer than ``NEVER_LONGEST``; any other is kept and shown as not applied. A silence may end when the
last alert it covers has resolved. It may be active in recurring windows only. And before it ends, the owners of what it hides are told.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from heapq import heappop, heappush

from rulesd.core.labels import Key
from rulesd.core.machine import NOT_DUE
from rulesd.core.plan import Maturity, Plan
from rulesd.core.silence_index import file
from rulesd.core.silence_memory import Memory
from rulesd.core.silence_state import Act, Did, Entry, Record, changes, pack, unpack
from rulesd.model.alert import Alert
from rulesd.model.decision import AlertChanged, Decision, Kind, NoticeDue
from rulesd.model.event import Json
from rulesd.model.inputs import Input, SilenceExpired, SilenceSet
from rulesd.model.instant import HOUR, MINUTE, Instant, Milliseconds, format_instant
from rulesd.model.reasons import AlertState, Reason
from rulesd.model.silence import Silence

NEVER_LONGEST: Milliseconds = 4 * HOUR
"An approved silence may be so long, from start to end, and still hold back must-never-happen alerts."

KEPT: Milliseconds = 120 * HOUR
"A silence that is over is kept so long (Alertmanager's retention)."

WARNING: Milliseconds = 15 * MINUTE
"So long before the end the owners of what it hides are told; shorter silences end without a word."

MOST_ACTS = 50
"Acts kept for one silence: the first, and the latest."

NAMED = 10
"Alerts that a warning names one by one."

FEW = 8
"So many silences at once are looked for one by one."

Firing = Callable[[], Iterable[Alert]]
"What is firing now; an alert may come more than once."


def suits_never(silence: Silence) -> bool:
    """Whether it may hold back must-never-happen alerts: approved by a second person, and short."""
    return bool(silence.approved_by) and silence.ends_at - silence.starts_at <= NEVER_LONGEST


class Silences:
    """Every silence that is pending, active, or over for less than ``KEPT``."""

    name = "silences"

    def __init__(self, plan: Plan, firing: Firing = tuple) -> None:
        """Start with none."""
        self.plan = plan
        self.due: Instant = NOT_DUE
        self._firing = firing
        self._entries: dict[str, Entry] = {}
        self._memory = Memory()
        self._index = self._memory.index
        self._ending: dict[str, Entry] = {}
        "Those that end with the alerts they cover."
        self._heap: list[tuple[Instant, str]] = []
        self._dirty: dict[str, None] = {}
        "Ids of those that changed since the last checkpoint."

    # ------------------------------------------------------------------ asking

    def silencing(self, alert: Alert, now: Instant) -> tuple[str, ...]:
        """Ids of the silences that hold this alert back now, in order; empty: it may page."""
        return tuple(e.silence.id for e in self._covering(alert, now) if _applies(e, alert))

    def unapplied(self, alert: Alert, now: Instant) -> tuple[str, ...]:
        """Ids of active silences that speak of this alert and do not hold it back, because it must never happen."""
        return tuple(e.silence.id for e in self._covering(alert, now) if not _applies(e, alert))

    def _covering(self, alert: Alert, now: Instant) -> list[Entry]:
        if not self._index:
            return []
        found = (self._entries[id_] for id_ in self._memory.find(alert))
        return [entry for entry in found if entry.open(now)]

    def glance(self, ids: Iterable[str]) -> Callable[[Alert], bool]:
        """A quick test that tells most alerts none of these silences speaks of; of many silences it tells nothing."""
        filed = [f for f in map(self._index.get, ids) if f is not None]
        if len(filed) > FEW:
            return lambda alert: True
        return lambda alert: any(f.near(alert) for f in filed)

    def live(self) -> bool:
        """Whether any silence is pending or active at all."""
        return bool(self._index)

    def listing(self) -> list[Silence]:
        """Every silence that is kept, in the order in which they were first made."""
        return [entry.silence for entry in self._entries.values()]

    def records(self) -> list[Record]:
        """Every silence with its history."""
        return [entry.record() for entry in self._entries.values()]

    def find(self, id_: str) -> Record | None:
        """One silence with its history."""
        entry = self._entries.get(id_)
        return None if entry is None else entry.record()

    # ------------------------------------------------------------------ inputs

    def take(self, item: Input, now: Instant, out: list[Decision]) -> bool:
        """Take what a person did to a silence."""
        match item:
            case SilenceSet():
                self._set(item.silence, item.by, now)
            case SilenceExpired():
                self._expire(item.id, item.by, Did.EXPIRED, "", now)
            case _:
                return False
        self._look()
        return True

    def _set(self, silence: Silence, by: str, now: Instant) -> None:
        entry = self._entries.get(silence.id)
        if entry is None:
            entry = self._entries[silence.id] = Entry(silence)
            _note(entry, Act(now, by, Did.CREATED, ""))
        else:
            did, what = changes(entry.silence, silence)
            _note(entry, Act(now, by, did, what))
            entry.silence = silence
        entry.warned = silence.ends_at - WARNING <= max(now, silence.starts_at)
        entry.covered = False
        self._close(entry)
        if now < silence.ends_at:
            self._prepare(entry)
            if silence.end_on_resolve and silence.starts_at <= now:
                self._cover(entry, now)
        self._arm(entry)

    def _prepare(self, entry: Entry) -> None:
        """File it, unless it cannot be understood."""
        silence = entry.silence
        entry.after, entry.window = None, (0, 0, False)
        try:
            filed = file(silence, self.plan.regex)
            if silence.cron:
                zone = f"CRON_TZ={silence.timezone} " if silence.timezone else ""
                entry.after = self.plan.schedule(zone + silence.cron)
        except ValueError:
            return
        self._memory.add(filed)
        if silence.end_on_resolve:
            self._ending[silence.id] = entry

    def _expire(self, id_: str, by: str, did: Did, why: str, now: Instant) -> None:
        entry = self._entries.get(id_)
        if entry is None or now >= entry.silence.ends_at:
            return
        starts = min(entry.silence.starts_at, now)
        entry.silence = replace(entry.silence, starts_at=starts, ends_at=now, updated_at=now)
        _note(entry, Act(now, by, did, why))
        self._close(entry)
        self._arm(entry)

    def _close(self, entry: Entry) -> None:
        self._memory.remove(entry.silence.id)
        self._ending.pop(entry.silence.id, None)
        entry.covers.clear()

    # ------------------------------------------------------------------ what happens to alerts

    def follow(self, decision: Decision, now: Instant, out: list[Decision]) -> None:
        """Count what was held back; end what ends with its alerts."""
        if not isinstance(decision, AlertChanged):
            return
        alert = decision.alert
        if decision.kind is Kind.SUPPRESSED and decision.reason is Reason.SILENCED:
            for entry in filter(None, map(self._entries.get, decision.held_by)):
                entry.held_back += 1
                entry.last_held = now
                self._dirty[entry.silence.id] = None
        elif self._ending and decision.kind in (Kind.FIRING, Kind.UPDATED):
            if alert.state is AlertState.FIRING and not self._shadow(alert):
                for id_ in self.silencing(alert, now):
                    if id_ in self._ending:
                        self._ending[id_].covers[alert.alert] = None
                        self._dirty[id_] = None
        elif decision.kind is Kind.RESOLVED:
            self._memory.forget(alert)
            self._resolved(alert, now)

    def _resolved(self, alert: Alert, now: Instant) -> None:
        """End what ends with this alert."""
        for id_, entry in list(self._ending.items()):
            if alert.alert not in entry.covers:
                continue
            del entry.covers[alert.alert]
            self._dirty[id_] = None
            if not entry.covers:
                why = "the last alert it covered has resolved"
                self._expire(id_, "rulesd", Did.ENDED, why, now)
        self._look()

    def _cover(self, entry: Entry, now: Instant) -> None:
        """Look for what fired before it began."""
        entry.covered = True
        for _, alert in self._hidden([entry], now):
            entry.covers[alert.alert] = None

    def _shadow(self, alert: Alert) -> bool:
        """Whether it never pages anyway."""
        position = self.plan.by_id.get(alert.rule)
        rule = None if position is None else self.plan.rules[position]
        return rule is not None and rule.maturity is Maturity.SHADOW

    # ------------------------------------------------------------------ time

    def handle_timer(self, now: Instant, out: list[Decision]) -> None:
        """Begin, warn, end, forget."""
        ending: list[Entry] = []
        while self._heap and self._heap[0][0] <= now:
            due, id_ = heappop(self._heap)
            if self._valid(due, id_):
                entry = self._entries[id_]
                entry.armed = None
                self._turn(entry, now, ending)
        if ending:
            self._warn(ending, now, out)
        self._look()

    def _valid(self, due: Instant, id_: str) -> bool:
        """Whether a deadline still stands."""
        entry = self._entries.get(id_)
        return entry is not None and entry.armed == due

    def _turn(self, entry: Entry, now: Instant, ending: list[Entry]) -> None:
        """Do what is due; who is to be warned of is added to ``ending``."""
        silence = entry.silence
        if now >= silence.ends_at + KEPT:
            del self._entries[silence.id]
            self._dirty[silence.id] = None
            return
        if now >= silence.ends_at:
            self._close(entry)
        elif silence.end_on_resolve and not entry.covered and now >= silence.starts_at:
            self._cover(entry, now)
        else:
            entry.warned = True
            ending.append(entry)
        self._arm(entry)

    def _arm(self, entry: Entry) -> None:
        """Set its next deadline; whatever led here changed it."""
        silence = entry.silence
        self._dirty[silence.id] = None
        if silence.id not in self._index:
            due = silence.ends_at + KEPT
        elif silence.end_on_resolve and not entry.covered:
            due = silence.starts_at
        else:
            due = silence.ends_at if entry.warned else silence.ends_at - WARNING
        if entry.armed != due:
            entry.armed = due
            heappush(self._heap, (due, silence.id))

    def _look(self) -> None:
        while self._heap and not self._valid(*self._heap[0]):
            heappop(self._heap)
        self.due = self._heap[0][0] if self._heap else NOT_DUE

    def _hidden(self, entries: list[Entry], now: Instant) -> Iterator[tuple[Entry, Alert]]:
        """What each of these holds back of all that fires. There may be a hundred thousand: most are passed over at a glance."""
        wanted = {entry.silence.id: entry for entry in entries}
        may = self.glance(wanted)
        for alert in self._firing():
            if may(alert):
                for id_ in self.silencing(alert, now):
                    if id_ in wanted:
                        yield wanted[id_], alert

    def _warn(self, entries: list[Entry], now: Instant, out: list[Decision]) -> None:
        """Tell every owner which of their alerts will page again."""
        hidden: dict[tuple[str, str], dict[str, Alert]] = {}
        for entry, alert in self._hidden(entries, now):
            owner = alert.owner or alert.all_labels().get("owner", "")
            hidden.setdefault((entry.silence.id, owner), {})[alert.alert] = alert
        for (id_, owner), alerts in hidden.items():
            silence = self._entries[id_].silence
            ends = format_instant(silence.ends_at)[:16].replace("T", " ") + " UTC"
            lines = [_named(alert) for alert in list(alerts.values())[:NAMED]]
            if len(alerts) > NAMED:
                lines.append(f"and {len(alerts) - NAMED} more")
            author = " ".join(silence.created_by.split())[:100]
            lines.append(f"silence {id_} by {author}")
            many = "alert pages" if len(alerts) == 1 else "alerts page"
            out.append(
                NoticeDue(
                    at=now,
                    reason=Reason.SILENCE_ENDS,
                    receiver=self.plan.receiver_for(owner, "") or self.plan.root.receiver,
                    owner=owner,
                    title=f"A silence ends at {ends}: {len(alerts)} {many} again",
                    lines=tuple(lines),
                )
            )

    # ------------------------------------------------------------------ plan and state

    def replace(self, plan: Plan, now: Instant, out: list[Decision]) -> None:
        """Take a new plan; silences do not depend on rules."""
        self.plan = plan

    def alerts(self) -> list[Alert]:
        """None live here."""
        return []

    def dump(self) -> Json:
        """Nothing: silences are kept row by row."""
        return None

    def load(self, data: Json) -> None:
        """Every row is there."""
        self._look()

    def changes(self) -> Iterator[tuple[Key, Json]]:
        """Silences that changed since the last call; ``None``: forgotten."""
        dirty, self._dirty = self._dirty, {}
        for id_ in dirty:
            entry = self._entries.get(id_)
            yield (id_,), None if entry is None else self._row(entry)

    def rows(self) -> Iterator[tuple[Key, Json]]:
        """Every silence."""
        for id_, entry in self._entries.items():
            yield (id_,), self._row(entry)

    def _row(self, entry: Entry) -> Json:
        live = entry.silence.id in self._index
        return [pack(entry.record()), live, list(entry.covers), entry.covered, entry.warned]

    def load_row(self, key: Key, data: Json) -> None:
        """One silence as it was."""
        assert isinstance(data, list)
        packed, live, covers, covered, warned = data
        assert isinstance(covers, list)
        record = unpack(packed)
        entry = Entry(record.silence, list(record.acts), record.held_back, record.last_held)
        entry.covers = {str(name): None for name in covers}
        entry.covered, entry.warned = bool(covered), bool(warned)
        self._entries[key[0]] = entry
        if live:
            self._prepare(entry)
        self._arm(entry)


def _applies(entry: Entry, alert: Alert) -> bool:
    return not alert.never or alert.foreign is not None or suits_never(entry.silence)


def _note(entry: Entry, act: Act) -> None:
    entry.acts.append(act)
    if len(entry.acts) > MOST_ACTS:
        del entry.acts[1]


def _named(alert: Alert) -> str:
    labels = " ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
    return " ".join(filter(None, (alert.severity, alert.rule, labels)))
