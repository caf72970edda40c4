"""What every store promises: one suite, run over each adapter by ``test_stores.py``.

A subclass gives ``make``: an object that opens the same state again and again, as restarts do.
"""

from collections.abc import Callable, Iterator

import pytest

from rulesd.model.errors import StoreError
from rulesd.model.instant import DAY, HOUR
from rulesd.ports.store import (
    Checkpoint,
    Commit,
    DecisionRow,
    JournalRow,
    KeyRow,
    OutboxDone,
    OutboxRow,
    Store,
)

T0 = 1_700_000_000_000


def event(number: int, now: int = T0, **fields) -> JournalRow:
    values = {
        "now": now,
        "kind": "event",
        "payload": b'{"id":"e%d","type":"tool.call"}' % number,
        "key": number,
        "body": -number,
        "at": now - 5,
    }
    return JournalRow(**(values | fields))


def ack(now: int = T0) -> JournalRow:
    return JournalRow(now=now, kind="ack", payload=b'{"alert":"a"}')


def decision(seq: int, at: int = T0, rule: str = "r", alert: str = "a") -> DecisionRow:
    return DecisionRow(
        seq=seq, at=at, kind="alert.firing", rule=rule, alert=alert, body=b'{"seq":%d}' % seq
    )


def page(identity: str, incident: str = "i", created: int = T0, **fields) -> OutboxRow:
    values = {
        "id": identity,
        "receiver": "ops",
        "channel": "slack",
        "incident": incident,
        "priority": 1,
        "created": created,
        "body": b'{"page":1}',
        "next_at": created,
    }
    return OutboxRow(**(values | fields))


def done(identity: str, state: str = "delivered", at: int = T0, **fields) -> OutboxDone:
    values = {
        "id": identity,
        "receiver": "ops",
        "channel": "slack",
        "state": state,
        "attempts": 1,
        "next_at": 0,
        "detail": "200",
        "at": at,
    }
    return OutboxDone(**(values | fields))


def checkpoint(*keys: KeyRow, decision_seq: int = 0, **fields) -> Checkpoint:
    values = {"engine": b"engine", "plan_digest": "p1", "decision_seq": decision_seq, "keys": keys}
    return Checkpoint(**(values | fields))


def state(rule: str, key: bytes, value: bytes) -> KeyRow:
    return KeyRow(rule=rule, key=key, state=value)


def in_order(rows) -> list[KeyRow]:
    return sorted(rows, key=lambda row: (row.rule, row.key))


