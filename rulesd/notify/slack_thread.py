"""What the thread under an incident's message says: each change once, in a sentence.

Law: pure. What was last told stands in the incident's reference, so a restart repeats nothing; a count is told when it has
doubled, so an incident that goes on and on fills no thread.
"""

from collections.abc import Mapping

from rulesd.model.alert import severity_rank
from rulesd.model.notification import Notification, PageAlert
from rulesd.notify.text import one_line, slack_escape
from rulesd.notify.wording import lasted, main_alert

TOLD = ("status", "by", "severity", "count")
"Keys of a reference that hold what the thread has told."


def remembered(before: Mapping[str, str], notification: Notification) -> dict[str, str]:
    """What to remember once this notification has been told; ``before`` is the reference as it was."""
    main = main_alert(notification)
    if main is None:
        return {}
    count = _count(notification)
    told = _told_count(before)
    grew = told is None or count >= 2 * told
    return {
        "status": notification.status,
        "by": _taken_by(notification, main),
        "severity": _worst(notification),
        "count": str(count if grew else told),
    }


def changes(before: Mapping[str, str], notification: Notification) -> str:
    """What is new since ``before``, as Slack text; empty when there is nothing to say, or nothing known of before."""
    main = main_alert(notification)
    if main is None or "status" not in before:
        return ""
    said: list[str] = []
    status, by = notification.status, _taken_by(notification, main)
    if status == "resolved":
        if before["status"] == "resolved":
            return ""
        return slack_escape(_over(main))
    if status == "acknowledged" and (before["status"], before.get("by", "")) != (status, by):
        said.append(f"Acknowledged by {by}." if by else "Acknowledged.")
    elif status == "firing" and before["status"] == "acknowledged":
        said.append("Given back: nobody has it now.")
    elif status == "firing" and before["status"] == "resolved":
        said.append("It came back.")
    worst = _worst(notification)
    if severity_rank(worst) < severity_rank(before.get("severity", worst)):
        said.append(f"The severity was raised from {before.get('severity', '')} to {worst}.")
    count, told = _count(notification), _told_count(before)
    if told is not None and count >= 2 * told:
        said.append(f"Seen {count:,} times now.")
    return slack_escape(one_line(" ".join(said)))


def _over(main: PageAlert) -> str:
    after = lasted(main)
    taken = f" {main.acknowledged_by} had it." if main.acknowledged_by else ""
    return f"Resolved{f' after {after}' if after else ''}.{taken}"


def _taken_by(notification: Notification, main: PageAlert) -> str:
    return one_line(main.acknowledged_by) if notification.status == "acknowledged" else ""


def _worst(notification: Notification) -> str:
    firing = [a for a in notification.alerts if a.status != "resolved"] or notification.alerts
    return min((a.severity for a in firing), key=severity_rank)


def _count(notification: Notification) -> int:
    return max(1, sum(a.count for a in notification.alerts))


def _told_count(before: Mapping[str, str]) -> int | None:
    text = before.get("count", "")
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
