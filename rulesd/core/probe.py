"""How many more events like one would make a rule's detector fire now: asked of copies, so that asking changes nothing.

Law: pure, and without a trace: the state of the key and what keys share are copied through their own plain form first.
"""

from typing import NamedTuple

from rulesd.core.book import Book
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.labels import Key
from rulesd.model.event import Event
from rulesd.model.instant import Instant

MOST = 1_000
"Events that are tried."


class Probed(NamedTuple):
    """What one rule makes of one event."""

    key: Key
    needed: int
    "So many more events like it, happening now, would make it fire; 0: not even ``MOST`` of them."

    reading: Reading | None
    "What the detector says then; ``None`` when it does not fire."

    known: bool
    "Whether the rule holds anything about this key now."

    alert: str
    "The open episode of this key, empty when there is none."


def probe(book: Book, event: Event, now: Instant) -> Probed:
    """Ask one rule about more events like this one, happening at ``now``."""
    detector = book.rule.detector
    key = book.key(event.document)
    entry = book.peek(key)
    pool = detector.load_pool(detector.dump_pool(book.pool))
    state = detector.start(key, now) if entry is None else detector.load(detector.dump(entry.state))
    open_ = "" if entry is None or entry.episode is None else entry.episode.id
    detector.advance(state, pool, now)
    for n in range(1, MOST + 1):
        seen = Observation(now, now, f"{event.id}+{n}", event.weight, event.document)
        if (book.pooled or book.deploys) and detector.observe_pool(pool, seen):
            break
        reading = detector.observe(state, pool, seen)
        if reading is not None and reading.active:
            return Probed(key, n, reading, entry is not None, open_)
    return Probed(key, 0, None, entry is not None, open_)
