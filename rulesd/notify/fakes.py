"""Stand-ins for Slack, PagerDuty and a webhook's receiver: real HTTP servers on the loopback, with their rules and their moods.

Law: they refuse what the real ones refuse (limits, missing fields, wrong tokens), so that a page they accept is one the real
ones accept; and they do on command what the real ones do on bad days: slow, 429, 500, hang, hang up, ``{"ok": false}``, bad TLS.
The demo shows what arrived here; tests ask for it.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import msgspec
from aiohttp import web

from rulesd.notify.fake_rules import change_problems, pagerduty_problems, slack_problem, untrusted


class Service(StrEnum):
    """Whose stand-in a request reached."""

    SLACK = "slack"
    SLACK_WEBHOOK = "slack_webhook"
    PAGERDUTY = "pagerduty"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """How a stand-in answers, other than well."""

    status: int = 0
    "An HTTP status instead of the usual answer; 0 for the usual one."

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    'Slack: HTTP 200 with ``{"ok": false, "error": ...}``.'

    latency_s: float = 0.0
    hang: bool = False
    "Never answer (until the stand-in stops)."

    hang_up: bool = False
    "Close the connection instead of answering."

    after: bool = False
    "Take the page first, then misbehave: the sender cannot know that it arrived."


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came."""

    service: Service
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    "Seconds since the epoch."

    status: int
    "What it was answered; 0 when there was no answer."


