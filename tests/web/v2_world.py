"""A daemon in memory that takes posted alerts and silences: what tests of API v2 talk to."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

from rulesd.core.plan import Plan, Route
from rulesd.core.standing import GroupView, Standing
from rulesd.model.alert import Alert, Foreign
from rulesd.model.inputs import PostedAlert
from rulesd.model.instant import Instant
from rulesd.model.silence import Silence, SilenceMatcher
from rulesd.ports.daemon import Done
from rulesd.ports.silences import SilenceResult
from rulesd.web.settings import WebLimits
from tests.web.fakes import NOW, FakeDaemon, World, alert, opened
from tests.web.plans import plan

UUID = "7d8e0000-0000-4000-8000-00000000000"


class V2Daemon(FakeDaemon):
    """Keeps what it is posted; standings and groups are what a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.plan = plan()
        self.posted: list[PostedAlert] = []
        self.by: list[str] = []
        self.refuse: Exception | None = None
        self.standings: dict[str, Standing] = {}
        self.views: list[GroupView] = []
        self.kept: list[Silence] = []
        self.refused: SilenceResult | None = None

    async def post_alerts(self, alerts: Sequence[PostedAlert], by: str) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.posted += alerts
        self.by.append(by)

    def standing(self, alert: Alert) -> Standing:
        return self.standings.get(alert.alert, Standing(state="active", receivers=("pager",)))

    def groups(self) -> Sequence[GroupView]:
        return self.views

    def described(self, alert: Alert) -> tuple[Mapping[str, str], str]:
        if alert.foreign is not None:
            return alert.foreign.annotations, alert.foreign.generator_url
        return {"summary": "it happened"}, ""

    def silences(self, now: Instant) -> Sequence[Silence]:
        return self.kept

    async def set_silence(self, silence: Silence, by: str, *, whole: bool = False) -> SilenceResult:
        if self.refused is not None:
            return self.refused
        self.by.append(by)
        made = replace(silence, id=silence.id or f"{UUID}{len(self.kept)}", updated_at=NOW)
        self.kept = [one for one in self.kept if one.id != made.id] + [made]
        return SilenceResult(id=made.id)

    async def expire_silence(self, id_: str, by: str) -> Done:
        self.by.append(by)
        return Done.DONE if any(one.id == id_ for one in self.kept) else Done.UNKNOWN


def foreign(name: str = "f1", fingerprint: str = "aa", **labels: str) -> Alert:
    """An alert another system posted."""
    told = Foreign(
        annotations={"summary": "disk full"},
        generator_url="http://prometheus/graph",
        starts_at=NOW - 60_000,
        ends_at=NOW + 60_000,
        timeout=False,
        updated_at=NOW - 1_000,
    )
    return alert(
        name,
        rule=labels.get("alertname", ""),
        fingerprint=fingerprint,
        labels=labels,
        context={},
        foreign=told,
        never=False,
    )


def silence(number: int = 0, **changes: Any) -> Silence:
    """A silence that is active for an hour."""
    base = Silence(
        id=f"{UUID}{number}",
        matchers=(SilenceMatcher(name="alertname", value="A1"),),
        starts_at=NOW - 1_000,
        ends_at=NOW + 3_600_000,
        updated_at=NOW - 1_000,
        created_by="jane",
        comment="why",
    )
    return replace(base, **changes)


def view(receiver: str, alerts: Sequence[Alert], **labels: str) -> GroupView:
    """A group of the root route."""
    return GroupView(
        key="{}:{}",
        receiver=receiver,
        route=Route(receiver=receiver),
        labels=labels,
        alerts=tuple(alerts),
    )


@asynccontextmanager
async def v2(
    daemon: V2Daemon | None = None, limits: WebLimits | None = None
) -> AsyncIterator[tuple[World, V2Daemon]]:
    """The door open, and the daemon behind it."""
    made = daemon or V2Daemon()
    async with opened(made, limits=limits) as world:
        yield world, made


async def ask(
    world: World, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str]:
    """Status and text of one request with the administrator's token."""
    given = {"Content-Type": "application/json"} if body is not None else {}
    data = BytesIO(body) if body is not None else None
    async with world.admin.request(method, path, data=data, headers=given | headers) as response:
        return response.status, (await response.text()).rstrip("\n")


def plan_with(**changes: Any) -> Plan:
    """The small plan of the web tests, changed."""
    return replace(plan(), **changes)
