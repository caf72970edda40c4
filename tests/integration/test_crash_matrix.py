"""kill -9 at each stage of a page: nothing accepted is lost, at most one repeat under the same key.

The long run, beside a real Alertmanager, is ``make proof NAME=crash_matrix``.
"""

from pathlib import Path

from tests.integration.crashing import Stage, ours, theirs
from tests.integration.daemon import ROOT

BROKEN = '''
"""A build that answers before anything is durable, and that forgets what it owes."""
from rulesd.runners.crank import Crank
from rulesd.stores.sqlite import SqliteStore
import time

async def answer_before_the_commit(self, futures):
    return None

commit = SqliteStore.commit

def slow_disk(self, one):
    time.sleep(1)
    commit(self, one)

Crank._durable = answer_before_the_commit
SqliteStore.commit = slow_disk
'''


def test_nothing_is_lost(tmp_path: Path) -> None:
    with ours(tmp_path) as matrix:
        found = {stage: matrix.run(stage) for stage in Stage}
        sent_again = matrix.run(Stage.ANSWERED, again=True)
    for name, tally in [*found.items(), ("sent again", sent_again)]:
        assert tally.clean, (name, tally)
        assert tally.alerts == 3
    # Nothing was under way: there is nothing to repeat.
    assert found[Stage.WAITING].repeats == 0
    # A page that the receiver may have had is sent again, because nobody knows.
    assert found[Stage.POSTING].repeats > 0


def test_a_broken_build_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(BROKEN)
    environ = {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}"}
    with ours(tmp_path / "run", environ) as matrix:
        tally = matrix.run(Stage.WAITING)
    assert len(tally.lost) == 3, tally


def test_what_a_real_alertmanager_does(tmp_path: Path) -> None:
    """The harness sees losses and repeats where there are some."""
    with theirs(tmp_path) as matrix:
        assert len(matrix.run(Stage.WAITING).lost) == 3
        assert matrix.run(Stage.ANSWERED, alerts=1, again=True).repeats == 1
