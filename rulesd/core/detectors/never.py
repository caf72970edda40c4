"""``never``: something that must not happen, happened.

Law: every matching event counts, however late, early or out of order it claims to be; so this detector lives in arrival
time and trusts no producer's clock. Exactly-once is the duplicates window's work, not this one's.

Memory per key: one integer. Cost per observation: one assignment. There is no formula: one occurrence is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rulesd.core.detectors.protocol import Clock, Observation, Reading
from rulesd.model.event import Json
from rulesd.model.instant import DAY, Instant, Milliseconds


@dataclass(slots=True)
class LastSeen:
    """State of one key."""

    at: Instant
    "Arrival of the latest occurrence."


@dataclass(frozen=True, slots=True)
class Never:
    """Fires on any observation."""

    name: ClassVar[str] = "never"
    version: ClassVar[int] = 1
    clock: ClassVar[Clock] = Clock.ARRIVAL
    counts: ClassVar[bool] = True
    pooled: ClassVar[bool] = False

    @property
    def hold(self) -> Milliseconds:
        """An episode closes after a day without another occurrence (contract 2.3)."""
        return DAY

    def pool(self) -> object:
        """Keys share nothing."""
        return None

    def start(self, key: tuple[str, ...], at: Instant) -> LastSeen:
        """A key that has not been seen yet."""
        return LastSeen(at)

    def advance(self, state: LastSeen, pool: object, watermark: Instant) -> Sequence[Reading]:
        """Nothing happens by time alone."""
        return ()

    def observe(self, state: LastSeen, pool: object, seen: Observation) -> Reading | None:
        """The condition is met for this one moment; the hold keeps the episode open."""
        state.at = seen.at
        return Reading(seen.at, True, float(seen.weight), None, until=seen.at)

    def observe_pool(self, pool: object, seen: Observation) -> bool:
        """Every observation is one of a key."""
        return False

    def deadline(self, state: LastSeen, pool: object) -> Instant | None:
        """No deadline of its own."""
        return None

    def forgettable(self, state: LastSeen, watermark: Instant) -> bool:
        """Always: an occurrence leaves nothing behind but its episode."""
        return True

    def dump(self, state: LastSeen) -> Json:
        """One integer."""
        return state.at

    def load(self, data: Json) -> LastSeen:
        """One integer."""
        assert isinstance(data, int)
        return LastSeen(data)

    def dump_pool(self, pool: object) -> Json:
        """Nothing."""
        return None

    def load_pool(self, data: Json) -> object:
        """Nothing."""
        return None
