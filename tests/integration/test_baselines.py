"""What a real daemon has learned: seen, learned afresh from the command line, kept over a kill -9, and the same in a replay."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.integration.daemon import (
    ROOT,
    TOKEN,
    Daemon,
    decision_log,
    event,
    facts,
    first_difference,
    paging,
    replayed_log,
)

VOLUME = """\
id: test.volume
title: More than usual
owner: safety
runbook: https://runbooks.example.org/volume
on: [tool.call, deploy.change]
when: true
detect: {spike: {within: 1m, reference: 30m, min_count: 1000}}
by: [tool]
severity: high
"""


def rulesd(daemon: Daemon, *arguments: str) -> str:
    command = [sys.executable, "-m", "rulesd", *arguments]
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "RULESD_URL": f"http://127.0.0.1:{daemon.port}",
        "RULESD_TOKEN": TOKEN,
        "COLUMNS": "160",
    }
    done = subprocess.run(command, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout.decode()


def test_learned_afresh_on_purpose_and_the_same_ever_after(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    past = [
        {**event(f"{tool}{n}", tool=tool), "time": (now - timedelta(seconds=15 * n)).isoformat()}
        for n in reversed(range(160))
        for tool in ("sh", "py")
    ]
    notifiers = paging("http://127.0.0.1:9/pages")
    with Daemon(tmp_path, notifiers=notifiers, rules={"test/volume.yaml": VOLUME}) as daemon:
        daemon.accept(past)

        def states() -> dict[str, str]:
            rows = daemon.get("/v1/baselines?rule=test.volume").json()["baselines"]
            return {row["labels"]["tool"]: row["state"] for row in rows}

        assert states() == {"sh": "follows", "py": "follows"}
        shown = rulesd(daemon, "baselines")
        assert "tool=sh" in shown
        assert "4 in 1m" in shown
        daemon.accept([event("d1", type_="deploy.change", kind="model")])
        assert "watched until" in rulesd(daemon, "baselines", "test.volume")
        said = rulesd(
            daemon, "baselines", "relearn", "test.volume", "-l", "tool=py", "-r", "new tool"
        )
        assert "1 key learns afresh" in said
        before = states()
        daemon.kill()
        daemon.start()
        assert states() == before == {"sh": "deploy_watch", "py": "learning"}
        assert daemon.stop() == 0
    log = decision_log(daemon.state)
    assert [line["reason"] for line in facts(log) if line["kind"] == "baseline.changed"] == [
        "deploy_watch",
        "relearn_asked",
    ]
    assert first_difference(log, replayed_log(daemon.state)) == ""
