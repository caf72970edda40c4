"""A small daemon without doors: the real crank, writer and engine over a store in memory, on a clock that tests move."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rulesd.config import Loaded
from rulesd.config.files import Files
from rulesd.core.engine import Engine, Limits
from rulesd.core.plan import Plan
from rulesd.model.decision import NoticeDue, NotificationDue
from rulesd.model.event import Event
from rulesd.model.inputs import PlanReplaced
from rulesd.notify.compose import NoLinks
from rulesd.ports.meter import Meter
from rulesd.ports.store import OutboxRow
from rulesd.runners.crank import Crank
from rulesd.runners.local import LocalDaemon, Parts
from rulesd.runners.writer import Writer
from rulesd.stores.memory import MemoryStore
from tests.core.plans import T0, burst, event, plan, rule

BOTH = plan(
    rule("tool.denied", detector=burst(3)),
    rule("tool.scope"),
    when={
        "tool.denied": lambda d: d["data"].get("outcome") == "denied",
        "tool.scope": lambda d: d["data"].get("scope") == "out",
    },
)
ARCHIVE = b"the files"


class Clock:
    """Says what it is told."""

    def __init__(self, at: int = T0) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


class Courier:
    """Notes what a real one would do."""

    def __init__(self) -> None:
        self.rows: list[OutboxRow] = []
        self.tried: list[tuple[str, str, Any]] = []
        self.bad: list[tuple[str, str]] = []
        self.reloaded: list[Any] = []
        self.pending = 0
        self.age = 0
        self.answers: Callable[[], Awaitable[Any]] | None = None

    def add(self, rows: Sequence[OutboxRow]) -> None:
        self.rows += rows

    def failing(self) -> list[tuple[str, str]]:
        return self.bad

    def oldest_age(self, now: int) -> int:
        return self.age

    async def reload(self, channels: Any) -> None:
        self.reloaded.append(channels)

    async def try_once(self, receiver: str, channel: str, notification: Any) -> Any:
        from rulesd.model.notification import Delivery
        from rulesd.model.reasons import DeliveryOutcome, DeliveryReason

        if self.answers is not None:
            await self.answers()
        self.tried.append((receiver, channel, notification))
        return Delivery(outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK), 0.012


@dataclass
class Room:
    """What a test sees."""

    store: Any
    writer: Writer
    crank: Crank
    clock: Clock
    meter: Meter
    courier: Courier
    daemon: LocalDaemon
    load: list[Loaded] = field(default_factory=list)
    "What the next reloads find."

    @property
    def engine(self) -> Engine:
        return self.crank.engine

    async def send(self, *events: Event) -> Any:
        return await self.crank.submit("test", events, ())

    def log(self) -> list[bytes]:
        return [row.body for row in self.store.read_decisions(limit=100_000)]

    def kinds(self) -> list[str]:
        return [row.kind for _, row in self.store.tail(0)]


def one_row(due: NotificationDue | NoticeDue, _plan: Plan, number: int) -> list[OutboxRow]:
    """A row a page, on one channel."""
    return [
        OutboxRow(
            id=f"msg-{number}",
            receiver=due.receiver,
            channel="webhook[0]",
            incident=due.incident if isinstance(due, NotificationDue) else "notice",
            priority=0,
            created=due.at,
            body=b"{}",
        )
    ]


def loaded(made: Plan | None, errors: Sequence[Any] = (), **more: Any) -> Loaded:
    """What a load of files would give."""
    values: dict[str, Any] = {
        "plan": made,
        "problems": tuple(errors),
        "files": Files(content={}),
        "tests": (),
        "archive": ARCHIVE,
    }
    return Loaded(**{**values, **more})


def in_room(
    story: Callable[[Room], Awaitable[None]],
    *,
    made: Plan = BOTH,
    store: Any = None,
    engine: Engine | None = None,
    seq: int = 0,
    fresh: bool = True,
    limits: Limits | None = None,
) -> Room:
    """Run a story in a room; the writer is stopped at its end, so everything submitted is in the store."""
    kept: list[Room] = []

    async def run() -> None:
        meter, clock, courier = Meter(), Clock(), Courier()
        there = store
        if there is None:
            there = MemoryStore()
            there.open()
        writer = Writer(there, meter, first_delay_s=0.01, last_delay_s=0.01)
        writer.start()
        crank = Crank(
            engine or Engine(made, limits),
            writer,
            clock,
            meter,
            decision_seq=seq,
            compose=one_row,
            deliver=courier.add,
        )
        load: list[Loaded] = []
        parts = Parts(
            store=there,
            writer=writer,
            crank=crank,
            courier=courier,  # type: ignore[arg-type]
            clock=clock,
            meter=meter,
            links=NoLinks(),
            load=lambda: load.pop(0),
            channels=lambda p: ({}, ("a channel lacks its secret",)),
        )
        room = Room(
            there, writer, crank, clock, meter, courier, LocalDaemon(parts, loaded(made)), load
        )
        room.daemon.parts = parts  # type: ignore[attr-defined]
        kept.append(room)
        if fresh:
            await crank.replace(made, PlanReplaced(digest=made.digest), ARCHIVE)
        crank.start()
        try:
            async with asyncio.timeout(20):
                await story(room)
        finally:
            crank.stop()
            await writer.stop()

    asyncio.run(run())
    return kept[0]


def denied(n: int | str, at: int = T0, tenant: str = "acme") -> Event:
    return event(n, at, tenant=tenant, outcome="denied")


def out_of_scope(n: int | str, at: int = T0, tenant: str = "acme") -> Event:
    return event(n, at, tenant=tenant, scope="out")


def quiet(n: int | str, at: int = T0) -> Event:
    return event(n, at, outcome="ok")
