"""A door with Slack's and PagerDuty's secrets, and callers that sign as they do."""

import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import Clock, SignatureVerifier

from rulesd.core.plan import ChannelSpec, Receiver
from rulesd.model.silence import Silence
from rulesd.ports.silences import SilenceResult
from tests.web.fakes import FakeDaemon, World, opened
from tests.web.plans import plan

SLACK, OTHER, PAGERDUTY, NEWER = "slack-signing-secret", "another-apps", "pd-secret", "pd-newer"
KNOWN = {"SLACK": SLACK, "OTHER": OTHER, "PD": PAGERDUTY, "NEWER": NEWER}


def resolve(reference: Any) -> str:
    if reference["env"] not in KNOWN:
        raise LookupError(f"the environment variable {reference['env']} is not set")
    return KNOWN[reference["env"]]


def channel(kind: str, secret: Any, number: int = 0) -> ChannelSpec:
    return ChannelSpec(
        receiver="oncall",
        name=f"{kind}[{number}]",
        kind=kind,
        settings={"signing_secret": secret} if secret else {},
        for_people=True,
        per_alert=False,
        updates_in_place=True,
        send_resolved=True,
    )


USUAL = (
    channel("slack", {"env": "SLACK"}),
    channel("pagerduty", [{"env": "PD"}, {"env": "NEWER"}]),
    channel("webhook", {"env": "OTHER"}),
)


class Daemon(FakeDaemon):
    """Also keeps silences, and can be made slow."""

    def __init__(self, channels: Sequence[ChannelSpec] = USUAL) -> None:
        super().__init__()
        receivers = {"oncall": Receiver(name="oncall", channels=tuple(channels))}
        self.plan = replace(plan(), receivers=receivers)
        self.kept: list[tuple[Silence, str]] = []
        self.refusal = SilenceResult(id="made")

    def silences(self, now: int) -> Sequence[Silence]:
        return [one for one, _ in self.kept]

    async def set_silence(self, silence: Silence, by: str, *, whole: bool = False) -> SilenceResult:
        if self.refusal.refused is None:
            self.kept.append((silence, by))
        return self.refusal


@asynccontextmanager
async def integrated(daemon: FakeDaemon, **more: Any) -> AsyncIterator[World]:
    async with opened(daemon, resolve_secret=resolve, **more) as world:
        yield world


class _Moment(Clock):
    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> float:
        return self.at


def _is_text(raw: bytes) -> bool:
    return raw.decode("utf-8", "replace").encode() == raw


def slack_headers(raw: bytes, at_ms: int, secret: str = SLACK) -> dict[str, str]:
    """As Slack's own library signs."""
    stamp = str(at_ms // 1_000)
    if not _is_text(raw):  # the library signs text only
        made = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + raw, sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={made}"}
    verifier = SignatureVerifier(secret, _Moment(at_ms // 1_000))
    signature = verifier.generate_signature(timestamp=stamp, body=raw)
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature)}


def click(
    action: str, value: str, user: str = "kim", url: str = "", stamp: str = "1"
) -> dict[str, Any]:
    """A ``block_actions`` payload, as Slack sends it."""
    return {
        "type": "block_actions",
        "user": {"id": f"U{user.upper()}", "username": user, "name": user, "team_id": "T1"},
        "api_app_id": "A1",
        "token": "old",
        "container": {"type": "message", "message_ts": "1.0", "channel_id": "C0"},
        "trigger_id": stamp,
        "response_url": url,
        "actions": [
            {"action_id": action, "block_id": "b", "value": value, "type": "button"},
        ],
    }


def form(payload: Mapping[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


async def slack(
    world: World, payload: Mapping[str, Any], *, secret: str = SLACK, at_ms: int = 0
) -> int:
    raw = form(payload)
    headers = slack_headers(raw, at_ms or world.daemon.clock, secret)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    async with world.nobody.post("/integrations/slack", data=raw, headers=headers) as response:
        return response.status


def pagerduty_headers(raw: bytes, *secrets: str, call: str = "call-1") -> dict[str, str]:
    made = [f"v1={hmac.new(s.encode(), raw, sha256).hexdigest()}" for s in secrets]
    return {"X-PagerDuty-Signature": ",".join(made), "X-Webhook-Id": call}
