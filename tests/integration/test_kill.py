"""kill -9 at random moments: nothing accepted is lost, nothing pages twice. The long run is ``make proof NAME=kill``."""

from pathlib import Path

from tests.integration.daemon import ROOT
from tests.integration.killing import Trial, bad_days, describe
from tests.integration.killing_mqtt import MqttTrial

BROKEN = '''
"""A build that breaks every promise, to see that the proof would notice."""
import time, uuid
from rulesd.notify import webhook
from rulesd.runners import crank, recovery
from rulesd.stores.sqlite import SqliteStore

async def answer_before_the_commit(self, futures):
    return None

commit = SqliteStore.commit

def slow_disk(self, one):
    time.sleep(0.05)
    commit(self, one)

sign = webhook.sign

crank.Crank._durable = answer_before_the_commit
SqliteStore.commit = slow_disk
pending = SqliteStore.pending
SqliteStore.pending = lambda self: (row for n, row in enumerate(list(pending(self))) if n % 2)
recovery._remember_ids = lambda *_: None
webhook.sign = lambda keys, id_, at, body: sign(keys, uuid.uuid4().hex, at, body)
'''


def test_kills_lose_nothing_and_page_once(tmp_path: Path) -> None:
    report = Trial(tmp_path).run(kills=10, events=5_000)
    print(report.text())
    assert report.clean, describe(report)
    assert report.kills >= 10
    assert report.events >= 5_000
    assert report.pages >= 100
    assert report.refused[500] + report.refused[429] + report.refused[0] > 10


def test_a_broken_build_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(BROKEN)
    environ = {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}"}
    trial = Trial(tmp_path / "run", environ=environ)
    trial.receiver.mood = bad_days(1, worse=5)
    report = trial.run(kills=3, events=1_500, share=0.2)
    print(report.text())
    # What a kill meets is chance; that an early answer loses events, and that it is noticed, is not.
    assert report.lost
    assert not report.clean


def test_kills_over_mqtt(tmp_path: Path) -> None:
    with MqttTrial(tmp_path) as trial:
        report = trial.run(kills=4, events=2_000)
    print(report.text())
    assert report.clean, describe(report)
    assert report.events >= 2_000
