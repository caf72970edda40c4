"""The daemon in one process: what its doors (HTTP, command line, hooks, service manager) may ask of it.

Law: this file joins, it does not decide. Alerts are the engine's, durability is the writer's, delivery the courier's; here a
person's act becomes an input, and an answer is given only when the input is durable.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rulesd import __version__
from rulesd.config import Loaded
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.core.shifts import of_owner
from rulesd.model.alert import Alert
from rulesd.model.errors import Located
from rulesd.model.event import Json
from rulesd.model.inputs import (
    Acknowledged,
    Delivered,
    Input,
    PlanReplaced,
    ResolvedByPerson,
    Unacknowledged,
)
from rulesd.model.instant import HOUR, SECOND, Instant, Milliseconds, format_instant
from rulesd.model.reasons import Reason
from rulesd.notify.compose import Links
from rulesd.notify.testpage import compose_test
from rulesd.ports.channel import Channel
from rulesd.ports.clock import Clock
from rulesd.ports.daemon import Attempt, Done, Health
from rulesd.ports.intake import Intake
from rulesd.ports.meter import Meter
from rulesd.ports.store import Commit, OutboxDone, Store
from rulesd.runners.acting import LocalActing
from rulesd.runners.crank import Crank
from rulesd.runners.dead_letters import DeadLetters
from rulesd.runners.delivery import Courier
from rulesd.runners.explaining import Explaining
from rulesd.runners.failover import Failover, Owed
from rulesd.runners.learning import LocalLearning
from rulesd.runners.oncall import LocalOnCall
from rulesd.runners.posting import Posting
from rulesd.runners.proven import Proven
from rulesd.runners.reports import Report
from rulesd.runners.shadow import ShadowCheck
from rulesd.runners.silencing import Silencing
from rulesd.runners.writer import Writer

log = logging.getLogger(__name__)


PATIENCE: Milliseconds = 10 * SECOND
"Without a broker the daemon is ready all the same after this, and says that it is degraded (contract 2.8)."

HUNG_COMMIT_S = 5.0
"A commit that lasts longer is one of a disk that hangs."

KEEP_S = 5.0
"A plan that was replaced is kept this long: what was handed it before the swap may still ask it."

Made = tuple[Mapping[tuple[str, str], Channel], Sequence[str]]
"Channels by (receiver, name), and what is wrong with those that could not be made."


@dataclass(slots=True, kw_only=True)
class Parts:
    """What the composition root has made."""

    store: Store
    writer: Writer
    crank: Crank
    courier: Courier
    clock: Clock
    meter: Meter
    links: Links
    load: Callable[[], Loaded]
    "Reads the rule and notifier files; slow, runs in a thread."

    channels: Callable[[Plan], Made]
    "Makes the channels of a plan."

    failover: Failover | None = None
    shadow: ShadowCheck = field(default_factory=lambda: ShadowCheck(0))
    sources: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    "By source: empty while it works, else what is wrong in words."


_ACTS = (Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED, Reason.RESOLVED_BY_PERSON)
"What decisions say that follow from a person's act."

_TOLD = {
    "failed": (logging.ERROR, "a page was given up"),
    "pending": (logging.WARNING, "a page was not taken and will be sent again"),
}
"How the log tells of attempts that did not deliver."


class LocalDaemon(Silencing, Posting):
    """Implements ``rulesd.ports.daemon.Daemon``."""

    def __init__(self, parts: Parts, loaded: Loaded) -> None:
        """Everything is made and started elsewhere."""
        super().__init__(parts.crank, parts.store)
        self._parts = parts
        self._links = parts.links
        failover = parts.failover
        self._letters = DeadLetters(
            parts.store,
            parts.writer,
            deliver=failover.deliver if failover is not None else parts.courier.add,
            now=parts.clock.now,
        )
        self.loaded = loaded
        self.refused: Sequence[Located] = ()
        "Problems of the last reload, if it was refused."
        self.channel_problems: Sequence[str] = ()
        self.given_up: dict[tuple[str, str], Instant] = {}
        "By (receiver, channel): when the last page was given up."
        self.started_at: Instant = parts.clock.now()
        self.on_reload: Callable[[], None] = lambda: None
        self.acting = LocalActing(parts.crank)
        self.explaining = Explaining(parts.crank, parts.store)
        self.learning = LocalLearning(parts.crank)
        self.oncall = LocalOnCall(parts.crank)
        self.proven = Proven(lambda n: parts.store.read_outbox(state="delivered", limit=n))
        self._reloading = asyncio.Lock()
        self._releasing: set[asyncio.Task[None]] = set()

    @property
    def intake(self) -> Intake:
        """The door for events."""
        return self._parts.crank

    @property
    def store(self) -> Store:
        """The store; only its ``read_*`` methods, settings and archives are for others."""
        return self._parts.store

    @property
    def engine(self) -> Engine:
        """The engine."""
        return self._parts.crank.engine

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self.engine.plan

    def now(self) -> Instant:
        """Processing time."""
        return self._parts.clock.now()

    # ------------------------------------------------------------------ alerts and people

    def alerts(self) -> Sequence[Alert]:
        """Open alerts, then those resolved within the last hour, newest first."""
        since = self.now() - HOUR
        over = [a for a in self._parts.crank.resolved.values() if (a.ended_at or 0) >= since]
        return [*self.engine.alerts(), *reversed(over)]

    async def acknowledge(self, alert: str, by: str, note: str) -> Done:
        """Take an alert."""
        return await self._act(alert, Acknowledged(alert=alert, by=by, note=note))

    async def unacknowledge(self, alert: str, by: str) -> Done:
        """Give an alert back."""
        return await self._act(alert, Unacknowledged(alert=alert, by=by))

    async def resolve(self, alert: str, by: str, note: str) -> Done:
        """Say that it is over."""
        return await self._act(alert, ResolvedByPerson(alert=alert, by=by, note=note))

    async def _act(self, alert: str, item: Input) -> Done:
        if not any(a.alert == alert for a in self.engine.alerts()):
            if alert in self._parts.crank.resolved:
                return Done.ALREADY if isinstance(item, ResolvedByPerson) else Done.NOT_ACTIVE
            return Done.UNKNOWN
        decisions = await self._parts.crank.act(item)
        # Deadlines that were due came first; what the act itself did says so.
        acted = any(d.reason in _ACTS for d in decisions)
        return Done.DONE if acted else Done.ALREADY

    # ------------------------------------------------------------------ reload

    async def reload(self) -> Sequence[Located]:
        """Load again; a broken set is refused whole and the old plan stays."""
        async with self._reloading:
            loaded = await asyncio.to_thread(self._parts.load)
            if loaded.plan is None:
                self.refused = loaded.errors
                self._parts.meter.reloads.labels("refused").inc()
                for problem in loaded.errors[:20]:
                    log.error("reload refused: %s", problem)
                return loaded.errors
            self.refused = ()
            if loaded.plan.digest != self.plan.digest:
                await self._swap(loaded, loaded.plan)
            else:
                loaded.plan.release()
                loaded = replace(loaded, plan=self.plan)
            self.loaded = loaded
            self._parts.meter.reloads.labels("done").inc()
            log.info("reloaded: rules=%d plan=%s", len(self.plan.rules), self.plan.digest[:12])
            return ()

    async def _swap(self, loaded: Loaded, plan: Plan) -> None:
        before = self.plan
        made = self._parts.channels(plan)
        self.channel_problems = made[1]
        await self._parts.courier.reload(made[0])
        pages, window = self.engine.dispatch.throttle.allowed
        item = PlanReplaced(digest=plan.digest, owner_pages=pages, owner_window=window)
        durable = self._parts.crank.replace(plan, item, loaded.archive)
        gc.collect()
        gc.freeze()
        task = asyncio.get_running_loop().create_task(self._release(before))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)
        await asyncio.shield(durable)
        self.on_reload()

    async def _release(self, before: Plan) -> None:
        """Free the plan that was replaced, beside the loop: what is frozen, the garbage collector never frees."""
        await asyncio.sleep(KEEP_S)
        await self._parts.shadow.idle()
        await asyncio.to_thread(before.release)
        gc.freeze()

    # ------------------------------------------------------------------ delivery

    def delivered(self, done: OutboxDone, delivered: Delivered | None) -> None:
        """The courier's report: made durable, and an input like any other."""
        self._note(done)
        failover = self._parts.failover
        owed = failover.after(done) if failover is not None else Owed()
        if delivered is None:
            self._parts.writer.submit(Commit(done=[done]))
        else:
            report = Report(done=done, delivered=delivered, owed=owed.rows, settings=owed.settings)
            self._parts.crank.reports.add(report)

    def _note(self, done: OutboxDone) -> None:
        """No page is given up, or held up, without a word in the log."""
        self.proven.note(done)
        if done.state not in _TOLD:
            return
        level, words = _TOLD[done.state]
        said = "%s: receiver=%s channel=%s page=%s attempts=%d %s"
        log.log(
            level, said, words, done.receiver, done.channel, done.id, done.attempts, done.detail
        )
        if done.state == "failed":
            self.given_up[done.receiver, done.channel] = self.now()

    async def test_page(self, owner: str, severity: str, by: str) -> Sequence[Attempt]:
        """A marked test page along the owner's whole path."""
        out: list[Attempt] = []
        for place in of_owner(self.plan, owner, severity, self.now()):
            out += await self._try(place.receiver, owner, severity, by)
        return out

    async def _try(self, receiver: str, owner: str, severity: str, by: str) -> list[Attempt]:
        out: list[Attempt] = []
        pages = compose_test(
            self.plan,
            receiver=receiver,
            owner=owner,
            severity=severity,
            by=by,
            at=self.now(),
            links=self._parts.links,
        )
        for channel, notification in pages:
            result, seconds = await self._parts.courier.try_once(receiver, channel, notification)
            out.append(
                Attempt(
                    receiver=receiver,
                    channel=channel,
                    outcome=str(result.outcome),
                    reason=str(result.reason),
                    detail=result.detail,
                    seconds=round(seconds, 3),
                )
            )
        return out

    async def redeliver(self, page: str, receiver: str, by: str) -> Done:
        """Owe a page again that was given up."""
        return await self._letters.redeliver(page, receiver, by)

    async def put_setting(self, name: str, value: bytes) -> None:
        """Keep a small value durably."""
        await asyncio.shield(self._parts.writer.submit(Commit(settings=[(name, value)])))

    def runbook_link(self, rule: str) -> str:
        """The signed link to a runbook."""
        return self._parts.links.runbook(rule)

    # ------------------------------------------------------------------ how it is

    def health(self) -> Health:
        """Live while commits work; ready while it can take events and deliver pages; degraded says what is not well."""
        failing = cannot_commit(self._parts.writer)
        degraded = [
            f"{name}: {said}" for name, probe in self._parts.sources.items() if (said := probe())
        ]
        degraded += [
            f"receiver {r} {c} does not accept pages" for r, c in self._parts.courier.failing()
        ]
        degraded += [
            f"receiver {r} {c} has never taken a page: try it with rulesd test-page"
            for r, c in self.proven.never()
        ]
        degraded += list(self.channel_problems)
        if self.refused:
            degraded.append(
                f"the last reload was refused: {len(self.refused)} problems, see the log"
            )
        if failing:
            degraded.append(f"the store cannot commit: {failing}")
        if self.loaded.own_rules == 0:
            degraded.append("no rules are loaded")
        silent = any(probe() for probe in self._parts.sources.values())
        patient = silent and self.now() - self.started_at < PATIENCE
        return Health(live=True, ready=not failing and not patient, degraded=degraded)

    def status(self) -> Mapping[str, Json]:
        """Facts for the console."""
        engine, courier = self.engine, self._parts.courier
        return {
            "version": __version__,
            "started_at": format_instant(self.started_at),
            "now": format_instant(self.now()),
            "plan": self.plan.digest,
            "rules": len(self.plan.rules),
            "owners": len(self.plan.owners),
            "outcomes": {str(k): v for k, v in engine.outcomes.items()},
            "alerts": len(engine.alerts()),
            "outbox_pending": courier.pending,
            "outbox_oldest_seconds": courier.oldest_age(self.now()) / 1000,
            "sources": {name: probe() or "ok" for name, probe in self._parts.sources.items()},
        }

    async def references(self, incident: str) -> Mapping[tuple[str, str], bytes]:
        """What the store remembers of an incident's messages."""
        return await self._parts.writer.call(lambda: self._parts.store.references(incident))


def commit_age_s(writer: Writer) -> float:
    """Seconds the commit under way has lasted; 0 between commits.

    A store that refuses is not one that hangs: it is told aloud (``emergency``) and waited for, and a restart would not help.
    """
    since = writer.committing_since
    return 0.0 if since is None else max(0.0, time.monotonic() - since)


def cannot_commit(writer: Writer) -> str:
    """Why nothing can be made durable now, in words; empty while all is well."""
    if writer.failing is not None:
        return str(writer.failing)
    age = commit_age_s(writer)
    return f"a commit has not ended for {age:.0f} s" if age > HUNG_COMMIT_S else ""
