"""How long to wait before the next attempt to connect.

Law: many daemons that lost the same broker do not come back at the same instant, and a connection that never lasts is
treated like one that never came up.

Theory: exponential backoff with jitter over half the interval: 0.5 s doubling to 30 s, each wait drawn from its upper half.
"""

from collections.abc import Callable

FIRST_S = 0.5
MOST_S = 30.0
STEADY_S = 10.0
"A connection that lasted this long was a good one: the next attempt starts over."


class Backoff:
    """Counts failures in a row and says how long to wait."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """``chance`` draws from 0 to 1 (``random.random``)."""
        self._chance = chance
        self._failures = 0

    def after(self, lasted_s: float, least_s: float = FIRST_S) -> float:
        """Seconds to wait after a connection that lasted so long (0 when it never came up)."""
        if lasted_s >= STEADY_S:
            self._failures = 0
        wait = min(MOST_S, FIRST_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return max(least_s, wait) * (0.5 + 0.5 * self._chance())
