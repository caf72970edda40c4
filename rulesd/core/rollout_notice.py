"""What the owner of a release is told when its watch ends, and the release as something an action can be about.

Law: pure; labels and figures only. The verdict comes first, then why, then what to do.
"""

from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import NoticeDue
from rulesd.model.fingerprint import episode_id
from rulesd.model.instant import Instant
from rulesd.model.reasons import AlertState, Reason
from rulesd.model.rollout import Finding, Rollout, Verdict

MOST_LINES = 20
_SEVERITY = {Verdict.PASS: "low", Verdict.INCONCLUSIVE: "low", Verdict.FAIL: "high"}
_NEXT = {
    Verdict.PASS: "Nothing is left to do.",
    Verdict.INCONCLUSIVE: "Bring what is missing, or sign off: rulesd gate --change {id} --sign-off --note ...",
    Verdict.FAIL: "Roll it back, or write down why it stays: rulesd gate --change {id} --sign-off --note ...",
}


def verdict_notice(plan: Plan, rollout: Rollout, finding: Finding, now: Instant) -> NoticeDue:
    """The verdict with its table, for the owner of the release; a failure goes where high alerts go."""
    severity = _SEVERITY[finding.verdict]
    receiver = plan.receiver_for(rollout.owner, severity) or plan.root.receiver
    return NoticeDue(
        at=now,
        reason=Reason.VERDICT,
        receiver=receiver,
        owner=rollout.owner,
        title=f"{finding.verdict.upper()}: the watch over {what(rollout)} is over",
        lines=tuple(_lines(rollout, finding))[:MOST_LINES],
    )


def what(rollout: Rollout) -> str:
    """The release in a few words."""
    versions = " -> ".join(v for v in (rollout.from_version, rollout.to_version) if v)
    words = " ".join(w for w in (rollout.kind, rollout.component, versions) if w)
    return f"{rollout.id} ({words})" if words else rollout.id


def _lines(rollout: Rollout, finding: Finding) -> list[str]:
    out = [f"failed: {said}" for said in finding.failures]
    out += [f"missing: {said}" for said in finding.missing]
    least = rollout.criteria.min_events
    out.append(f"events of the new version: {rollout.seen} (at least {least})")
    tied = sum(bool(seen.why) for seen in rollout.alerts)
    before = sum(rollout.before.values())
    out.append(
        f"alerts: {len(rollout.alerts)}, of them tied to it {tied}; in as much time before: {before}"
    )
    out.append(f"red-team findings: {rollout.passed} passed, {rollout.failed} failed")
    if rollout.signed_by:
        out.append(f"signed off by {rollout.signed_by}")
    out.append(_NEXT[finding.verdict].format(id=rollout.id))
    return out


def release_alert(rollout: Rollout, now: Instant) -> Alert:
    """The release itself as what an action is about: where a red-team finding failed it, no alert has fired."""
    labels = {
        "change": rollout.id, "component": rollout.component, "version": rollout.to_version, "tenant": rollout.tenant,
    }  # fmt: skip
    return Alert(
        alert=episode_id("rollout", (rollout.id,), "", rollout.started_at),
        rule="rollout",
        fingerprint="",
        labels={name: value for name, value in labels.items() if value},
        context={},
        severity="high",
        owner=rollout.owner,
        state=AlertState.FIRING,
        value=float(rollout.failed),
        threshold=None,
        count=rollout.failed,
        since=rollout.started_at,
        event_time=now,
        started_at=rollout.started_at,
    )
