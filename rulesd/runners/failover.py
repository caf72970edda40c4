"""Failover: a critical page that one receiver does not take in time goes to the next.

Law: a page that was given up, or not accepted within its deadline, is owed to the failover receiver in the same commit that
records it; so a crash loses neither. What was failed over once is not failed over again. When one of the two is accepted, the
other is withdrawn if it has not left yet; if it has, both carry one incident. What comes later of the page (taken, resolved) is
told where the page went.

The way ends at a receiver without failover; it never comes back to one it has left.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from heapq import heappop, heappush

import msgspec

from rulesd.core.plan import Plan, Receiver
from rulesd.model.alert import severity_rank
from rulesd.model.duration import format_duration
from rulesd.model.instant import DAY, MINUTE, SECOND, Instant, Milliseconds
from rulesd.model.notification import Notification
from rulesd.notify.compose import decode_notification
from rulesd.ports.store import OutboxDone, OutboxRow, Store
from rulesd.runners.delivery import Courier
from rulesd.runners.failover_rows import later_rows, page_rows

log = logging.getLogger(__name__)

PREFIX = "failover/"
DELIVERED = "delivered"
KEEP: Milliseconds = 7 * DAY
MOST = 2_000
"Pages whose failover is remembered; the oldest go first."

GRACE: Milliseconds = 15 * SECOND
"After a start, what was owed before gets this long before its deadline counts."

Place = tuple[str, str, str]
"(page id, receiver, channel)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Which pages fail over, and when."""

    after: Milliseconds = MINUTE
    severities: tuple[str, ...] = ("critical",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One page that was failed over."""

    page: str
    receiver: str
    channel: str
    incident: str
    path: tuple[str, ...]
    "Every receiver it has been owed to, the last one included."

    rows: tuple[tuple[str, str], ...]
    "(id, channel) of the rows that the last receiver of ``path`` is owed."

    at: Instant
    sentence: str = ""

    @property
    def place(self) -> Place:
        """The row that failed."""
        return self.page, self.receiver, self.channel

    @property
    def name(self) -> str:
        """Under which setting it is kept."""
        text = "\x1f".join(self.place).encode("utf-8", "replace")
        return PREFIX + blake2b(text, digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What must be committed."""

    rows: Sequence[OutboxRow] = ()
    settings: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True)
class _Watched:
    row: OutboxRow
    page: Notification
    last: str = ""


@dataclass(slots=True)
class _Known:
    """The records, found in three ways."""

    by_place: dict[Place, Record] = field(default_factory=dict)
    by_row: dict[Place, Record] = field(default_factory=dict)
    by_incident: dict[Place, Record] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        self.by_place[record.place] = record
        self.by_incident[record.incident, record.receiver, record.channel] = record
        for id_, channel in record.rows:
            self.by_row[id_, record.path[-1], channel] = record

    def remove(self, record: Record) -> None:
        self.by_place.pop(record.place, None)
        incident = (record.incident, record.receiver, record.channel)
        if self.by_incident.get(incident) is record:
            del self.by_incident[incident]
        for id_, channel in record.rows:
            self.by_row.pop((id_, record.path[-1], channel), None)


