"""The plan: every rule, route, receiver and owner in compiled, immutable form, with a digest.

Law: made once by ``rulesd.config.compile`` from files, swapped in one assignment on reload, never changed. It holds
callables (conditions, severity maps), so it is never saved; the files it came from are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from rulesd.core.detectors.protocol import Detector
from rulesd.core.field import Field as Field
from rulesd.core.people import Budget, DigestSpec, Escalation, Person, Schedule
from rulesd.core.proof import Proof
from rulesd.model.event import Document, Json
from rulesd.model.instant import HOUR, MINUTE, SECOND, Instant, Milliseconds
from rulesd.model.rollout import Criteria
from rulesd.model.switch import Switch

Match: TypeAlias = Callable[[Document], tuple[Sequence[int], Sequence[int]]]
"A document in; positions (in ``Plan.rules``) of the rules that match, and of those that raised, both ascending."

SeverityMap: TypeAlias = Callable[[Mapping[str, Json]], str]
"``{'alert': {value, count, labels, ...}}`` in; a severity out."


class Maturity(StrEnum):
    """How far a rule is trusted; only the first two page."""

    STABLE = "stable"
    INCUBATING = "incubating"
    SHADOW = "shadow"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A rule's response path."""

    id: str
    "The rule id: it is served at ``/runbooks/<id>``."

    title: str
    markdown: str
    "Empty when ``url`` is set."

    url: str
    "An https address, or empty for a file beside the rule."

    first_five_minutes: str
    "That section as plain text, one step a line; empty when there is none (a lint finding)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule file, compiled."""

    id: str
    title: str
    summary: str
    "Template of the page's first sentence (minijinja); the title where the file gives none."

    owner: str
    runbook: Runbook
    maturity: Maturity
    on: tuple[str, ...]
    by: tuple[Field, ...]
    context: tuple[Field, ...]
    detector: "Detector[Any]"
    never: bool
    severity: SeverityMap
    worst_severity: str
    "The worst one the map can give: what a rule that could not be evaluated is paged with."

    lateness: Milliseconds = 30 * SECOND
    pending_for: Milliseconds = 0
    keep_firing_for: Milliseconds | None = None
    "``None``: the detector's own hold."

    again_after: Milliseconds = 15 * MINUTE
    "A must-never-happen rule pages again when its last page is older than this."

    actions: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    review_sample: float = 0.0
    max_keys: int = 100_000
    digest: str = ""
    "Of condition, detector and ``by``: a rule whose digest is unchanged keeps its windows over a reload."

    path: str = ""
    unit: str = ""
    "What ``value`` counts, for the page: ``events``, ``users``, ``USD`` ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One label matcher of a route: ``name op value``; a missing label is the empty string."""

    name: str
    op: str
    "``=``, ``!=``, ``=~`` or ``!~`` (anchored)."

    value: str
    test: Callable[[str], bool]

    def __str__(self) -> str:
        """As Alertmanager prints it: ``name="value"``."""
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.op}"{quoted}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A named time interval of a route."""

    name: str
    covers: Callable[[Instant], bool]
    "Whether an instant lies in it; total, and the same on every machine."


@dataclass(frozen=True, slots=True, kw_only=True)
class InhibitRule:
    """While a source fires, targets with the same ``equal`` labels page nobody (Alertmanager's ``inhibit_rules``)."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A node of the routing tree with everything it inherits already filled in (Alertmanager dispatch/route.go)."""

    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ()
    group_by_all: bool = False
    "``group_by: ['...']``; for own alerts that means the identity labels."

    group_wait: Milliseconds = 30 * SECOND
    group_interval: Milliseconds = 5 * MINUTE
    repeat_interval: Milliseconds = 4 * HOUR
    go_on: bool = False
    "``continue: true``."

    routes: tuple["Route", ...] = ()
    key: str = "{}"
    "``{parent matchers}/{matchers}``: the first part of the group key."

    mute: tuple[Interval, ...] = ()
    "``mute_time_intervals``: in one of these it tells nobody. Not inherited."

    active: tuple[Interval, ...] = ()
    "``active_time_intervals``: where there are any, it tells only in one of these. Not inherited."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """One way out of a receiver, as configured; ``rulesd.notify`` makes the adapter from it."""

    receiver: str
    name: str
    "``slack[0]``: kind and position, stable over reloads."

    kind: str
    "``slack``, ``pagerduty``, ``webhook``, ``apprise`` (receivers.yaml); ``slack_configs``, ``pagerduty_configs``, ``webhook_configs`` (routing.yaml)."

    settings: Mapping[str, Json]
    "As validated; secrets are references ({'file': ...}, {'env': ...}, {'credential': ...}), resolved when the adapter is made."

    for_people: bool
    per_alert: bool
    updates_in_place: bool
    send_resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A named destination with all its channels."""

    name: str
    channels: tuple[ChannelSpec, ...] = ()
    failover: str = ""
    digest: DigestSpec | None = None
    "Pages to it that can wait are told together."


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who answers for rules."""

    name: str
    contact: str = ""
    receivers: Mapping[str, str] = field(default_factory=dict)
    "By severity or ``default``."

    escalation: str = ""
    schedule: str = ""
    "Who is on call gets the pages that would go to the ``default`` receiver."

    page_budget: Budget | None = None
    digest: DigestSpec | None = None
    repeat_max: Milliseconds = 0
    "Above 0: the time between reminders doubles up to this."


