"""The guardian cleans up after a demo that was killed, and does nothing after one that ended."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rulesd.demo import guardian

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
MEEK = "import time; print(1, flush=True); time.sleep(60)"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", MEEK], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def reaped(process: subprocess.Popen[bytes]) -> None:
    """Collect the child in the background, as init would for an orphan."""
    import threading

    threading.Thread(target=process.wait, daemon=True).start()


def test_after_a_kill_processes_and_folder_are_gone(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "with a space"
    folder.mkdir()
    (folder / "x").touch()
    reaped(sleeper)
    guardian.obey([f"remove {folder}\n", f"watch {sleeper.pid}\n"])
    assert sleeper.wait(30) != 0
    assert not folder.exists()


def test_after_a_clean_end_nothing_is_touched(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    guardian.obey([f"remove {tmp_path}\n", f"watch {sleeper.pid}\n", "done\n"])
    assert sleeper.poll() is None
    assert tmp_path.exists()


def test_a_folder_to_keep_is_kept(tmp_path: Path) -> None:
    guardian.obey([])
    assert tmp_path.exists()


def test_what_does_not_stop_is_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    reaped(process)
    started = time.monotonic()
    guardian.stop([process.pid], patience_s=0.2)
    assert process.wait(30) == -9
    assert time.monotonic() - started < 5
    process.stdout.close()


def test_a_process_that_is_gone_is_no_trouble() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not guardian.alive(process.pid)
    guardian.stop([process.pid])
