"""The open episodes of all rules: where each one lives, and what people do to it.

Law: pure. An episode is found by its id and nothing else; one that is over, or whose key was given up, is not found, and what a person
asks of it changes nothing. Only what is said through here opens or ends an episode, so that the index is never out of step.
"""

from collections.abc import Mapping

from rulesd.core import relearning, track
from rulesd.core.book import UNKNOWN, Book, Entry, Key
from rulesd.core.detectors.protocol import Reading
from rulesd.core.lifecycle import Signal
from rulesd.model.alert import Alert
from rulesd.model.decision import Decision, Kind
from rulesd.model.event import Event
from rulesd.model.inputs import BaselinesRelearned
from rulesd.model.instant import Instant
from rulesd.model.reasons import Reason


class OpenEpisodes:
    """Every pending and firing episode by its id."""

    def __init__(self, books: Mapping[str, Book]) -> None:
        """None; the books by rule."""
        self.books = books
        self._where: dict[str, tuple[str, Key]] = {}

    def read(
        self,
        book: Book,
        entry: Entry,
        reading: Reading,
        event: Event | None,
        now: Instant,
        out: list[Decision],
    ) -> None:
        """Take what a detector says of a key."""
        before = entry.episode
        track.read(book, entry, reading, event, now, out)
        if entry.episode is not before:
            self._index(book, entry, None if before is None else before.id)

    def settle(
        self, book: Book, entry: Entry, watermark: Instant, now: Instant, out: list[Decision]
    ) -> None:
        """Let time pass for a key with an open episode."""
        before = entry.episode
        assert before is not None
        track.settle(book, entry, watermark, now, out)
        if entry.episode is None:
            self._index(book, entry, before.id)

    def _index(self, book: Book, entry: Entry, gone: str | None) -> None:
        if gone is not None:
            self._where.pop(gone, None)
        if entry.episode is not None:
            self._where[entry.episode.id] = (book.id, entry.key)

    def close(self, book: Book, now: Instant, out: list[Decision]) -> None:
        """A rule is gone: so are its alerts."""
        for entry in book.busy():
            assert entry.episode is not None
            self._where.pop(entry.episode.id, None)
            track.apply(book, entry, Signal.RULE_REMOVED, now, out)

    def rebuild(self) -> None:
        """From the books as they are (after a restore)."""
        self._where = {
            entry.episode.id: (book.id, entry.key)
            for book in self.books.values()
            for entry in book.awake()
            if entry.episode is not None
        }

    # ------------------------------------------------------------------ people

    def acknowledge(
        self,
        alert: str,
        by: str,
        now: Instant,
        out: list[Decision],
        back: Reason = Reason.UNACKNOWLEDGED,
    ) -> bool:
        """A person takes an open episode, or (empty ``by``) it is given ``back``. ``False``: nothing changed."""
        found = self._find(alert)
        if found is None:
            return False
        book, entry = found
        assert entry.episode is not None
        if entry.episode.acknowledged_by == by:
            return False
        entry.episode.acknowledged_by = by
        reason = Reason.ACKNOWLEDGED if by else back
        track.emit(book, entry, Kind.UPDATED, reason, now, out)
        return True

    def resolve(self, alert: str, by: str, now: Instant, out: list[Decision]) -> bool:
        """A person says it is over: the window starts afresh, so that only new evidence opens the next episode."""
        found = self._find(alert)
        if found is None:
            return False
        book, entry = found
        self._over(book, entry, by, now, out)
        settle = getattr(book.detector, "settle", None)
        left = settle(entry.state, book.pool, now) if settle else None
        if left is None:
            relearning.after_resolve(book, entry, alert, by, now, out)
        entry.state = left or book.detector.start(entry.key, now)
        entry.due = UNKNOWN
        return True

    def relearn(self, item: BaselinesRelearned, now: Instant, out: list[Decision]) -> list[str]:
        """Keys learn afresh because a person wants it; ids of rules whose stored state is void."""
        book = self.books.get(item.rule)
        void = book is not None and relearning.relearn(book, item, self._over, now, out)
        return [item.rule] if void else []

    def _over(self, book: Book, entry: Entry, by: str, now: Instant, out: list[Decision]) -> None:
        """A person ends an open episode."""
        assert entry.episode is not None
        alert = entry.episode.id
        entry.episode.acknowledged_by = by
        track.apply(book, entry, Signal.PERSON_RESOLVED, now, out)
        self._index(book, entry, alert)

    # ------------------------------------------------------------------ views

    def _find(self, alert: str) -> tuple[Book, Entry] | None:
        place = self._where.get(alert)
        if place is None:
            return None
        book = self.books[place[0]]
        entry = book.peek(place[1])
        return None if entry is None or entry.episode is None else (book, entry)

    def alerts(self, now: Instant) -> list[Alert]:
        """Every pending and firing alert, oldest first."""
        found = [f for f in map(self._find, self._where) if f is not None]
        alerts = (track.alert_of(book, entry, now) for book, entry in found)
        return sorted(alerts, key=lambda a: (a.started_at, a.alert))
