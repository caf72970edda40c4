"""What a detector would say if an event happened once more now: asked of copies, so that asking changes nothing.

Law: pure, and without a trace: the state of the key and what keys share are copied through their own plain form first.
"""

from typing import NamedTuple

from rulesd.core.book import Book
from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.core.labels import Key, key_of
from rulesd.model.event import Event
from rulesd.model.instant import Instant


class Probed(NamedTuple):
    """What one rule makes of one event."""

    key: Key
    reading: Reading | None
    "``None``: the detector has nothing to say of such an event alone."

    known: bool
    "Whether the rule holds anything about this key now."

    alert: str
    "The open episode of this key, empty when there is none."


def probe(book: Book, event: Event, now: Instant) -> Probed:
    """Ask one rule about one more event like this one, happening at ``now``."""
    detector = book.rule.detector
    key = key_of(book.getters, event.document)
    entry = book.peek(key)
    pool = detector.load_pool(detector.dump_pool(book.pool))
    state = (
        detector.start(key, now) if entry is None else detector.load(detector.dump(entry.state))
    )
    seen = Observation(now, now, event.id, event.weight, event.document)
    reading = None
    if not (book.pooled and detector.observe_pool(pool, seen)):
        detector.advance(state, pool, now)
        reading = detector.observe(state, pool, seen)
    open_ = "" if entry is None or entry.episode is None else entry.episode.id
    return Probed(key, reading, entry is not None, open_)
