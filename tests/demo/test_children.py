"""Child processes end with the demo, however it ends."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rulesd.demo import children as module
from rulesd.demo.children import Children, DemoError
from rulesd.demo.guardian import alive
from tests.law.tree import ROOT

SLEEP = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('awake', flush=True); time.sleep(60)"


async def awake(path: Path) -> None:
    async with asyncio.timeout(30):
        while "awake" not in path.read_text():
            await asyncio.sleep(0.01)


def test_all_are_stopped_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)

    async def run() -> list[int]:
        async with Children(tmp_path) as children:
            meek = await children.start("meek", SLEEP, cwd=tmp_path)
            stubborn = [sys.executable, "-c", STUBBORN]
            rude = await children.start("rude", stubborn, cwd=tmp_path)
            await awake(meek.log)
            await awake(rude.log)
        assert (meek.process.returncode, rude.process.returncode) == (-15, -9)
        assert meek.ended
        return [meek.process.pid, rude.process.pid]

    assert not any(alive(pid) for pid in asyncio.run(run()))


def test_the_first_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    async def run() -> None:
        async with Children(tmp_path) as children:
            await children.start("long", SLEEP, cwd=tmp_path)
            script = "print('my last words'); raise SystemExit(3)"
            await children.start("short", [sys.executable, "-c", script], cwd=tmp_path)
            ended = await children.first_ended()
            assert (ended.name, ended.process.returncode) == ("short", 3)
            assert "my last words" in ended.tail()

    asyncio.run(run())


def test_one_can_be_stopped_before_the_end(tmp_path: Path) -> None:
    async def run() -> None:
        async with Children(tmp_path) as children:
            child = await children.start("one", SLEEP, cwd=tmp_path)
            await children.stop(child)
            assert child.ended

    asyncio.run(run())


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    async def run() -> None:
        async with Children(tmp_path) as children:
            with pytest.raises(DemoError, match="ghost cannot be started"):
                await children.start("ghost", [str(tmp_path / "ghost")], cwd=tmp_path)

    asyncio.run(run())


KILLED = """
import asyncio, sys
from pathlib import Path
from rulesd.demo.children import Children

async def main():
    folder = Path(sys.argv[1])
    async with Children(folder) as children:
        child = await children.start("sleep", [sys.executable, "-c", "import time; time.sleep(60)"], cwd=folder)
        print(child.process.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_killed_demo_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    ) as demo:
        assert demo.stdout is not None
        pid = int(demo.stdout.readline())
        assert alive(pid)
        demo.send_signal(signal.SIGKILL)
    limit = time.monotonic() + 10
    while (folder.exists() or running(pid)) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not running(pid)
    assert not folder.exists()


def running(pid: int) -> bool:
    """Alive, and not merely waiting to be collected by a process that never does."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False if Path("/proc/self").exists() else alive(pid)
