"""The order in which one channel's pages leave: worst first, then oldest; the rows of one incident strictly in turn.

Law: pure data, time is an argument; nothing is ever dropped here. An incident is as urgent as its most urgent row: a page that
stands behind a quiet update of the same incident pulls it forward.

Each incident is in exactly one place: ready (may leave now), resting (until a time), or out (one row is being sent).
"""

from collections import deque
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush

from rulesd.model.instant import Instant
from rulesd.ports.store import OutboxRow


@dataclass(slots=True)
class _Incident:
    """The rows of one incident on one channel."""

    rows: deque[OutboxRow] = field(default_factory=deque)
    version: int = 0
    "Entries of the heaps with an older version no longer count."

    out: bool = False


class Backlog:
    """All undelivered rows of one channel."""

    def __init__(self) -> None:
        """Start empty."""
        self._incidents: dict[str, _Incident] = {}
        self._ids: set[str] = set()
        self._ready: list[tuple[int, Instant, int, str, int]] = []
        self._resting: list[tuple[Instant, int, str, int]] = []
        self._order = 0

    def __len__(self) -> int:
        """How many rows wait or are out."""
        return len(self._ids)

    def add(self, row: OutboxRow) -> bool:
        """Take a row; ``False`` when it is known already."""
        if row.id in self._ids:
            return False
        self._ids.add(row.id)
        incident = self._incidents.setdefault(row.incident, _Incident())
        incident.rows.append(row)
        if not incident.out:
            self._place(row.incident, incident)
        return True

    def take(self, now: Instant, *, rested: bool = True) -> OutboxRow | None:
        """The next row that may leave, now out; ``rested=False`` also takes one whose rest is not over (a probe)."""
        self._wake(now)
        if not self._ready and not rested:
            self.wake_all()
        while self._ready:
            *_, name, version = heappop(self._ready)
            incident = self._incidents.get(name)
            if incident is not None and incident.version == version:
                incident.out = True
                incident.version += 1
                return incident.rows[0]
        return None

    def follower(self, row: OutboxRow) -> OutboxRow | None:
        """The row of the same incident that leaves after ``row``."""
        rows = self._incidents[row.incident].rows
        return rows[1] if len(rows) > 1 else None

    def done(self, row: OutboxRow) -> None:
        """``row`` has come to its end; the next one of its incident may leave."""
        incident = self._incidents[row.incident]
        incident.rows.popleft()
        self._ids.discard(row.id)
        incident.out = False
        self._settle(row.incident, incident)

    def withdraw(self, id_: str) -> OutboxRow | None:
        """Take a row out that need not leave any more; ``None`` when it is not here, or out right now."""
        for name, incident in self._incidents.items():
            for position, row in enumerate(incident.rows):
                if row.id != id_ or (incident.out and position == 0):
                    continue
                del incident.rows[position]
                self._ids.discard(id_)
                self._settle(name, incident)
                return row
        return None

    def knows(self, id_: str) -> bool:
        """Whether a row waits here or is out."""
        return id_ in self._ids

    def later(self, row: OutboxRow, *, attempts: int, next_at: Instant) -> None:
        """``row`` failed for now: it stays first of its incident and rests until ``next_at``."""
        incident = self._incidents[row.incident]
        incident.rows[0] = replace(row, attempts=attempts, next_at=next_at)
        incident.out = False
        self._place(row.incident, incident)

    def put_back(self, row: OutboxRow) -> None:
        """``row`` is no longer being sent; unless it has come to its end, it may leave again."""
        incident = self._incidents.get(row.incident)
        if incident is not None and incident.out and incident.rows[0].id == row.id:
            incident.out = False
            self._place(row.incident, incident)

    def wake_at(self) -> Instant | None:
        """When the next resting row may leave; ``None`` when none rests."""
        while self._resting:
            at, _, name, version = self._resting[0]
            incident = self._incidents.get(name)
            if incident is not None and incident.version == version:
                return at
            heappop(self._resting)
        return None

    def next_at(self) -> Instant | None:
        """When the next row may leave: 0 for at once, ``None`` when there is none that is not out."""
        while self._ready and not self._alive(self._ready[0][3], self._ready[0][4]):
            heappop(self._ready)
        return 0 if self._ready else self.wake_at()

    def wake_all(self) -> None:
        """End every rest: the channel works again, or has been configured anew."""
        self._wake(None)

    def rows(self) -> list[OutboxRow]:
        """Every row, incident by incident."""
        return [row for incident in self._incidents.values() for row in incident.rows]

    def oldest(self) -> Instant | None:
        """When the oldest row was created."""
        return min((i.rows[0].created for i in self._incidents.values()), default=None)

    def _settle(self, name: str, incident: _Incident) -> None:
        """After a row has gone: the next one's turn, or the end of the incident here."""
        if not incident.rows:
            del self._incidents[name]
        elif not incident.out:
            self._place(name, incident)

    def _place(self, name: str, incident: _Incident) -> None:
        """Put an incident where its first row says: resting until its time, or ready."""
        incident.version += 1
        self._order += 1
        first = incident.rows[0]
        if first.next_at > 0:
            heappush(self._resting, (first.next_at, self._order, name, incident.version))
        else:
            self._push(name, incident)

    def _push(self, name: str, incident: _Incident) -> None:
        urgency = min(row.priority for row in incident.rows)
        created = incident.rows[0].created
        self._order += 1
        heappush(self._ready, (urgency, created, self._order, name, incident.version))

    def _wake(self, now: Instant | None) -> None:
        """Move what has rested until ``now`` (all, for ``None``) to the ready ones."""
        while self._resting and (now is None or self._resting[0][0] <= now):
            _, _, name, version = heappop(self._resting)
            incident = self._incidents.get(name)
            if incident is None or incident.version != version:
                continue
            incident.rows[0] = replace(incident.rows[0], next_at=0)
            self._place(name, incident)
        if len(self._ready) > 4 * len(self._incidents) + 64:
            self._sweep()

    def _sweep(self) -> None:
        """Forget outdated entries once they outnumber the living."""
        self._ready = [e for e in self._ready if self._alive(e[3], e[4])]
        heapify(self._ready)

    def _alive(self, name: str, version: int) -> bool:
        incident = self._incidents.get(name)
        return incident is not None and incident.version == version
