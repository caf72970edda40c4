"""The writer: order, joining, a store that fails and recovers, mistakes, stopping under load."""

import asyncio
import random
import threading

import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.meter import Meter
from rulesd.ports.store import Checkpoint, Commit, DecisionRow, JournalRow, OutboxDone, OutboxRow
from rulesd.runners import writer as module
from rulesd.runners.writer import Writer, join
from rulesd.stores.memory import MemoryStore
from rulesd.stores.sqlite import SqliteStore
from tests.stores.commits import Maker, answers


class Gate(MemoryStore):
    """A store whose commits wait for permission, and fail as often as told; keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.allowed = threading.Event()
        self.allowed.set()
        self.entered = threading.Event()
        self.failures = 0
        self.tries = 0
        self.taken = []
        self.threads = set()

    def commit(self, commit):
        self.entered.set()
        assert self.allowed.wait(10)
        self.threads.add(threading.current_thread().name)
        self.tries += 1
        if self.failures:
            self.failures -= 1
            raise StoreError("no space is left")
        super().commit(commit)
        self.taken.append(commit)


def rows(*numbers):
    return [JournalRow(now=n, kind="event", payload=b"{}", key=n) for n in numbers]


def events(*numbers):
    return Commit(inputs=rows(*numbers))


def checkpoint(decision_seq=0):
    return Checkpoint(engine=b"e", plan_digest="p", decision_seq=decision_seq, keys=())


def stored(store):
    return [row.key for _, row in store.tail(0)]


def running(story, store=None, **settings):
    """Run a story with a started writer; the writer is stopped at its end."""

    async def main():
        gate = store or Gate()
        gate.open()
        writer = Writer(gate, Meter(), first_delay_s=0.001, last_delay_s=0.004, **settings)
        writer.start()
        try:
            return await asyncio.wait_for(story(writer, gate), 20)
        finally:
            if isinstance(gate, Gate):
                gate.allowed.set()
            await writer.stop(0)

    return asyncio.run(main())


async def held(writer, gate, first):
    """Have the thread inside of its first transaction, so that all that follows waits."""
    gate.entered.clear()
    gate.allowed.clear()
    future = writer.submit(first)
    await asyncio.to_thread(gate.entered.wait, 10)
    return future


def test_commit_is_durable_when_the_future_ends():
    async def story(writer, gate):
        future = writer.submit(events(1, 2))
        assert writer.waiting == 2
        assert not future.done()
        assert await future is None
        assert stored(gate) == [1, 2]
        assert writer.waiting == 0
        assert gate.threads == {"rulesd-writer"}

    running(story)


def test_all_that_waits_becomes_one_transaction_in_order():
    async def story(writer, gate):
        first = await held(writer, gate, events(0))
        later = [writer.submit(events(10 * n, 10 * n + 1)) for n in range(1, 6)]
        assert writer.waiting == 11
        gate.allowed.set()
        await asyncio.gather(first, *later)
        assert gate.commits == 2
        assert stored(gate) == [0, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51]

    running(story)


def test_one_call_into_the_loop_for_a_transaction(monkeypatch):
    async def story(writer, gate):
        calls = []
        loop = asyncio.get_running_loop()
        real = loop.call_soon_threadsafe

        def counted(function, *values, **how):
            if threading.current_thread().name == "rulesd-writer":
                calls.append(function)
            return real(function, *values, **how)

        first = await held(writer, gate, events(0))
        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        later = [writer.submit(events(n)) for n in range(1, 101)]
        gate.allowed.set()
        await asyncio.gather(first, *later)
        assert len(calls) == 2

    running(story)


def test_a_checkpoint_never_covers_a_later_input():
    async def story(writer, gate):
        first = await held(writer, gate, events(0))
        second = writer.submit(Commit(inputs=rows(1), checkpoint=checkpoint()))
        third = writer.submit(events(2))
        gate.allowed.set()
        await asyncio.gather(first, second, third)
        assert gate.commits == 3
        gate.close()
        assert gate.open().checkpoint_journal_seq == 2
        assert stored(gate) == [0, 1, 2]

    running(story)


@pytest.mark.parametrize("seed", range(4))
def test_joined_commits_equal_single_ones(seed, tmp_path):
    """Whatever waits together, the store answers as if each commit had been made alone."""

    async def story(writer, gate):
        maker = Maker(seed)
        single = MemoryStore()
        single.open()
        for _ in range(12):
            first = await held(writer, gate, commit := maker.commit())
            single.commit(commit)
            batch = [maker.commit() for _ in range(maker.random.randrange(12))]
            futures = [writer.submit(commit) for commit in batch]
            for commit in batch:
                single.commit(commit)
            gate.allowed.set()
            await asyncio.gather(first, *futures)
        assert answers(gate, maker) == answers(single, maker)
        gate.close()
        single.close()
        assert gate.open() == single.open()
        assert gate.commits < single.commits

    running(story)


def test_a_page_is_not_finished_before_it_is_owed():
    page = OutboxRow(
        id="n", receiver="r", channel="c", incident="i", priority=0, created=1, body=b""
    )
    done = OutboxDone(
        id="n",
        receiver="r",
        channel="c",
        state="delivered",
        attempts=1,
        next_at=0,
        detail="",
        at=1,
    )

    async def story(writer, gate):
        first = await held(writer, gate, events(0))
        stray = writer.submit(Commit(done=[done]))
        owed = writer.submit(Commit(outbox=[page]))
        gate.allowed.set()
        await asyncio.gather(first, stray, owed)
        assert [row.id for row in gate.pending()] == ["n"]

    running(story)


def test_two_plans_are_both_kept():
    async def story(writer, gate):
        first = await held(writer, gate, events(0))
        plans = [writer.submit(Commit(plan=(name, name.encode()))) for name in ("a", "b")]
        gate.allowed.set()
        await asyncio.gather(first, *plans)
        assert (gate.plan_archive("a"), gate.plan_archive("b")) == (b"a", b"b")

    running(story)


def test_a_transaction_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(module, "MOST_INPUTS", 3)

    async def story(writer, gate):
        first = await held(writer, gate, events(0))
        later = [writer.submit(events(n)) for n in range(1, 8)]
        huge = writer.submit(events(*range(100, 110)))
        gate.allowed.set()
        await asyncio.gather(first, huge, *later)
        assert [len(commit.inputs) for commit in gate.taken] == [1, 3, 3, 1, 10]

    running(story)


def test_a_failing_store_is_tried_again_until_it_takes_everything_once_and_in_order():
    async def story(writer, gate):
        assert writer.failing is None
        gate.failures = 7
        first = await held(writer, gate, events(0))
        gate.allowed.set()
        later = [writer.submit(events(n)) for n in range(1, 50)]
        while gate.tries < 3:
            await asyncio.sleep(0.001)
        assert isinstance(writer.failing, StoreError)
        assert writer.failing_since > 1_600_000_000_000
        assert not first.done()
        assert writer.waiting == 50
        await asyncio.gather(first, *later)
        assert stored(gate) == list(range(50))
        assert (writer.failing, writer.failing_since, writer.waiting) == (None, None, 0)
        assert gate.tries == 7 + gate.commits

    running(story)


def test_delays_grow_up_to_the_longest():
    waits = []

    async def story(writer, gate):
        class Watched(threading.Event):
            def wait(self, timeout=None):
                waits.append(timeout)
                return super().wait(0)

        writer._hurry = Watched()
        writer._delays = (0.2, 5.0)
        gate.failures = 8
        await writer.submit(events(1))

    running(story)
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_a_mistake_in_one_commit_leaves_the_others_alone():
    decision = DecisionRow(seq=1, at=0, kind="k", rule="r", alert="a", body=b"")

    async def story(writer, gate):
        first = await held(writer, gate, Commit(inputs=rows(0), decisions=[decision]))
        good = writer.submit(events(1))
        bad = writer.submit(Commit(inputs=rows(2), decisions=[decision]))
        after = writer.submit(events(3))
        gate.allowed.set()
        await asyncio.gather(first, good, after)
        with pytest.raises(ValueError, match="numbers must go up"):
            await bad
        assert stored(gate) == [0, 1, 3]
        assert writer.waiting == 0
        assert writer.failing is None

    running(story)


def test_a_cancelled_future_does_not_take_its_commit_back():
    async def story(writer, gate):
        first = await held(writer, gate, events(0))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.submit(events(1)), 0.01)
        gate.allowed.set()
        await asyncio.gather(first, writer.submit(events(2)))
        assert stored(gate) == [0, 1, 2]
        assert writer.waiting == 0

    running(story)


def test_functions_run_in_the_thread_between_the_commits_around_them():
    async def story(writer, gate):
        first = await held(writer, gate, events(0))
        before = writer.submit(events(1))
        seen = writer.call(lambda: (stored(gate), threading.current_thread().name))
        after = writer.submit(events(2))
        gate.allowed.set()
        assert await seen == ([0, 1], "rulesd-writer")
        await asyncio.gather(first, before, after)
        with pytest.raises(ZeroDivisionError):
            await writer.call(lambda: 1 // 0)
        await writer.submit(events(3))

    running(story)


def test_stop_under_load_commits_everything():
    async def story(writer, gate):
        futures = [writer.submit(events(n)) for n in range(2_000)]
        assert await writer.stop() == 0
        assert stored(gate) == list(range(2_000))
        assert all(future.done() and future.exception() is None for future in futures)
        with pytest.raises(StoreError, match="not running"):
            writer.submit(events(1))
        assert await writer.stop() == 0

    running(story)


def test_stop_while_failing_tries_again_at_once_and_succeeds():
    async def story(writer, gate):
        writer._delays = (60.0, 60.0)
        gate.failures = 1
        future = writer.submit(events(1))
        while gate.tries < 1:
            await asyncio.sleep(0.001)
        assert await writer.stop() == 0
        assert future.done()
        assert stored(gate) == [1]

    running(story)


def test_stop_gives_up_after_its_grace_and_leaves_no_hole():
    """What comes after a commit that was given up is given up too, even if the store would take it."""

    class Picky(Gate):
        def commit(self, commit):
            self.tries += 1
            if any(row.key == 1 for row in commit.inputs):
                raise StoreError("no space is left")
            super().commit(commit)

    async def story(writer, gate):
        one = writer.submit(events(1))
        while gate.tries < 1:
            await asyncio.sleep(0.001)
        two = writer.submit(Commit(inputs=rows(2), checkpoint=checkpoint()))
        three = writer.submit(events(3, 4))
        assert await writer.stop(0.01) == 4
        for future in (one, two, three):
            assert isinstance(future.exception(), StoreError)
        assert stored(gate) == []

    running(story, Picky())


def test_it_refuses_before_start_and_a_second_start():
    async def main():
        writer = Writer(MemoryStore(), Meter())
        assert await writer.stop() == 0
        with pytest.raises(StoreError, match="not running"):
            writer.submit(events(1))
        writer.start()
        with pytest.raises(RuntimeError, match="once"):
            writer.start()
        await writer.stop()

    asyncio.run(main())


def test_a_closed_loop_does_not_break_the_thread():
    gate = Gate()
    gate.open()

    async def main():
        writer = Writer(gate, Meter())
        writer.start()
        gate.allowed.clear()
        writer.submit(events(1))
        await asyncio.to_thread(gate.entered.wait, 10)
        return writer

    writer = asyncio.run(main())
    gate.allowed.set()
    writer._queue.put(None)
    writer._thread.join(10)
    assert stored(gate) == [1]


def test_time_of_each_transaction_is_measured():
    async def story(writer, gate):
        await writer.submit(events(1))
        await writer.submit(events(2))
        return writer._meter.registry.get_sample_value("rulesd_commit_seconds_count")

    assert running(story) == 2


def test_with_sqlite_under_many_submitters(tmp_path):
    store = SqliteStore(tmp_path / "state")

    async def story(writer, gate):
        chance = random.Random(5)

        async def submitter(number):
            for step in range(30):
                await writer.submit(events(number * 1_000 + step))
                await asyncio.sleep(chance.random() / 1_000)

        await asyncio.gather(*(submitter(number) for number in range(20)))
        found = stored(store)
        assert sorted(found) == sorted(n * 1_000 + step for n in range(20) for step in range(30))
        for number in range(20):
            own = [key for key in found if key // 1_000 == number]
            assert own == sorted(own)

    running(story, store)
    store.close()


def test_join_keeps_every_part_in_order():
    one = Commit(inputs=rows(1), settings=[("a", b"1")], plan=("p", b"z"))
    two = Commit(inputs=rows(2), settings=[("a", b"2")], checkpoint=checkpoint(7))
    joined = join([one, two])
    assert [row.key for row in joined.inputs] == [1, 2]
    assert joined.settings == [("a", b"1"), ("a", b"2")]
    assert joined.checkpoint.decision_seq == 7
    assert joined.plan == ("p", b"z")
    assert join([one]) is one
