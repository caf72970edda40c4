"""PagerDuty's Events API v1 (the integration named *Prometheus*, ``service_key``), as Alertmanager speaks it.

Law: the same incident as with v2: its ``incident_key`` is Alertmanager's key of the group. Nothing but triggers and ends exists there:
no change events, no pictures, no links.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import orjson

from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.http import Request, judge, post
from rulesd.notify.settings import PLAIN, HttpConfig

URL = "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
NEWER = "/v2/enqueue"
BODY_LIMIT = 512_000


def address(url: str) -> str:
    """Where v1 events go: what is written, unless that is the address for v2 (``pagerduty_url``'s default)."""
    return URL if url.rstrip("/").endswith(NEWER) else url


def event(newer: Mapping[str, Any]) -> dict[str, Any]:
    """An event of v2 in the words of v1."""
    payload = newer["payload"]
    trigger = newer["event_action"] == "trigger"
    client = {name: newer[name] for name in ("client", "client_url") if trigger and newer.get(name)}
    return {
        "service_key": newer["routing_key"],
        "incident_key": newer["dedup_key"],
        "event_type": newer["event_action"],
        "description": payload["summary"],
        "details": payload["custom_details"],
        **client,
    }


async def create(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    deadline_s: float,
    http: HttpConfig = PLAIN,
) -> Delivery:
    """Send one event and judge the answer: 2xx is accepted, 403 means *too many* and is tried again, as 429 and 5xx are."""
    text = orjson.dumps(body)
    if len(text) > BODY_LIMIT:
        note = {"error": "the details were dropped: the event was larger than 512 kB"}
        text = orjson.dumps({**body, "details": note})
    answer = await post(
        session,
        Request(
            url=url,
            body=text,
            headers={**http.headers, "Content-Type": "application/json"},
            deadline_s=deadline_s,
            secrets=(str(body["service_key"]), *http.secrets),
            tls=http.tls,
            proxy=http.proxy,
        ),
    )
    if isinstance(answer, Delivery):
        return answer
    verdict = judge(replace(answer, status=429) if answer.status == 403 else answer)
    if verdict.outcome is not DeliveryOutcome.DELIVERED:
        return verdict
    return Delivery(
        outcome=DeliveryOutcome.DELIVERED,
        reason=DeliveryReason.OK,
        detail=verdict.detail,
        reference={"action": str(body["event_type"])},
    )
