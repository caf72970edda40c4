"""A rollout and what its watch has found: the facts a verdict is made of.

Law: values. A verdict follows from the facts and the criteria alone (``verdict``), so that CI, the console and the audit say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rulesd.model.instant import HOUR, Instant, Milliseconds


class Verdict(StrEnum):
    """What is known of a rollout."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What a rollout of a kind must show (``rules/rollouts.yaml``)."""

    watch: Milliseconds = HOUR
    min_events: int = 100
    "Events of the new version that must have been seen."

    fail_on: tuple[str, ...] = ("critical", "high")
    "Severities of alerts that fail it."

    redteam: bool = False
    "Whether a red-team run against the change must have passed."

    reviews: bool = True
    "Whether no critical review may be open."

    signoff: bool = False
    "Whether the owner must have signed off."

    rollback: str = ""
    "Action of ``switches.yaml`` that rolls back when it fails; empty: people do."

    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An alert that fired during a watch."""

    alert: str
    rule: str
    severity: str
    at: Instant
    labels: Mapping[str, str]
    why: str
    "How it is tied to the change, in words; empty: it only happened meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One change under watch, or whose watch is over."""

    id: str
    "The ``change_id`` of the ``deploy.change`` event."

    kind: str
    component: str
    from_version: str
    to_version: str
    stage: str
    tenant: str
    owner: str
    criteria: Criteria
    started_at: Instant
    ends_at: Instant
    before: Mapping[str, int] = field(default_factory=dict)
    "Baseline: alerts by rule in as much time before the change."

    seen: int = 0
    "Events of the new version."

    alerts: tuple[Seen, ...] = ()
    passed: int = 0
    failed: int = 0
    "Red-team findings for this change."

    over: bool = False
    ended_early: str = ""
    "In words, when the watch did not last its time: who ended it, or what pushed it out, and after how long."

    rolled_back: bool = False
    signed_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict with its evidence."""

    verdict: Verdict
    failures: tuple[str, ...]
    missing: tuple[str, ...]


def judge(rollout: Rollout, open_critical_reviews: int = 0) -> Finding:
    """What the facts say: any failure fails; anything missing leaves it open; else it passes."""
    criteria = rollout.criteria
    failures = [
        f"{seen.rule} fired ({seen.severity}): {seen.why}"
        for seen in rollout.alerts
        if seen.why and seen.severity in criteria.fail_on
    ]
    if rollout.failed:
        many = "finding" if rollout.failed == 1 else "findings"
        failures.append(f"{rollout.failed} red-team {many} failed")
    if rollout.rolled_back:
        failures.append("it was rolled back")
    missing: list[str] = []
    if not rollout.over:
        missing.append("the watch is not over")
    elif rollout.ended_early and not rollout.signed_by:
        who = rollout.owner or "the owner"
        missing.append(f"{rollout.ended_early}; {who} has not signed off on that")
    if rollout.seen < criteria.min_events:
        missing.append(f"only {rollout.seen} of {criteria.min_events} events of the new version")
    if criteria.redteam and not (rollout.passed or rollout.failed):
        missing.append("no red-team run against this change")
    if criteria.reviews and open_critical_reviews:
        missing.append(f"{open_critical_reviews} critical reviews are open")
    if criteria.signoff and not rollout.signed_by:
        missing.append(f"{rollout.owner or 'the owner'} has not signed off")
    verdict = Verdict.FAIL if failures else Verdict.INCONCLUSIVE if missing else Verdict.PASS
    return Finding(verdict=verdict, failures=tuple(failures), missing=tuple(missing))
