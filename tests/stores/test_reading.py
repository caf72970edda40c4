"""Reading: from any thread, over few connections, and a hole is damage."""

import threading

import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.store import Checkpoint, Commit, KeyRow
from rulesd.stores.sqlite import SqliteStore
from tests.stores.child import inputs


@pytest.fixture
def store(tmp_path):
    store = SqliteStore(tmp_path / "state")
    store.open()
    yield store
    store.close()


def test_a_closed_store_is_not_read(store):
    store.close()
    for ask in (
        lambda: store.setting("a"),
        lambda: list(store.tail(0)),
        lambda: list(store.keys()),
        store.read_outbox,
    ):
        with pytest.raises(StoreError, match="not open"):
            ask()


def test_readers_share_connections_that_cannot_write(store):
    for _ in range(20):
        store.setting("a")
    assert len(store._idle) == 1
    (connection,) = store._idle
    assert connection.execute("PRAGMA query_only").fetchone() == (1,)

    together = threading.Barrier(4)

    def read():
        with store._reading():
            together.wait(30)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store._idle) == 4


def test_a_connection_that_saw_an_error_is_not_used_again(store):
    store.setting("a")
    (first,) = store._idle
    with pytest.raises(ZeroDivisionError), store._reading():
        raise ZeroDivisionError
    assert store._idle == []
    store.setting("a")
    assert store._idle != [first]


def test_a_reader_that_outlives_the_store_closes_its_connection(store):
    with store._reading() as connection:
        store.close()
    with pytest.raises(Exception, match="closed"):
        connection.execute("SELECT 1")
    assert store._idle == []


def test_a_long_answer_does_not_hold_up_the_writer(store):
    """Half-read answers keep no transaction: commits go on, and the log can be folded back."""
    store.commit(Commit(inputs=inputs(1, 20_000)))
    keys = [KeyRow(rule="r", key=b"%d" % n, state=b"s") for n in range(1_000)]
    checkpoint = Checkpoint(engine=b"", plan_digest="", decision_seq=0, keys=keys)
    store.commit(Commit(checkpoint=checkpoint))
    open_answers = [store.tail(0), store.keys(), store.recent_ids(0, 50_000)]
    for answer in open_answers:
        next(answer)
    store.commit(Commit(inputs=inputs(20_001, 10)))
    busy, _, _ = store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    rest = [sum(1 for _ in answer) for answer in open_answers]
    assert rest == [20_009, 999, 19_999]


def test_missing_journal_rows_are_damage(store):
    for n in range(5):
        store.commit(Commit(inputs=inputs(1 + n * 10, 10)))
    store._connection.execute("DELETE FROM segment WHERE first = 21")
    with pytest.raises(StoreError, match="from 21 on are missing"):
        list(store.tail(0))
    with pytest.raises(StoreError, match="duplicates window"):
        list(store.recent_ids(0, 100))
    assert len(list(store.recent_ids(100, 20))) == 20


def test_a_missing_checkpoint_or_decision_is_damage(store, tmp_path):
    keys = [KeyRow(rule="r", key=b"1", state=b"s")]
    checkpoint = Checkpoint(engine=b"", plan_digest="", decision_seq=0, keys=keys)
    store.commit(Commit(inputs=inputs(1, 10), checkpoint=checkpoint))
    store._connection.execute("DELETE FROM checkpoint")
    store.close()
    with pytest.raises(StoreError, match="checkpoint"):
        store.open()


def test_a_hole_between_checkpoint_and_journal_is_damage(store):
    checkpoint = Checkpoint(engine=b"", plan_digest="", decision_seq=0, keys=())
    store.commit(Commit(inputs=inputs(1, 10), checkpoint=checkpoint))
    store.commit(Commit(inputs=inputs(11, 10)))
    store.commit(Commit(inputs=inputs(21, 10)))
    store._connection.execute("DELETE FROM segment WHERE first < 20")
    store.close()
    with pytest.raises(StoreError, match="after it are missing"):
        store.open()


def test_names_that_meet_by_chance_are_told_apart(store, monkeypatch):
    """With every name equal, look-ups still give only what was asked for."""
    from rulesd.ports.store import DecisionRow
    from rulesd.stores import reading, segment, sqlite

    monkeypatch.setattr(segment, "_name", lambda _: 7)
    for module in (reading, sqlite):
        monkeypatch.setattr(module, "name_bytes", lambda _: b"\x07\x00\x00\x00")
    for n in range(1, 30, 10):
        decisions = [
            DecisionRow(seq=k, at=0, kind="k", rule=f"r{k % 3}", alert=f"a{k % 5}", body=b"")
            for k in range(n, n + 10)
        ]
        store.commit(Commit(inputs=inputs(n, 10), decisions=decisions))
    assert [row.key for _, row in store.read_event("e17")] == [17]
    assert [row.seq for row in store.read_decisions(alert="a2")] == [2, 7, 12, 17, 22, 27]
    assert [row.seq for row in store.read_decisions(rule="r1", alert="a2")] == [7, 22]
    assert [row.seq for row in store.read_decisions(rule="r0", after_seq=4, limit=3)] == [6, 9, 12]


def test_an_event_as_the_daemon_writes_it_is_found_by_its_id(store):
    from rulesd.model.event import Event
    from rulesd.runners.codec import event_row

    document = {"id": "évènement-1", "source": "s", "type": "tool.call", "data": {"id": "no"}}
    event = Event("évènement-1", "s", "tool.call", "acme", 5, document, 1, 2)
    row = event_row(event, 7)
    store.commit(Commit(inputs=[row]))
    assert store.read_event("évènement-1") == [(1, row)]
    assert not store.read_event("no")
