"""The crank: turns the engine for the running daemon. Batches in, commits out, one timer.

Law: nothing is acknowledged before the commit that holds it, and the engine is called from the event loop only. One batch costs one
``Commit``; the writer merges what is waiting into one transaction, so a slow disk makes larger transactions, not a longer queue.

The engine runs ahead of the disk: an input changes it first and is durable a moment later. A crash in between loses nothing that was
acknowledged, and recovery (``rulesd.runners.recovery``) comes to the same state from the journal. When the disk refuses, the commits wait
in order and new batches are turned away (``Overloaded``): a producer that tries again is recognised as a duplicate, and even
that answer waits until its first copy is durable.
"""

import asyncio
from collections.abc import Callable, Sequence

from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.core.switch_table import Shown
from rulesd.model.decision import Decision
from rulesd.model.event import Event, Rejected
from rulesd.model.inputs import EventRefused, Input, PlanReplaced
from rulesd.model.instant import Instant
from rulesd.model.reasons import Outcome
from rulesd.notify.changes import DEPLOY
from rulesd.ports.clock import Clock
from rulesd.ports.intake import Overloaded, Receipt
from rulesd.ports.meter import Meter
from rulesd.ports.store import Checkpoint, Commit, JournalRow, OutboxDone, OutboxRow
from rulesd.runners import codec
from rulesd.runners.ledger import Compose, Ledger
from rulesd.runners.reports import Report, Reports
from rulesd.runners.shadow import ShadowCheck
from rulesd.runners.writer import Writer

SLICE = 500
"Events the engine takes before the event loop gets a turn."

STEP = 100
"Decisions of deadlines that are made, at least, before the event loop gets a turn: 100,000 alerts may end in one millisecond."

MOST_WAITING = 50_000
"Events not yet durable at which new batches are turned away."

COMMIT_DEADLINE_S = 10.0
"How long a batch waits for its commit before its source is told to try again."

CHECKPOINT_KEYS = 4_000
"Key changes after which an incremental checkpoint is written."

Changes = Callable[[Event, Plan], list[OutboxRow]]


