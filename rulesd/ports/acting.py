"""What the daemon's doors may ask about kill switches, reviews and rollouts, and do to them.

Promises: an act is answered after it is durable; what is refused changes nothing and is on record with its reason; the table read here
is the one in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from rulesd.core.reviews import Review
from rulesd.core.switch_table import SwitchTable
from rulesd.model.event import Json
from rulesd.model.instant import Milliseconds
from rulesd.model.reasons import Reason
from rulesd.model.rollout import Finding, Rollout
from rulesd.model.switch import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants of a switch."""

    switch: str
    by: str
    reason: str
    labels: Mapping[str, str]
    "For the key and the scope."

    value: Json = None
    "``None``: the safe value."

    ttl: Milliseconds | None = None
    alert: str = ""
    origin: str = "person"
    id: str = ""
    "Idempotency key; empty: a new one is made."

    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchAnswer:
    """What became of a wish."""

    reason: Reason | None
    "``None``: there is no such switch or setting."

    setting: Setting | None
    refused: str = ""
    "Why not, in words; empty when it was done."


class Completed(StrEnum):
    """What became of a verdict."""

    DONE = "done"
    ALREADY = "already"
    UNKNOWN = "unknown_review"


class Acting(Protocol):
    """Kill switches and reviews of one daemon."""

    @property
    def table(self) -> SwitchTable:
        """What services read."""
        ...

    @property
    def version(self) -> int:
        """Grows with every change of what services read; never goes back."""
        ...

    @property
    def humans_only(self) -> bool:
        """Whether only people may set switches."""
        ...

    def settings(self) -> Sequence[Setting]:
        """Settings that are active, wait for approval, or are written down only."""
        ...

    def history(self) -> Sequence[Setting]:
        """Settings that have ended or were refused, the latest first."""
        ...

    async def set(self, wish: Wish) -> SwitchAnswer:
        """Set a switch."""
        ...

    async def contain(self, alert: str, by: str) -> Sequence[SwitchAnswer] | None:
        """Carry out the actions of an open alert's rule, as this person; guard rails hold. ``None``: there is no such open alert."""
        ...

    async def approve(self, setting: str, by: str) -> SwitchAnswer:
        """A second person agrees."""
        ...

    async def revert(self, setting: str, by: str, reason: str) -> SwitchAnswer:
        """End a setting now."""
        ...

    async def only_people(self, on: bool, by: str, reason: str) -> None:
        """Let only people set switches, or let rules and hooks again."""
        ...

    def reviews(self) -> Sequence[Review]:
        """Open items, the most urgent first, then closed ones, the latest first."""
        ...

    async def open_review(self, alert: str, by: str, note: str) -> Review | None:
        """The open review of an open alert, made if there is none; ``None``: there is no such open alert."""
        ...

    async def complete(
        self, review: str, by: str, verdict: str, note: str, next_: str
    ) -> Completed:
        """Give one of ``VERDICTS``."""
        ...

    def rollouts(self) -> Sequence[tuple[Rollout, Finding]]:
        """Open watches, then those that are over, the latest first, each with its verdict now."""
        ...

    async def sign_off(self, change: str, by: str, note: str) -> None:
        """The owner signs off."""
        ...

    async def finish(self, change: str, by: str, note: str) -> None:
        """End a watch."""
        ...

    async def changed(self, version: int, timeout_s: float) -> bool:
        """Wait until ``version`` is no longer the latest; ``False`` when it still is after the time."""
        ...
