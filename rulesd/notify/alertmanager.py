"""What Alertmanager's webhooks are sent: its v4 JSON, field for field.

Law: pure. Whoever reads Alertmanager's messages today reads these without a change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rulesd.model.notification import Notification, PageAlert
from rulesd.notify.text import safe_url

ZERO_TIME = "0001-01-01T00:00:00Z"
"Go's zero time: ``endsAt`` of what still fires."


def webhook_body(notification: Notification, max_alerts: int = 0) -> dict[str, Any]:
    """Webhook v4. ``max_alerts``: 0 means all. As in Alertmanager, what is left out counts nowhere but in ``truncatedAlerts``."""
    alerts = notification.alerts
    shown = alerts[:max_alerts] if max_alerts > 0 else alerts
    return {
        "receiver": notification.receiver,
        "status": "firing" if _firing(shown) else "resolved",
        "alerts": [_alert(a) for a in shown],
        "groupLabels": dict(notification.group_labels),
        "commonLabels": _common([a.labels for a in shown]),
        "commonAnnotations": _common([annotations(a) for a in shown]),
        "externalURL": notification.external_url,
        "version": "4",
        "groupKey": notification.group,
        "truncatedAlerts": len(alerts) - len(shown) + notification.more,
    }


def annotations(alert: PageAlert) -> dict[str, str]:
    """The annotations of an alert: as posted, or those every own alert carries."""
    if alert.foreign:
        return dict(alert.annotations)
    named = {
        "summary": alert.summary,
        "description": alert.first_five_minutes,
        "runbook_url": safe_url(alert.runbook_url),
        "value": alert.value,
        "threshold": alert.threshold,
        "since": alert.since,
    }
    return {name: value for name, value in named.items() if value}


def _alert(alert: PageAlert) -> dict[str, Any]:
    resolved = alert.status == "resolved"
    return {
        "status": "resolved" if resolved else "firing",
        "labels": dict(alert.labels),
        "annotations": annotations(alert),
        "startsAt": go_time(alert.started_at),
        "endsAt": go_time(alert.ended_at or ZERO_TIME) if resolved else ZERO_TIME,
        "generatorURL": safe_url(alert.generator_url if alert.foreign else alert.console_url),
        "fingerprint": alert.fingerprint,
    }


def go_time(text: str) -> str:
    """A moment as Go writes it: without zeros at the end of its fraction."""
    head, dot, rest = text.partition(".")
    fraction = rest.rstrip("Z").rstrip("0")
    return f"{head}{dot}{fraction}Z" if fraction else f"{head.rstrip('Z')}Z"


def _firing(alerts: Sequence[PageAlert]) -> bool:
    return any(a.status != "resolved" for a in alerts)


def _common(maps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The pairs that all of ``maps`` have."""
    if not maps:
        return {}
    first, rest = maps[0], maps[1:]
    return {k: v for k, v in first.items() if all(m.get(k) == v for m in rest)}
