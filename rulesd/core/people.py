"""People as values: who can be told, who is on call when, and who is told next when nobody answers.

Law: values only. Calendars come in as callables that ``rulesd.config`` has built, so that nothing here knows zones or cron.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rulesd.model.instant import Instant, Milliseconds

SHIFT: Milliseconds = 0
"``Budget.per``: as long as a shift of the owner's schedule."


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be on call."""

    name: str
    contact: str = ""
    receivers: Mapping[str, str] = field(default_factory=dict)
    "By severity or ``default``."


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who is on call when."""

    name: str
    on_call: Callable[[Instant], tuple[str, ...]]
    "Names of people at an instant; empty in a gap."

    next_change: Callable[[Instant], Instant]
    "The first instant after the given one at which somebody else is on call; beyond all time when there is none."

    zone: str = "UTC"
    "For people to read times in."


class TargetKind(StrEnum):
    """Whom a step of an escalation names."""

    RECEIVER = "receiver"
    SCHEDULE = "schedule"
    OWNER = "owner"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One destination of a step."""

    kind: TargetKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Wait, then tell."""

    wait: Milliseconds
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """What happens, in order, while nobody acknowledges."""

    steps: tuple[Step, ...]
    "At least one."

    last_wait: Milliseconds
    "After the last step, before it begins again or is over."

    repeat: int = 0
    "How often it begins again, with the owner."

    ack_timeout: Milliseconds = 0
    "How long an acknowledgement counts while the alert goes on; 0: for ever."


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A named chain with its variant for critical alerts."""

    name: str
    default: Ladder
    critical: Ladder
    severities: tuple[str, ...] = ("critical", "high")
    "Of which severities pages are escalated."


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many pages an owner's people may get in a shift."""

    pages: int
    per: Milliseconds
    "``SHIFT``, or a length of time."


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSpec:
    """Which pages of an owner wait, and until when."""

    next: Callable[[Instant], Instant]
    "The next time of a digest after an instant."

    severities: tuple[str, ...] = ("low",)
    "Never critical, and never a must-never-happen alert whatever stands here."
