"""One process, one state."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rulesd.model.errors import StoreError
from rulesd.stores.lock import ProcessLock
from rulesd.stores.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]


def child(directory, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stores.child", str(directory), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_another_process_is_refused_with_our_pid_and_takes_over_after_a_kill(tmp_path):
    directory = tmp_path / "state"
    process = child(directory, 1)
    assert process.stdout.readline().startswith("open")
    with pytest.raises(StoreError, match=f"pid {process.pid}. Stop that one"):
        SqliteStore(directory).open()
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    store = SqliteStore(directory)
    store.open()
    store.close()


def test_the_second_holder_learns_the_pid_of_the_first(tmp_path):
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    first.acquire()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    with pytest.raises(StoreError, match=f"pid {os.getpid()}"):
        second.acquire()
    second.release()
    with pytest.raises(StoreError, match="pid"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()
    assert (tmp_path / "lock").exists()


def test_a_stale_pid_in_the_file_does_not_matter(tmp_path):
    (tmp_path / "lock").write_text("999999999 and more\n")
    lock = ProcessLock(tmp_path / "lock")
    lock.acquire()
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_lock_that_cannot_be_written_is_explained(tmp_path):
    with pytest.raises(StoreError, match="write permission"):
        ProcessLock(tmp_path / "missing" / "lock").acquire()


def test_a_disk_without_locks_is_explained(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(StoreError, match="local disk"):
        ProcessLock(tmp_path / "lock").acquire()
