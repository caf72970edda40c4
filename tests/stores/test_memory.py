"""The twin in memory: what it does beyond the contract."""

import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.store import Checkpoint, Commit
from rulesd.stores.memory import MemoryStore
from tests.stores.child import inputs


@pytest.fixture
def store():
    store = MemoryStore()
    store.open()
    return store


def test_it_plays_a_broken_disk(store):
    checkpoint = Checkpoint(engine=b"", plan_digest="", decision_seq=0, keys=())
    store.commit(Commit(inputs=inputs(1, 2), checkpoint=checkpoint))
    store.refuse = StoreError("no space is left")
    with pytest.raises(StoreError, match="no space"):
        store.commit(Commit(inputs=inputs(3, 1)))
    with pytest.raises(StoreError, match="no space"):
        store.compact(journal_before=10**9, keep_events=0, budget_rows=9)
    assert len(list(store.tail(0))) == 2
    assert store.commits == 1
    store.refuse = None
    store.commit(Commit(inputs=inputs(3, 1)))
    assert [row.key for _, row in store.tail(0)] == [1, 2, 3]


def test_it_plays_a_restart(store):
    store.commit(Commit(inputs=inputs(1, 2)))
    store.close()
    with pytest.raises(StoreError, match="not open"):
        store.compact(journal_before=1, keep_events=0, budget_rows=1)
    assert store.open().last_journal_seq == 2


def test_it_may_be_looked_at_when_closed(store):
    store.commit(Commit(inputs=inputs(1, 2), settings=[("a", b"1")]))
    store.close()
    assert len(list(store.tail(0))) == 2
    assert store.setting("a") == b"1"


def test_answers_do_not_change_under_the_reader(store):
    store.commit(Commit(inputs=inputs(1, 5)))
    answer = store.tail(0)
    next(answer)
    store.commit(Commit(inputs=inputs(6, 5)))
    assert len(list(answer)) == 4
