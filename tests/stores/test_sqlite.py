"""The durable store's own promises: crash, full disk, damage, privacy of files, one process, little work per commit."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rulesd.model.errors import StoreError
from rulesd.ports.store import Checkpoint, Commit, DecisionRow, KeyRow
from rulesd.stores.sqlite import SqliteStore
from tests.stores.child import inputs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def store(directory):
    store = SqliteStore(directory)
    store.open()
    yield store
    store.close()


def child(directory, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stores.child", str(directory), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def whole(directory) -> int:
    """Check that a state holds together; return its last input."""
    store = SqliteStore(directory)
    found = store.open()
    last = found.last_journal_seq
    rows = list(store.tail(0))
    assert [seq for seq, _ in rows] == [row.key for _, row in rows] == list(range(1, last + 1))
    assert [row.seq for row in store.read_decisions(limit=10**6)] == list(range(1, last + 1))
    assert found.last_decision_seq == last
    assert (store.setting("last") or b"0") == b"%d" % last
    states = {row.key: int(row.state) for row in list(store.keys())}
    assert (found.engine or b"0") == b"%d" % max(states.values(), default=0)
    assert found.checkpoint_journal_seq == max(states.values(), default=0)
    store.close()
    return last


# ------------------------------------------------------------------------------------------ crash


def test_kill_loses_nothing_and_leaves_no_half_commit(directory):
    """kill -9 at random moments: what was told as durable is there, each commit whole or not at all."""
    chance = random.Random(11)
    durable = 0
    for seed in range(10):
        process = child(directory, seed)
        line = process.stdout.readline()
        assert int(line.split()[1]) > durable, line
        time.sleep(chance.random() * 0.06)
        process.send_signal(signal.SIGKILL)
        told = [
            line.split()
            for line in process.stdout.read().splitlines(keepends=True)
            if line[-1] == "\n"
        ]
        process.wait()
        process.stdin.close()
        process.stdout.close()
        durable = max([durable, *(int(words[1]) for words in told if words[0] == "durable")])
        assert whole(directory) >= durable
    assert durable > 1_000


def test_a_commit_is_on_disk_before_it_returns(store, directory):
    """The write-ahead log alone, copied away at once, holds the commit; and synchronous is FULL."""
    store.commit(Commit(inputs=inputs(1, 5)))
    copy = directory.parent / "copy"
    copy.mkdir()
    for name in ("rulesd.db", "rulesd.db-wal"):
        (copy / name).write_bytes((directory / name).read_bytes())
    restored = SqliteStore(copy)
    assert restored.open().last_journal_seq == 5
    restored.close()
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# -------------------------------------------------------------------------------------- full disk


def test_a_full_disk_is_a_store_error_and_the_same_commit_goes_in_later(directory):
    process = child(directory, 5, 600_000)
    said = []
    for line in process.stdout:
        words = line.split(maxsplit=2)
        said.append(words)
        if words[0] == "failed":
            assert "rulesd.db" in words[2]
            assert "tries again by itself" in words[2]
            process.stdin.write("free\n")
            process.stdin.flush()
        elif any(word[0] == "failed" for word in said) and int(words[1]) > 6_000:
            break
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    failed = [int(words[1]) for words in said if words[0] == "failed"]
    assert failed
    durable = [int(words[1]) for words in said if words[0] == "durable"]
    assert whole(directory) >= max(durable)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_no_space_left_on_a_real_small_disk(tmp_path):
    """A tmpfs of 1 MiB in a mount namespace of its own: ENOSPC, then space, then the same commit."""
    script = """
import os, sys
from pathlib import Path
from rulesd.model.errors import StoreError
from rulesd.ports.store import Commit
from rulesd.stores.sqlite import SqliteStore
from tests.stores.child import inputs
disk = Path(sys.argv[1])
(disk / "filler").write_bytes(b"x" * 400_000)
store = SqliteStore(disk / "state")
store.open()
number = 1
while True:
    try:
        store.commit(Commit(inputs=inputs(number, 50)))
    except StoreError as error:
        assert "no space is left" in str(error), error
        break
    number += 50
