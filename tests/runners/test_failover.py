"""Critical pages that one receiver does not take go to the next: in time, once, and over a restart."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from rulesd.core.plan import Plan, Receiver
from rulesd.model.decision import Status
from rulesd.model.inputs import Delivered
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason, Reason
from rulesd.notify.compose import NoLinks, compose
from rulesd.ports.meter import Meter
from rulesd.ports.store import Commit, OutboxDone, OutboxRow
from rulesd.runners.delivery import Courier, Key
from rulesd.runners.failover import KEEP, MOST, PREFIX, Failover, Owed, Terms
from rulesd.stores.memory import MemoryStore
from tests.notify.samples import alert, burst, due, plan, resolved, spec, told
from tests.runners.virtual import Virtual, settle

OK = Delivery(outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK)
LATER = Delivery(outcome=DeliveryOutcome.RETRY, reason=DeliveryReason.TIMEOUT, detail="no answer")
NEVER = Delivery(outcome=DeliveryOutcome.FAILED, reason=DeliveryReason.AUTH, detail="HTTP 401: xx")


class Way:
    """A channel that answers as told; the last answer goes on."""

    per_alert = updates_in_place = False
    for_people = send_resolved = True
    deadline_s = 10_000.0

    def __init__(self, *answers: Delivery, name: str = "slack[0]") -> None:
        self.name, self.kind = name, name.partition("[")[0]
        self.answers = list(answers or (OK,))
        self.sent: list[Notification] = []
        self.gate: asyncio.Event | None = None

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        self.sent.append(notification)
        if self.gate is not None:
            await self.gate.wait()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def close(self) -> None: ...


def receivers(**failover: str) -> Plan:
    made = {
        name: Receiver(name=name, channels=(replace(spec("slack"), receiver=name),), failover=after)
        for name, after in failover.items()
    }
    return replace(plan(), receivers=made)


CHAIN = receivers(oncall="second", second="third", third="")


class World:
    """A courier and its failover over a store, on virtual time."""

    def __init__(self, ways: Mapping[str, Way], own: Plan = CHAIN, store: Any = None) -> None:
        self.time = Virtual(due().at + 20)
        self.ways, self.plan = ways, own
        self.store = store or MemoryStore()
        self.store.open()
        self.meter = Meter()
        channels: dict[Key, Any] = {(name, way.name): way for name, way in ways.items()}
        self.courier = Courier(
            channels,
            report=self.report,
            meter=self.meter,
            now=self.time.now,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
        )
        self.failover = Failover(
            self.courier,
            self.store,
            plan=lambda: self.plan,
            now=self.time.now,
            owe=self.owe,
            terms=Terms(after=60_000),
        )
        self.failover.load()
        self.commits: list[Commit] = []

    def commit(self, commit: Commit) -> None:
        self.commits.append(commit)
        self.store.commit(commit)
        if commit.outbox:
            self.failover.deliver(list(commit.outbox))

    def report(self, done: OutboxDone, delivered: Delivered | None) -> None:
        owed = self.failover.after(done)
        self.commit(Commit(done=[done], outbox=owed.rows, settings=owed.settings))

    def owe(self, owed: Owed) -> None:
        self.commit(Commit(outbox=owed.rows, settings=owed.settings))

    def decide(self, *members: Any, number: int = 1, **given: Any) -> list[OutboxRow]:
        rows = compose(due(*members, **given), self.plan, number=number, links=NoLinks())
        rows = self.failover.later(rows)
        self.commit(Commit(outbox=rows))
        return rows

    async def advance(self, ms: int) -> None:
        """Time passes, a second at a time, with a look at deadlines after each."""
        for _ in range(0, ms, 1_000):
            await self.time.advance(min(1_000, ms))
            self.failover.look()
        await settle()

    def sent(self, name: str) -> list[str]:
        return [one.failover or "page" for one in self.ways[name].sent]

    def states(self) -> dict[str, str]:
        found = {}
        for row, done in self.store.read_outbox():
            found[row.receiver] = done.state if done else "pending"
        return found


def play(world: World, story: Callable[[World], Awaitable[None]]) -> World:
    async def run() -> None:
        await story(world)
        world.failover.stop()
        for task in world.courier._tasks.values():
            task.cancel()
        await settle()

    asyncio.run(run())
    return world


def test_a_page_that_is_accepted_goes_nowhere_else() -> None:
    async def story(world: World) -> None:
        world.decide()
        await world.advance(120_000)
        assert world.sent("oncall") == ["page"]
        assert world.sent("second") == []
        assert world.store.settings(PREFIX) == {}

    play(World({"oncall": Way(), "second": Way(), "third": Way()}), story)


def test_a_page_given_up_goes_on_at_once_in_the_commit_that_says_so() -> None:
    async def story(world: World) -> None:
        world.decide()
        await settle()
        said = "It comes here because oncall (slack[0]) gave it up (authentication failed)."
        assert world.sent("second") == [said]
        (both,) = [c for c in world.commits if c.done and c.done[0].state == "failed"]
        assert [row.receiver for row in both.outbox] == ["second"]
        assert len(both.settings) == 1
        assert world.states() == {"oncall": "failed", "second": "delivered"}
        assert world.ways["second"].sent[0].incident == world.ways["oncall"].sent[0].incident
        labels = {"receiver": "oncall", "channel": "slack", "outcome": "failed_over"}
        counted = world.meter.registry.get_sample_value("rulesd_notifications_total", labels)
        assert counted == 1

    play(World({"oncall": Way(NEVER), "second": Way(), "third": Way()}), story)


def test_a_page_not_accepted_in_time_goes_on_and_is_withdrawn_once_the_next_has_it() -> None:
    async def story(world: World) -> None:
        world.decide()
        await world.advance(59_000)
        assert world.sent("second") == []
        await world.advance(2_000)
        said = "It comes here because oncall (slack[0]) has not accepted it within 1m: timeout."
        assert world.sent("second") == [said]
        assert world.states() == {"oncall": "skipped", "second": "delivered"}
        before = len(world.sent("oncall"))
        world.ways["oncall"].answers = [OK]
        await world.advance(600_000)
        assert len(world.sent("oncall")) == before  # it came back, and nobody is paged twice
        attempts = world.store.read_attempts(world.ways["oncall"].sent[0].id)
        assert {one.state for one in attempts} == {"pending"}

    play(World({"oncall": Way(LATER), "second": Way(), "third": Way()}), story)


def test_the_first_that_comes_through_late_withdraws_the_failover_that_has_not_left() -> None:
    async def story(world: World) -> None:
        world.decide()
        await world.advance(61_000)
        assert len(world.sent("second")) >= 1
        world.ways["oncall"].answers = [OK]
        await world.advance(60_000)
        sent = len(world.sent("second"))
        assert world.states() == {"oncall": "delivered", "second": "skipped"}
        world.ways["second"].answers = [OK]
        await world.advance(300_000)
        assert len(world.sent("second")) == sent
        assert world.sent("third") == []

    play(World({"oncall": Way(LATER), "second": Way(LATER), "third": Way()}), story)


def test_an_attempt_that_is_out_when_the_failover_is_accepted_is_not_repeated() -> None:
    async def story(world: World) -> None:
        first = world.ways["oncall"]
        first.gate = asyncio.Event()
        world.decide()
        await world.advance(61_000)
        assert world.states() == {"oncall": "pending", "second": "delivered"}
        first.gate.set()
        await world.advance(400_000)
        assert len(first.sent) == 1
        assert world.states()["oncall"] == "skipped"

    play(World({"oncall": Way(LATER), "second": Way(), "third": Way()}), story)


def test_the_chain_goes_on_and_ends() -> None:
    async def story(world: World) -> None:
        world.decide()
        await settle()
        assert [len(world.sent(name)) for name in ("oncall", "second", "third")] == [1, 1, 1]
        assert world.states() == dict.fromkeys(("oncall", "second", "third"), "failed")
        assert world.sent("third") == [
            "It comes here because second (slack[0]) gave it up (authentication failed)."
        ]

    play(World({n: Way(NEVER) for n in ("oncall", "second", "third")}), story)


def test_it_never_comes_back_to_a_receiver_it_has_left() -> None:
    circle = receivers(oncall="second", second="oncall")

    async def story(world: World) -> None:
        world.decide()
        await world.advance(10_000)
        assert [len(world.sent(name)) for name in ("oncall", "second")] == [1, 1]

    play(World({n: Way(NEVER) for n in ("oncall", "second")}, circle), story)


def test_pages_that_are_not_critical_and_mere_updates_wait_for_their_receiver() -> None:
    async def story(world: World) -> None:
        world.decide(told(burst()), number=1)
        world.decide(number=2, page=False, reason=Reason.UPDATE, incident="other")
        await world.advance(120_000)
        assert world.sent("second") == []

    play(World({"oncall": Way(LATER), "second": Way(), "third": Way()}), story)


def test_machines_do_not_fail_over() -> None:
    own = replace(
        CHAIN,
        receivers={
            **CHAIN.receivers,
            "oncall": Receiver(name="oncall", channels=(spec("webhook"),), failover="second"),
        },
    )

    async def story(world: World) -> None:
        world.decide()
        await settle()
        assert world.states() == {"oncall": "failed"}

    ways = {"oncall": Way(NEVER, name="webhook[0]"), "second": Way()}
    play(World(ways, own), story)


def test_what_came_later_is_told_where_the_page_went() -> None:
    async def story(world: World) -> None:
        world.decide()
        await settle()
        over = world.decide(
            resolved(), number=2, status=Status.RESOLVED, reason=Reason.ALL_RESOLVED
        )
        assert [row.receiver for row in over] == ["oncall", "second"]
        await world.advance(2_000)
        assert world.ways["second"].sent[-1].status == "resolved"
        # A further page is one of its own: its own receiver is asked first.
        again = world.decide(told(alert(count=3)), number=3, reason=Reason.AGAIN)
        assert [row.receiver for row in again] == ["oncall"]

    play(World({"oncall": Way(NEVER), "second": Way(), "third": Way()}), story)


def test_a_restart_repeats_nothing_and_forgets_nothing() -> None:
    async def first(world: World) -> None:
        world.decide()
        await world.advance(61_000)
        assert len(world.sent("second")) == 1

    ways = {"oncall": Way(LATER), "second": Way(), "third": Way()}
    # The failover is accepted, but the report of it is lost in the crash.
    lost = World(ways)
    lost.report = lambda done, delivered: None  # type: ignore[method-assign]
    lost.courier._report = lost.report
    play(lost, first)
    store = lost.store
    store.close()

    async def second(world: World) -> None:
        world.failover.deliver(list(world.store.pending()), started=True)
        await world.advance(120_000)
        # The page of the failover had not been recorded as accepted: it is sent again, with the same id. No other is made.
        assert len({one.id for one in world.ways["second"].sent}) == 1
        assert world.sent("third") == []
        assert world.states() == {"oncall": "skipped", "second": "delivered"}
        over = world.decide(
            resolved(), number=2, status=Status.RESOLVED, reason=Reason.ALL_RESOLVED
        )
        assert [row.receiver for row in over] == ["oncall", "second"]

    play(World(ways, store=store), second)


def test_what_was_owed_before_a_start_gets_a_moment_first() -> None:
    async def first(world: World) -> None:
        world.ways["oncall"].gate = asyncio.Event()
        world.decide()
        await settle()

    ways = {"oncall": Way(), "second": Way(), "third": Way()}
    before = World(ways)
    play(before, first)
    before.store.close()

    async def second(world: World) -> None:
        world.time.at += 3_600_000
        world.ways["oncall"].gate = None
        world.failover.deliver(list(world.store.pending()), started=True)
        world.failover.look()
        await settle()
        assert world.states() == {"oncall": "delivered"}
        assert world.sent("second") == []

    play(World(ways, store=before.store), second)


def test_two_channels_of_one_receiver_that_fail_owe_one_page() -> None:
    both = (replace(spec("slack")), replace(spec("slack"), name="slack[1]"))
    own = replace(
        CHAIN,
        receivers={
            **CHAIN.receivers,
            "oncall": Receiver(name="oncall", channels=both, failover="second"),
        },
    )

    async def story(world: World) -> None:
        channels: dict[Key, Any] = {
            ("oncall", "slack[0]"): Way(NEVER),
            ("oncall", "slack[1]"): Way(NEVER, name="slack[1]"),
            ("second", "slack[0]"): world.ways["second"],
        }
        world.courier._channels = channels
        world.decide()
        await settle()
        assert len(world.sent("second")) == 1

    play(World({"oncall": Way(NEVER), "second": Way()}, own), story)


def test_a_channel_that_fails_after_the_failover_was_accepted_owes_nothing_more() -> None:
    both = (replace(spec("slack")), replace(spec("slack"), name="slack[1]"))
    own = replace(
        CHAIN,
        receivers={
            **CHAIN.receivers,
            "oncall": Receiver(name="oncall", channels=both, failover="second"),
        },
    )

    async def story(world: World) -> None:
        late = Way(LATER, name="slack[1]")
        channels: dict[Key, Any] = {
            ("oncall", "slack[0]"): Way(NEVER),
            ("oncall", "slack[1]"): late,
            ("second", "slack[0]"): world.ways["second"],
        }
        world.courier._channels = channels
        world.decide()
        await world.advance(30_000)
        assert len(world.sent("second")) == 1
        await world.advance(60_000)  # now the second channel's time is over, too
        assert len(world.sent("second")) == 1
        tried = len(late.sent)
        await world.advance(600_000)
        assert len(late.sent) == tried  # somebody has the page
        assert "pending" not in world.states().values()

    play(World({"oncall": Way(NEVER), "second": Way()}, own), story)


def test_records_are_forgotten_when_they_are_old_or_too_many() -> None:
    async def story(world: World) -> None:
        world.decide()
        await settle()
        ((name, body),) = world.store.settings(PREFIX).items()
        world.time.at += KEEP
        world.decide(number=2, at=world.time.now(), incident="second-one")
        await settle()
        assert name not in world.store.settings(PREFIX)
        known = world.failover._known
        record = next(iter(known.by_place.values()))
        for number in range(MOST):
            known.add(replace(record, page=f"p{number}", at=world.time.now()))
        world.decide(number=3, at=world.time.now(), incident="third-one")
        await world.advance(3_000)
        assert len(known.by_place) <= MOST
        assert body

    play(World({"oncall": Way(NEVER), "second": Way(), "third": Way()}), story)


def test_a_receiver_whose_failover_is_gone_or_empty_keeps_its_page_on_record() -> None:
    own = replace(
        CHAIN,
        receivers={**CHAIN.receivers, "second": Receiver(name="second", channels=())},
    )

    async def story(world: World) -> None:
        world.decide()
        await settle()
        assert world.states() == {"oncall": "failed"}

    play(World({"oncall": Way(NEVER)}, own), story)


def test_a_row_nobody_can_read_is_left_to_the_courier() -> None:
    async def story(world: World) -> None:
        (row,) = world.decide(number=1)
        await settle()
        world.failover.deliver([replace(row, id="broken", body=b"{", incident="b")])
        await settle()

    play(World({"oncall": Way(), "second": Way(), "third": Way()}), story)


def test_a_record_nobody_can_read_does_not_keep_the_daemon_from_starting() -> None:
    store = MemoryStore()
    store.open()
    store.commit(Commit(settings=[(f"{PREFIX}x", b"{}"), (f"{PREFIX}y", b"no")]))
    store.close()
    world = World({"oncall": Way(), "second": Way(), "third": Way()}, store=store)
    assert world.failover._known.by_place == {}
