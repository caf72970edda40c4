"""Which channels have ever worked: one that was tried and never took a page is most likely set up wrong.

Law: a success proves a channel for good, also one before the last start, as far back as the outbox is kept. A channel nobody has tried is
not accused.
"""

from collections.abc import Callable, Sequence

from rulesd.ports.store import OutboxDone, OutboxRow

Place = tuple[str, str]
"(receiver, channel)"

PATIENCE = 3
"Attempts that may fail before anything is said."

LOOKED_AT = 1_000
"Delivered pages of the past that are looked through."

Past = Callable[[int], Sequence[tuple[OutboxRow, OutboxDone | None]]]
"The latest delivered pages, so many at most."


class Proven:
    """What is known of each channel."""

    def __init__(self, past: Past) -> None:
        """``past`` is asked once, when something fails."""
        self._past = past
        self._good: dict[Place, None] = {}
        self._tries: dict[Place, int] = {}
        self._looked = False

    def note(self, done: OutboxDone) -> None:
        """A delivery came to an end, or to its next attempt."""
        place = (done.receiver, done.channel)
        if done.state == "delivered":
            self._good[place] = None
            self._tries.pop(place, None)
        elif done.state in ("failed", "pending") and place not in self._good:
            self._tries[place] = max(self._tries.get(place, 0) + 1, done.attempts)

    def never(self) -> list[Place]:
        """The channels that were tried and have never taken a page."""
        waiting = [place for place, tries in self._tries.items() if tries >= PATIENCE]
        if waiting and not self._looked:
            self._looked = True
            for row, _ in self._past(LOOKED_AT):
                self._good[row.receiver, row.channel] = None
        return sorted(place for place in waiting if place not in self._good)
