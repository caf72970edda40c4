"""Incidents, traces and pages for tests of the demo."""

from collections.abc import Sequence
from typing import Any

from rulesd.demo.forge import Forge
from rulesd.demo.pages import Channel, Page
from rulesd.demo.planted import PLANTED, Planted
from rulesd.demo.score import Trace

AT = 1_767_000_000.0
BY_ID = {planted.id: planted for planted in PLANTED}
SCOPE = BY_ID["out-of-scope-tool"]


def forge() -> Forge:
    return Forge(7)


def trace(planted: Planted = SCOPE, *ids: str, sent_at: float = AT) -> Trace:
    return Trace(planted=planted, events=set(ids or ("e1",)), sent_at=sent_at)


def page(
    key: str = "slack:1",
    *,
    channel: Channel = Channel.SLACK,
    rule: str = SCOPE.rule,
    text: str = "evidence e1",
    at: float = AT + 0.02,
) -> Page:
    return Page(key=key, channel=channel, at=at, rule=rule, text=text)


def slack_page(rule: str = SCOPE.rule, evidence: str = "e1", alert: str = "a1") -> dict[str, Any]:
    """What the Slack channel posts."""
    return {
        "channel": "#safety-oncall",
        "text": "CRITICAL: A tool was used outside its scope (tenant acme)",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": ":red_circle: CRITICAL: A tool"},
            },
            _section("A tool was used outside its scope"),
            _section(f"*Where* tenant `acme`\n*Evidence* `{evidence}`"),
            _section("*First five minutes*\n> 1. Look.\n> 2. Act."),
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Console"},
                        "url": "http://127.0.0.1:1/#a1",
                    }
                ],
            },
            {
                "type": "context",
                "elements": [{"type": "mrkdwn", "text": f"alert {alert} · rule {rule}"}],
            },
        ],
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def duty_event(rule: str = SCOPE.rule, key: str = "a1", action: str = "trigger") -> dict[str, Any]:
    """What the PagerDuty channel posts."""
    event: dict[str, Any] = {"routing_key": "k" * 32, "event_action": action, "dedup_key": key}
    if action == "trigger":
        event["payload"] = {
            "summary": "critical: a tool",
            "source": "acme",
            "severity": "critical",
            "class": rule,
            "group": "platform-safety",
            "custom_details": {"evidence": "e1", "measured": "1 event"},
        }
        event["links"] = [{"href": "http://127.0.0.1:1/#a1", "text": "Console"}]
    return event


def webhook(rule: str = "tool.break_glass", status: str = "firing", id_: str = "n1") -> Any:
    """What the signed webhook posts."""
    alerts: Sequence[Any] = [{"rule": rule, "summary": "Emergency access", "causes": ["e1"]}]
    data = {"id": id_, "status": status, "page": True, "alerts": alerts}
    return {"specversion": "1.0", "id": id_, "source": "/rulesd", "type": "x", "data": data}
