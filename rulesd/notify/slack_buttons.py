"""The buttons under a page in Slack, and what a click on one says.

Law: a button that cannot do anything is not shown. A click carries the ids of the alerts it is about and nothing else: who
clicked, and whether it is Slack that says so, is looked at where the click arrives (``rulesd.web.slack_actions``).
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from rulesd.model.notification import Notification, PageAlert
from rulesd.notify.text import cut, one_line, safe_url
from rulesd.notify.wording import main_alert

Block: TypeAlias = dict[str, Any]

ACKNOWLEDGE, SILENCE, CONTAIN = "rulesd_ack", "rulesd_silence", "rulesd_contain"
"Action ids: the names under which a click comes back."

VALUE_LIMIT = 2_000
"Characters Slack carries in a button."

TEST = "test"
"The value of the buttons of a test page: a click proves that clicks arrive."


def buttons(notification: Notification, *, clicks: bool) -> list[Block]:
    """The buttons of a page, most needed first. ``clicks``: whether a click can arrive here (a signing secret is set)."""
    main = main_alert(notification)
    if main is None:
        return []
    out = _acts(notification, main) if clicks else []
    links = [("Runbook", safe_url(main.runbook_url)), ("Console", safe_url(main.console_url))]
    out += [
        {"type": "button", "action_id": f"open_{name.lower()}", "text": _plain(name), "url": url}
        for name, url in links
        if url
    ]
    contain = clicks and main.actions and main.status != "resolved" and not notification.test
    return [*out, _contain(main)] if contain else out


def _acts(notification: Notification, main: PageAlert) -> list[Block]:
    alerts = notification.alerts
    if notification.test:
        return [_button(ACKNOWLEDGE, "Acknowledge", TEST, style="primary")]
    out: list[Block] = []
    untaken = [a.alert for a in alerts if a.status == "firing"]
    if untaken:
        out.append(_button(ACKNOWLEDGE, "Acknowledge", _value(untaken), style="primary"))
    active = [a.alert for a in alerts if a.status != "resolved"]
    if active:
        out.append(_button(SILENCE, "Silence 1 h", _value(active)))
    return out


def _contain(main: PageAlert) -> Block:
    """Asks before it acts: it changes what the product does for its users."""
    what = one_line(", ".join(main.actions))
    return {
        **_button(CONTAIN, "Contain", main.alert, style="danger"),
        "confirm": {
            "title": _plain("Contain this?"),
            "text": _plain(cut(f"This runs: {what}. It stays until it is reverted.", 300)),
            "confirm": _plain("Contain"),
            "deny": _plain("Not now"),
            "style": "danger",
        },
    }


def _button(action: str, words: str, value: str, *, style: str = "") -> Block:
    out = {"type": "button", "action_id": action, "text": _plain(words), "value": value}
    return {**out, "style": style} if style else out


def _plain(words: str) -> Block:
    return {"type": "plain_text", "text": words}


def _value(alerts: Sequence[str]) -> str:
    """As many ids as a button can carry, whole."""
    out = ""
    for alert in alerts:
        longer = f"{out},{alert}" if out else alert
        if len(longer) > VALUE_LIMIT:
            break
        out = longer
    return out