class StoreContract:
    """The promises of ``rulesd/ports/store.py``."""

    @pytest.fixture
    def make(self) -> Callable[[], Store]:
        raise NotImplementedError

    @pytest.fixture
    def store(self, make) -> Iterator[Store]:
        store = make()
        store.open()
        yield store
        store.close()

    def again(self, store, make):
        store.close()
        reopened = make()
        return reopened, reopened.open()

    # -- opening

    def test_a_new_store_stands_at_zero(self, make):
        store = make()
        found = store.open()
        assert found.engine is None
        assert found.plan_digest == ""
        assert (found.checkpoint_journal_seq, found.checkpoint_decision_seq) == (0, 0)
        assert (found.last_journal_seq, found.last_decision_seq, found.last_now) == (0, 0, 0)
        assert not list(store.keys())
        assert not list(store.tail(0))
        assert not list(store.pending())
        assert not list(store.recent_ids(0, 10))
        assert store.read_decisions() == []
        assert store.read_outbox() == []
        store.close()

    def test_a_second_open_is_refused_with_the_pid_of_the_first(self, make):
        import os

        first, second = make(), make()
        first.open()
        with pytest.raises(StoreError, match=f"pid {os.getpid()}"):
            second.open()
        first.close()
        second.open()
        second.close()

    def test_a_closed_store_takes_nothing(self, make):
        store = make()
        with pytest.raises(StoreError, match="not open"):
            store.commit(Commit(inputs=[event(1)]))
        store.open()
        store.close()
        store.close()
        with pytest.raises(StoreError, match="not open"):
            store.commit(Commit(inputs=[event(1)]))

    # -- journal

    def test_inputs_come_back_in_order_exactly_as_committed(self, store, make):
        rows = [
            event(1),
            ack(T0 + 1),
            event(2, T0 + 1, payload=b"\x00\xff any bytes \n"),
            event(3, T0 + 2, key=2**63 - 1, body=-(2**63), at=-5),
            event(4, T0 + 3, payload=b""),
        ]
        store.commit(Commit(inputs=rows[:2]))
        store.commit(Commit(inputs=rows[2:]))
        assert list(store.tail(0)) == list(enumerate(rows, 1))
        assert list(store.tail(3)) == list(enumerate(rows, 1))[3:]
        assert list(store.tail(5)) == []
        store, found = self.again(store, make)
        assert (found.last_journal_seq, found.last_now) == (5, T0 + 3)
        assert list(store.tail(0)) == list(enumerate(rows, 1))
        store.commit(Commit(inputs=[event(9)]))
        assert [seq for seq, _ in store.tail(4)] == [5, 6]
        assert list(store.tail(0))[-1][1] == event(9)
        store.close()

    def test_last_now_is_the_latest_even_when_time_went_back(self, store, make):
        store.commit(Commit(inputs=[event(1, T0 + 100), event(2, T0)]))
        store.commit(Commit(inputs=[event(3, T0 + 50)]))
        store, found = self.again(store, make)
        assert found.last_now == T0 + 100
        store.close()

    def test_a_large_commit_is_one_journal(self, store):
        rows = [event(n, T0 + n) for n in range(5_000)]
        store.commit(Commit(inputs=rows))
        assert [row for _, row in store.tail(0)] == rows
        assert [seq for seq, _ in store.tail(2_000)] == list(range(2_001, 5_001))

    def test_a_commit_that_can_never_be_stored_is_a_value_error_and_changes_nothing(self, store):
        store.commit(Commit(inputs=[event(1)], decisions=[decision(1)]))
        wrong = (
            Commit(inputs=[event(2)], decisions=[decision(1)]),
            Commit(inputs=[event(2)], decisions=[decision(2), decision(2)]),
            Commit(inputs=[event(2)], decisions=[decision(3), decision(2)]),
            Commit(inputs=[event(2, key=2**63)]),
            Commit(inputs=[event(2, kind="two,words")]),
        )
        for commit in wrong:
            with pytest.raises(ValueError):
                store.commit(commit)
        store.commit(Commit(inputs=[event(3)], decisions=[decision(2)]))
        assert [row.key for _, row in store.tail(0)] == [1, 3]
        assert [row.seq for row in store.read_decisions()] == [1, 2]

    # -- the duplicates window

    def test_recent_ids_takes_all_since_up_to_twice_and_at_least_the_last(self, store):
        for hour in range(10):
            store.commit(Commit(inputs=[event(hour, T0 + hour * HOUR), ack(T0 + hour * HOUR)]))

        def keys(since, at_least):
            return [key for key, _, _ in store.recent_ids(since, at_least)]

        assert keys(T0 + 7 * HOUR, 5) == [5, 6, 7, 8, 9]
        assert keys(T0 + 3 * HOUR, 5) == [3, 4, 5, 6, 7, 8, 9]
        assert keys(T0, 3) == [4, 5, 6, 7, 8, 9]
        assert keys(T0 + DAY, 2) == [8, 9]
        assert keys(T0, 100) == list(range(10))
        assert keys(T0, 0) == []
        assert list(store.recent_ids(T0 + DAY, 1)) == [(9, -9, T0 + 9 * HOUR)]

    def test_recent_ids_looks_into_large_commits(self, store):
        store.commit(Commit(inputs=[event(n, T0 + n) for n in range(3_000)]))
        assert [key for key, _, _ in store.recent_ids(T0 + 2_500, 400)] == list(range(2_500, 3_000))
        assert [key for key, _, _ in store.recent_ids(T0 + 2_999, 400)] == list(range(2_600, 3_000))

    # -- looking up an event

    def test_an_event_is_found_by_its_id(self, store):
        inner = event(2, payload=b'{"source":"s","document":{"id":"\\u00e9-1"}}')
        listed = event(3, payload=b'["acme",1,{"id":"l1","data":{"tool":"e1"}}]')
        rows = [event(1), inner, event(1, T0 + 9), listed]
        store.commit(Commit(inputs=rows))
        store.commit(Commit(inputs=[event(1, T0 + 20), ack()]))
        assert store.read_event("e1") == [(1, rows[0]), (3, rows[2]), (5, event(1, T0 + 20))]
        assert store.read_event("é-1") == [(2, inner)]
        assert store.read_event("l1") == [(4, listed)]
        assert store.read_event("e") == []
        assert store.read_event("") == []

    def test_only_events_are_found_and_only_by_their_own_id(self, store):
        store.commit(
            Commit(
                inputs=[
                    JournalRow(now=T0, kind="ack", payload=b'{"id":"e1"}'),
                    event(2, payload=b'{"id":"e2","data":{"id":"e1"}}'),
                    event(3, payload=b"not json e1"),
                    event(4, payload=b'{"id":7}'),
                ]
            )
        )
        assert store.read_event("e1") == []
        assert store.read_event("7") == []

    # -- decisions

    def test_decisions_are_read_in_order_and_filtered(self, store, make):
        store.commit(Commit(decisions=[decision(1), decision(2, rule="s"), decision(3, alert="b")]))
        store.commit(Commit(decisions=[decision(4, rule="", alert="")]))
        read = store.read_decisions
        assert read() == [
            decision(1),
            decision(2, rule="s"),
            decision(3, alert="b"),
            decision(4, rule="", alert=""),
        ]
        assert [row.seq for row in read(alert="a")] == [1, 2]
        assert [row.seq for row in read(rule="r")] == [1, 3]
        assert [row.seq for row in read(rule="r", alert="b")] == [3]
        assert [row.seq for row in read(after_seq=2)] == [3, 4]
        assert [row.seq for row in read(limit=2)] == [1, 2]
        assert read(limit=0) == read(limit=-1) == []
        store, found = self.again(store, make)
        assert found.last_decision_seq == 4
        store.close()

    # -- outbox

    def test_pages_are_owed_until_they_are_finished(self, store, make):
        store.commit(Commit(outbox=[page("n1"), page("n2"), page("n1", receiver="safety")]))
        assert [(row.id, row.receiver, row.row) for row in store.pending()] == [
            ("n1", "ops", 1),
            ("n2", "ops", 2),
            ("n1", "safety", 3),
        ]
        store.commit(Commit(done=[done("n1"), done("n2", "pending", attempts=3, next_at=T0 + 99)]))
        assert [(row.id, row.attempts, row.next_at) for row in store.pending()] == [
            ("n2", 3, T0 + 99),
            ("n1", 0, T0),
        ]
        store, _ = self.again(store, make)
        assert [row.id for row in store.pending()] == ["n2", "n1"]
        assert list(store.pending())[1].body == b'{"page":1}'
        store.close()

    def test_a_page_is_owed_once_and_stays_delivered(self, store):
        store.commit(Commit(outbox=[page("n1"), page("n1", body=b"other")]))
        store.commit(Commit(done=[done("n1")]))
        store.commit(Commit(outbox=[page("n1")]))
        store.commit(Commit(done=[done("n1", "pending"), done("unknown")]))
        assert not list(store.pending())
        ((row, outcome),) = store.read_outbox()
        assert row.body == b'{"page":1}'
        assert outcome.state == "delivered"

    def test_a_failed_page_may_be_tried_again(self, store):
        store.commit(Commit(outbox=[page("n1")]))
        store.commit(Commit(done=[done("n1", "failed")]))
        assert not list(store.pending())
        store.commit(Commit(done=[done("n1", "pending")]))
        assert [row.id for row in store.pending()] == ["n1"]

    def test_the_last_word_of_one_commit_counts_and_delivered_is_final(self, store):
        store.commit(Commit(outbox=[page("n1"), page("n2")]))
        store.commit(
            Commit(
                done=[
                    done("n1", "pending", attempts=1),
                    done("n1", "failed", attempts=2),
                    done("n2", "delivered", attempts=1),
                    done("n2", "pending", attempts=2),
                ]
            )
        )
        states = {row.id: (outcome.state, row.attempts) for row, outcome in store.read_outbox()}
        assert states == {"n1": ("failed", 2), "n2": ("delivered", 1)}

    def test_the_outbox_is_read_newest_first_with_outcomes(self, store):
        store.commit(Commit(outbox=[page(f"n{n}") for n in range(5)], done=[done("n1")]))
        store.commit(Commit(done=[done("n3", "failed", detail="400 channel_not_found", at=T0 + 7)]))
        found = store.read_outbox()
        assert [row.id for row, _ in found] == ["n4", "n3", "n2", "n1", "n0"]
        assert [outcome and outcome.state for _, outcome in found] == [
            None,
            "failed",
            None,
            "delivered",
            None,
        ]
        failed = found[1][1]
        assert (failed.detail, failed.at, failed.incident) == ("400 channel_not_found", T0 + 7, "i")
        assert [row.id for row, _ in store.read_outbox(state="failed")] == ["n3"]
        assert [row.id for row, _ in store.read_outbox(state="pending", limit=2)] == ["n4", "n2"]

    def test_references_are_remembered_by_incident(self, store, make):
        store.commit(Commit(outbox=[page("n1"), page("n2", receiver="safety")]))
        store.commit(Commit(done=[done("n1", reference=b'{"ts":1}')]))
        store.commit(Commit(done=[done("n2", receiver="safety", reference=b'{"ts":2}')]))
        store.commit(Commit(done=[done("x", incident="j", reference=b'{"ts":3}')]))
        store.commit(Commit(done=[done("nobody", reference=b'{"ts":4}')]))
        assert store.references("i") == {
            ("ops", "slack"): b'{"ts":1}',
            ("safety", "slack"): b'{"ts":2}',
        }
        store.commit(Commit(done=[done("n1"), done("n1", reference=b'{"ts":9}')]))
        store, _ = self.again(store, make)
        assert store.references("i")["ops", "slack"] == b'{"ts":9}'
        assert store.references("j") == {("ops", "slack"): b'{"ts":3}'}
        assert store.references("nothing") == {}
        store.close()

    # -- checkpoint

    def test_a_checkpoint_covers_the_inputs_of_its_commit(self, store, make):
        store.commit(Commit(inputs=[event(1), event(2)], decisions=[decision(1)]))
        store.commit(Commit(inputs=[event(3, T0 + 5)], checkpoint=checkpoint(decision_seq=1)))
        store.commit(Commit(inputs=[event(4, T0 + 6)], decisions=[decision(2)]))
        store, found = self.again(store, make)
        assert found.engine == b"engine"
        assert found.plan_digest == "p1"
        assert (found.checkpoint_journal_seq, found.last_journal_seq) == (3, 4)
        assert (found.checkpoint_decision_seq, found.last_decision_seq) == (1, 2)
        assert found.last_now == T0 + 6
        assert [row.key for _, row in store.tail(found.checkpoint_journal_seq)] == [4]
        store.close()

    def test_checkpoints_are_incremental(self, store, make):
        store.commit(
            Commit(
                checkpoint=checkpoint(
                    state("r", b"1", b"a"),
                    state("r", b"", b"b"),
                    state("s", b"1", b"c"),
                    state("", b"\xff\x00", b"d"),
                )
            )
        )
        store.commit(
            Commit(
                checkpoint=checkpoint(
                    state("r", b"1", b"z"), state("r", b"", b""), state("t", b"9", b"e")
                )
            )
        )
        expected = [
            state("", b"\xff\x00", b"d"),
            state("r", b"1", b"z"),
            state("s", b"1", b"c"),
            state("t", b"9", b"e"),
        ]
        assert in_order(store.keys()) == expected
        store, _ = self.again(store, make)
        assert in_order(store.keys()) == expected
        store.close()

    def test_rules_are_forgotten_before_states_come(self, store):
        store.commit(Commit(checkpoint=checkpoint(state("r", b"1", b"a"), state("s", b"1", b"b"))))
        store.commit(Commit(checkpoint=checkpoint(state("r", b"2", b"c"), forget_rules=["r"])))
        assert in_order(store.keys()) == [state("r", b"2", b"c"), state("s", b"1", b"b")]

    def test_the_last_state_of_a_key_in_one_checkpoint_counts(self, store):
        rows = (state("r", b"1", b"a"), state("r", b"1", b"b"), state("r", b"2", b"c"))
        store.commit(Commit(checkpoint=checkpoint(*rows, state("r", b"2", b""))))
        assert in_order(store.keys()) == [state("r", b"1", b"b")]

    def test_many_keys_come_back_in_order(self, store):
        rows = [state(f"rule{n % 3}", b"%07d" % n, b"s%d" % n) for n in range(25_000)]
        store.commit(Commit(checkpoint=checkpoint(*reversed(rows))))
        assert in_order(store.keys()) == in_order(rows)

    # -- settings and plans

    def test_settings_are_kept_replaced_deleted_and_found_by_prefix(self, store, make):
        store.commit(Commit(settings=[("token/a", b"1"), ("token/b", b"2"), ("tok%n", b"3")]))
        store.commit(Commit(settings=[("token/a", b"9"), ("token/b", b""), ("token/b", b"4")]))
        assert store.settings("token/") == {"token/a": b"9", "token/b": b"4"}
        assert store.settings("tok%") == {"tok%n": b"3"}
        assert store.setting("token/a") == b"9"
        store.commit(Commit(settings=[("token/a", b""), ("never", b"")]))
        store, _ = self.again(store, make)
        assert store.setting("token/a") is None
        assert list(store.settings("")) == ["tok%n", "token/b"]
        store.close()

    def test_plans_are_kept_and_never_change(self, store, make):
        store.commit(Commit(plan=("p1", b"first")))
        store.commit(Commit(plan=("p1", b"second")))
        store.commit(Commit(plan=("p2", b"other")))
        store, _ = self.again(store, make)
        assert (store.plan_archive("p1"), store.plan_archive("p2")) == (b"first", b"other")
        assert store.plan_archive("p3") is None
        store.close()

    # -- compaction

    def filled(self, store, covered=True):
        """Ten hours of one event and one decision each; the checkpoint lies after hour 7."""
        for hour in range(10):
            at = T0 + hour * HOUR
            with_checkpoint = covered and hour == 7
            store.commit(
                Commit(
                    inputs=[event(hour, at), ack(at)],
                    decisions=[decision(hour + 1, at)],
                    outbox=[page(f"n{hour}", created=at)],
                    done=[done(f"n{hour}", at=at)] if hour != 2 else [],
                    checkpoint=checkpoint(decision_seq=hour + 1) if with_checkpoint else None,
                )
            )

    def test_nothing_goes_without_a_checkpoint(self, store):
        self.filled(store, covered=False)
        assert store.compact(journal_before=T0 + DAY, keep_events=0, budget_rows=999) == 0
        assert len(list(store.tail(0))) == 20

    def test_rows_after_the_checkpoint_and_pending_pages_stay(self, store, make):
        self.filled(store)
        gone = store.compact(journal_before=T0 + DAY, keep_events=0, budget_rows=999)
        assert [seq for seq, _ in store.tail(0)] == [17, 18, 19, 20]
        assert [row.seq for row in store.read_decisions()] == [9, 10]
        assert [row.id for row, _ in store.read_outbox()] == ["n9", "n8", "n7", "n2"]
        assert [row.id for row in store.pending()] == ["n2"]
        assert gone == 16 + 8 + 6
        store, found = self.again(store, make)
        assert (found.last_journal_seq, found.checkpoint_journal_seq) == (20, 16)
        assert (found.last_decision_seq, found.last_now) == (10, T0 + 9 * HOUR)
        store.close()

    def test_numbers_go_on_when_everything_went(self, store, make):
        store.commit(
            Commit(
                inputs=[event(1, T0 + 9)],
                decisions=[decision(1)],
                checkpoint=checkpoint(decision_seq=1),
            )
        )
        assert store.compact(journal_before=T0 + DAY, keep_events=0, budget_rows=999) == 2
        store, found = self.again(store, make)
        assert (found.last_journal_seq, found.last_decision_seq, found.last_now) == (1, 1, T0 + 9)
        store.commit(Commit(inputs=[event(2)]))
        assert [seq for seq, _ in store.tail(0)] == [2]
        assert [key for key, _, _ in store.recent_ids(0, 5)] == [2]
        store.close()

    def test_young_rows_stay(self, store):
        self.filled(store)
        store.compact(journal_before=T0 + 3 * HOUR, keep_events=0, budget_rows=999)
        assert next(store.tail(0))[1] == event(3, T0 + 3 * HOUR)
        assert store.read_decisions()[0].seq == 4
        assert [row.id for row, _ in store.read_outbox()][-1] == "n2"

    def test_the_duplicates_window_stays(self, store):
        self.filled(store)
        store.compact(journal_before=T0 + DAY, keep_events=6, budget_rows=999)
        assert [key for key, _, _ in store.recent_ids(0, 6)] == [4, 5, 6, 7, 8, 9]
        assert next(store.tail(0)) == (9, event(4, T0 + 4 * HOUR))

    def test_the_budget_bounds_a_call(self, store):
        self.filled(store)
        gone = []
        while not gone or gone[-1]:
            gone.append(store.compact(journal_before=T0 + DAY, keep_events=0, budget_rows=7))
        assert gone == [7, 7, 7, 7, 2, 0]
        assert store.compact(journal_before=T0 + DAY, keep_events=0, budget_rows=0) == 0

    def test_the_budget_cuts_a_large_commit(self, store):
        rows = [event(n, T0 + n) for n in range(1_500)]
        store.commit(Commit(inputs=rows, checkpoint=checkpoint()))
        assert store.compact(journal_before=T0 + DAY, keep_events=10, budget_rows=100) == 100
        assert list(store.tail(0)) == list(enumerate(rows, 1))[100:]
        assert store.read_event("e5") == []
        assert store.read_event("e105") == [(106, rows[105])]
        while store.compact(journal_before=T0 + 1_480, keep_events=10, budget_rows=400):
            pass
        assert list(store.tail(0)) == list(enumerate(rows, 1))[1_480:]
        assert [key for key, _, _ in store.recent_ids(0, 12)] == list(range(1_480, 1_500))

    def test_references_outlive_their_pages_by_a_month(self, store):
        store.commit(
            Commit(
                inputs=[event(1, T0 + 90 * DAY)],
                outbox=[page("n1"), page("n2", "j")],
                done=[done("n1", reference=b"1"), done("n2", "pending", reference=b"2")],
                checkpoint=checkpoint(),
            )
        )
        store.compact(journal_before=T0 + 20 * DAY, keep_events=0, budget_rows=99)
        assert store.references("i")
        assert store.compact(journal_before=T0 + 40 * DAY, keep_events=0, budget_rows=99) == 1
        assert not store.references("i")
        assert store.references("j")

    # -- threads

    def test_any_thread_may_read_while_another_writes(self, store):
        import threading

        faults: list[BaseException] = []
        stop = threading.Event()

        def read():
            try:
                seen = 0
                while not stop.is_set():
                    rows = store.read_decisions(limit=10**6)
                    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
                    assert len(rows) >= seen
                    seen = len(rows)
                    store.read_event("e3")
                    store.read_outbox()
                    store.setting("token")
            except BaseException as fault:
                faults.append(fault)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(1, 60):
            store.commit(
                Commit(
                    inputs=[event(number)],
                    decisions=[decision(number)],
                    outbox=[page(f"n{number}")],
                    settings=[("token", b"%d" % number)],
                )
            )
            assert store.setting("token") == b"%d" % number
        stop.set()
        for thread in threads:
            thread.join()
        assert not faults
