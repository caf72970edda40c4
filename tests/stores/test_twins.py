"""Random commits, compactions and restarts: the SQLite store and its twin in memory give equal answers to every question."""

import pytest

from rulesd.stores.memory import MemoryStore
from rulesd.stores.sqlite import SqliteStore
from tests.stores.commits import Maker, answers


@pytest.mark.parametrize("seed", range(8))
def test_twins_agree(tmp_path, seed):
    durable, twin = SqliteStore(tmp_path / "state"), MemoryStore()
    maker = Maker(seed, step=1_000 if seed % 2 else 6 * 3_600_000)
    assert durable.open() == twin.open()
    for round_ in range(30):
        commit = maker.commit()
        durable.commit(commit)
        twin.commit(commit)
        chance = maker.random.random()
        if chance < 0.3:
            how = {
                "journal_before": maker.now - maker.random.randrange(60) * maker.step,
                "keep_events": maker.random.choice((0, 3, 50, 10_000)),
                "budget_rows": maker.random.choice((0, 1, 30, 10_000)),
            }
            assert durable.compact(**how) == twin.compact(**how)
        if chance > 0.8:
            durable.close()
            twin.close()
            durable = SqliteStore(tmp_path / "state")
            assert durable.open() == twin.open()
        if round_ % 5 == 4:
            left, right = answers(durable, maker), answers(twin, maker)
            for question, answer in left.items():
                assert answer == right[question], question
    durable.close()
