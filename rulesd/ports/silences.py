"""What the doors may ask about silences, and what they are told.

Promises: what is refused changes nothing, and the answer carries Alertmanager's own sentence where it has one. A preview reads
the decision log only; it is bounded in rows and time, and says how far back it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rulesd.core.silence_state import Record
from rulesd.model.instant import Instant


class SilenceRefusal(StrEnum):
    """Why a silence was not made, changed or approved."""

    UNKNOWN = "unknown_silence"
    TIMES = "start_not_before_end"
    PAST = "end_in_past"
    INVALID = "invalid_silence"
    "A matcher, a window or a length; the sentence says which."

    LIMIT = "too_many_silences"
    OVER = "silence_expired"
    AUTHOR = "approver_is_author"
    LONG = "too_long_to_approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceResult:
    """What became of it."""

    id: str = ""
    "Of the silence in force now; not always the one that was named (Alertmanager's rule for updates). Empty when refused."

    refused: SilenceRefusal | None = None
    message: str = ""
    "Why it was refused, as Alertmanager says it."


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceView:
    """A silence with all that is known about it now."""

    record: Record
    hides: Mapping[str, int]
    "Firing alerts it holds back now, by rule (the alert's name, for alerts of other systems)."

    unapplied: Mapping[str, int]
    "Firing alerts it speaks of and does not hold back, because they must never happen."

    suits_never: bool
    "Whether it holds back must-never-happen alerts: approved by a second person, and short."


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenPage:
    """A page of the past that a silence would have held back."""

    at: Instant
    receiver: str
    rule: str
    owner: str
    severity: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenShare:
    """Pages of one rule and owner."""

    rule: str
    owner: str
    pages: int
    examples: Sequence[HiddenPage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a silence would have done had it been active all the time (in its windows only, if it has any)."""

    since: Instant
    until: Instant
    complete: bool
    "Whether the log was read back to what was asked; ``False`` when a bound or the log's beginning came first."

    pages: int
    "Pages that nobody would have got."

    shortened: int
    "Pages that would have left with fewer alerts in them."

    unapplied: int
    "Pages it speaks of that would have come all the same: must-never-happen rules."

    shares: Sequence[HiddenShare] = field(default=())
    "Of ``pages``, most first."

    now: Mapping[str, int] = field(default_factory=dict)
    "Firing alerts it would hold back at this moment, by rule."
