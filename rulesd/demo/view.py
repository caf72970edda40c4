"""What the inbox page shows, as plain data for its templates.

Law: everything comes from requests that arrived at the stand-ins, from the daemon's metrics, or from the list of what was planted.
"""

import time
from collections import Counter
from typing import Any

from rulesd.demo.mrkdwn import inline, to_html
from rulesd.demo.pages import FOOTER, webhook_notification
from rulesd.demo.score import Result
from rulesd.demo.show import Show
from rulesd.notify.fakes import Incident, Message, Service

_URGENCY = {"critical": "critical", "error": "high", "warning": "medium", "info": "low"}


def page(show: Show) -> dict[str, Any]:
    """The whole page."""
    score = show.score()
    messages = [_message(m, show) for m in show.fakes.messages.values() if not m.thread_ts]
    channels = Counter(m["channel"] for m in messages)
    return {
        "tiles": _tiles(show),
        "planted": [_planted(r) for r in score.results],
        "done": sum(r.good for r in score.results),
        "total": len(score.results),
        "bad": [r.planted.id for r in score.results if r.pages > 1],
        "unexpected": len(score.unexpected),
        "channels": sorted(channels.items()),
        "messages": messages[::-1],
        "incidents": [_incident(i, show) for i in reversed(show.fakes.incidents)],
        "tickets": _tickets(show)[::-1],
        "over": show.over,
        "first_page": f"{show.first_page_s:.1f} s" if show.first_page_s is not None else "",
    }


def duration(seconds: float | None) -> str:
    """``84 ms``, ``1.2 s``, or a dash."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _tiles(show: Show) -> list[dict[str, str]]:
    counters, score = show.counters, show.score()
    pages = len({(r.planted.id) for r in score.results if r.detected})
    sources = ", ".join(f"{n:,} {source}" for source, n in sorted(counters.sources.items()))
    return [
        {
            "name": "events in",
            "value": f"{counters.events:,}",
            "note": f"{show.per_second:.0f} a second" if not show.over else sources,
        },
        {
            "name": "matched a rule",
            "value": f"{counters.outcomes.get('matched', 0):,}",
            "note": f"{counters.outcomes.get('unmatched', 0):,} did not",
        },
        {
            "name": "duplicates",
            "value": f"{counters.outcomes.get('duplicate', 0):,}",
            "note": "recognised, no page",
        },
        {
            "name": "incidents paged",
            "value": f"{pages}",
            "note": f"of {len(score.results)} planted",
        },
        {"name": "event to page", "value": duration(score.p50), "note": "median"},
        {
            "name": "tool path",
            "value": show.containment.state,
            "note": show.containment.said or "a burst of denials will lock it",
        },
    ]


def _planted(result: Result) -> dict[str, Any]:
    planted = result.planted
    state = "waiting"
    if result.pages > 1:
        state = "twice"
    elif result.detected:
        state = "good"
    elif result.sent:
        state = "sent"
    words = {
        "waiting": "not yet",
        "sent": "sent, no page yet",
        "good": f"1 page after {duration(result.seconds)}",
        "twice": f"{result.pages} pages",
    }
    return {
        "key": planted.id,
        "title": planted.title,
        "twist": planted.twist,
        "rule": planted.rule,
        "tenant": planted.tenant,
        "severity": planted.severity,
        "via": planted.via,
        "state": state,
        "said": words[state],
    }


def _link(url: str, show: Show) -> str:
    """The way to the console leads past the demo's own door, which logs the visitor in."""
    console = f"{show.daemon_url}/#"
    return f"/console#{url.removeprefix(console)}" if url.startswith(console) else url


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _message(message: Message, show: Show) -> dict[str, Any]:
    """A Slack message as its reader sees it now."""
    sections: list[dict[str, Any]] = []
    head, footer = "", ""
    buttons: list[dict[str, str]] = []
    for block in message.blocks:
        match block.get("type"):
            case "header":
                head = inline(str(block["text"]["text"]))
            case "section":
                sections.append(_section(str(block["text"]["text"])))
            case "actions":
                buttons += [
                    {"text": e["text"]["text"], "url": _link(str(e.get("url", "")), show)}
                    for e in block.get("elements", [])
                ]
            case "context":
                footer = " ".join(str(e.get("text", "")) for e in block.get("elements", []))
    replies = [m for m in show.fakes.messages.values() if m.thread_ts == message.ts]
    said = FOOTER.search(footer)
    return {
        "key": f"m{message.ts.replace('.', '-')}",
        "at": _clock(message.at),
        "channel": str(message.history[0].get("channel", message.channel)),
        "head": head or inline(message.text),
        "sections": sections,
        "buttons": buttons,
        "footer": footer,
        "alert": said[1] if said else "",
        "edits": message.edits,
        "replies": [{"at": _clock(r.at), "text": inline(r.text)} for r in replies],
        "severity": _severity(message.text),
        "version": f"{message.edits}-{len(replies)}",
    }


def _section(text: str) -> dict[str, Any]:
    """A section; a titled one (``*First five minutes*`` and the like) can be folded."""
    first, _, rest = text.partition("\n")
    title = first.strip("* ") if first.startswith("*") and first.endswith("*") and rest else ""
    return {"title": title, "html": to_html(rest if title else text)}


def _severity(text: str) -> str:
    """The first word of the fallback text: a severity, or ``resolved``, ``acknowledged`` ..."""
    return text.partition(":")[0].partition(" ")[0].lower()


def _incident(incident: Incident, show: Show) -> dict[str, Any]:
    event = incident.events[0]
    payload = event.get("payload", {})
    details = payload.get("custom_details", {})
    severity = _URGENCY.get(str(payload.get("severity")), "high")
    return {
        "key": f"i{incident.number}",
        "number": incident.number,
        "at": _clock(incident.at),
        "state": incident.state,
        "summary": str(payload.get("summary", "")),
        "severity": severity,
        "urgency": "High" if severity in ("critical", "high") else "Low",
        "service": str(payload.get("group", "")),
        "source": str(payload.get("source", "")),
        "dedup_key": incident.dedup_key,
        "links": [
            {"text": link["text"].split(":")[0], "url": _link(link["href"], show)}
            for link in event.get("links", [])
        ],
        "details": [(k, str(details[k])) for k in ("measured", "evidence") if details.get(k)],
        "events": len(incident.events),
        "version": f"{incident.state}-{len(incident.events)}",
    }


def _tickets(show: Show) -> list[dict[str, Any]]:
    found = []
    for number, request in enumerate(show.fakes.of(Service.WEBHOOK)):
        said = webhook_notification(request.body)
        alert = (said.get("alerts") or [{}])[0]
        signature = str(request.headers.get("webhook-signature", ""))
        found.append(
            {
                "key": f"w{number}",
                "at": _clock(request.at),
                "summary": str(alert.get("summary", "")),
                "rule": str(alert.get("rule", "")),
                "status": str(said.get("status", "")),
                "id": str(request.headers.get("webhook-id", "")),
                "signature": f"{signature[:14]}…" if signature else "unsigned",
                "version": "1",
            }
        )
    return found
