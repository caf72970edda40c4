"""What the engine decides. Each decision is a frozen value with a reason and the time it applies to.

Law: decisions are the only output of the core; ``line`` is their one text form (contract 2.7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from rulesd.model.alert import Alert
from rulesd.model.baseline import BaselineChanged, baseline_fields
from rulesd.model.event import Json
from rulesd.model.instant import Instant, format_instant
from rulesd.model.reasons import Reason
from rulesd.model.rollout import Finding, Rollout
from rulesd.model.switch import Setting


class Kind(StrEnum):
    """The kinds of the decision log."""

    PENDING = "alert.pending"
    FIRING = "alert.firing"
    UPDATED = "alert.updated"
    RESOLVED = "alert.resolved"
    SUPPRESSED = "alert.suppressed"
    NOTIFICATION = "notification.due"
    NOTICE = "notice.due"
    ACTION = "action.due"
    REVIEW = "review.opened"
    REVIEW_CLOSED = "review.completed"
    REJECTED = "event.rejected"
    LIMIT = "limit.reached"
    SWITCH = "switch.changed"
    ROLLOUT = "rollout.changed"
    BASELINE = "baseline.changed"


class Status(StrEnum):
    """What a notification tells about its group."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"


class Audience(StrEnum):
    """Which of a receiver's channels a notification is for."""

    ALL = "all"
    PEOPLE = "people"
    "Channels that people read: they get one collected page in a storm."

    MACHINES = "machines"
    "Channels that programs read: they get every alert."


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanged:
    """An alert made a transition, or was held back (``alert.suppressed``)."""

    kind: Kind
    at: Instant
    reason: Reason
    alert: Alert
    held_by: tuple[str, ...] = ()
    "Of ``alert.suppressed``: ids of silences, names of intervals, or fingerprints of inhibiting alerts."


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert inside a notification."""

    alert: Alert
    status: Status
    changed: bool
    "Whether this notification is the first to tell this status of it."


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDue:
    """A group of alerts must be told to a receiver now."""

    at: Instant
    reason: Reason
    receiver: str
    group: str
    "Alertmanager's group key."

    group_labels: Mapping[str, str]
    status: Status
    alerts: tuple[Told, ...]
    incident: str
    "Identity of the message to update in place: fixed from the group's first page until it is all resolved."

    page: bool
    "Whether a person should be woken; ``False`` means: only bring an existing page up to date."

    audience: Audience = Audience.ALL
    storm: int = 0
    "Above 0: this is the owner's collected page, and so many pages have been folded into it."

    on_call: str = ""
    "Who is told, where a schedule or an escalation chose a person."

    next_at: Instant | None = None
    "When somebody else is told, unless somebody acknowledges before."

    next_to: str = ""
    "Who that is, as far as is known."


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDue:
    """People must be told something that is no alert: a hand-over, a silence that ends soon, a digest."""

    at: Instant
    reason: Reason
    receiver: str
    owner: str
    "Whose business it is; empty when it is nobody's in particular."

    title: str
    "One line."

    lines: tuple[str, ...]
    "What there is to say, a line each; labels and figures only, like everything that leaves the house."

    until: Instant | None = None
    "Not worth sending from then on (a shift that is over); ``None``: always."


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDue:
    """A rule asks for an action of ``switches.yaml``."""

    at: Instant
    reason: Reason
    action: str
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchChanged:
    """A setting of a switch was made, refused, approved, ended, or has been in force long enough to be obeyed."""

    at: Instant
    reason: Reason
    setting: Setting
    value: Json
    "What a service in the setting's scope reads from now on."


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutChanged:
    """A watch over a release began, gathered evidence, or ended; with the verdict as of now."""

    at: Instant
    reason: Reason
    rollout: Rollout
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOpened:
    """An alert was sampled for a person's review."""

    at: Instant
    reason: Reason
    review: str
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosed:
    """A reviewer gave a verdict."""

    at: Instant
    reason: Reason
    review: str
    verdict: str
    by: str
    note: str
    next: str
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWasRejected:
    """An event could not be taken."""

    at: Instant
    reason: Reason
    source: str
    code: str
    pointer: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached:
    """A limit took effect: nothing is dropped without one of these."""

    at: Instant
    reason: Reason
    rule: str
    limit: int
    detail: str


Decision: TypeAlias = (
    AlertChanged
    | NotificationDue
    | NoticeDue
    | ActionDue
    | SwitchChanged
    | RolloutChanged
    | BaselineChanged
    | ReviewOpened
    | ReviewClosed
    | EventWasRejected
    | LimitReached
)


