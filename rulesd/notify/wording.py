"""The words of a page: what templates and native fields say about a notification, before any markup.

Law: pure; values in, words out. Written for a tired person: the verdict first, then what it means, where, how bad, since
when, what to do, and what happens if nobody does anything. A test page says TEST first.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from rulesd.model.alert import severity_rank
from rulesd.model.duration import format_duration
from rulesd.model.instant import parse_instant
from rulesd.model.notification import Notification, PageAlert
from rulesd.notify.text import cut, one_line

_HIDDEN = frozenset({"alertname", "owner", "severity"})
"Labels a page says in words elsewhere."

_WHY: Mapping[str, str] = {
    "first_notification": "First page about this.",
    "new_alerts_in_group": "More alerts joined this group.",
    "must_never_happen": "This must never happen: every occurrence counts.",
    "happened_again": "It happened again.",
    "severity_raised": "It got worse: the severity was raised.",
    "some_alerts_resolved": "Some of the alerts are over.",
    "all_alerts_resolved": "All of it is over.",
    "repeat_interval_elapsed": "Reminder: this is still going on.",
    "updated_in_place": "",
    "owner_page_limit": "Many pages to one owner: they are collected here.",
    "acknowledged": "",
    "escalated": "Nobody acknowledged the page before this one.",
    "nobody_acknowledged": "Nobody acknowledged any of the pages about it: its escalation is at its end.",
    "ack_expired": "It was acknowledged, and is still going on.",
    "flapping": "It comes and goes. There are no further pages about it until it has been calm for an hour.",
    "could_not_evaluate": "A rule could not check an event.",
}

SHOWN_ALERTS = 10
"Further alerts of a group are counted, not listed, in texts for people."

SHOWN_CAUSES = 8


def headline(notification: Notification) -> str:
    """The first line: TEST if it is one, the verdict, and what it is about."""
    if notification.title:
        return cut(one_line(notification.title), 200)
    main = main_alert(notification)
    text = f"{verdict(notification)}: {subject(notification, main)}"
    return cut(one_line(f"TEST PAGE, nothing happened: {text}" if notification.test else text), 200)


def verdict(notification: Notification) -> str:
    """One word or two: ``CRITICAL``, ``RESOLVED``, ``ACKNOWLEDGED by kim``, ``STORM of 14 pages``."""
    main = main_alert(notification)
    if notification.storm:
        return f"STORM of {notification.storm} pages"
    if notification.status == "resolved":
        return "RESOLVED"
    if notification.status == "acknowledged":
        by = main.acknowledged_by if main else ""
        return f"ACKNOWLEDGED by {one_line(by)}" if by else "ACKNOWLEDGED"
    return (main.severity or "alert").upper() if main else "ALERT"


def subject(notification: Notification, main: PageAlert | None) -> str:
    """What it is about: one title, or how many alerts."""
    if main is None:
        return one_line(" ".join(notification.group_labels.values())) or notification.receiver
    if notification.storm:
        return f"owner {main.owner}, the worst is {main.severity}: {main.title}"
    total = len(notification.alerts) + notification.more
    title = f"{main.title} ({place(main)})" if place(main) else main.title
    if total == 1:
        return title
    told = f": {one_line(notification.story)}" if notification.story else ""
    return f"{main.title} and {total - 1} more{told}"


def main_alert(notification: Notification) -> PageAlert | None:
    """The alert a page speaks about first: firing before others, new before known, worst first; else in given order."""
    if not notification.alerts:
        return None
    return min(
        notification.alerts,
        key=lambda a: (a.status != "firing", not a.changed, severity_rank(a.severity)),
    )


def place(alert: PageAlert) -> str:
    """The identity labels in one breath: ``tenant acme, tool shell``."""
    named = [(n, alert.labels.get(n, "")) for n in alert.identity]
    return one_line(", ".join(f"{n} {v}" for n, v in named if v))


def where(alert: PageAlert) -> list[tuple[str, str]]:
    """Labels to show: those that tell this alert from its neighbours first, then the context."""
    first = [n for n in alert.identity if n in alert.labels]
    rest = sorted(n for n in alert.labels if n not in first and n not in _HIDDEN)
    return [(one_line(n), one_line(alert.labels[n])) for n in (*first, *rest) if alert.labels[n]]


def measured(alert: PageAlert) -> str:
    """Value against threshold, in words."""
    if alert.could_not_evaluate:
        return "nothing: the rule could not be evaluated"
    if alert.foreign:
        return "by the system it comes from"
    if not alert.threshold:
        return f"{alert.value} (one is enough)"
    return f"{alert.value}, the threshold is {alert.threshold}"


def seen(alert: PageAlert) -> str:
    """How often."""
    return "once" if alert.count == 1 else f"{alert.count} times"


def why(notification: Notification) -> str:
    """Why this page goes out now; empty where the summary says it."""
    main = main_alert(notification)
    told = notification.failover
    if main is not None and main.could_not_evaluate and notification.status == "firing":
        return told
    plain = notification.reason.replace("_", " ").capitalize() + "."
    return f"{told} {_WHY.get(notification.reason, plain)}".strip()


def lasted(alert: PageAlert) -> str:
    """From the first evidence to the end, in words; empty while it goes on."""
    if not alert.ended_at:
        return ""
    return format_duration(max(0, parse_instant(alert.ended_at) - parse_instant(alert.since)))


def following(notification: Notification) -> str:
    """What happens next if nobody acts."""
    if notification.storm:
        rest = "Further pages to this owner are counted here until it calms down. Start with the worst."
        return f"{notification.next_page} {rest}".strip()
    main = main_alert(notification)
    return main.next_step if main else ""


def evidence(alert: PageAlert) -> str:
    """Ids of events, the first and the last ones."""
    ids = [one_line(c) for c in alert.causes]
    if len(ids) <= SHOWN_CAUSES:
        return ", ".join(ids)
    half = SHOWN_CAUSES // 2
    return ", ".join([*ids[:half], f"… {len(ids) - SHOWN_CAUSES} more …", *ids[-half:]])


def context(notification: Notification) -> dict[str, Any]:
    """All names a template may use, as plain data (documented in ``notifiers/templates/README.md``)."""
    page = msgspec.to_builtins(notification)
    main = main_alert(notification)
    ordered = sorted(
        notification.alerts,
        key=lambda a: (
            a is not main,
            a.status != "firing",
            not a.changed,
            severity_rank(a.severity),
        ),
    )
    shown = [_alert(a) for a in ordered[:SHOWN_ALERTS]]
    return {
        **page,
        "headline": headline(notification),
        "verdict": verdict(notification),
        "why": why(notification),
        "next": following(notification),
        "alert": shown[0] if shown else None,
        "others": shown[1:],
        "unlisted": len(ordered) - len(shown) + notification.more,
        "total": len(ordered) + notification.more,
    }


def _alert(alert: PageAlert) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(alert),
        "where": [{"name": n, "value": v} for n, v in where(alert)],
        "place": place(alert),
        "measured": measured(alert),
        "seen": seen(alert),
        "lasted": lasted(alert),
        "evidence": evidence(alert),
        "steps": [one_line(s) for s in alert.first_five_minutes.splitlines() if s.strip()],
    }


def plain_fallback(notification: Notification) -> str:
    """The page without any template: shorter, but with all that is needed to act."""
    rows = [headline(notification), *(one_line(said) for said in notification.lines)]
    if notification.title:
        return "\n".join(rows)
    for alert in notification.alerts[:SHOWN_ALERTS]:
        rows += [
            "",
            f"{one_line(alert.summary)}",
            f"Severity: {alert.severity} ({alert.severity_meaning})",
            f"Where: {', '.join(f'{n} {v}' for n, v in where(alert))}",
            f"Measured: {measured(alert)}; seen {seen(alert)} since {alert.since}",
            f"Evidence: {evidence(alert)}",
            f"Owner: {one_line(alert.owner)} {one_line(alert.owner_contact)}",
            f"Runbook: {alert.runbook_title} {alert.runbook_url}",
            *(one_line(s) for s in alert.first_five_minutes.splitlines()),
        ]
    rows += ["", f"What happens next: {following(notification)}"]
    return "\n".join(rows)
