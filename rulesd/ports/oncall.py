"""What the daemon's doors may ask about who is on call, and do about it.

Promises: an override is answered after it is durable; what is refused changes nothing, and the answer says why. Who is on call is what
the engine would page by at that instant, overrides included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from rulesd.model.instant import Instant
from rulesd.model.oncall import OnCallOverride


class OverrideRefusal(StrEnum):
    """Why an override was not made."""

    SCHEDULE = "unknown_schedule"
    PERSON = "unknown_person"
    RECEIVER = "person_without_receiver"
    TIMES = "start_not_before_end"
    PAST = "end_in_past"
    LONG = "too_long"
    LIMIT = "too_many_overrides"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideResult:
    """What became of it."""

    override: OnCallOverride | None = None
    "As it stands now; ``None`` when it was refused."

    already: bool = False
    "It was there before; nothing changed."

    refused: OverrideRefusal | None = None
    message: str = ""
    "Why it was refused, and what to write."


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """Who is on call on one schedule at one instant."""

    schedule: str
    zone: str
    people: tuple[str, ...]
    "Empty in a gap."

    until: Instant | None
    "When somebody else takes over; ``None``: never."

    owners: tuple[str, ...]
    "Whose pages go there."

    override: str = ""
    "The id of the override that decides; empty: the files do."


class OnCall(Protocol):
    """Schedules and overrides of one daemon."""

    def who(self, at: Instant) -> Sequence[OnDuty]:
        """Every schedule at an instant, by name."""
        ...

    def zone(self, schedule: str) -> str:
        """The time zone people read a schedule in; ``UTC`` where there is no such schedule."""
        ...

    def overrides(self) -> Sequence[OnCallOverride]:
        """Every override that is not over, by its beginning."""
        ...

    async def override(self, wish: OnCallOverride) -> OverrideResult:
        """Make one (its id and ``made_at`` are given here). What begins in the past begins now."""
        ...

    async def remove(self, override: str, by: str) -> bool:
        """Take one back, or end it; ``False``: there is none of this id (it is over, or never was)."""
        ...
