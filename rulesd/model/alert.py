"""An alert as it travels: what Detection says about one rule and one set of ``by`` labels.

Law: a value. Detection makes a new one for every transition; Dispatch keeps the latest and never changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rulesd.model.instant import Instant
from rulesd.model.reasons import AlertState

MISSING = "(missing)"
"The value of a label the event does not carry: a segment of its own that people can see."

INVALID = "(invalid)"
"The value of a label that is a list or an object in the event."

OVERFLOW = "(more keys)"
"The value of every label once a rule has as many keys as it may have."

RESERVED_LABELS = frozenset({"alertname", "owner", "severity", "tenant", "rule"})
"Names with a fixed meaning; a rule may not give them another."

SEVERITIES = ("critical", "high", "medium", "low")
"From worst to mildest; ``rules/severities.yaml`` says what each means."


def severity_rank(severity: str) -> int:
    """0 for critical; unknown words rank after ``low``."""
    return _RANKS.get(severity, len(SEVERITIES))


_RANKS = {name: rank for rank, name in enumerate(SEVERITIES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """What an alert that another system posted (API v2) carries beside its labels."""

    annotations: Mapping[str, str]
    generator_url: str
    starts_at: Instant
    "As told by its source; ``Alert.started_at`` is when it first came here."

    ends_at: Instant
    "When it is over unless its source sends it again."

    timeout: bool
    "Whether ``ends_at`` was not told but follows from ``resolve_timeout``."

    updated_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One episode of one alert, as of one moment."""

    alert: str
    "The episode id: what ``why``, ``ack``, the API and PagerDuty's ``dedup_key`` use."

    rule: str
    fingerprint: str
    "Alertmanager's fingerprint over ``alertname`` and the ``by`` labels."

    labels: Mapping[str, str]
    "The ``by`` labels: the alert's identity."

    context: Mapping[str, str]
    "Labels a page must show, from the latest event that has them."

    severity: str
    owner: str
    state: AlertState
    value: float
    "What the detector measured (a count, a rate, a sum ...)."

    threshold: float | None
    "What ``value`` was compared with; ``None`` where one occurrence is enough."

    count: int
    "How many events are in this episode so far."

    since: Instant
    "Event time of the first evidence."

    event_time: Instant
    "Event time of the latest evidence, or of the deadline that decided."

    started_at: Instant
    "Processing time at which the episode opened."

    ended_at: Instant | None = None
    "Processing time at which it resolved."

    causes: tuple[str, ...] = ()
    "Ids of the events that are the evidence: the first ones and the latest ones."

    never: bool = False
    "A must-never-happen rule: it pages at once and cannot be drowned."

    acknowledged_by: str = ""
    could_not_evaluate: bool = False
    "The rule raised on this event: the page says so, and what to do."

    foreign: Foreign | None = None
    "Set for an alert of another system: ``labels`` is then its whole label set, untouched."

    @property
    def key(self) -> str:
        """The fingerprint, with a mark for ours: an alert of another system may come with the very labels of one of ours."""
        return f"!{self.fingerprint}" if self.foreign is None else self.fingerprint

    def all_labels(self) -> dict[str, str]:
        """The full label set routes and receivers see (contract 2.4)."""
        if self.foreign is not None:
            return dict(self.labels)
        out = {k: v for k, v in self.context.items() if v}
        out.update(self.labels)
        out["alertname"] = self.rule
        out["owner"] = self.owner
        out["severity"] = self.severity
        return out
