"""The store: the one place where promises become durable.

Promises of every adapter (``tests/contracts/store.py`` runs over all of them):

* ``commit`` is one transaction: all of a ``Commit`` is there after it returns, or none of it. SQLite: WAL,
  ``synchronous=FULL``; after it returns, ``kill -9`` and power loss lose nothing.
* ``commit`` raises ``StoreError`` and changes nothing when the disk is full or broken; the same ``Commit`` may be tried again.
* Calls come from one thread at a time (the writer's), except ``read_*`` methods, which any thread may call.
* Inputs come back from ``tail`` in exactly the order and with exactly the ``now`` they were committed with.
* A store from a newer version, or a damaged one, is refused at ``open`` with what to do; it is never silently replaced.
* Only one process may have it open: a second ``open`` raises ``StoreError`` naming the first one's pid.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rulesd.model.instant import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One input, in the order it entered the engine."""

    now: Instant
    kind: str
    "``event``, ``refused``, ``ack``, ``unack``, ``resolve``, ``delivered``, ``plan``."

    payload: bytes
    "The redacted input as JSON."

    key: int = 0
    "For events: identity digest (tenant, source, id)."

    body: int = 0
    "For events: keyed digest of the event as it arrived."

    at: Instant = 0
    "For events: event time."


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One decision as it stands in the decision log."""

    seq: int
    at: Instant
    kind: str
    rule: str
    alert: str
    body: bytes
    "The line of contract 2.7, JSON with sorted keys."


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One page one channel owes to somebody."""

    id: str
    "Idempotency key, unique with ``receiver`` and ``channel``."

    receiver: str
    channel: str
    incident: str
    "Rows of one incident leave in order on each channel."

    priority: int
    "0 first: rank of the severity."

    created: Instant
    body: bytes
    "The ``Notification`` as JSON."

    attempts: int = 0
    next_at: Instant = 0
    row: int = 0
    "Position in the outbox, given by the store; 0 before it is stored."

    alerts: tuple[str, ...] = ()
    "The alerts it tells of, by episode id, so that an alert's pages are found; written, and not read back."


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxDone:
    """What became of an attempt: finished (``state`` delivered, failed or skipped), or to be tried again (``pending``)."""

    id: str
    receiver: str
    channel: str
    state: str
    attempts: int
    next_at: Instant
    detail: str
    at: Instant
    incident: str = ""
    reference: bytes = b""
    "JSON to remember for updating in place; empty keeps what is there."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt to deliver a page, as it ended. Kept for as long as the page is."""

    id: str
    receiver: str
    channel: str
    number: int
    "1 for the first; a page that is sent again by hand starts anew."

    at: Instant
    state: str
    "``delivered``, ``failed`` or ``pending`` (to be tried again)."

    detail: str
    reference: bytes = b""
    "What the receiver gave back, as JSON: Slack's message, for example."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """The state of one (rule, key), as plain data in MessagePack; ``state`` empty means: forget it."""

    rule: str
    key: bytes
    state: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """An incremental snapshot: with it, recovery needs only the journal after ``journal_seq``."""

    engine: bytes
    "Everything of the engine that is small: dispatch, clocks, counters."

    plan_digest: str
    decision_seq: int
    keys: Sequence[KeyRow]
    "Only what changed since the last checkpoint."

    forget_rules: Sequence[str] = ()
    "Rules whose whole state goes (removed or changed)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """All that one micro-batch must make durable, together."""

    inputs: Sequence[JournalRow] = ()
    decisions: Sequence[DecisionRow] = ()
    outbox: Sequence[OutboxRow] = ()
    done: Sequence[OutboxDone] = ()
    checkpoint: Checkpoint | None = None
    plan: tuple[str, bytes] | None = None
    "Digest and archive of the rule and notifier files, once per plan."

    settings: Sequence[tuple[str, bytes]] = field(default=())
    "Small durable values by name (client id, tokens, replay guard ...); an empty value deletes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a store knows at start."""

    engine: bytes | None
    "The last checkpoint's engine part, ``None`` for a new store."

    plan_digest: str
    checkpoint_journal_seq: int
    checkpoint_decision_seq: int
    last_journal_seq: int
    last_decision_seq: int
    "Decisions up to here are durable: recovery does not write them again."

    last_now: Instant
    "The latest ``now`` in the journal: time does not go back over a restart."


class Store(Protocol):
    """Journal, decision log, outbox and checkpoints in one transactional place."""

    def open(self) -> Recovered:
        """Open or create, migrate, and say where things stand. Raises ``StoreError``."""
        ...

    def commit(self, commit: Commit) -> None:
        """Make it durable, all or nothing. Raises ``StoreError``."""
        ...

    def keys(self) -> Iterator[KeyRow]:
        """Every (rule, key) state of the last checkpoint."""
        ...

    def tail(self, after_seq: int) -> Iterator[tuple[int, JournalRow]]:
        """Journal rows after ``after_seq`` with their sequence numbers, oldest first."""
        ...

    def recent_ids(self, since: Instant, at_least: int) -> Iterator[tuple[int, int, Instant]]:
        """(key, body, now) of events: all since ``since`` up to twice ``at_least``, and at least the last ``at_least``; oldest first."""
        ...

    def pending(self) -> Iterator[OutboxRow]:
        """Outbox rows that still have to be delivered, oldest first."""
        ...

    def references(self, incident: str) -> dict[tuple[str, str], bytes]:
        """By (receiver, channel): what to remember for updating this incident's message in place."""
        ...

    def read_decisions(
        self, *, alert: str = "", rule: str = "", after_seq: int = 0, limit: int = 1000
    ) -> Sequence[DecisionRow]:
        """Decisions in order, filtered. Any thread."""
        ...

    def read_event(self, event_id: str) -> Sequence[tuple[int, JournalRow]]:
        """Journal rows of events with this CloudEvents id, oldest first. Any thread."""
        ...

    def read_outbox(
        self, *, state: str = "", alert: str = "", page: str = "", limit: int = 1000
    ) -> Sequence[tuple[OutboxRow, OutboxDone | None]]:
        """Outbox rows with what became of them, newest first: all, or those in a state, about an alert, or of one id. Any thread."""
        ...

    def read_attempts(self, page: str) -> Sequence[AttemptRow]:
        """Every attempt to deliver the page with this id, to whomever, oldest first. Any thread."""
        ...

    def setting(self, name: str) -> bytes | None:
        """A small durable value."""
        ...

    def settings(self, prefix: str) -> dict[str, bytes]:
        """Small durable values whose name starts so."""
        ...

    def plan_archive(self, digest: str) -> bytes | None:
        """The files of a plan that was once in force."""
        ...

    def compact(self, *, journal_before: Instant, keep_events: int, budget_rows: int) -> int:
        """Drop old journal, decision and finished outbox rows; return how many went.

        Kept is what is younger than ``journal_before``, what a checkpoint or a pending row needs, and the ``keep_events`` newest
        events for the duplicates window. Pages that were given up stay 30 days longer: somebody may want to send them again. At most ``budget_rows`` go in one call.
        """
        ...

    def close(self) -> None:
        """Close; everything committed stays."""
        ...
