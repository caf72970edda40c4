"""Forgetting: beyond the contract, what it costs and that a fault in it changes nothing."""

import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.store import Checkpoint, Commit, DecisionRow
from rulesd.stores.sqlite import SqliteStore
from tests.stores.child import inputs


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def store(directory):
    store = SqliteStore(directory)
    store.open()
    yield store
    store.close()


def test_compaction_gives_space_back_a_little_at_a_time(store, directory):
    for first in range(1, 20_001, 1_000):
        store.commit(Commit(inputs=inputs(first, 1_000)))
    done = Checkpoint(engine=b"e", plan_digest="p", decision_seq=0, keys=())
    store.commit(Commit(checkpoint=done))
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (directory / "rulesd.db").stat().st_size
    assert before > 6_000_000
    calls = 0
    while store.compact(journal_before=10**9, keep_events=0, budget_rows=5_000):
        calls += 1
    assert calls >= 4
    for _ in range(40):
        store.compact(journal_before=10**9, keep_events=0, budget_rows=5_000)
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (directory / "rulesd.db").stat().st_size < before / 4


def test_a_fault_in_the_middle_changes_nothing(store):
    decisions = [
        DecisionRow(seq=n, at=n, kind="k", rule="r", alert="a", body=b"{}") for n in range(1, 50)
    ]
    checkpoint = Checkpoint(engine=b"e", plan_digest="p", decision_seq=49, keys=())
    store.commit(Commit(inputs=inputs(1, 50), decisions=decisions, checkpoint=checkpoint))
    store._connection.execute(
        "CREATE TEMP TRIGGER broken BEFORE DELETE ON decision BEGIN SELECT raise(ABORT, 'disk'); END"
    )
    with pytest.raises(StoreError):
        store.compact(journal_before=10**9, keep_events=0, budget_rows=70)
    assert len(list(store.tail(0))) == 50
    assert len(store.read_decisions()) == 49
    store._connection.execute("DROP TRIGGER broken")
    assert store.compact(journal_before=10**9, keep_events=0, budget_rows=70) == 70
    assert [row.seq for row in store.read_decisions()] == list(range(21, 50))
    assert [row.seq for row in store.read_decisions(alert="a")] == list(range(21, 50))


def test_a_closed_store_is_not_compacted(store):
    store.close()
    with pytest.raises(StoreError, match="not open"):
        store.compact(journal_before=1, keep_events=0, budget_rows=1)
