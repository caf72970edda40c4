"""A page, complete and self-contained: everything a receiver needs, so that it can be sent after any restart.

Law: labels and derived facts only, never raw content. What is written here is exactly what leaves the house.
These are msgspec-free plain values; the outbox stores them as JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rulesd.model.reasons import DeliveryOutcome, DeliveryReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAlert:
    """One alert as a page tells it. Times are RFC 3339 text."""

    alert: str
    fingerprint: str
    status: str
    "``firing``, ``resolved`` or ``acknowledged``."

    changed: bool
    "Whether this notification is the first to tell this status."

    rule: str
    title: str
    summary: str
    "What happened, in one sentence."

    severity: str
    severity_meaning: str
    owner: str
    owner_contact: str
    labels: Mapping[str, str]
    "All labels: alertname, owner, severity, tenant, ``by`` and ``context``."

    identity: tuple[str, ...]
    "Names of the labels that tell this alert from its neighbours (``by``)."

    value: str
    threshold: str
    "Both as text with units, ``threshold`` empty where one occurrence is enough."

    count: int
    since: str
    "Event time of the first evidence."

    started_at: str
    ended_at: str
    "Empty while it fires."

    event_time: str
    causes: tuple[str, ...]
    "Evidence: ids of events."

    runbook_title: str
    runbook_url: str
    "A signed link; empty when no ``external_url`` is set and the runbook is a local file."

    first_five_minutes: str
    "That section of the runbook, as plain text with one step a line."

    next_step: str
    "What happens next if nobody acts, in one sentence."

    console_url: str = ""
    acknowledged_by: str = ""
    "Of a resolved alert: who said that it is over, else who had it; empty when nobody did."

    could_not_evaluate: bool = False
    never: bool = False
    foreign: bool = False
    "Posted by another system: ``labels`` is its whole label set, untouched."

    annotations: Mapping[str, str] = field(default_factory=dict)
    "Of a foreign alert, as posted."

    generator_url: str = ""
    "Of a foreign alert: where it comes from."

    actions: tuple[str, ...] = ()
    "What the rule can do to contain it, by name; empty where this daemon cannot."


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCall:
    """What a service is told about one setting of a switch."""

    setting: str
    switch: str
    key: str
    "Flag key."

    scope: Mapping[str, str]
    "It holds where these labels agree; empty: everywhere."

    set_to: str
    "The value of this setting, as JSON text."

    value: str
    "What services in that scope read from now on, as JSON text."

    state: str
    "``set`` or ``ended``."

    by: str
    reason: str
    alert: str
    rule: str
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What one channel is asked to tell, once."""

    id: str
    "Idempotency key: the same over every retry and every restart."

    receiver: str
    group: str
    group_labels: Mapping[str, str]
    incident: str
    "Identity of the message to update in place."

    status: str
    "``firing``, ``resolved`` or ``acknowledged``."

    reason: str
    page: bool
    "``False``: only bring an existing message up to date; channels that cannot do that skip it."

    at: str
    alerts: tuple[PageAlert, ...]
    external_url: str = ""
    storm: int = 0
    test: bool = False
    "A test page: it must say so in its first words."

    more: int = 0
    "Alerts of the group that are not listed because of its size."

    failover: str = ""
    "Why this page comes to this receiver instead of another's, in one sentence; empty where it does not."

    title: str = ""
    "Set for a notice, which has no alerts: its one line. ``status`` is then ``firing`` and ``page`` true."

    lines: tuple[str, ...] = ()
    "What a notice has to say, a line each."

    story: str = ""
    "All alerts of a group in one breath: ``183 times since 02:14 UTC, 3 tenants``; empty for one alert."

    next_page: str = ""
    "Who is paged next if nobody acknowledges, in one sentence; empty when nobody is."

    action: ActionCall | None = None
    "Set for the webhook of a switch: there is nothing else in it."

    change: bool = False
    "A notice of something that was changed (a deploy, a switch): a record beside incidents, which wakes nobody."


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How one attempt ended."""

    outcome: DeliveryOutcome
    reason: DeliveryReason
    detail: str = ""
    "For people: status code and the receiver's own words, shortened, without secrets."

    retry_after_ms: int | None = None
    "What the receiver asked for (``Retry-After``)."

    reference: Mapping[str, str] = field(default_factory=dict)
    "What to remember for updating in place, such as Slack's channel id and ``ts``."