assert [row.key for _, row in store.tail(0)] == list(range(1, number))
(disk / "filler").unlink()
store.commit(Commit(inputs=inputs(number, 50)))
store.close()
again = SqliteStore(disk / "state")
assert again.open().last_journal_seq == number + 49
again.close()
print("held", number)
"""
    command = f'mount -t tmpfs -o size=1m none "$1" && exec "{sys.executable}" -c "$2" "$1"'
    run = subprocess.run(
        ["unshare", "-m", "sh", "-c", command, "sh", str(tmp_path), script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    if "unshare" in run.stderr or "mount:" in run.stderr:
        pytest.skip("this machine does not let us mount")
    assert run.stdout.startswith("held"), run.stderr


def test_a_failed_commit_leaves_no_trace(store, monkeypatch):
    """The last statement of a transaction fails: nothing of it is there, and it may be tried again."""
    commit = Commit(
        inputs=inputs(1, 3),
        decisions=[DecisionRow(seq=1, at=0, kind="k", rule="r", alert="a", body=b"")],
        checkpoint=Checkpoint(
            engine=b"e",
            plan_digest="p",
            decision_seq=1,
            keys=[KeyRow(rule="r", key=b"k", state=b"s")],
        ),
        settings=[("a", b"1")],
    )
    store._connection.execute(
        "CREATE TEMP TRIGGER broken BEFORE INSERT ON setting BEGIN SELECT raise(ABORT, 'disk'); END"
    )
    with pytest.raises(ValueError, match="cannot take"):
        store.commit(commit)
    assert not list(store.tail(0))
    assert not store.read_decisions()
    assert not list(store.keys())
    store._connection.execute("DROP TRIGGER broken")
    store.commit(commit)
    assert [seq for seq, _ in store.tail(0)] == [1, 2, 3]
    assert [row.state for row in list(store.keys())] == [b"s"]


def test_a_lock_of_another_program_is_a_store_error_with_advice(store, directory):
    store._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(directory / "rulesd.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for commit in (
        Commit(inputs=inputs(1, 1)),
        Commit(inputs=inputs(1, 1), settings=[("a", b"b")]),
    ):
        with pytest.raises(StoreError, match="another program holds"):
            store.commit(commit)
    other.execute("ROLLBACK")
    other.close()
    store.commit(Commit(inputs=inputs(1, 1)))
    assert len(list(store.tail(0))) == 1


def test_a_lost_connection_is_made_anew(store):
    store.commit(Commit(inputs=inputs(1, 1)))
    store._disconnect()
    store.commit(Commit(inputs=inputs(2, 1)))
    assert [row.key for _, row in store.tail(0)] == [1, 2]


# ------------------------------------------------------------------------------------- little work


def test_steps_of_a_commit_do_not_grow_with_its_rows(store):
    """Each step lets go of the interpreter lock: with a busy event loop a step a row costs milliseconds a row."""

    def steps(commit):
        seen = []
        store._connection.set_trace_callback(seen.append)
        store.commit(commit)
        store._connection.set_trace_callback(None)
        return len(seen)

    def decisions(first, count):
        return [
            DecisionRow(seq=n, at=0, kind="k", rule="r", alert="a", body=b"")
            for n in range(first, first + count)
        ]

    assert steps(Commit(inputs=inputs(1, 1_000))) == 1
    assert steps(Commit(inputs=inputs(1, 1), decisions=decisions(1, 60))) <= 5
    assert steps(Commit(inputs=inputs(1, 1_000), decisions=decisions(100, 1_000))) <= 10
    keys = [KeyRow(rule="r", key=b"%d" % n, state=b"s") for n in range(5_000)]
    checkpoint = Checkpoint(engine=b"e", plan_digest="p", decision_seq=0, keys=keys)
    assert steps(Commit(checkpoint=checkpoint)) <= 12


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_nothing_is_told_as_durable_before_it_is_flushed(directory, tmp_path):
    """What the kernel saw: after the last write to the log and before each "durable", the log was flushed."""
    trace = tmp_path / "trace"
    script = (
        "import sys, tests.stores.child as c\n"
        "from itertools import count\n"
        "numbers = count()\n"
        "real = print\n"
        "def told(*words, **how):\n"
        "    real(*words, **how)\n"
        "    if next(numbers) == 40: raise SystemExit\n"
        "c.print = told\n"
        "c.main(sys.argv[1], '3')\n"
    )
    seen = ("-f", "-y", "-e", "trace=write,pwrite64,pwritev,fsync,fdatasync")
    run = subprocess.run(
        ["strace", *seen, "-o", str(trace), sys.executable, "-c", script, str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    if "ptrace" in run.stderr:
        pytest.skip("this machine does not let us trace")
    assert run.returncode == 0, run.stderr
    dirty, told, flushes = False, 0, 0
    for line in trace.read_text().splitlines():
        if "rulesd.db-wal>" in line:
            if "pwrite" in line or " write" in line:
                dirty = True
            elif "sync(" in line and line.endswith("= 0"):
                dirty, flushes = False, flushes + 1
        elif '"durable' in line:
            assert not dirty, line
            told += 1
    assert told == 40
    assert flushes >= told
