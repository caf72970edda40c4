"""What Alertmanager's receivers are sent: its webhook v4 JSON and its PagerDuty body, field for field.

Law: pure. Whoever reads Alertmanager's messages today reads these without a change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rulesd.model.fingerprint import group_dedup_key
from rulesd.model.notification import Notification, PageAlert
from rulesd.notify.text import safe_url

ZERO_TIME = "0001-01-01T00:00:00Z"
"Go's zero time: ``endsAt`` of what still fires."


def webhook_body(notification: Notification, max_alerts: int = 0) -> dict[str, Any]:
    """Webhook v4. ``max_alerts``: 0 means all."""
    alerts = notification.alerts
    shown = alerts[:max_alerts] if max_alerts > 0 else alerts
    return {
        "receiver": notification.receiver,
        "status": "firing" if _firing(alerts) else "resolved",
        "alerts": [_alert(a) for a in shown],
        "groupLabels": dict(notification.group_labels),
        "commonLabels": _common([a.labels for a in alerts]),
        "commonAnnotations": _common([annotations(a) for a in alerts]),
        "externalURL": notification.external_url,
        "version": "4",
        "groupKey": notification.group,
        "truncatedAlerts": len(alerts) - len(shown) + notification.more,
    }


def annotations(alert: PageAlert) -> dict[str, str]:
    """The annotations every own alert carries."""
    named = {
        "summary": alert.summary,
        "description": alert.first_five_minutes,
        "runbook_url": safe_url(alert.runbook_url),
        "value": alert.value,
        "threshold": alert.threshold,
        "since": alert.since,
    }
    return {name: value for name, value in named.items() if value}


def pagerduty_body(
    notification: Notification, *, routing_key: str, summary: str, severity: str, client: str
) -> dict[str, Any]:
    """The event of a ``pagerduty_configs`` entry: one incident per group."""
    alerts = notification.alerts
    firing = [a for a in alerts if a.status != "resolved"]
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "dedup_key": group_dedup_key(notification.group),
        "event_action": "trigger" if firing else "resolve",
    }
    if not firing:
        return body
    resolved = [a for a in alerts if a.status == "resolved"]
    body["client"] = client
    if safe_url(notification.external_url):
        body["client_url"] = notification.external_url
    body["payload"] = {
        "summary": summary,
        "source": client,
        "severity": severity,
        "custom_details": {
            "firing": _listing(firing),
            "num_firing": str(len(firing) + notification.more),
            "num_resolved": str(len(resolved)),
            "resolved": _listing(resolved),
        },
    }
    return body


def _alert(alert: PageAlert) -> dict[str, Any]:
    resolved = alert.status == "resolved"
    return {
        "status": "resolved" if resolved else "firing",
        "labels": dict(alert.labels),
        "annotations": annotations(alert),
        "startsAt": alert.started_at,
        "endsAt": (alert.ended_at or ZERO_TIME) if resolved else ZERO_TIME,
        "generatorURL": safe_url(alert.console_url),
        "fingerprint": alert.fingerprint,
    }


def _firing(alerts: Sequence[PageAlert]) -> bool:
    return any(a.status != "resolved" for a in alerts)


def _common(maps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The pairs that all of ``maps`` have."""
    if not maps:
        return {}
    first, rest = maps[0], maps[1:]
    return {k: v for k, v in first.items() if all(m.get(k) == v for m in rest)}


def _listing(alerts: Sequence[PageAlert]) -> str:
    """Alertmanager's text list of alerts."""
    rows: list[str] = []
    for alert in alerts:
        rows.append("Labels:")
        rows += [f" - {name} = {alert.labels[name]}" for name in sorted(alert.labels)]
        rows.append("Annotations:")
        rows += [f" - {name} = {value}" for name, value in sorted(annotations(alert).items())]
        rows.append(f"Source: {safe_url(alert.console_url)}")
    return "\n".join(rows)
