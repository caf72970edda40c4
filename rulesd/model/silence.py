"""A silence: whoever wrote it, for which alerts, from when until when, and why.

Law: a value; Alertmanager's silence with the few fields it lacks (end when the alert ends, recurring windows, an approver).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rulesd.model.instant import Instant, Milliseconds


class SilenceState(StrEnum):
    """Where a silence stands at a moment."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceMatcher:
    """One condition on a label; a missing label is the empty text. Regular expressions are anchored (RE2)."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence. All matchers must agree."""

    id: str
    "A UUID, given by whoever wrote it down first."

    matchers: tuple[SilenceMatcher, ...]
    starts_at: Instant
    ends_at: Instant
    updated_at: Instant
    created_by: str
    comment: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    approved_by: str = ""
    "A second person; without one a silence does not hold back must-never-happen alerts."

    end_on_resolve: bool = False
    "It is over when the last alert it held back has resolved."

    cron: str = ""
    "With ``lasts``: it is active only in windows that begin at these times (UTC unless ``timezone``)."

    lasts: Milliseconds = 0
    timezone: str = ""

    def state(self, now: Instant) -> SilenceState:
        """By time alone: a recurring silence is active from start to end, whatever its windows say."""
        if now < self.starts_at:
            return SilenceState.PENDING
        return SilenceState.ACTIVE if now < self.ends_at else SilenceState.EXPIRED