def _not_here(text: str) -> Any:
    """A plan made by hand may know neither patterns nor schedules."""
    raise ValueError(f"this plan cannot read {text[:80]!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything in force at one moment."""

    digest: str
    rules: tuple[Rule, ...]
    match: Match
    root: Route
    receivers: Mapping[str, Receiver]
    owners: Mapping[str, Owner]
    severities: Mapping[str, str]
    "What each severity means, for pages."

    by_id: Mapping[str, int]
    "Position of each rule in ``rules``."

    inhibit_rules: tuple[InhibitRule, ...] = ()
    resolve_timeout: Milliseconds = 5 * MINUTE
    "``global.resolve_timeout``: when an alert that is posted without an end is over."

    hooks: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    "Inbound webhooks of hooks.yaml by name, as validated."

    switches: Mapping[str, Switch] = field(default_factory=dict)
    rollouts: Mapping[str, Criteria] = field(default_factory=dict)
    "What a rollout must show, by kind of change and ``default``."

    humans_only: bool = False
    "At the first start only people may set switches."

    templates: Mapping[str, str] = field(default_factory=dict)
    "Operator's own message templates by file name."

    go_templates: Mapping[str, str] = field(default_factory=dict)
    "The files of routing.yaml's ``templates``, in the order they are read."

    watches_alerts: bool = False
    "Whether any rule matches ``alert.state``: only then are alert transitions fed back as events."

    watches_switches: bool = False
    "Whether any rule matches ``containment.changed``: only then are changes of switches fed back as events."

    proofs: Mapping[str, tuple[Proof, ...]] = field(default_factory=dict)
    "By event type: what shows that a switch is not obeyed."

    naive: Callable[[Document], tuple[Sequence[str], Sequence[str]]] | None = None
    "Ids of the rules that match and that raise, evaluated one by one without the index: for the sampled shadow check."

    explain: Callable[[str, Document], tuple[bool | None, str] | None] = lambda rule, document: None
    "Whether a rule's condition holds for a document (``None``: it raises), and the tree with the value of every part; ``None`` for an unknown rule."

    release: Callable[[], None] = lambda: None
    "Frees what ``match`` holds once another plan is in force; ``match`` must not be asked again."

    people: Mapping[str, Person] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    escalations: Mapping[str, Escalation] = field(default_factory=dict)
    self_owner: str = ""
    "Who answers for rulesd itself; empty: the first owner."

    routing_yaml: str = ""
    "routing.yaml as written: what ``config.original`` shows."

    warnings: Sequence[str] = ()

    regex: Callable[[str], Callable[[str], bool]] = _not_here
    "An anchored RE2 pattern as a test, for silences; raises ``ValueError``."

    schedule: Callable[[str], Callable[[Instant], Instant]] = _not_here
    "A cron line as the function that gives the next time after a given one, for silences; raises ``ValueError``."

    def receiver_for(self, owner: str, severity: str) -> str | None:
        """The receiver an owner names for a severity, if any."""
        if owner not in self.owners:
            return None
        names = self.owners[owner].receivers
        found = names.get(severity) or names.get("default")
        return found or (self.root.receiver if self.owners[owner].schedule else None)
