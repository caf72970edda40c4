"""Test pages: a real page along an owner's whole path, that says first that it is a test.

Law: pure. A test page differs from a real one in its words alone: it takes the same channels, templates and limits.
"""

from collections.abc import Sequence
from dataclasses import replace

from rulesd.core.plan import Plan
from rulesd.model.alert import Alert
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.fingerprint import episode_id, fingerprint
from rulesd.model.instant import Instant
from rulesd.model.notification import Notification
from rulesd.model.reasons import AlertState, Reason
from rulesd.notify.compose import Links, compose, decode_notification

RULE = "rulesd.test_page"
"What stands where a rule's id stands."


def compose_test(
    plan: Plan,
    *,
    receiver: str,
    owner: str,
    severity: str,
    by: str,
    at: Instant,
    links: Links,
) -> Sequence[tuple[str, Notification]]:
    """A marked test page for every channel of ``receiver``: (channel name, page). ``by`` is who asked for it."""
    alert = Alert(
        alert=episode_id(RULE, (owner, severity, receiver), by, at),
        rule=RULE,
        fingerprint=fingerprint({"alertname": RULE, "owner": owner}),
        labels={},
        context={"requested_by": by},
        severity=severity,
        owner=owner,
        state=AlertState.FIRING,
        value=1.0,
        threshold=None,
        count=1,
        since=at,
        event_time=at,
        started_at=at,
    )
    due = NotificationDue(
        at=at,
        reason=Reason.FIRST,
        receiver=receiver,
        group=f'{{}}:{{alertname="{RULE}"}}',
        group_labels={"alertname": RULE},
        status=Status.FIRING,
        alerts=(Told(alert=alert, status=Status.FIRING, changed=True),),
        incident=alert.alert,
        page=True,
    )
    rows = compose(due, plan, number=0, links=links)
    return [(row.channel, _marked(decode_notification(row.body), owner)) for row in rows]


def _marked(notification: Notification, owner: str) -> Notification:
    told = tuple(
        replace(
            alert,
            title=f"the way to {owner} works",
            summary=f"Somebody tests whether pages reach {owner}. You have nothing to do.",
            next_step="Nothing. Where this opened an incident, close it by hand.",
        )
        for alert in notification.alerts
    )
    return replace(notification, alerts=told, test=True)
