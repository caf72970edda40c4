import logging
from pathlib import Path

import pytest

from rulesd.cli import run as module
from tests.cli.conftest import Run
from tests.cli.files import RULE, make


def test_wrong_settings_are_all_named_and_nothing_starts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rulesd.yaml").write_text("listen: nowhere\nretention: soon\nodd: 1\n")
    said = run("run", "-c", tmp_path / "rulesd.yaml")
    assert said.code == 2
    assert {line.split(":")[1] for line in said.err.splitlines()} >= {"1", "2", "3"}


def test_a_rule_set_with_errors_does_not_start(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, notifiers = make(tmp_path, RULE.replace("never", "nver"))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setenv("RULESD_LOG_LEVEL", "error")
    said = run(
        "run",
        "--rules",
        rules,
        "--notifiers",
        notifiers,
        "--state",
        tmp_path / "state",
        "--listen",
        "127.0.0.1:0",
    )
    root.handlers[:] = before
    root.setLevel(level)
    for quiet in ("aiohttp.access", "mqtt", "watchfiles"):
        logging.getLogger(quiet).setLevel(logging.NOTSET)
    assert said.code == 2
    assert "scope.yaml:7:" in said.err


def test_without_uvloop_the_standard_loop_does(monkeypatch: pytest.MonkeyPatch) -> None:
    class Daemon:
        ran = False

        async def run(self) -> None:
            self.ran = True

    monkeypatch.setitem(__import__("sys").modules, "uvloop", None)
    daemon = Daemon()
    module._run(daemon)  # type: ignore[arg-type]
    assert daemon.ran
