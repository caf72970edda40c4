"""Recorded traffic as events with their arrivals: what backtest, calibrate and the blind spots read.

Law: as ``replay``: time is the recording's, an arrival that goes back is read as the latest known. Files of CloudEvents and the journal of
a stopped daemon give the same kind of stream.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from rulesd.core.duplicates import Duplicates, Seen
from rulesd.core.plan import Plan
from rulesd.ingest.event import EventDecoder
from rulesd.model.event import Event, Rejected
from rulesd.model.instant import Instant
from rulesd.ports.store import Store
from rulesd.runners import codec

Recorded: TypeAlias = tuple[Event | Rejected, Instant]
"What was recorded, and when it arrived."


def from_lines(lines: Iterable[bytes], decoder: EventDecoder) -> Iterator[Recorded]:
    """NDJSON lines, empty ones left out."""
    now: Instant = 0
    latest: Instant = 0
    for number, line in enumerate(lines):
        if line.isspace():
            continue
        event, now = decoder.recorded(line, now=now, position=number)
        latest = max(latest, now)
        yield event, latest


def from_journal(store: Store) -> Iterator[Recorded]:
    """The events of a daemon's journal, as far back as it goes."""
    for _, row in store.tail(0):
        item = codec.read_input(row)
        if isinstance(item, Event):
            yield item, row.now


def unheeded(plan: Plan) -> Plan:
    """The plan for a recording: what a replay switches off, nobody in the recording could obey, so nobody is accused of not obeying.

    ``containment.changed`` events that were recorded count like any other.
    """
    return replace(plan, watches_switches=False)


def distinct_events(recorded: Iterable[Recorded]) -> Iterator[tuple[Event, Instant]]:
    """Without refusals, and each event once, as the engine takes them."""
    window = Duplicates()
    for item, now in recorded:
        if isinstance(item, Event) and window.check(item.key, item.body, now) is not Seen.DUPLICATE:
            yield item, now
