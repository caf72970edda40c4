"""Replay: recorded events through the same engine, as fast as it goes, on the clock of the recording.

Law: the same input gives the same bytes, whatever the hash seed, the machine or the day. Time is the recording's: each event arrives at
its ``arrivaltime`` (or ``time``); one that goes back is read as the latest known, and counted. Deliveries are taken to succeed at once.

Two kinds of input: files of CloudEvents, one a line, and the journal of a daemon. A journal holds every input with its ``now`` and the
plans that were in force, so replaying it gives the live decision log, byte for byte, as far back as the journal goes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from rulesd.core.baselines import baselines
from rulesd.core.engine import Engine, Limits
from rulesd.core.plan import Plan
from rulesd.ingest.event import EventDecoder
from rulesd.model.decision import Decision
from rulesd.model.errors import StoreError
from rulesd.model.event import Event, Rejected
from rulesd.model.inputs import EventRefused, PlanReplaced
from rulesd.model.instant import Instant
from rulesd.ports.store import Store
from rulesd.runners import codec

Write = Callable[[bytes], object]
"Takes one line of the decision log with its newline."


MOST_REFUSED = 5
"Lines that are no event, told one by one."


@dataclass(slots=True)
class Summary:
    """What a replay saw."""

    events: int = 0
    rejected: int = 0
    decisions: int = 0
    clamped: int = 0
    last: Instant = 0
    "The latest arrival."

    refused: list[Rejected] = field(default_factory=list)
    "The first few lines that are no event; ``position`` counts the lines of all files, from 0."


class Log:
    """Numbers decisions and writes them down."""

    def __init__(self, write: Write) -> None:
        """Start at 1."""
        self.seq = 0
        self._write = write

    def add(self, decisions: Iterable[Decision]) -> None:
        """Write decisions in order."""
        for decision in decisions:
            self.seq += 1
            self._write(codec.decision_line(self.seq, decision) + b"\n")


def replay_lines(
    lines: Iterable[bytes],
    engine: Engine,
    decoder: EventDecoder,
    write: Write,
    *,
    until: Instant | None = None,
) -> Summary:
    """Feed NDJSON lines; stop the clock at ``until``, or at the last arrival."""
    log, summary = Log(write), Summary()
    now: Instant = 0
    recorded, receive = decoder.recorded, engine.receive
    events = 0
    for number, line in enumerate(lines):
        if line.isspace():
            continue
        event, now = recorded(line, now=now, position=number)
        if until is not None and now > until:
            break
        events += 1
        if type(event) is Event:
            decided = receive(event, now)
        else:
            summary.rejected += 1
            if len(summary.refused) < MOST_REFUSED:
                summary.refused.append(event)  # type: ignore[arg-type]
            decided = receive(EventRefused(source="file", rejected=event), now)  # type: ignore[arg-type]
        if decided:
            log.add(decided)
    summary.events = events
    if until is not None:
        log.add(engine.handle_timer(until))
    summary.decisions, summary.clamped, summary.last = log.seq, engine.clamped, engine.now
    return summary


def replay_journal(
    store: Store,
    rebuild: Callable[[bytes], Plan],
    write: Write,
    limits: Limits | None = None,
    look: Callable[[Engine], None] | None = None,
) -> Summary:
    """Feed a daemon's journal from its first input on; ``look`` is shown the engine at the end.

    Raises:
        StoreError: when the journal no longer holds its beginning, or lacks a plan.
    """
    log, summary = Log(write), Summary()
    engine: Engine | None = None
    for seq, row in store.tail(0):
        if engine is None and seq != 1:
            raise StoreError(
                f"the journal begins at input {seq}: what came before was dropped after the retention. "
                "Replay a backup that holds the beginning"
            )
        item = codec.read_input(row)
        if isinstance(item, PlanReplaced):
            plan = _plan(store, item.digest, rebuild)
            if engine is None:
                engine = Engine(plan, limits)
            log.add(engine.replace(plan, row.now, (item.owner_pages, item.owner_window)))
        elif engine is None:
            raise StoreError(
                "the journal does not begin with a plan; this version cannot replay it"
            )
        elif isinstance(item, Event):
            summary.events += 1
            log.add(engine.take_again(item, row.now))
        else:
            summary.rejected += isinstance(item, EventRefused)
            log.add(engine.receive(item, row.now))
        summary.last = row.now
    if engine is not None:
        _run_deadlines(store, engine, log)
        if look is not None:
            look(engine)
    summary.decisions = log.seq
    return summary


def baseline_lines(engine: Engine) -> Iterator[bytes]:
    """What every rule that learns expects of every key, as NDJSON."""
    for one in baselines(engine.detection, engine.now):
        row = {"rule": one.rule, "labels": one.labels, "learned": one.learned}
        yield orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n"


def _run_deadlines(store: Store, engine: Engine, log: Log) -> None:
    """Deadlines ran after the last input too: as many as the live log holds."""
    last = store.read_decisions(after_seq=log.seq, limit=1)
    while last and (due := engine.next_timer()) is not None:
        log.add(engine.handle_timer(due))
        last = store.read_decisions(after_seq=log.seq, limit=1)


def _plan(store: Store, digest: str, rebuild: Callable[[bytes], Plan]) -> Plan:
    archive = store.plan_archive(digest)
    if archive is None:
        raise StoreError(f"the store does not hold the files of plan {digest[:12]}")
    return rebuild(archive)
