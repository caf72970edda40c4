"""The crank: nothing is answered before its commit, nothing is delivered before it either, and time turns it too."""

import asyncio
import json
import threading
from typing import Any

import pytest

from rulesd.core import foreign
from rulesd.model.decision import NoticeDue
from rulesd.model.errors import StoreError
from rulesd.model.event import Rejected
from rulesd.model.inputs import Acknowledged, AlertsPosted, PlanReplaced, PostedAlert
from rulesd.model.instant import HOUR
from rulesd.model.reasons import Outcome, Reason
from rulesd.ports.intake import Overloaded, Receipt
from rulesd.ports.store import OutboxRow
from rulesd.runners import codec, ledger
from rulesd.runners import crank as module
from rulesd.stores.memory import MemoryStore
from tests.core.plans import T0
from tests.runners.room import ARCHIVE, BOTH, Room, denied, in_room, out_of_scope, quiet
from tests.runners.test_reports import report

BAD = Rejected(1, "invalid_time", "say when", "/time")


class Gate(MemoryStore):
    """Commits wait for permission, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.open()
        self.allowed = threading.Event()
        self.allowed.set()

    def commit(self, commit: Any) -> None:
        assert self.allowed.wait(10)
        super().commit(commit)


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0.001)


def test_a_batch_is_answered_and_its_page_sent_after_the_commit_alone() -> None:
    store = Gate()

    async def story(room: Room) -> None:
        store.allowed.clear()
        task = asyncio.create_task(room.send(out_of_scope(1), quiet(2)))
        await turns()
        assert not task.done()
        assert room.courier.rows == []
        assert room.engine.outcomes[Outcome.MATCHED] == 1  # the engine runs ahead of the disk
        store.allowed.set()
        assert await task == Receipt(2, 0)
        assert [row.incident for row in room.courier.rows] != []

    room = in_room(story, store=store)
    assert room.kinds() == ["plan", "event", "event"]


def test_a_duplicate_waits_for_the_commit_of_its_first_copy() -> None:
    store = Gate()

    async def story(room: Room) -> None:
        store.allowed.clear()
        first = asyncio.create_task(room.send(quiet(1)))
        await turns(5)
        again = asyncio.create_task(room.send(quiet(1)))
        await turns()
        assert not again.done()
        store.allowed.set()
        assert await first == Receipt(1, 0)
        assert await again == Receipt(0, 1)

    assert in_room(story, store=store).kinds() == ["plan", "event"]


def test_rejected_ones_are_on_record_and_counted() -> None:
    async def story(room: Room) -> None:
        assert await room.crank.submit("http", [quiet(1)], [BAD, BAD]) == Receipt(1, 0)
        assert await room.crank.submit("http", [], [BAD]) == Receipt(0, 0)
        counted = room.meter.events.labels("http", Outcome.REJECTED)._value.get()
        assert counted == 3
        assert room.meter.rejected.labels("invalid_time")._value.get() == 3

    room = in_room(story)
    assert room.kinds() == ["plan", "event", "refused", "refused", "refused"]
    assert len(room.log()) == 3


def test_a_large_batch_is_taken_in_slices_and_answered_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SLICE", 10)

    async def story(room: Room) -> None:
        batch = [quiet(n) for n in range(25)]
        beside = asyncio.create_task(room.send(*[out_of_scope(f"x{n}") for n in range(25)]))
        assert await room.crank.submit("http", [*batch, *batch[:5]], [BAD]) == Receipt(25, 5)
        assert await beside == Receipt(25, 0)

        def counted(source: str, outcome: Outcome) -> float:
            return float(room.meter.events.labels(source, outcome)._value.get())

        # Two batches at once do not count each other's events.
        assert counted("http", Outcome.UNMATCHED) == 25
        assert counted("http", Outcome.DUPLICATE) == 5
        assert counted("http", Outcome.MATCHED) == 0
        assert counted("http", Outcome.REJECTED) == 1
        assert counted("test", Outcome.MATCHED) == 25
        assert room.meter.in_flight._value.get() == 0

    in_room(story)


def test_while_the_disk_refuses_new_batches_are_turned_away() -> None:
    store = Gate()

    async def story(room: Room) -> None:
        store.refuse = StoreError("the disk is full")
        waiting = asyncio.create_task(room.send(quiet(1)))
        while room.writer.failing is None:
            await turns(1)
        with pytest.raises(Overloaded, match=r"the disk is full\. Nothing was taken") as refused:
            await room.send(quiet(2))
        assert refused.value.retry_after_s == 5
        store.refuse = None
        assert await waiting == Receipt(1, 0)
        assert await room.send(quiet(1), quiet(2)) == Receipt(1, 1)

    assert in_room(story, store=store).kinds() == ["plan", "event", "event"]


def test_a_commit_that_does_not_end_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "COMMIT_DEADLINE_S", 0.05)
    store = Gate()

    async def story(room: Room) -> None:
        store.allowed.clear()
        with pytest.raises(Overloaded, match="not committed in time"):
            await room.send(quiet(1))
        store.allowed.set()
        assert await room.send(quiet(1)) == Receipt(0, 1)  # it was taken once

    assert in_room(story, store=store).kinds() == ["plan", "event"]


def test_too_much_that_waits_is_turned_away_but_one_batch_is_always_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    store = Gate()

    async def story(room: Room) -> None:
        store.allowed.clear()
        large = asyncio.create_task(room.send(*[quiet(n) for n in range(5)]))
        await turns(5)
        with pytest.raises(Overloaded, match="too many events wait"):
            await room.send(quiet(9))
        store.allowed.set()
        assert await large == Receipt(5, 0)
        assert await room.send(quiet(9)) == Receipt(1, 0)

    in_room(story, store=store)


def test_after_stop_nothing_is_taken() -> None:
    async def story(room: Room) -> None:
        room.crank.stop()
        with pytest.raises(Overloaded, match="stopping"):
            await room.send(quiet(1))

    assert in_room(story).kinds() == ["plan"]


def test_a_deadline_turns_the_crank_without_any_event() -> None:
    async def story(room: Room) -> None:
        await room.send(*[denied(n) for n in range(3)])
        assert room.courier.rows == []
        due = room.engine.next_timer()
        assert due is not None
        room.clock.at = due
        await room.send(quiet("wakes"))  # re-arms with the new time
        await turns(20)
        assert len(room.courier.rows) == 1

    room = in_room(story)
    assert sum(b"notification.due" in line for line in room.log()) == 1


def test_a_loop_that_wakes_a_hair_early_is_as_late_as_it_was_asked_to_be() -> None:
    async def story(room: Room) -> None:
        await room.send(*[denied(n) for n in range(3)])
        due = room.engine.next_timer()
        assert due is not None
        room.clock.at = due - 20
        room.crank._wake()
        await turns(5)
        assert len(room.courier.rows) == 1

    in_room(story)


def test_what_people_do_is_an_input_and_durable_when_it_is_answered() -> None:
    async def story(room: Room) -> None:
        await room.send(out_of_scope(1))
        (alert,) = room.engine.alerts()
        decisions = await room.crank.act(Acknowledged(alert=alert.alert, by="ana"))
        assert [str(d.reason) for d in decisions][:1] == ["acknowledged"]
        assert room.kinds()[-1] == "ack"

    in_room(story)


def test_a_new_plan_is_on_record_with_its_files_its_limits_and_a_checkpoint() -> None:
    async def story(room: Room) -> None:
        await room.send(denied(1))
        await room.crank.replace(
            BOTH, PlanReplaced(digest=BOTH.digest, owner_pages=2, owner_window=9), ARCHIVE
        )
        assert room.engine.dispatch.throttle.allowed == (2, 9)

    room = in_room(story)
    last = [row for _, row in room.store.tail(0)][-1]
    assert codec.read_input(last) == PlanReplaced(digest=BOTH.digest, owner_pages=2, owner_window=9)
    assert room.store.plan_archive(BOTH.digest) == ARCHIVE
    room.store.close()
    known = room.store.open()
    assert known.checkpoint_journal_seq == known.last_journal_seq
    assert known.plan_digest == BOTH.digest


def test_checkpoints_come_by_themselves_and_say_what_is_unsaved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_KEYS", 10)

    async def story(room: Room) -> None:
        await room.send(*[denied(n, tenant=f"t{n}") for n in range(9)])
        assert room.crank.unsaved == 9
        await room.send(denied("more"))
        assert room.crank.unsaved == 0
        await room.send(quiet("after"))
        assert room.crank.unsaved == 1

    room = in_room(story)
    room.store.close()
    known = room.store.open()
    assert known.checkpoint_journal_seq == 11
    assert len(list(room.store.keys())) == 10


def test_a_long_tail_is_checkpointed_before_the_first_event() -> None:
    async def story(room: Room) -> None:
        await room.send(denied(1))
        room.crank.start(module.CHECKPOINT_KEYS)
        assert room.crank.unsaved == 0

    room = in_room(story)
    room.store.close()
    assert room.store.open().checkpoint_journal_seq == 2


def test_a_short_tail_is_not() -> None:
    async def story(room: Room) -> None:
        await room.send(denied(1))
        room.crank.start(module.CHECKPOINT_KEYS - 1)
        assert room.crank.unsaved == 1

    in_room(story)


def test_decisions_that_recovery_missed_are_published_with_their_pages() -> None:
    async def story(room: Room) -> None:
        made = room.engine.receive(out_of_scope(1), T0)
        await room.crank.publish(made)
        assert len(room.courier.rows) == 1

    room = in_room(story)
    assert len(room.log()) == 2


def test_resolved_alerts_are_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    from rulesd.model.inputs import ResolvedByPerson

    monkeypatch.setattr(ledger, "RESOLVED_KEPT", 2)

    async def story(room: Room) -> None:
        gone = []
        for n in range(3):
            await room.send(out_of_scope(n, tenant=f"t{n}"))
            (alert,) = room.engine.alerts()
            await room.crank.act(ResolvedByPerson(alert=alert.alert, by="ana"))
            gone.append(alert.alert)
        assert list(room.crank.resolved) == gone[1:]

    in_room(story)


def test_decisions_are_numbered_without_a_gap_over_everything() -> None:
    async def story(room: Room) -> None:
        for n in range(20):
            await room.crank.submit(
                "test", [out_of_scope(n, tenant=f"t{n}"), quiet(f"q{n}")], [BAD]
            )

    import orjson

    room = in_room(story, seq=100)
    numbers = [orjson.loads(line)["seq"] for line in room.log()]
    assert numbers == list(range(101, 101 + len(numbers)))


def test_what_a_deploy_owes_is_committed_with_it_and_once() -> None:
    owed = OutboxRow(
        id="chg",
        receiver="r",
        channel="pagerduty[0]",
        incident="chg",
        priority=9,
        created=T0,
        body=b"{}",
    )
    deploy = quiet(1)._replace(type="deploy.change")

    async def story(room: Room) -> None:
        room.crank._changes = lambda event, _plan: [owed] if event is deploy else []
        await room.send(deploy, quiet(2))
        await room.send(deploy)
        assert room.courier.rows == [owed]

    room = in_room(story)
    assert [row.id for row, _ in room.store.read_outbox()] == ["chg"]


def test_a_hand_over_of_a_shift_that_is_over_is_on_record_and_not_sent() -> None:
    """After a long stop every deadline runs; nobody wants to hear of all the shifts in between."""

    def notice(until: int | None) -> NoticeDue:
        return NoticeDue(
            at=T0,
            reason=Reason.HAND_OVER,
            receiver="r",
            owner="o",
            title="t",
            lines=(),
            until=until,
        )

    async def story(room: Room) -> None:
        now = room.clock.at
        await room.crank.publish([notice(now), notice(now + 1), notice(None)])
        await asyncio.sleep(0)
        assert len(room.courier.rows) == 2

    assert len(in_room(story).log()) == 3


def test_many_deadlines_are_worked_off_with_turns_for_others_before_anything_new_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STEP", 10)
    monkeypatch.setattr(foreign, "STEP", 10)
    alerts = tuple(
        PostedAlert(labels={"alertname": f"A{n}"}, starts_at=T0, ends_at=T0 + 1_000)
        for n in range(95)
    )
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def story(room: Room) -> None:
        nonlocal turns
        await room.crank.act(AlertsPosted(alerts=alerts))
        other = asyncio.create_task(somebody_else())
        room.clock.at = T0 + 1_000
        turns = 0
        sent = [asyncio.create_task(room.send(quiet(n))) for n in range(3)]
        await asyncio.gather(*sent)
        assert turns >= 9
        assert room.engine.alerts() == []
        other.cancel()

    room = in_room(story)
    kinds = [json.loads(line)["kind"] for line in room.log()]
    assert kinds.count("alert.resolved") == 95
    assert room.kinds() == ["plan", "posted", "event", "event", "event"]


def test_reports_wait_for_deadlines_that_are_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", 1)
    monkeypatch.setattr(foreign, "STEP", 1)
    alerts = tuple(
        PostedAlert(labels={"alertname": f"A{n}"}, starts_at=T0, ends_at=T0 + 1_000)
        for n in range(3)
    )

    async def story(room: Room) -> None:
        await room.crank.act(AlertsPosted(alerts=alerts))
        room.clock.at = T0 + 1_000
        room.crank.reports.add(report("msg-1"))
        room.crank.reports.flush()
        assert len(room.engine.alerts()) == 2
        while len(room.kinds()) < 3:
            await asyncio.sleep(0.001)
        assert room.engine.alerts() == []

    assert in_room(story).kinds() == ["plan", "posted", "delivered"]


def test_what_is_forgotten_at_once_is_saved_a_portion_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_KEYS", 20)
    monkeypatch.setattr(module, "STEP", 1)
    monkeypatch.setattr(foreign, "FORGOTTEN", 10)
    over = tuple(
        PostedAlert(labels={"alertname": f"A{n}"}, starts_at=T0 - 2, ends_at=T0 - 1)
        for n in range(60)
    )

    async def story(room: Room) -> None:
        await room.crank.act(AlertsPosted(alerts=over))
        room.crank.checkpoint()
        assert room.engine.foreign.dirty == {}
        room.clock.at = T0 + 2 * HOUR
        sizes: list[int] = []
        write = room.crank.checkpoint

        def checkpoint() -> Any:
            sizes.append(len(room.engine.foreign.dirty))
            return write()

        monkeypatch.setattr(room.crank, "checkpoint", checkpoint)
        await room.send(quiet(1))
        assert room.engine.foreign.known == {}
        assert sizes == 6 * [10]

    in_room(story)
