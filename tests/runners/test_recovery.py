"""Recovery: wherever the process was cut off, the engine stands where it stood, and the log says what it said."""

import gc
import random
from typing import Any

import pytest

from rulesd.core.engine import Engine, Limits
from rulesd.core.plan import Plan
from rulesd.model.errors import StoreError
from rulesd.model.event import Rejected
from rulesd.model.inputs import Acknowledged, PlanReplaced, ResolvedByPerson
from rulesd.model.reasons import Outcome
from rulesd.ports.store import Commit
from rulesd.runners import codec
from rulesd.runners.recovery import Restored, recover
from rulesd.runners.replay import replay_journal
from rulesd.stores.memory import MemoryStore
from tests.core.plans import T0, burst, plan, rule
from tests.runners.room import ARCHIVE, BOTH, Room, denied, in_room, out_of_scope, quiet

OTHER = plan(rule("tool.denied", detector=burst(2)), rule("tool.scope"), when={
    "tool.denied": lambda d: d["data"].get("outcome") == "denied",
    "tool.scope": lambda d: d["data"].get("scope") == "out",
})  # fmt: skip
PLANS = {b"the files": BOTH, b"the other files": OTHER}


def rebuild(archive: bytes) -> Plan:
    return PLANS[archive]


class Recording(MemoryStore):
    """Keeps every commit, to make stores that were cut off after any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Commit] = []
        self.open()

    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        self.made.append(commit)


def cut(store: Recording, after: int) -> MemoryStore:
    left = MemoryStore()
    left.open()
    for commit in store.made[:after]:
        left.commit(commit)
    left.close()
    return left


def recovered(store: Any, current: Plan = BOTH, limits: Limits | None = None) -> Restored:
    store.close()
    return recover(store, store.open(), current, limits or Limits(), rebuild)


def state(engine: Engine) -> Any:
    """All that decides what comes: every key and the small state, apart from the counters of duplicates."""
    small, keys = engine.snapshot()
    assert isinstance(small, dict)
    # The last item of a key says when it must be looked at next, if that is known already.
    plain = [(k.rule, k.key, k.data[:3]) for k in keys if isinstance(k.data, list)]
    return {k: v for k, v in small.items() if k not in ("outcomes", "now")}, plain


def future(engine: Engine, seed: int) -> list[bytes]:
    """What the engine decides on more of the same."""
    chance = random.Random(seed)
    now, lines = engine.now, []
    for n in range(150):
        now += chance.choice((0, 900, 15_000, 70_000, 600_000))
        make = denied if chance.random() < 0.7 else out_of_scope
        for each in engine.receive(
            make(f"f{n}", now - chance.choice((0, 60_000)), f"t{chance.randrange(5)}"), now
        ):
            lines.append(codec.decision_line(len(lines), each))
    return lines


async def busy(room: Room, seed: int, steps: int = 120) -> None:
    """A day's work in short: events, repeats, people, time, reloads and checkpoints."""
    chance = random.Random(seed)
    for step in range(steps):
        room.clock.at += chance.choice((0, 10, 900, 15_000, 70_000))
        draw = chance.random()
        tenant = f"t{chance.randrange(4)}"
        at = room.clock.at - chance.choice((0, 0, 500, 60_000))
        if draw < 0.45:
            await room.send(
                *[denied(f"{step}-{n}", at, tenant) for n in range(chance.randrange(1, 4))]
            )
        elif draw < 0.6:
            await room.send(out_of_scope(step, at, tenant), quiet(f"q{step}", at))
        elif draw < 0.68:
            await room.crank.submit(
                "test", [quiet("again", T0)], [Rejected(0, "invalid_json", "no", "")]
            )
        elif draw < 0.8 and room.engine.alerts():
            alert = chance.choice(room.engine.alerts()).alert
            act = ResolvedByPerson if chance.random() < 0.4 else Acknowledged
            await room.crank.act(act(alert=alert, by="ana"))
        elif draw < 0.86:
            await room.crank.checkpoint()
        elif draw < 0.9:
            new, archive = chance.choice([(BOTH, ARCHIVE), (OTHER, b"the other files")])
            await room.crank.replace(new, PlanReplaced(digest=new.digest), archive)
        elif draw < 0.95:
            room.crank._wake()


