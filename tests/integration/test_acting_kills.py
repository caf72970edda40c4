"""kill -9 while switches are set and lifted; the long run is ``make proof NAME=acting``."""

import os
import signal
from pathlib import Path

import orjson

from tests.integration.acting_kills import ActingTrial
from tests.integration.daemon import ROOT

BROKEN = '''
"""A build that tells under a new id each time."""
import uuid
from rulesd.notify import action

sign = action.sign
action.sign = lambda keys, id_, at, body: sign(keys, uuid.uuid4().hex, at, body)
'''


def test_what_is_shown_is_what_is_enforced_is_what_was_told(tmp_path: Path) -> None:
    report = ActingTrial(tmp_path).run(kills=3)
    print(report.text())
    assert report.broken == []
    assert report.kills == 3
    assert report.settings >= 10
    assert report.calls >= report.settings
    assert report.evaluations > 0


def test_a_broken_build_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(BROKEN)
    environ = {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}"}
    report = ActingTrial(tmp_path / "run", environ=environ).run(kills=1)
    assert any("under another id" in said for said in report.broken)


SLOW = '''
"""A disk that takes its time, so that a kill falls between what was sent and what is remembered of it."""
import time
from rulesd.stores.sqlite import SqliteStore

commit = SqliteStore.commit

def slow(self, one):
    time.sleep(0.3)
    commit(self, one)

SqliteStore.commit = slow
'''


def test_killed_after_the_services_200_it_is_told_the_same_again(tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "sitecustomize.py").write_text(SLOW)
    trial = ActingTrial(tmp_path, environ={"PYTHONPATH": f"{tmp_path / 'slow'}:{ROOT}"})
    trial.bad = False
    daemon, receiver = trial.daemon, trial.receiver
    receiver.after = lambda name: os.kill(daemon.pid, signal.SIGKILL) if name == "acting" else None
    with receiver, daemon:
        body = {"labels": {"tenant": "acme", "tool": "x"}, "reason": "exercise"}
        path, headers = "/v1/switches/lock_tool", {"Content-Type": "application/json"}
        assert daemon.request("PUT", path, orjson.dumps(body), headers).status == 200
        receiver.wait(1)
        assert daemon.process is not None
        assert daemon.process.wait(10) == -signal.SIGKILL
        receiver.after = None
        daemon.start()
        first, second = receiver.wait(2)
        assert (first.key, first.body) == (second.key, second.body)
        trial._quiet()
        assert len(receiver.pages) == 2
        (one,) = daemon.get("/v1/switches").json()["settings"]
        assert first.key == f"{one['id']}/set"