class Crank:
    """The engine of one daemon, with its door (``submit``), its timer and its checkpoints."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        clock: Clock,
        meter: Meter,
        *,
        decision_seq: int,
        compose: Compose,
        deliver: Callable[[Sequence[OutboxRow]], None],
        shadow: ShadowCheck | None = None,
        changes: Changes = lambda _event, _plan: [],
    ) -> None:
        """Nothing turns before ``start``. ``changes``: what a reported deploy owes to those who keep a record of changes."""
        self.engine = engine
        self.writer = writer
        self.clock = clock
        self.meter = meter
        self.ledger = Ledger(meter, compose, decision_seq)
        self.resolved = self.ledger.resolved
        self.shown = engine.switches.shown()
        "The switches as they are durable: what services read. A setting that could still be lost is nobody's to obey."
        self._deliver = deliver
        self._shadow = shadow or ShadowCheck(0)
        self._changes = changes
        self._waiting = 0
        self._changed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: Instant | None = None
        self._stopped = False
        self._behind = asyncio.Lock()
        "Held by whoever works off deadlines that are due, for all who wait to be taken."
        self.reports = Reports(self._caught_up, self._report)
        "What became of pages: durable soon, together with others."

    # ------------------------------------------------------------------ the door

    async def submit(
        self, source: str, events: Sequence[Event], rejected: Sequence[Rejected]
    ) -> Receipt:
        """Take a batch; return when it is durable (``rulesd.ports.intake``)."""
        count = len(events) + len(rejected)
        self._admit(count)
        self._waiting += count
        self.meter.in_flight.inc(count)
        try:
            return await self._take(source, events, rejected)
        finally:
            self._waiting -= count
            self.meter.in_flight.dec(count)

    def _admit(self, count: int) -> None:
        failing = self.writer.failing
        if failing is not None:
            raise Overloaded(f"the store cannot commit: {failing}. Nothing was taken", 5)
        if self._waiting and self._waiting + count > MOST_WAITING:
            raise Overloaded("too many events wait for the disk. Nothing was taken", 1)
        if self._stopped:
            raise Overloaded("the daemon is stopping. Nothing was taken", 5)

    async def _take(
        self, source: str, events: Sequence[Event], rejected: Sequence[Rejected]
    ) -> Receipt:
        futures: list[asyncio.Future[None]] = []
        counts = dict.fromkeys(Outcome, 0)
        for start in range(0, max(1, len(events)), SLICE):
            if start:
                await asyncio.sleep(0)
            now = await self._catch_up()
            before = dict(self.engine.outcomes)
            last = start + SLICE >= len(events)
            portion = events[start : start + SLICE]
            futures.append(self._turn_events(source, portion, rejected if last else (), now))
            for outcome, total in self.engine.outcomes.items():
                counts[outcome] += total - before[outcome]
        await self._durable(futures)
        for outcome, number in counts.items():
            if number:
                self.meter.events.labels(source, outcome).inc(number)
        for bad in rejected:
            self.meter.rejected.labels(bad.code).inc()
        duplicates = counts[Outcome.DUPLICATE]
        return Receipt(len(events) - duplicates, duplicates)

    async def _durable(self, futures: list[asyncio.Future[None]]) -> None:
        done, pending = await asyncio.wait(futures, timeout=COMMIT_DEADLINE_S)
        if pending:
            raise Overloaded("the store has not committed in time. Send the batch again", 5)
        for future in done:
            future.result()

    def _turn_events(
        self, source: str, events: Sequence[Event], rejected: Sequence[Rejected], now: Instant
    ) -> asyncio.Future[None]:
        """Let the engine take events; hand what must be durable to the writer."""
        engine = self.engine
        receive, outcomes = engine.receive, engine.outcomes
        rows: list[JournalRow] = []
        decisions: list[Decision] = []
        owed: list[OutboxRow] = []
        for event in events:
            duplicates = outcomes[Outcome.DUPLICATE]
            decided = receive(event, now)
            if outcomes[Outcome.DUPLICATE] == duplicates:
                rows.append(codec.event_row(event, engine.now))
                if event.type == DEPLOY:
                    owed += self._changes(event, engine.plan)
            if decided:
                decisions += decided
        for bad in rejected:
            item = EventRefused(source=source, rejected=bad)
            decisions += receive(item, now)
            rows.append(codec.input_row(item, engine.now))
        self._changed += len(rows)
        self._shadow.offer(engine.plan, events)
        return self._commit(rows, decisions, owed=owed)

    # ------------------------------------------------------------------ acts, deliveries, time

    async def act(self, *items: Input, done: Sequence[OutboxDone] = ()) -> list[Decision]:
        """Take inputs that are no events (acknowledgements, deliveries ...) and wait until they are durable."""
        now = await self._catch_up()
        decisions, future = self.turn(*items, done=done, now=now)
        await asyncio.shield(future)
        return decisions

    async def take(self, items: Sequence[Callable[[], Input]], weights: Sequence[int]) -> None:
        """Take large inputs in order, under the limits of ``submit``; return when all are durable.

        Each is made when its turn has come: nothing happens between that and the engine. ``weights``: what each counts for, in events.
        """
        count = sum(weights)
        self._admit(count)
        self._waiting += count
        try:
            futures: list[asyncio.Future[None]] = []
            for make, weight in zip(items, weights, strict=True):
                if futures:
                    await asyncio.sleep(0)
                now = await self._catch_up()
                self._changed += weight
                futures.append(self.turn(make(), now=now)[1])
            if futures:
                await self._durable(futures)
        finally:
            self._waiting -= count

    def turn(
        self,
        *items: Input,
        done: Sequence[OutboxDone] = (),
        owed: Sequence[OutboxRow] = (),
        settings: Sequence[tuple[str, bytes]] = (),
        now: Instant | None = None,
    ) -> tuple[list[Decision], asyncio.Future[None]]:
        """``act`` without waiting. ``owed``, ``settings``: what must become durable with it; ``now``: where ``_catch_up`` has looked."""
        if now is None:
            now = self.clock.now()
        rows: list[JournalRow] = []
        decisions: list[Decision] = []
        for item in items:
            decisions += self.engine.receive(item, now)
            rows.append(codec.input_row(item, self.engine.now))
        future = self._commit(rows, decisions, done=done, owed=owed, settings=settings)
        return decisions, future

    def _caught_up(self) -> bool:
        """Whether no deadline is due; if one is, some are worked off."""
        now, due = self.clock.now(), self.engine.next_timer()
        if due is None or due > now or self._stopped:
            return True
        self._run_deadlines(now)
        return False

    def _report(self, reports: Sequence[Report]) -> None:
        self.turn(
            *[r.delivered for r in reports],
            done=[r.done for r in reports],
            owed=[row for r in reports for row in r.owed],
            settings=[pair for r in reports for pair in r.settings],
        )

    def replace(self, plan: Plan, item: PlanReplaced, archive: bytes) -> asyncio.Future[None]:
        """Swap the plan, and checkpoint at once: a journal tail never spans two plans."""
        now = self.clock.now()
        decisions = self.engine.replace(plan, now, (item.owner_pages, item.owner_window))
        row = codec.input_row(item, self.engine.now)
        self._commit([row], decisions, plan=(plan.digest, archive))
        return self.checkpoint()

    def publish(self, decisions: list[Decision]) -> asyncio.Future[None]:
        """Make decisions durable that recovery found to be missing."""
        return self._commit([], decisions)

    def start(self, replayed: int = 0) -> None:
        """Arm the timer.

        A long tail of ``replayed`` inputs is covered by a checkpoint at once, so that a daemon that is ended again and again
        before its first one does not start later each time.
        """
        if replayed >= CHECKPOINT_KEYS:
            self.checkpoint()
        self._arm()

    def stop(self) -> None:
        """Take nothing more; what was taken is still committed by the writer."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        due = self.engine.next_timer()
        if self._stopped or due == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, due
        if due is not None:
            delay = max(0, due - self.clock.now()) / 1000
            self._timer = asyncio.get_running_loop().call_later(min(delay, 3600.0), self._wake)

    def _wake(self) -> None:
        """A loop may wake a hair early: then it is as late as it was asked to be (aioquic's rule)."""
        due, self._timer_at, self._timer = self._timer_at, None, None
        now = self.clock.now()
        if due is not None and 0 < due - now < 50:
            now = due
        self._run_deadlines(now)

    def _run_deadlines(self, now: Instant) -> None:
        """Some of those at or before ``now``; the timer is armed for the rest."""
        decisions = self.engine.handle_timer(now, STEP)
        self._changed += 2 * len(
            decisions
        )  # An alert that ends changes its own row and its group's.
        if decisions:
            self._commit([], decisions)
        elif len(self.engine.foreign.dirty) >= CHECKPOINT_KEYS // 2:
            self.checkpoint()
        self._arm()

    async def _catch_up(self) -> Instant:
        """Work off what is due, a little at a time, before anything new is taken; the moment at which nothing is behind.

        The engine would do the same, but all at once.
        """
        async with self._behind:
            while True:
                now = self.clock.now()
                due = self.engine.next_timer()
                if due is None or due > now:
                    return now
                self._run_deadlines(now)
                await asyncio.sleep(0)

    # ------------------------------------------------------------------ making it durable

    def _commit(
        self,
        rows: list[JournalRow],
        decisions: list[Decision],
        *,
        done: Sequence[OutboxDone] = (),
        plan: tuple[str, bytes] | None = None,
        owed: Sequence[OutboxRow] = (),
        settings: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[None]:
        logged, outbox = self.ledger.write(decisions, self.engine.plan, self.clock.now())
        outbox += owed
        future = self.writer.submit(
            Commit(
                inputs=rows,
                decisions=logged,
                outbox=outbox,
                done=done,
                plan=plan,
                settings=settings,
            )
        )
        if self.ledger.switched or plan is not None:
            self.ledger.switched, shown = False, self.engine.switches.shown()
            future.add_done_callback(lambda f: self._show(f, shown))
        if outbox:
            future.add_done_callback(lambda f: self._hand_over(f, outbox))
        if self._changed >= CHECKPOINT_KEYS:
            self.checkpoint()
        self._arm()
        return future

    def _show(self, future: "asyncio.Future[None]", shown: Shown) -> None:
        if not future.cancelled() and future.exception() is None:
            self.shown = shown

    def _hand_over(self, future: "asyncio.Future[None]", outbox: list[OutboxRow]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._deliver(outbox)

    def checkpoint(self) -> asyncio.Future[None]:
        """Write what changed since the last checkpoint."""
        self._changed = 0
        keys = [codec.pack_key(state) for state in self.engine.changes()]
        void, self.engine.void = self.engine.void, []
        return self.writer.submit(
            Commit(
                checkpoint=Checkpoint(
                    engine=codec.pack_state(self.engine.small_state()),
                    plan_digest=self.engine.plan.digest,
                    decision_seq=self.ledger.seq,
                    keys=keys,
                    forget_rules=void,
                )
            )
        )

    @property
    def unsaved(self) -> int:
        """Inputs taken since the last checkpoint."""
        return self._changed
