"""The store in memory: the same promises, but for surviving the process.

Law: every answer equals that of the SQLite store after the same commits (a property test holds them to it); it is what a
reader should look at first to understand the port. For tests, rule tests, simulation and replay.

``close`` and ``open`` again play a restart: what was committed is there. ``refuse`` plays a broken disk: while it is set,
``commit`` and ``compact`` raise it and change nothing.
"""

import os
from collections.abc import Iterator, Sequence
from threading import RLock

from rulesd.model.errors import StoreError
from rulesd.model.instant import Instant
from rulesd.ports.store import (
    AttemptRow,
    Checkpoint,
    Commit,
    DecisionRow,
    JournalRow,
    KeyRow,
    OutboxDone,
    OutboxRow,
    Recovered,
)
from rulesd.stores.compaction import GIVEN_UP_REST, REFERENCE_REST
from rulesd.stores.folding import DELIVERED, attempts, is_about, last_number, last_values
from rulesd.stores.segment import event_id as identity_of
from rulesd.stores.segment import pack

_PENDING, _FAILED = "pending", "failed"
_EVENT = "event"
_Place = tuple[str, str, str]


class MemoryStore:
    """Journal, decision log, outbox and checkpoints in plain lists and dictionaries."""

    def __init__(self) -> None:
        self.refuse: StoreError | None = None
        self.commits = 0
        "How many transactions were made."

        self._opened = False
        self._guard = RLock()
        self._journal: list[tuple[int, JournalRow]] = []
        self._seq = 0
        self._newest: Instant = 0
        self._decisions: dict[int, DecisionRow] = {}
        self._outbox: dict[_Place, OutboxRow] = {}
        self._done: dict[_Place, OutboxDone] = {}
        self._attempts: list[AttemptRow] = []
        self._position = 0
        self._references: dict[_Place, tuple[bytes, Instant]] = {}
        self._checkpoint: tuple[Checkpoint, int, Instant] | None = None
        self._keys: dict[tuple[str, bytes], bytes] = {}
        self._settings: dict[str, bytes] = {}
        self._plans: dict[str, bytes] = {}

    # ------------------------------------------------------------------------------------ writing

    def open(self) -> Recovered:
        """Say where things stand. Raises ``StoreError`` when it is open already."""
        if self._opened:
            raise StoreError(f"the state is in use by the rulesd with pid {os.getpid()}")
        self._opened = True
        checkpoint, covered, _ = self._checkpoint or (None, 0, 0)
        decided = checkpoint.decision_seq if checkpoint else 0
        return Recovered(
            engine=checkpoint.engine if checkpoint else None,
            plan_digest=checkpoint.plan_digest if checkpoint else "",
            checkpoint_journal_seq=covered,
            checkpoint_decision_seq=decided,
            last_journal_seq=self._seq,
            last_decision_seq=max([decided, *self._decisions]),
            last_now=self._newest,
        )

    def commit(self, commit: Commit) -> None:
        """Take it whole. Raises ``StoreError`` while ``refuse`` is set, ``ValueError`` for a commit no store can take."""
        with self._guard:
            self._writable()
            self._check(commit)
            self._take(commit)
            self.commits += 1

    def compact(self, *, journal_before: Instant, keep_events: int, budget_rows: int) -> int:
        """Drop what is old and needed by nothing, at most ``budget_rows``; return how many rows went."""
        with self._guard:
            self._writable()
            if self._checkpoint is None or budget_rows <= 0:
                return 0
            checkpoint, covered, checkpoint_now = self._checkpoint
            left = budget_rows
            left -= self._drop_journal(covered, journal_before, keep_events, left)
            left -= self._drop_decisions(checkpoint.decision_seq, journal_before, left)
            left -= self._drop_outbox(min(journal_before, checkpoint_now), left)
            left -= self._drop_references(journal_before - REFERENCE_REST, left)
            return budget_rows - left

    def close(self) -> None:
        """Close; everything committed stays for the next ``open``."""
        self._opened = False

    # ------------------------------------------------------------------------------------ reading

    def keys(self) -> Iterator[KeyRow]:
        """Every (rule, key) state of the last checkpoint, in no order."""
        with self._guard:
            found = sorted(self._keys.items())
            return iter([KeyRow(rule=rule, key=key, state=state) for (rule, key), state in found])

    def tail(self, after_seq: int) -> Iterator[tuple[int, JournalRow]]:
        """Journal rows after ``after_seq`` with their sequence numbers, oldest first."""
        with self._guard:
            return iter([(seq, row) for seq, row in self._journal if seq > after_seq])

    def recent_ids(self, since: Instant, at_least: int) -> Iterator[tuple[int, int, Instant]]:
        """(key, body, now) of the newest events, oldest first, as the port says."""
        with self._guard:
            events = [row for _, row in self._journal if row.kind == _EVENT]
            start = max(0, len(events) - at_least)
            for position in range(max(0, len(events) - 2 * at_least), start):
                if events[position].now >= since:
                    start = position
                    break
            return iter([(row.key, row.body, row.now) for row in events[start:]])

    def pending(self) -> Iterator[OutboxRow]:
        """Outbox rows that still have to be delivered, oldest first."""
        with self._guard:
            return iter(
                [row for place, row in self._outbox.items() if self._state(place) == _PENDING]
            )

    def references(self, incident: str) -> dict[tuple[str, str], bytes]:
        """By (receiver, channel): what to remember for updating this incident's message in place."""
        with self._guard:
            found = sorted(self._references.items())
            return {
                (place[1], place[2]): body for place, (body, _) in found if place[0] == incident
            }

    def read_decisions(
        self, *, alert: str = "", rule: str = "", after_seq: int = 0, limit: int = 1000
    ) -> Sequence[DecisionRow]:
        """Decisions in order, filtered."""
        with self._guard:
            found = [
                row
                for seq, row in sorted(self._decisions.items())
                if seq > after_seq and alert in {"", row.alert} and rule in {"", row.rule}
            ]
            return found[: max(0, limit)]

    def read_event(self, event_id: str) -> Sequence[tuple[int, JournalRow]]:
        """Journal rows of events with this CloudEvents id, oldest first."""
        with self._guard:
            return [
                (seq, row)
                for seq, row in self._journal
                if event_id and row.kind == _EVENT and identity_of(row.payload) == event_id
            ]

    def read_outbox(
        self, *, state: str = "", alert: str = "", page: str = "", limit: int = 1000
    ) -> Sequence[tuple[OutboxRow, OutboxDone | None]]:
        """Outbox rows with what became of them, newest first."""
        with self._guard:
            found = [
                (row, self._done.get(place))
                for place, row in reversed(self._outbox.items())
                if state in {"", self._state(place)}
                and page in {"", row.id}
                and (page or not alert or is_about(row, alert))
            ]
            return found[: max(0, limit)]

    def read_attempts(self, page: str) -> Sequence[AttemptRow]:
        """Every attempt to deliver the page with this id, oldest first."""
        with self._guard:
            return [one for one in self._attempts if one.id == page]

    def setting(self, name: str) -> bytes | None:
        """A small durable value."""
        with self._guard:
            return self._settings.get(name)

    def settings(self, prefix: str) -> dict[str, bytes]:
        """Small durable values whose name starts so."""
        with self._guard:
            return {
                name: v for name, v in sorted(self._settings.items()) if name.startswith(prefix)
            }

    def plan_archive(self, digest: str) -> bytes | None:
        """The files of a plan that was once in force."""
        with self._guard:
            return self._plans.get(digest)

    # ------------------------------------------------------------------------------------ details

    def _writable(self) -> None:
        if not self._opened:
            raise StoreError("the store is not open. Open it first")
        if self.refuse:
            raise self.refuse

    def _check(self, commit: Commit) -> None:
        if commit.inputs:
            pack(1, 0, commit.inputs)  # Refuses what cannot be stored.
        last_number(commit.decisions, max(self._decisions, default=0))

    def _take(self, commit: Commit) -> None:
        for row in commit.inputs:
            self._seq += 1
            self._newest = max(self._newest, row.now)
            self._journal.append((self._seq, row))
        self._decisions.update((row.seq, row) for row in commit.decisions)
        for owed in commit.outbox:
            self._owe(owed)
        for done in commit.done:
            self._finish(done)
        self._attempts += [_attempt(done) for done in attempts(commit.done)]
        if commit.checkpoint:
            self._keep_checkpoint(commit.checkpoint)
        if commit.plan:
            self._plans.setdefault(*commit.plan)
        for name, value in last_values(commit.settings).items():
            self._settings.pop(name, None)
            if value:
                self._settings[name] = value

    def _state(self, place: _Place) -> str:
        done = self._done.get(place)
        return done.state if done else _PENDING

    def _owe(self, row: OutboxRow) -> None:
        place = (row.id, row.receiver, row.channel)
        if place not in self._outbox:
            self._position += 1
            self._outbox[place] = _replaced(row, row.attempts, row.next_at, self._position)

    def _finish(self, done: OutboxDone) -> None:
        place = (done.id, done.receiver, done.channel)
        row = self._outbox.get(place)
        incident = done.incident or (row.incident if row else "")
        if done.reference and incident:
            key = (incident, done.receiver, done.channel)
            self._references[key] = (done.reference, done.at)
        if row and self._state(place) != DELIVERED:
            self._outbox[place] = _replaced(row, done.attempts, done.next_at, row.row)
            self._done[place] = OutboxDone(
                id=done.id,
                receiver=done.receiver,
                channel=done.channel,
                state=done.state,
                attempts=done.attempts,
                next_at=done.next_at,
                detail=done.detail,
                at=done.at,
                incident=row.incident,
            )

    def _keep_checkpoint(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = (checkpoint, self._seq, self._newest)
        forgotten = set(checkpoint.forget_rules)
        self._keys = {at: state for at, state in self._keys.items() if at[0] not in forgotten}
        for row in checkpoint.keys:
            self._keys.pop((row.rule, row.key), None)
            if row.state:
                self._keys[row.rule, row.key] = row.state

    def _drop_journal(self, covered: int, before: Instant, keep_events: int, budget: int) -> int:
        events = sum(row.kind == _EVENT for _, row in self._journal) - keep_events
        going = 0
        for seq, row in self._journal[:budget]:
            events -= row.kind == _EVENT
            needed = row.kind == _EVENT and events < 0
            if seq > covered or row.now >= before or needed:
                break
            going += 1
        del self._journal[:going]
        return going

    def _drop_decisions(self, covered: int, before: Instant, budget: int) -> int:
        going = 0
        for seq in sorted(self._decisions)[:budget]:
            if seq > covered or self._decisions[seq].at >= before:
                break
            del self._decisions[seq]
            going += 1
        return going

    def _drop_outbox(self, before: Instant, budget: int) -> int:
        old = [
            (done.at, self._outbox[place].row, place)
            for place, done in self._done.items()
            if done.state != _PENDING
            and done.at < before - (GIVEN_UP_REST if done.state == _FAILED else 0)
        ]
        going = sorted(old)[:budget]
        for _, _, place in going:
            del self._outbox[place], self._done[place]
        gone = {place for _, _, place in going}
        self._attempts = [
            one for one in self._attempts if (one.id, one.receiver, one.channel) not in gone
        ]
        return len(going)

    def _drop_references(self, before: Instant, budget: int) -> int:
        live = {row.incident for row in self._outbox.values()}
        old = sorted(
            (at, place)
            for place, (_, at) in self._references.items()
            if at < before and place[0] not in live
        )[:budget]
        for _, place in old:
            del self._references[place]
        return len(old)


def _attempt(done: OutboxDone) -> AttemptRow:
    return AttemptRow(
        id=done.id,
        receiver=done.receiver,
        channel=done.channel,
        number=done.attempts,
        at=done.at,
        state=done.state,
        detail=done.detail,
        reference=done.reference,
    )


def _replaced(row: OutboxRow, attempts: int, next_at: Instant, position: int) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        receiver=row.receiver,
        channel=row.channel,
        incident=row.incident,
        priority=row.priority,
        created=row.created,
        body=row.body,
        attempts=attempts,
        next_at=next_at,
        row=position,
    )
