"""A daemon in memory, for tests of its HTTP door: it keeps what it is told and can be made to refuse."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp import web

from rulesd.core.standing import Standing
from rulesd.ingest.decode import Decoder
from rulesd.model.alert import Alert
from rulesd.model.errors import Located
from rulesd.model.event import Event, Json, Rejected
from rulesd.model.reasons import AlertState
from rulesd.model.silence import Silence
from rulesd.model.story import Story
from rulesd.ports.daemon import Attempt, Done, Health
from rulesd.ports.intake import Overloaded, Receipt
from rulesd.ports.meter import Meter
from rulesd.ports.silences import SilenceRefusal, SilenceResult
from rulesd.privacy.redact import Redactor
from rulesd.web.application import DOOR, make_app
from rulesd.web.links import Links
from rulesd.web.server import serve
from rulesd.web.settings import WebLimits, WebSettings
from rulesd.web.tokens import Scope, Tokens

ADMIN = "rk_admin_0123456789abcdef0123456789abcdef"
NOW = 1_767_603_600_000
"2026-01-05T09:00:00Z."

LINK_KEY = b"k" * 32


class FakeIntake:
    """Takes batches; ``room`` events more, then it is overloaded."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.rejected: list[Rejected] = []
        self.sources: list[str] = []
        self.batches: list[int] = []
        self.seen: set[int] = set()
        self.room: int | None = None
        self.gate: asyncio.Event | None = None
        self.waiting = 0
        self.error: Exception | None = None

    async def submit(
        self, source: str, events: Sequence[Event], rejected: Sequence[Rejected]
    ) -> Receipt:
        if self.error is not None:
            raise self.error
        if self.room is not None and len(self.events) + len(events) > self.room:
            raise Overloaded("the queue is full", 7)
        if self.gate is not None:
            self.waiting += 1
            await self.gate.wait()
        await asyncio.sleep(0)
        self.sources.append(source)
        self.batches.append(len(events))
        self.rejected += rejected
        accepted = 0
        for event in events:
            if event.key not in self.seen:
                self.seen.add(event.key)
                self.events.append(event)
                accepted += 1
        return Receipt(accepted, len(events) - accepted)


