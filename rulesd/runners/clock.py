"""The wall clock, made safe: it never goes back, and a step of the machine's clock is noticed.

Law: the only reading of wall time in the daemon. When the machine's clock steps back, time stands still until it has caught
up or, after a step of more than a minute, moves on with the monotonic clock; nothing fires twice and nothing is forgotten.
"""

import time

from rulesd.model.instant import MINUTE, Instant


class WallClock:
    """Milliseconds since the epoch, monotonic within the process and not before ``floor``."""

    def __init__(self, floor: Instant = 0) -> None:
        """Never tell a time before ``floor`` (the last ``now`` of the journal)."""
        self._last = max(floor, 0)
        self._own: tuple[Instant, float] | None = None
        "While the machine's clock is far behind: the time and the monotonic second at which that was noticed."
        self.stepped_back = 0
        "How often the machine's clock was seen to go back by more than a minute."

    def now(self) -> Instant:
        """The time now."""
        wall = time.time_ns() // 1_000_000
        if wall < self._last - MINUTE:
            wall = self._on_its_own()
        else:
            self._own = None
        self._last = max(self._last, wall)
        return self._last

    def _on_its_own(self) -> Instant:
        """From one fixed point, so that no rounding adds up however often somebody asks."""
        tick = time.monotonic()
        if self._own is None:
            self.stepped_back += 1
            self._own = (self._last, tick)
        since, began = self._own
        return since + int((tick - began) * 1000)
