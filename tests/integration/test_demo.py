"""The demo for real: the daemon, the broker, both transports, and the verdict at the other end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from rulesd.demo.broker import program
from rulesd.demo.children import DemoError
from rulesd.demo.forge import Forge
from rulesd.demo.performance import Options, Performance
from rulesd.demo.planted import PLANTED, Planted, Sending
from rulesd.demo.summary import Summary
from rulesd.demo.terminal import Terminal
from tests.law.tree import ROOT

pytestmark = pytest.mark.external


@pytest.fixture(autouse=True)
def _needs_its_broker() -> None:
    try:
        program()
    except DemoError as error:
        if os.environ.get("RULESD_REQUIRE_PEERS"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def demo(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """The command, with ``folder`` for its temporary files."""
    return subprocess.Popen(
        [sys.executable, "-m", "rulesd", "demo", "--no-browser", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def leftovers(folder: Path) -> list[str]:
    """What still runs out of the folder, and what lies in it."""
    found = [path.name for path in folder.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words:
            found.append(f"{process.name}: {words[:80]!r}")
    return found


def test_every_planted_incident_is_paged_once(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", "22", "--format", "json") as running:
        out, err = running.communicate(timeout=90)
    said: dict[str, Any] = orjson.loads(out)
    told = f"{out.decode()}\n{err.decode()}"
    assert running.returncode == 0, told
    assert {p["id"]: (p["rule"], p["detected"], p["pages"]) for p in said["planted"]} == {
        p.id: (p.rule, True, 1) for p in PLANTED
    }
    assert said["events"] > 500
    assert said["duplicates"] >= 6, told
    assert (said["missing"], said["unexpected_pages"]) == (0, 0), told
    assert leftovers(tmp_path) == []


def altered(planted: Sequence[Planted]) -> Sequence[Planted]:
    """One incident is withheld, one happens to two tenants and so pages twice, one stays as it is."""
    by_id = {p.id: p for p in planted}

    def doubled(forge: Forge, at: float) -> Sequence[Sending]:
        (once,) = by_id["out-of-scope-tool"].make(forge, at)
        (event,) = by_id["out-of-scope-tool"].make(forge, at)[0].events
        stranger = replace(once, events=[{**event, "tenant": "globex"}])
        return [once, stranger]

    return [
        replace(by_id["out-of-scope-tool"], make=doubled),
        replace(by_id["break-glass"], make=lambda _forge, _at: []),
        by_id["cross-tenant-hit"],
    ]


def test_a_missed_and_a_doubled_incident_fail_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulesd.demo.schedule.PATIENCE_S", 3.0)

    async def run() -> Summary:
        options = Options(seconds=6, planted=altered(PLANTED))
        return await Performance(options, Terminal(Console(file=StringIO()))).run()

    summary = asyncio.run(run())
    pages = {r.planted.id: r.pages for r in summary.score.results}
    assert pages == {"out-of-scope-tool": 2, "break-glass": 0, "cross-tenant-hit": 1}
    assert not summary.good


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_nothing_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if b"paged by" in line:
                break
        assert len(leftovers(tmp_path)) > 2  # the folder, the broker, the daemon
        running.send_signal(number)
        running.communicate(timeout=30)
    if number is signal.SIGINT:
        assert running.returncode == 0
    limit = time.monotonic() + 15
    while leftovers(tmp_path) and time.monotonic() < limit:
        time.sleep(0.1)
    assert leftovers(tmp_path) == []