@pytest.mark.parametrize("seed", range(6))
def test_cut_off_after_any_commit_it_stands_where_it_stood(seed: int) -> None:
    store = Recording()
    room = in_room(lambda r: busy(r, seed), store=store)
    live = room.log()
    assert len(live) > 60
    for after in range(1, len(store.made) + 1, 7):
        left = cut(store, after)
        found = recovered(left)
        logged = [row.body for row in left.read_decisions(limit=100_000)]
        assert logged == live[: len(logged)]
        more = [codec.decision_line(found.seq + n, d) for n, d in enumerate(found.missing, 1)]
        assert more == live[len(logged) : len(logged) + len(more)]
    again = recovered(cut(store, len(store.made))).engine
    assert state(again) == state(room.engine)
    more = future(again, seed)
    assert len(more) > 20
    assert more == future(room.engine, seed)


@pytest.mark.parametrize("seed", range(6))
def test_the_journal_replayed_from_its_first_input_is_the_live_log(seed: int) -> None:
    room = in_room(lambda r: busy(r, seed))
    lines: list[bytes] = []
    replay_journal(room.store, rebuild, lines.append)
    assert [line.rstrip(b"\n") for line in lines] == room.log()


def test_without_a_checkpoint_the_whole_journal_is_read() -> None:
    async def story(room: Room) -> None:
        await room.send(denied(1), denied(2))

    room = in_room(story)
    assert recovered(room.store).replayed == 2  # the plan came with a checkpoint


def test_what_was_seen_before_the_crash_is_a_duplicate_after_it() -> None:
    async def story(room: Room) -> None:
        await room.send(out_of_scope(1), quiet(2))
        await room.crank.checkpoint()
        await room.send(out_of_scope(3))

    room = in_room(story)
    engine = recovered(room.store).engine
    for n in (1, 3, 4):
        engine.receive(out_of_scope(n), T0)
    assert engine.outcomes[Outcome.DUPLICATE] == 2
    assert engine.outcomes[Outcome.MATCHED] == 3


def test_deadlines_whose_commit_was_cut_off_are_made_durable_now() -> None:
    async def story(room: Room) -> None:
        await room.send(*[denied(n) for n in range(3)])

    store = Recording()
    in_room(story, store=store)
    engine = recovered(cut(store, len(store.made))).engine
    due = engine.next_timer()
    assert due is not None
    # The same, but with an input after the deadline that reached the disk without its decisions: no commit is torn, so it cannot be.
    found = recovered(cut(store, len(store.made)))
    assert found.missing == []
    assert found.seq == len(store.read_decisions(limit=1000))


def test_deadlines_that_had_run_and_were_durable_are_not_made_again() -> None:
    async def story(room: Room) -> None:
        await room.send(*[denied(n) for n in range(3)])
        due = room.engine.next_timer()
        assert due is not None
        room.clock.at = due
        room.crank._wake()

    room = in_room(story)
    assert sum(b"notification.due" in line for line in room.log()) == 1
    found = recovered(room.store)
    assert found.missing == []
    assert found.seq == len(room.log())
    assert state(found.engine) == state(room.engine)


def test_the_plan_that_was_in_force_is_used_and_not_the_one_on_disk_now() -> None:
    async def story(room: Room) -> None:
        await room.send(denied(1), denied(2))

    room = in_room(story)
    found = recovered(room.store, OTHER)
    assert found.engine.plan is BOTH
    assert found.missing == []  # two are no burst of three, whatever the new files say


def test_a_plan_that_the_store_does_not_hold_is_an_error_with_a_way_out() -> None:
    room = in_room(_one)
    room.store._plans.clear()
    with pytest.raises(
        StoreError, match="Restore the state directory from a backup, or start with a new one"
    ):
        recovered(room.store, OTHER)


def test_the_page_limit_in_force_is_recovered_and_not_the_settings() -> None:
    async def story(room: Room) -> None:
        await room.crank.replace(BOTH, PlanReplaced(digest=BOTH.digest, owner_pages=2), ARCHIVE)
        await room.send(out_of_scope(1))

    for checkpointed in (True, False):
        room = in_room(story)
        if not checkpointed:
            room.store._checkpoint = None
        engine = recovered(room.store, limits=Limits(owner_pages=77)).engine
        assert engine.dispatch.throttle.allowed == (2, 300_000)


async def _one(room: Room) -> None:
    await room.send(denied(1))


def test_what_is_restored_is_set_apart_from_what_the_garbage_collector_looks_at() -> None:
    gc.enable()
    before = gc.get_freeze_count()
    try:
        recovered(cut(Recording(), 0))
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
        gc.disable()
        frozen = gc.get_freeze_count()
        recovered(cut(Recording(), 0))
        assert not gc.isenabled(), "as it was"
        assert gc.get_freeze_count() == frozen
    finally:
        gc.enable()
        gc.unfreeze()
