"""Decide whether a group of alerts needs a notification now, and say why.

Law: pure, without memory of its own: ``last`` is what was last sent. People are paged for change, not for state, because
a page that tells nothing new teaches them to look away; but without change a page is repeated after ``repeat_interval``, because
a forgotten page is also a failure. The table is Alertmanager's (notify/dedup_stage.go), with one row of ours: a severity
that rose is news although the alert is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rulesd.model.instant import Instant, Milliseconds
from rulesd.model.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the receiver was last told about a group."""

    at: Instant
    firing: Mapping[str, int]
    "By fingerprint: the rank of the severity that was told (0 is the worst)."

    resolved: Mapping[str, None]
    "Fingerprints that were told as resolved."


def reason(
    last: Sent | None,
    firing: Mapping[str, int],
    resolved: Mapping[str, None],
    *,
    repeat_interval: Milliseconds | None,
    now: Instant,
    send_resolved: bool = True,
) -> Reason:
    """Compare what is so with what was last told.

    ``repeat_interval`` ``None`` means: never repeat. Without ``send_resolved`` a resolved alert among firing ones is no news; that
    all are resolved is, so that the next firing one is the first again.
    """
    if last is None or not last.firing:
        if firing:
            return Reason.FIRST
        return Reason.UNCHANGED
    if not firing:
        return Reason.ALL_RESOLVED
    if any(fp not in last.firing for fp in firing):
        return Reason.NEW_ALERTS
    if any(rank < last.firing[fp] for fp, rank in firing.items()):
        return Reason.SEVERITY_RAISED
    if send_resolved and any(fp not in last.resolved for fp in resolved):
        return Reason.SOME_RESOLVED
    if repeat_interval is not None and now - last.at >= repeat_interval:
        return Reason.REPEAT
    return Reason.UNCHANGED