class Failover:
    """Watches the pages that must arrive."""

    def __init__(
        self,
        courier: Courier,
        store: Store,
        *,
        plan: Callable[[], Plan],
        now: Callable[[], Instant],
        owe: Callable[[Owed], object],
        terms: Terms | None = None,
    ) -> None:
        """``owe`` commits rows and hands them over afterwards; used for deadlines, which no report carries."""
        self._courier, self._store = courier, store
        self._plan, self._now, self._owe = plan, now, owe
        self.terms = terms or Terms()
        self._known = _Known()
        self._watched: dict[Place, _Watched] = {}
        self._due: list[tuple[Instant, Place]] = []
        self._unwanted: dict[Place, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------ rows on their way

    def load(self) -> None:
        """Read what was failed over before this start."""
        found: list[Record] = []
        for name, value in self._store.settings(PREFIX).items():
            try:
                found.append(msgspec.json.decode(value, type=Record))
            except msgspec.MsgspecError:
                # What another version wrote must not keep this one from starting.
                log.warning("failover: the record %s cannot be read", name)
        for record in sorted(found, key=lambda one: one.at):
            self._known.add(record)

    def deliver(self, rows: Sequence[OutboxRow], *, started: bool = False) -> None:
        """Hand rows to the courier, and watch those that must arrive. ``started``: they were owed before this start."""
        for row in rows:
            self._watch(row, started=started)
        self._courier.add(rows)
        self._arm()

    def later(self, rows: list[OutboxRow]) -> list[OutboxRow]:
        """``rows`` of one decision, and with them what those are owed to whom their pages went by failover."""
        more: list[OutboxRow] = []
        waiting = list(rows)
        while waiting:
            row = waiting.pop()
            record = self._known.by_incident.get((row.incident, row.receiver, row.channel))
            if record is None:
                continue
            page = decode_notification(row.body)
            target = self._plan().receivers.get(record.path[-1])
            if target is not None and (page.status != "firing" or not page.page):
                told = later_rows(page, target, record.sentence, row.created)
                more += told
                waiting += told  # one that was failed over in its turn
        return [*rows, *_once(more)]

    def _watch(self, row: OutboxRow, *, started: bool) -> None:
        place = (row.id, row.receiver, row.channel)
        page = None if place in self._known.by_place else self._must_arrive(row)
        if page is None:
            return
        self._watched[place] = _Watched(row, page)
        due = row.created + self.terms.after
        if started:
            due = max(due, self._now() + min(GRACE, self.terms.after))
        heappush(self._due, (due, place))

    def _must_arrive(self, row: OutboxRow) -> Notification | None:
        """The page in a row, if it is one that fails over."""
        receiver = self._plan().receivers.get(row.receiver)
        ranks = [severity_rank(word) for word in self.terms.severities]
        if receiver is None or not receiver.failover or row.priority not in ranks:
            return None
        if any(spec.name == row.channel and not spec.for_people for spec in receiver.channels):
            return None
        try:
            page = decode_notification(row.body)
        except msgspec.MsgspecError:
            return None
        return page if page.page and page.status == "firing" and page.alerts else None

    # ------------------------------------------------------------------ what becomes of them

    def after(self, done: OutboxDone) -> Owed:
        """What follows from the end of an attempt, to be committed with it."""
        place = (done.id, done.receiver, done.channel)
        watched = self._watched.get(place)
        if done.state == "pending":
            if watched is not None:
                watched.last = done.detail
            if place in self._unwanted:
                # This report comes first: the row's last word must be the withdrawal.
                words = self._unwanted.pop(place)
                asyncio.get_running_loop().call_soon(self._withdraw, place, words)
            return Owed()
        self._watched.pop(place, None)
        self._unwanted.pop(place, None)
        if done.state == "delivered":
            self._accepted(place)
        if done.state != "failed" or watched is None:
            return Owed()
        return self._fail_over(watched, f"gave it up ({_reason(done.detail)})")

    def look(self) -> None:
        """Fail over what has not been accepted in time."""
        now = self._now()
        while self._due and self._due[0][0] <= now:
            _, place = heappop(self._due)
            watched = self._watched.get(place)
            if watched is None:
                continue
            waited = format_duration(max(self.terms.after, 1))
            last = f": {_reason(watched.last)}" if watched.last else ""
            owed = self._fail_over(watched, f"has not accepted it within {waited}{last}")
            if owed.settings:
                self._owe(owed)
        self._arm()

    def _fail_over(self, watched: _Watched, what: str) -> Owed:
        row, page, now = watched.row, watched.page, self._now()
        place = (row.id, row.receiver, row.channel)
        before = self._known.by_row.get(place)
        path = before.path if before else (row.receiver,)
        target = self._next(row.receiver, path)
        if place in self._known.by_place or target is None:
            return Owed()
        sentence = f"It comes here because {row.receiver} ({row.channel}) {what}."
        rows = page_rows(page, target, sentence, now)
        log.error(
            "failover: page=%s from=%s %s to=%s", row.id, row.receiver, row.channel, target.name
        )
        self._courier.failed_over(row.receiver, row.channel)
        record = Record(
            page=row.id,
            receiver=row.receiver,
            channel=row.channel,
            incident=row.incident,
            path=(*path, target.name),
            rows=tuple((one.id, one.channel) for one in rows),
            at=now,
            sentence=sentence,
        )
        states = {(one.id, one.channel): self._state(one) for one in rows}
        if DELIVERED in states.values():
            # Another channel's failure led there before, and somebody has the page: nothing is left to do for this row.
            words = f"failed over: {target.name} has accepted the page"
            asyncio.get_running_loop().call_soon(self._withdraw, place, words)
        fresh = [one for one in rows if not states[one.id, one.channel]]
        return Owed(rows=fresh, settings=[*self._forget(now), self._remember(record)])

    def _next(self, receiver: str, path: Sequence[str]) -> Receiver | None:
        plan = self._plan()
        known = plan.receivers.get(receiver)
        target = plan.receivers.get(known.failover) if known else None
        if target is None or target.name in path:
            return None
        if not target.channels:
            log.error("failover: receiver %s has no channels", target.name)
            return None
        return target

    def _state(self, row: OutboxRow) -> str:
        """How a row stands that somebody may be owed already: another channel's failure may have led to it. Empty: it is new."""
        for one, done in self._store.read_outbox(page=row.id):
            if (one.receiver, one.channel) == (row.receiver, row.channel):
                return done.state if done is not None else "pending"
        return ""

    def _remember(self, record: Record) -> tuple[str, bytes]:
        self._known.add(record)
        return record.name, msgspec.json.encode(record)

    def _forget(self, now: Instant) -> list[tuple[str, bytes]]:
        """Records that are old, or too many."""
        out: list[tuple[str, bytes]] = []
        known = self._known.by_place
        while known:
            oldest = next(iter(known.values()))
            if now - oldest.at < KEEP and len(known) < MOST:
                break
            self._known.remove(oldest)
            out.append((oldest.name, b""))
        return out

    def _accepted(self, place: Place) -> None:
        """One of several ways to the same people has worked: the others need not be gone any more."""
        record = self._known.by_row.get(place)
        if record is not None:
            words = f"failed over: {place[1]} ({place[2]}) has accepted the page"
            self._withdraw(record.place, words)
            return
        record = self._known.by_place.get(place)
        if record is not None:
            for id_, channel in record.rows:
                words = f"{place[1]} ({place[2]}) has accepted the page after all"
                self._withdraw((id_, record.path[-1], channel), words)

    def _withdraw(self, place: Place, words: str) -> None:
        gone = self._courier.withdraw(*place, words)
        # One that is out right now is not sent again, if it comes back.
        if not gone and self._courier.knows(*place):
            self._unwanted[place] = words

    # ------------------------------------------------------------------ time

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due:
            wait = max(0, self._due[0][0] - self._now()) / 1_000
            self._timer = asyncio.get_running_loop().call_later(min(wait, 3_600.0), self.look)

    def stop(self) -> None:
        """No more deadlines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _once(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Each row once: several channels of one receiver lead to the same failover."""
    found: Mapping[Place, OutboxRow] = {(r.id, r.receiver, r.channel): r for r in rows}
    return list(found.values())


def _reason(detail: str) -> str:
    """The word for why, in words: details may quote a receiver at length."""
    return detail.partition(":")[0].replace("_", " ") or "no reason given"