def line(seq: int, decision: Decision) -> dict[str, Json]:
    """The decision as one object of the decision log; keys are sorted by whoever writes it."""
    out: dict[str, Json] = {
        "seq": seq,
        "at": format_instant(decision.at),
        "reason": str(decision.reason),
    }
    match decision:
        case AlertChanged():
            out |= _alert_fields(decision.alert)
            out["kind"] = str(decision.kind)
            if decision.held_by:
                out["held_by"] = list(decision.held_by)
        case NotificationDue():
            out.update(_notification_fields(decision))
        case NoticeDue():
            out.update(
                kind=str(Kind.NOTICE),
                receiver=decision.receiver,
                owner=decision.owner,
                title=decision.title,
                lines=list(decision.lines),
            )
        case ActionDue():
            out.update(_alert_fields(decision.alert), kind=str(Kind.ACTION), action=decision.action)
        case SwitchChanged():
            out.update(_switch_fields(decision))
        case RolloutChanged():
            out.update(_rollout_fields(decision))
        case BaselineChanged():
            out.update(baseline_fields(decision), kind=str(Kind.BASELINE))
        case ReviewOpened():
            out.update(_alert_fields(decision.alert), kind=str(Kind.REVIEW), review=decision.review)
        case ReviewClosed():
            out.update(
                _alert_fields(decision.alert),
                kind=str(Kind.REVIEW_CLOSED),
                review=decision.review,
                verdict=decision.verdict,
                by=decision.by,
                note=decision.note,
                next=decision.next,
            )
        case EventWasRejected():
            out.update(
                kind=str(Kind.REJECTED),
                source=decision.source,
                code=decision.code,
                pointer=decision.pointer,
                message=decision.message,
            )
        case _:
            out.update(
                kind=str(Kind.LIMIT),
                rule=decision.rule,
                limit=decision.limit,
                detail=decision.detail,
            )
    return out


def _alert_fields(alert: Alert) -> dict[str, Json]:
    out: dict[str, Json] = {
        "rule": alert.rule,
        "alert": alert.alert,
        "fingerprint": alert.fingerprint,
        "labels": dict(alert.labels),
        "context": dict(alert.context),
        "severity": alert.severity,
        "owner": alert.owner,
        "value": alert.value,
        "threshold": alert.threshold,
        "count": alert.count,
        "event_time": format_instant(alert.event_time),
        "since": format_instant(alert.since),
        "cause": list(alert.causes),
    }
    if alert.acknowledged_by:
        out["by"] = alert.acknowledged_by
    if alert.could_not_evaluate:
        out["could_not_evaluate"] = True
    return out


def _rollout_fields(changed: RolloutChanged) -> dict[str, Json]:
    rollout, finding = changed.rollout, changed.finding
    return {
        "kind": str(Kind.ROLLOUT),
        "change": rollout.id,
        "change_kind": rollout.kind,
        "component": rollout.component,
        "from_version": rollout.from_version,
        "to_version": rollout.to_version,
        "stage": rollout.stage,
        "owner": rollout.owner,
        "verdict": str(finding.verdict),
        "failures": list(finding.failures),
        "missing": list(finding.missing),
        "events": rollout.seen,
        "alerts": [seen.alert for seen in rollout.alerts],
        "signed_by": rollout.signed_by,
        "over": rollout.over,
    }


def _switch_fields(changed: SwitchChanged) -> dict[str, Json]:
    setting = changed.setting
    ends = setting.expires_at
    out: dict[str, Json] = {
        "kind": str(Kind.SWITCH),
        "setting": setting.id,
        "switch": setting.switch,
        "key": setting.key,
        "scope": dict(setting.scope),
        "set_to": setting.value,
        "value": changed.value,
        "state": str(setting.state),
        "by": setting.by,
        "why": setting.reason,
        "origin": setting.origin,
        "until": str(setting.until),
        "expires_at": None if ends is None else format_instant(ends),
        "alert": setting.alert,
        "rule": setting.rule,
    }
    if setting.approved_by:
        out["approved_by"] = setting.approved_by
    if setting.ended_at is not None:
        out["ended_by"], out["ended_why"] = setting.ended_by, setting.ended_why
    if setting.result:
        out["result"] = setting.result
    return out


def _notification_fields(due: NotificationDue) -> dict[str, Json]:
    out: dict[str, Json] = {
        "kind": str(Kind.NOTIFICATION),
        "receiver": due.receiver,
        "group": due.group,
        "incident": due.incident,
        "status": str(due.status),
        "page": due.page,
        "alerts": [
            {
                "alert": told.alert.alert,
                "fingerprint": told.alert.fingerprint,
                "status": str(told.status),
                "rule": told.alert.rule,
                "labels": dict(told.alert.labels),
                "severity": told.alert.severity,
                "value": told.alert.value,
            }
            for told in due.alerts
        ],
    }
    if due.audience is not Audience.ALL:
        out["audience"] = str(due.audience)
    if due.storm:
        out["storm"] = due.storm
    if due.on_call:
        out["on_call"] = due.on_call
    if due.next_at is not None:
        out["next"] = {"at": format_instant(due.next_at), "to": due.next_to}
    return out
