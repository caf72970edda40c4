"""What arrived at the stand-ins, as pages: one for each message, incident or signed webhook that somebody would have been given.

Law: a page is something new: a Slack message or a reply shown in its channel, a PagerDuty incident, a webhook about something that
fires. An update in place is no page. Nothing is asked of the daemon; everything is read off the requests it made.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from rulesd.notify.fakes import Fakes, Incident, Message, Service

FOOTER = re.compile(r"alert ([\w-]+) · rule ([\w.]+)")
"""What every page in Slack ends with."""


class Channel(StrEnum):
    """Where a page arrived."""

    SLACK = "slack"
    PAGERDUTY = "pagerduty"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page."""

    key: str
    "Its identity at the stand-in."

    channel: Channel
    at: float
    "Seconds since the epoch when it arrived."

    rule: str
    "Empty when the page does not say."

    text: str
    "All of its words, updates included: evidence ids stand in them."


def read_pages(fakes: Fakes) -> Sequence[Page]:
    """Every page so far, the oldest first."""
    found = [_slack(m, fakes.messages) for m in fakes.messages.values() if calls_out(m)]
    found += [_pagerduty(i) for i in fakes.incidents]
    found += _webhooks(fakes)
    return sorted(found, key=lambda page: page.at)


def calls_out(message: Message) -> bool:
    """Whether a message appears in its channel, rather than only in a thread."""
    return not message.thread_ts or bool(message.history[0].get("reply_broadcast"))


def _slack(message: Message, messages: dict[str, Message]) -> Page:
    parent = messages.get(message.thread_ts, message)
    text = msgspec.json.encode([m.history for m in (parent, message)]).decode()
    footer = FOOTER.search(text)
    return Page(
        key=f"slack:{message.ts}",
        channel=Channel.SLACK,
        at=message.at,
        rule=footer[2] if footer else "",
        text=text,
    )


def _pagerduty(incident: Incident) -> Page:
    payload = incident.events[0].get("payload", {})
    return Page(
        key=f"pagerduty:{incident.number}",
        channel=Channel.PAGERDUTY,
        at=incident.at,
        rule=str(payload.get("class", "")),
        text=msgspec.json.encode(incident.events).decode(),
    )


def _webhooks(fakes: Fakes) -> list[Page]:
    found: dict[str, Page] = {}
    for request in fakes.of(Service.WEBHOOK):
        body = webhook_notification(request.body)
        if body.get("status") != "firing" or not body.get("page"):
            continue
        key = f"webhook:{body.get('id')}"
        alerts = body.get("alerts") or [{}]
        found.setdefault(
            key,
            Page(
                key=key,
                channel=Channel.WEBHOOK,
                at=request.at,
                rule=str(alerts[0].get("rule", "")),
                text=request.body.decode("utf-8", "replace"),
            ),
        )
    return list(found.values())


def webhook_notification(body: bytes) -> dict[str, Any]:
    """The notification inside a signed webhook's CloudEvent; empty when it is none."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    data = said.get("data") if isinstance(said, dict) else None
    return data if isinstance(data, dict) else {}
