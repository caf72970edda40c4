"""kill -9 while switches are set and lifted, and what a real broker retains of them; the long run is ``make proof NAME=acting``."""

import time
from pathlib import Path

import orjson
import pytest

from tests.integration.daemon import ROOT, until
from tests.integration.retained_kills import RetainedTrial, retained, value_for

FORGETFUL = '''
"""A build that publishes only what is set, and not what has ended while it was down."""
from rulesd.notify.retained import RetainedSwitches

messages = RetainedSwitches.messages
RetainedSwitches.messages = lambda self, whole=True: messages(self, whole=False)
'''
UNSIGNED = '''
"""A build that signs something else than it sends."""
from rulesd.notify import retained

sign = retained.sign
retained.sign = lambda keys, id_, at, body: sign(keys, id_, at, body + b" ")
'''


def trial_of(folder: Path, build: str) -> RetainedTrial:
    """A trial of this daemon, or of a broken build of it."""
    (folder / "broken").mkdir()
    (folder / "broken" / "sitecustomize.py").write_text(build)
    return RetainedTrial(folder / "run", environ={"PYTHONPATH": f"{folder / 'broken'}:{ROOT}"})


def test_after_each_kill_the_broker_says_what_the_store_and_the_flags_say(tmp_path: Path) -> None:
    trial = RetainedTrial(tmp_path)
    report = trial.run(kills=2)
    print(report.text())
    assert report.broken == []
    assert report.kills == 2
    assert report.retained >= 5
    assert len(trial.listener.settings) >= 5


@pytest.mark.parametrize(
    ("build", "noticed"), [("", ""), (FORGETFUL, "the store"), (UNSIGNED, "not signed")]
)
def test_what_ended_while_the_daemon_was_down(tmp_path: Path, build: str, noticed: str) -> None:
    trial = trial_of(tmp_path, build)
    try:
        with trial.receiver, trial.daemon as daemon:
            body = {"labels": {"tenant": "acme", "tool": "x"}, "reason": "exercise", "ttl": "2s"}
            path, headers = "/v1/switches/lock_tool", {"Content-Type": "application/json"}
            assert daemon.request("PUT", path, orjson.dumps(body), headers).status == 200
            key = "tool.x.enabled"
            until(lambda: retained(trial.broker.port).messages.get(key, {}).get("settings"), 30)
            daemon.kill()
            time.sleep(2.1)
            daemon.start()
            said = trial.differences(2.0 if build else 60.0)
            assert bool(said) is bool(build)
            assert noticed in " ".join(said)
    finally:
        trial.close()


def test_what_a_service_reads_from_a_message() -> None:
    rows = [
        {"scope": {"tenant": "acme"}, "value": 1, "expires_at": "1970-01-01T00:00:10.000Z"},
        {"scope": {}, "value": 2, "expires_at": None},
    ]
    assert value_for({"settings": rows, "default": 3}, {"tenant": "acme"}, 9.0) == 1
    assert value_for({"settings": rows, "default": 3}, {"tenant": "acme"}, 10.0) == 2
    assert value_for({"settings": rows[:1], "default": 3}, {"tenant": "globex"}, 9.0) == 3