class FakeStore:
    """Settings and an outbox."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.outbox: list[Any] = []

    def setting(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def settings(self, prefix: str) -> dict[str, bytes]:
        return {k: v for k, v in self.kept.items() if k.startswith(prefix)}

    def read_outbox(
        self, *, state: str = "", alert: str = "", page: str = "", limit: int = 1000
    ) -> Sequence[Any]:
        return self.outbox[:limit]

    def read_decisions(self, **wanted: Any) -> Sequence[Any]:
        return []

    def read_attempts(self, page: str) -> Sequence[Any]:
        return []


def alert(name: str = "a1", **changes: Any) -> Alert:
    base = Alert(
        alert=name,
        rule="tool.scope_violation",
        fingerprint="00112233aabbccdd",
        labels={"tenant": "acme", "tool": "shell"},
        context={"route": "/chat"},
        severity="critical",
        owner="platform-safety",
        state=AlertState.FIRING,
        value=3.0,
        threshold=None,
        count=3,
        since=NOW - 60_000,
        event_time=NOW - 1_000,
        started_at=NOW - 59_000,
        causes=("e1", "e2"),
        never=True,
    )
    return replace(base, **changes)


class NoStories:
    """Knows of nothing."""

    async def why(self, alert: str) -> None:
        return None

    async def why_not(self, event: str, rule: str) -> Story:
        return Story(title="Nothing is known.", steps=())

    def route(self, labels: dict[str, str]) -> Story:
        return Story(title="It goes nowhere.", steps=())


class FakeDaemon:
    """The running daemon, as far as its doors see it."""

    def __init__(self) -> None:
        self.intake = FakeIntake()
        self.store = FakeStore()
        self.plan: Any = SimpleNamespace(
            digest="plan-1", rules=(), by_id={}, hooks={}, owners={}, severities={}, switches={}
        )
        self.shown: list[Alert] = []
        self.well = Health(live=True, ready=True, degraded=())
        self.problems: list[Located] = []
        self.acts: list[tuple[str, ...]] = []
        self.attempts: list[Attempt] = []
        self.facts: dict[str, Json] = {"version": "0.1.0"}
        self.clock = NOW
        self.crash: BaseException | None = None
        self.explaining: Any = NoStories()
        self.hand: Any = None
        "Switches and reviews, made when they are asked for (``tests.web.acting``)."

    @property
    def acting(self) -> Any:
        if self.hand is None:
            from tests.web.acting import HandCrank, LocalActing

            self.hand = LocalActing(HandCrank())  # type: ignore[arg-type]
        return self.hand

    @property
    def oncall(self) -> Any:
        from rulesd.runners.oncall import LocalOnCall

        return LocalOnCall(self.acting._crank)

    @property
    def learning(self) -> Any:
        from rulesd.runners.learning import LocalLearning

        return LocalLearning(self.acting._crank)

    def alerts(self) -> Sequence[Alert]:
        if self.crash is not None:
            raise self.crash
        return self.shown

    def standing(self, alert: Alert) -> Standing:
        return Standing(state="active")

    def silences(self, now: int) -> Sequence[Silence]:
        return ()

    async def silence_views(self, choose: Any) -> Sequence[Any]:
        return ()

    def check_silence(self, silence: Silence) -> SilenceResult:
        return SilenceResult(refused=SilenceRefusal.UNKNOWN, message="silence not found")

    async def set_silence(self, silence: Silence, by: str, *, whole: bool = False) -> SilenceResult:
        return self.check_silence(silence)

    async def approve_silence(self, name: str, by: str) -> SilenceResult:
        return SilenceResult(refused=SilenceRefusal.UNKNOWN, message="silence not found")

    async def expire_silence(self, name: str, by: str) -> Done:
        return Done.UNKNOWN

    def health(self) -> Health:
        return self.well

    def now(self) -> int:
        return self.clock

    def _find(self, name: str) -> Alert | None:
        return next((one for one in self.shown if one.alert == name), None)

    def _swap(self, old: Alert, **changes: Any) -> None:
        self.shown[self.shown.index(old)] = replace(old, **changes)

    async def acknowledge(self, alert: str, by: str, note: str) -> Done:
        found = self._find(alert)
        if found is None:
            return Done.UNKNOWN
        if found.state is not AlertState.FIRING:
            return Done.NOT_ACTIVE
        if found.acknowledged_by:
            return Done.ALREADY
        self.acts.append(("ack", alert, by, note))
        self._swap(found, acknowledged_by=by)
        return Done.DONE

    async def unacknowledge(self, alert: str, by: str) -> Done:
        found = self._find(alert)
        if found is None:
            return Done.UNKNOWN
        if not found.acknowledged_by:
            return Done.ALREADY
        self.acts.append(("unack", alert, by))
        self._swap(found, acknowledged_by="")
        return Done.DONE

    async def resolve(self, alert: str, by: str, note: str) -> Done:
        found = self._find(alert)
        if found is None:
            return Done.UNKNOWN
        if found.state is AlertState.RESOLVED:
            return Done.ALREADY
        self.acts.append(("resolve", alert, by, note))
        self._swap(found, state=AlertState.RESOLVED, ended_at=self.clock)
        return Done.DONE

    async def reload(self) -> Sequence[Located]:
        return self.problems

    async def test_page(self, owner: str, severity: str, by: str) -> Sequence[Attempt]:
        self.acts.append(("test-page", owner, severity, by))
        return self.attempts

    async def put_setting(self, name: str, value: bytes) -> None:
        if value:
            self.store.kept[name] = value
        else:
            self.store.kept.pop(name, None)

    def runbook_link(self, rule: str) -> str:
        return Links(key=LINK_KEY, external_url="https://rulesd.example.org").runbook(
            rule, self.clock
        )

    def status(self) -> Mapping[str, Json]:
        return self.facts


def real_decoder() -> Decoder:
    return Decoder(Redactor(b"r" * 32))


@dataclass
class World:
    """A daemon with its door open, and a client that has the administrator's token."""

    daemon: FakeDaemon
    decoder: Any
    tokens: Tokens
    meter: Meter
    settings: WebSettings
    url: str
    port: int
    admin: aiohttp.ClientSession
    nobody: aiohttp.ClientSession
    app: web.Application

    async def token(self, name: str, *scopes: Scope, tenant: str = "") -> dict[str, str]:
        _, secret = await self.tokens.create(self.daemon, name, scopes, tenant)
        return {"Authorization": f"Bearer {secret}"}

    def room_used(self) -> int:
        return self.app[DOOR].room.used

    def count(self, metric: str, **labels: str) -> float:
        return self.meter.registry.get_sample_value(metric, labels) or 0.0


@asynccontextmanager
async def opened(
    daemon: FakeDaemon | None = None,
    decoder: Any = None,
    limits: WebLimits | None = None,
    **settings: Any,
) -> AsyncIterator[World]:
    daemon = daemon or FakeDaemon()
    decoder = decoder or real_decoder()
    tokens, meter = Tokens(ADMIN, daemon.store.settings("token/")), Meter()
    limits = limits or WebLimits()
    chosen = WebSettings(
        **{"version": "0.1.0", "links": Links(key=LINK_KEY), "limits": limits, **settings}
    )
    app = make_app(daemon, decoder, tokens, meter, chosen)
    runner = await serve(app, "127.0.0.1", 0, limits=limits)
    port = runner.addresses[0][1]
    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {ADMIN}"}
    jar = aiohttp.CookieJar(unsafe=True)
    try:
        async with (
            aiohttp.ClientSession(url, headers=headers) as admin,
            aiohttp.ClientSession(url, cookie_jar=jar) as nobody,
        ):
            yield World(daemon, decoder, tokens, meter, chosen, url, port, admin, nobody, app)
    finally:
        await runner.cleanup()
