"""Everything that may enter the engine. The journal holds these, in order, each with its ``now``.

Law: an input is plain data; whoever makes one has already redacted it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rulesd.model.event import Event, Rejected
from rulesd.model.instant import MINUTE, Instant, Milliseconds
from rulesd.model.oncall import OnCallOverride
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.model.silence import Silence


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedAlert:
    """One alert that another system posted (API v2), valid and with its times filled in."""

    labels: Mapping[str, str]
    """The whole label set, without empty values: its identity.

    None at all: the alert of this ``fingerprint`` again, with the labels, annotations and address that are known of it."""

    starts_at: Instant
    ends_at: Instant
    "At or before ``now``: it is over."

    annotations: Mapping[str, str] = field(default_factory=dict)
    generator_url: str = ""
    timeout: bool = False
    "Whether ``ends_at`` was not told but follows from ``resolve_timeout``."

    fingerprint: str = ""
    "Of its labels, where the door has worked it out; empty: not yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsPosted:
    """The alerts of one request to API v2."""

    alerts: tuple[PostedAlert, ...]
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceSet:
    """A silence was made or changed (same id)."""

    silence: Silence
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceExpired:
    """A person ended a silence."""

    id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideSet:
    """Somebody else is on call for a while; who made it and when stands in it."""

    override: OnCallOverride


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRemoved:
    """A person took an on-call override back, or ended it."""

    id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSet:
    """Somebody (a person, an inbound hook) sets a switch; rules do so by their actions."""

    id: str
    "Of the setting; the same id again changes nothing (a webhook that is sent twice)."

    switch: str
    by: str
    reason: str
    labels: Mapping[str, str] = field(default_factory=dict)
    "For the key and the scope."

    value: str = ""
    "JSON text; empty: the safe value."

    origin: str = "person"
    alert: str = ""
    ttl: Milliseconds | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchApproved:
    """A second person agrees to a setting."""

    id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchReverted:
    """Somebody ends a setting."""

    id: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HumansOnly:
    """From now on only people may set switches, or rules and hooks may again."""

    on: bool
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAsked:
    """Somebody wants a person to look at an alert."""

    alert: str
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCompleted:
    """A reviewer's verdict on a review item."""

    review: str
    by: str
    verdict: str
    "``benign``, ``fixed`` or ``harm``."

    note: str = ""
    next: str = ""
    "With ``harm``: what must happen before the lock may go."


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSigned:
    """The owner of a change signs it off."""

    change: str
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFinished:
    """Somebody ends the watch over a change."""

    change: str
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinesRelearned:
    """A person wants keys of a rule to learn afresh."""

    rule: str
    labels: Mapping[str, str]
    "What was asked for; empty: the whole rule, with what its keys share."

    keys: tuple[tuple[str, ...], ...]
    "Those of its keys that have these labels; empty with empty labels."

    by: str
    reason: str


Input: TypeAlias = (
    Event
    | EventRefused
    | Acknowledged
    | Unacknowledged
    | ResolvedByPerson
    | Delivered
    | PlanReplaced
    | AlertsPosted
    | SilenceSet
    | SilenceExpired
    | OverrideSet
    | OverrideRemoved
    | SwitchSet
    | SwitchApproved
    | SwitchReverted
    | HumansOnly
    | ReviewAsked
    | ReviewCompleted
    | RolloutSigned
    | RolloutFinished
    | BaselinesRelearned
)
