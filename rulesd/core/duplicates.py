"""The duplicates window: the same event twice is one event.

Law: an event is a duplicate when the same tenant, ``source`` and ``id`` came with the same body within the window
(default 24 h), as far as memory reaches: at least the last ``least`` ids are remembered. The same id with another body is not
a duplicate but an ``id_conflict``: a producer that resets its counter loses nothing. A duplicate makes its id no younger: a restart, which reads the journal
and so only what was new, remembers the same.

Two generations of at most ``least`` ids each: when the young one is full it becomes the old one, so between one and two times
``least`` ids are kept, and forgetting costs nothing per event.
"""

from collections.abc import Iterable
from enum import Enum, auto

from rulesd.model.instant import DAY, Instant, Milliseconds

_BODY_BITS = 64
_BODY_MASK = (1 << _BODY_BITS) - 1


class Seen(Enum):
    """What the window knows of an event."""

    NEW = auto()
    DUPLICATE = auto()
    CONFLICT = auto()


class Duplicates:
    """Identities of recent events."""

    __slots__ = ("_least", "_old", "_window", "_young")

    def __init__(self, *, window: Milliseconds = DAY, least: int = 1_000_000) -> None:
        """Remember ids for ``window`` milliseconds, and at least the last ``least`` of them."""
        self._window = window
        self._least = least
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def check(self, key: int, body: int, now: Instant) -> Seen:
        """Say whether this event was here before, and remember it."""
        young = self._young
        known = young.get(key)
        if known is None and self._old:
            known = self._old.get(key)
        if known is not None and now - (known >> _BODY_BITS) <= self._window:
            if (known & _BODY_MASK) == (body & _BODY_MASK):
                return Seen.DUPLICATE
            young[key] = now << _BODY_BITS | (body & _BODY_MASK)
            return Seen.CONFLICT
        if len(young) >= self._least:
            self._old = young
            young = self._young = {}
        young[key] = now << _BODY_BITS | (body & _BODY_MASK)
        return Seen.NEW

    def remember(self, seen: Iterable[tuple[int, int, Instant]]) -> None:
        """Put back identities from the journal (key, body, arrival), oldest first. None of them was a duplicate.

        There may be two million, and a restart waits for them: so this is ``check`` without its questions.
        """
        young, least = self._young, self._least
        for key, body, now in seen:
            if len(young) >= least:
                known = young.get(key, self._old.get(key))
                if known is None or now - (known >> _BODY_BITS) > self._window:
                    self._old = young
                    young = self._young = {}
            young[key] = now << _BODY_BITS | (body & _BODY_MASK)

    def __len__(self) -> int:
        """How many identities are held."""
        return len(self._young) + len(self._old)