@dataclass(slots=True, kw_only=True)
class Message:
    """A message in the Slack stand-in, as a reader sees it now."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str = ""
    edits: int = 0
    attachments: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    at: float = 0.0
    "Seconds since the epoch when it was posted."


@dataclass(slots=True, kw_only=True)
class Incident:
    """An incident in the PagerDuty stand-in."""

    number: int
    dedup_key: str
    routing_key: str
    state: str
    "``triggered``, ``acknowledged`` or ``resolved``."

    events: list[dict[str, Any]] = field(default_factory=list)
    at: float = 0.0
    "Seconds since the epoch when it was triggered."


class Fakes:
    """All stand-ins on one port; ``async with Fakes() as fakes``."""

    def __init__(
        self, *, token: str = "", host: str = "127.0.0.1", port: int = 0, tls: bool = False
    ) -> None:
        """``token``: what the Slack stand-in demands; empty takes any. ``tls``: with a certificate nobody trusts."""
        self.received: list[Received] = []
        self.messages: dict[str, Message] = {}
        "Slack messages by ``ts``."
        self.webhook_messages: list[dict[str, Any]] = []
        "What came through the incoming webhook of Slack."
        self.incidents: list[Incident] = []
        self.changes: list[dict[str, Any]] = []
        "What came as PagerDuty's change events."
        self.delivered: list[tuple[str, Mapping[str, str], bytes]] = []
        "What the webhook's receiver took: (name, headers, body)."
        self._token, self._host, self._port, self._tls = token, host, port, tls
        self._next: dict[Service, deque[Mood]] = {s: deque() for s in Service}
        self._always: dict[Service, Mood | None] = dict.fromkeys(Service)
        self._count = itertools.count(1)
        self._closing = asyncio.Event()
        self._news = asyncio.Event()
        self._runner: web.AppRunner | None = None

    # ------------------------------------------------------------------ addresses

    @property
    def url(self) -> str:
        """Where they listen, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def slack_api(self) -> str:
        """For ``api_url``."""
        return f"{self.url}/slack/api/"

    @property
    def slack_webhook(self) -> str:
        """For ``webhook_url``; the last part is secret, as with the real one."""
        return f"{self.url}/slack/services/T000/B000/xoxsecretxoxsecret"

    @property
    def pagerduty(self) -> str:
        """For PagerDuty's ``url``."""
        return f"{self.url}/pagerduty/v2/enqueue"

    def webhook(self, name: str = "hook") -> str:
        """The address of a webhook's receiver."""
        return f"{self.url}/webhook/{name}"

    # ------------------------------------------------------------------ moods

    def next(self, service: Service, *moods: Mood) -> None:
        """How the next requests are answered, one mood each; then as usual again."""
        self._next[service].extend(moods)

    def always(self, service: Service, mood: Mood | None) -> None:
        """How every request is answered from now on; ``None``: well."""
        self._always[service] = mood

    async def wait(self, count: int, timeout_s: float = 5.0) -> None:
        """Until ``count`` requests have been received. Raises ``TimeoutError``."""
        async with asyncio.timeout(timeout_s):
            while len(self.received) < count:
                self._news.clear()
                await self._news.wait()

    def of(self, service: Service) -> list[Received]:
        """The requests one stand-in received."""
        return [r for r in self.received if r.service is service]

    # ------------------------------------------------------------------ life

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=8 * 1024 * 1024)
        for path, service, usual in (
            ("/slack/api/{method}", Service.SLACK, self._slack),
            ("/slack/services/{rest:.*}", Service.SLACK_WEBHOOK, self._incoming),
            ("/pagerduty/v2/enqueue", Service.PAGERDUTY, self._enqueue),
            ("/pagerduty/v2/change/enqueue", Service.PAGERDUTY, self._change),
            ("/webhook/{name}", Service.WEBHOOK, self._take),
        ):
            app.router.add_post(path, self._handler(service, usual))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        context = untrusted() if self._tls else None
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=context)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop; hanging requests end."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def _handler(
        self,
        service: Service,
        usual: Callable[[web.Request, bytes], web.Response],
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            mood = self._next[service].popleft() if self._next[service] else self._always[service]
            answer = await self._answer(request, body, mood or Mood(), usual)
            entry = Received(
                service=service,
                path=request.path,
                headers=dict(request.headers),
                body=body,
                at=time.time(),
                status=answer.status if answer else 0,
            )
            self.received.append(entry)
            self._news.set()
            if mood is not None and mood.hang:
                await self._closing.wait()
            if answer is None:
                if request.transport is not None:
                    request.transport.close()
                return web.Response(status=500)
            return answer

        return handle

    async def _answer(
        self,
        request: web.Request,
        body: bytes,
        mood: Mood,
        usual: Callable[[web.Request, bytes], web.Response],
    ) -> web.Response | None:
        """``None``: the connection ends without an answer."""
        answer = usual(request, body) if mood.after or mood == Mood() else None
        if mood.latency_s:
            await asyncio.sleep(mood.latency_s)
        if mood.hang or mood.hang_up:
            return None
        if mood.error:
            return _json(200, {"ok": False, "error": mood.error})
        if mood.status:
            return web.Response(status=mood.status, headers=dict(mood.headers), body=mood.body)
        return answer or usual(request, body)

    # ------------------------------------------------------------------ Slack

    def _slack(self, request: web.Request, body: bytes) -> web.Response:
        if self._token and request.headers.get("Authorization") != f"Bearer {self._token}":
            return _json(200, {"ok": False, "error": "invalid_auth"})
        said = _object(body)
        wrong = slack_problem(said) if said is not None else "invalid_json"
        if said is None or wrong:
            return _json(200, {"ok": False, "error": wrong})
        match request.match_info["method"]:
            case "chat.postMessage":
                return self._post(said)
            case "chat.update":
                return self._update(said)
        return _json(200, {"ok": False, "error": "unknown_method"})

    def _post(self, said: dict[str, Any]) -> web.Response:
        channel = str(said.get("channel") or "")
        if not channel:
            return _json(200, {"ok": False, "error": "channel_not_found"})
        ts = f"{int(time.time())}.{next(self._count):06d}"
        message = Message(
            channel=_channel_id(channel),
            ts=ts,
            text=str(said.get("text", "")),
            blocks=list(said.get("blocks", [])),
            attachments=list(said.get("attachments", [])),
            thread_ts=str(said.get("thread_ts", "")),
            history=[said],
            at=time.time(),
        )
        if message.thread_ts and message.thread_ts not in self.messages:
            return _json(200, {"ok": False, "error": "thread_not_found"})
        self.messages[ts] = message
        return _json(200, {"ok": True, "channel": message.channel, "ts": ts})

    def _update(self, said: dict[str, Any]) -> web.Response:
        message = self.messages.get(str(said.get("ts")))
        if message is None:
            return _json(200, {"ok": False, "error": "message_not_found"})
        if said.get("channel") != message.channel:
            return _json(200, {"ok": False, "error": "channel_not_found"})
        message.text = str(said.get("text", message.text))
        message.blocks = list(said.get("blocks", message.blocks))
        message.attachments = list(said.get("attachments", message.attachments))
        message.edits += 1
        message.history.append(said)
        return _json(200, {"ok": True, "channel": message.channel, "ts": message.ts})

    def _incoming(self, request: web.Request, body: bytes) -> web.Response:
        del request
        said = _object(body)
        if said is None:
            return web.Response(status=400, text="invalid_payload")
        if slack_problem(said):
            return web.Response(status=400, text="invalid_blocks")
        self.webhook_messages.append(said)
        return web.Response(text="ok")

    # ------------------------------------------------------------------ PagerDuty and webhook

    def _enqueue(self, request: web.Request, body: bytes) -> web.Response:
        del request
        event = _object(body) or {}
        errors = pagerduty_problems(event, len(body))
        if errors:
            said = {"status": "invalid event", "message": "Event object is invalid"}
            return _json(400, {**said, "errors": errors})
        key, routing = str(event["dedup_key"]), str(event["routing_key"])
        known = [i for i in self.incidents if (i.dedup_key, i.routing_key) == (key, routing)]
        incident = known[-1] if known and known[-1].state != "resolved" else None
        action = event["event_action"]
        if incident is None and action == "trigger":
            incident = Incident(
                number=len(self.incidents) + 1,
                dedup_key=key,
                routing_key=routing,
                state="triggered",
                at=time.time(),
            )
            self.incidents.append(incident)
        if incident is not None:
            incident.events.append(event)
            states = {"acknowledge": "acknowledged", "resolve": "resolved"}
            incident.state = states.get(str(action), incident.state)
        return _json(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _change(self, request: web.Request, body: bytes) -> web.Response:
        del request
        event = _object(body) or {}
        errors = change_problems(event, len(body))
        if errors:
            return _json(400, {"status": "invalid event", "errors": errors})
        self.changes.append(event)
        return _json(202, {"status": "success", "message": "Change event processed"})

    def _take(self, request: web.Request, body: bytes) -> web.Response:
        self.delivered.append((request.match_info["name"], dict(request.headers), body))
        return web.Response(status=200)


def _channel_id(name: str) -> str:
    """Slack answers with the id of the channel, whatever the request called it."""
    return name if name.startswith("C0") else f"C0{name.lstrip('#').upper().replace('-', '')[:9]}"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return said if isinstance(said, dict) else None


def _json(status: int, said: Mapping[str, Any]) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(said), content_type="application/json"
    )
