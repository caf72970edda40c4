"""PagerDuty Events v2: one incident per episode.

Law: ``dedup_key`` is the episode's id on every event and every retry, so no attempt can open a second incident. Trigger,
acknowledge and resolve follow the alert. A body over 512 kB loses its custom details, and says so, never the page.

A notice (a deploy, a switch that was set) is a change event. What a person did in PagerDuty is not told to PagerDuty again.

PagerDuty wakes people by its own policy: a further trigger of an open incident adds to its log and does not call again.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Delivery, Notification, PageAlert
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.http import Request, judge, post, skipped
from rulesd.notify.settings import PLAIN, HttpConfig, Secrets, Settings, place_of
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.text import cut, one_line, safe_url
from rulesd.notify.wording import context, evidence, headline, main_alert, measured, place, seen
from rulesd.ports.echo import acknowledged_there, resolved_there

URL = "https://events.pagerduty.com/v2/enqueue"
DEADLINE_S = 10.0
SUMMARY_LIMIT, KEY_LIMIT, BODY_LIMIT = 1_024, 255, 512_000

SEVERITIES: Mapping[str, str] = {
    "critical": "critical",
    "high": "error",
    "medium": "warning",
    "low": "info",
}
ACTIONS: Mapping[str, str] = {
    "firing": "trigger",
    "acknowledged": "acknowledge",
    "resolved": "resolve",
}


class PagerDuty:
    """Native events, one for each changed alert."""

    kind = "pagerduty"

    def __init__(
        self,
        spec: ChannelSpec,
        session: aiohttp.ClientSession,
        templates: Templates,
        *,
        routing_key: str,
        url: str = URL,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``routing_key`` is the integration key of an Events API v2 integration."""
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.updates_in_place = spec.send_resolved, spec.updates_in_place
        self.deadline_s = deadline_s
        self._session, self._templates = session, templates
        self._key, self._url = routing_key, url
        self.place = place_of(routing_key)

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Send one event. A quiet notification goes only to an incident that is open there."""
        if notification.title:
            change = change_event(notification, self._key)
            return await enqueue(self._session, change_url(self._url), change, self.deadline_s)
        action = ACTIONS.get(notification.status, "trigger")
        quiet = not notification.page
        if came_from_there(notification):
            return skipped("PagerDuty said so itself")
        if quiet and not (self.updates_in_place and (action != "trigger" or is_open(reference))):
            return skipped("there is no open incident to update")
        body: dict[str, Any] = {
            "routing_key": self._key,
            "event_action": action,
            "dedup_key": cut(_dedup_key(notification), KEY_LIMIT),
        }
        if action == "trigger":
            body.update(self._trigger(notification))
        return await enqueue(self._session, self._url, body, self.deadline_s)

    def _trigger(self, notification: Notification) -> dict[str, Any]:
        main = main_alert(notification)
        rendered = self._templates.render(
            "pagerduty_summary.j2",
            Medium.PLAIN,
            context(notification),
            lambda: headline(notification),
        )
        details = _details(notification)
        if rendered.notice:
            details["notice"] = rendered.notice
        payload: dict[str, Any] = {
            "summary": cut(one_line(rendered.text), SUMMARY_LIMIT),
            "source": _source(main),
            "severity": SEVERITIES.get(main.severity if main else "", "error"),
            "timestamp": main.event_time if main else notification.at,
            "custom_details": details,
        }
        if main:
            payload["class"] = main.rule
            payload["group"] = main.owner
            if main.labels.get("service"):
                payload["component"] = one_line(main.labels["service"])
        out: dict[str, Any] = {"client": "rulesd", "payload": payload, "links": links(main)}
        console = safe_url(main.console_url if main else "") or safe_url(notification.external_url)
        return {**out, "client_url": console} if console else out

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


def pagerduty(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> PagerDuty:
    """The adapter for ``pagerduty`` of receivers.yaml: ``{routing_key, url}``.

    Raises:
        ChannelError: when there is no routing key.
    """
    settings = Settings(spec, secrets)
    key = settings.secret("routing_key")
    if not key:
        hint = "Write routing_key: a reference to the key of an Events API v2 integration"
        raise settings.error("routing_key", "is missing", hint)
    return PagerDuty(
        spec,
        session,
        templates,
        routing_key=key,
        url=settings.url("url", URL),
        deadline_s=settings.number("deadline_s", DEADLINE_S),
    )


async def enqueue(
    session: aiohttp.ClientSession,
    url: str,
    event: Mapping[str, Any],
    deadline_s: float,
    http: HttpConfig = PLAIN,
) -> Delivery:
    """Send one event and judge the answer: 202 is accepted, 400 is final, 429 and 5xx are tried again."""
    answer = await post(
        session,
        Request(
            url=url,
            body=fit(event),
            headers={**http.headers, "Content-Type": "application/json"},
            deadline_s=deadline_s,
            secrets=(str(event["routing_key"]), *http.secrets),
            tls=http.tls,
            proxy=http.proxy,
        ),
    )
    if isinstance(answer, Delivery):
        return answer
    verdict = judge(answer)
    if verdict.outcome is not DeliveryOutcome.DELIVERED:
        return verdict
    return Delivery(
        outcome=DeliveryOutcome.DELIVERED,
        reason=DeliveryReason.OK,
        detail=verdict.detail,
        reference={"action": str(event["event_action"])} if "event_action" in event else {},
    )


def came_from_there(notification: Notification) -> bool:
    """Whether this only tells PagerDuty what it told us."""
    main = main_alert(notification)
    if main is None or len(notification.alerts) != 1:
        return False
    if notification.status == "acknowledged":
        return acknowledged_there(main.acknowledged_by)
    return notification.status == "resolved" and resolved_there(main.acknowledged_by)


def change_event(notification: Notification, routing_key: str) -> dict[str, Any]:
    """A notice as a change event: it stands beside incidents and wakes nobody."""
    details = {"said": "\n".join(one_line(said) for said in notification.lines)}
    console = safe_url(notification.external_url)
    return {
        "routing_key": routing_key,
        "payload": {
            "summary": cut(headline(notification), SUMMARY_LIMIT),
            "source": cut(one_line(notification.group_labels.get("source", "")) or "rulesd", 255),
            "timestamp": notification.at,
            **({"custom_details": details} if notification.lines else {}),
        },
        "links": [{"href": console, "text": "Console"}] if console else [],
    }


def change_url(url: str) -> str:
    """Where change events go: beside the address for incidents."""
    base = url.removesuffix("/enqueue")
    return f"{base}/change/enqueue"


def is_open(reference: Mapping[str, str]) -> bool:
    """Whether the last event sent left the incident open."""
    return reference.get("action") in ("trigger", "acknowledge")


def fit(body: Mapping[str, Any]) -> bytes:
    """The body as JSON within PagerDuty's limit: custom details go first, and the event says so."""
    text = orjson.dumps(body)
    if len(text) <= BODY_LIMIT or "payload" not in body:
        return text
    note = {"error": "the details were dropped: the event was larger than 512 kB"}
    return orjson.dumps({**body, "payload": {**body["payload"], "custom_details": note}})


