"""The store contract over every adapter."""

import pytest

from rulesd.ports.store import Store
from rulesd.stores.memory import MemoryStore
from rulesd.stores.sqlite import SqliteStore
from tests.contracts.store_deliveries import DeliveryContract


class TestMemoryStore(DeliveryContract):
    @pytest.fixture
    def make(self):
        state = MemoryStore()
        return lambda: state


class TestSqliteStore(DeliveryContract):
    @pytest.fixture
    def make(self, tmp_path):
        return lambda: SqliteStore(tmp_path / "state")


def test_adapters_have_the_shape_of_the_port(tmp_path):
    stores: list[Store] = [MemoryStore(), SqliteStore(tmp_path)]
    names = [name for name in vars(Store) if not name.startswith("_")]
    assert {"open", "commit", "tail", "compact", "close"} < set(names)
    for store in stores:
        assert all(callable(getattr(store, name)) for name in names)
