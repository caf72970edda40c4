"""The clock: the only door through which wall time enters."""

from typing import Protocol

from rulesd.model.instant import Instant


class Clock(Protocol):
    """Tells processing time. ``now`` never goes back, whatever the machine's clock does."""

    def now(self) -> Instant:
        """Milliseconds since the epoch."""
        ...