def links(main: PageAlert | None) -> list[dict[str, str]]:
    """Runbook and console, where there are addresses."""
    if main is None:
        return []
    found = [
        (f"Runbook: {main.runbook_title}".strip(": "), safe_url(main.runbook_url)),
        ("Console", safe_url(main.console_url)),
    ]
    return [{"href": url, "text": one_line(text)} for text, url in found if url]


def _dedup_key(notification: Notification) -> str:
    """The episode; for the collected page of a storm, the storm."""
    if notification.storm or len(notification.alerts) != 1:
        return notification.incident
    return notification.alerts[0].alert


def _source(main: PageAlert | None) -> str:
    """What is affected: the tenant or the service, else rulesd itself (the field must not be empty)."""
    labels = main.labels if main else {}
    return cut(one_line(labels.get("tenant") or labels.get("service") or "rulesd") or "rulesd", 255)


def _details(notification: Notification) -> dict[str, Any]:
    main = main_alert(notification)
    if main is None:
        return {"group": notification.group}
    details: dict[str, Any] = {
        "what": one_line(main.summary),
        "severity_means": main.severity_meaning,
        "labels": {one_line(n): one_line(v) for n, v in main.labels.items() if v},
        "measured": measured(main),
        "seen": seen(main),
        "since": main.since,
        "evidence": evidence(main),
        "owner": f"{main.owner} {main.owner_contact}".strip(),
        "first_five_minutes": main.first_five_minutes,
        "next": main.next_step,
        "why_here": notification.failover,
        "alert": main.alert,
    }
    if len(notification.alerts) + notification.more > 1:
        details["also"] = [
            one_line(f"{a.status} {a.severity}: {a.summary} ({place(a)})")
            for a in notification.alerts
            if a is not main
        ][:50]
        details["total"] = len(notification.alerts) + notification.more
    return {k: v for k, v in details.items() if v not in ("", [], {})}
