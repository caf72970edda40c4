"""Everything that may enter the engine. The journal holds these, in order, each with its ``now``.

Law: an input is plain data; whoever makes one has already redacted it.
"""

from dataclasses import dataclass
from typing import TypeAlias

from rulesd.model.event import Event, Rejected
from rulesd.model.instant import MINUTE, Milliseconds
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRefused:
    """An event that could not be taken; it becomes an ``event.rejected`` decision."""

    source: str
    "Where it came from: ``http``, ``mqtt``, ``hook:<name>``, ``file``."

    rejected: Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A person took an alert: no further pages until it changes."""

    alert: str
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacknowledged:
    """A person gave an alert back."""

    alert: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedByPerson:
    """A person says it is over. Resolve wins over an older acknowledgement."""

    alert: str
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The end of one outbox row: accepted by the receiver, or given up."""

    notification: str
    receiver: str
    channel: str
    outcome: DeliveryOutcome
    reason: DeliveryReason
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReplaced:
    """The rules were reloaded; state of unchanged rules is kept."""

    digest: str
    owner_pages: int = 10
    "Pages one owner may get ..."

    owner_window: Milliseconds = 5 * MINUTE
    "... in this time. A setting, on record because decisions follow from it."


Input: TypeAlias = (
    Event
    | EventRefused
    | Acknowledged
    | Unacknowledged
    | ResolvedByPerson
    | Delivered
    | PlanReplaced
)
