"""The daemon as a service manager sees it: ready when it is, alive while it works, reloading on SIGHUP, stopping on SIGTERM."""

import ctypes
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.law.tree import ROOT

PR_SET_MDWE, REFUSE_EXEC_GAIN, PR_SET_NO_NEW_PRIVS = 65, 1, 38


def walls() -> None:
    """Those walls of the unit that a process can build around itself (a kernel before 6.3 refuses the first, silently)."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)  # MemoryDenyWriteExecute=yes
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Manager:
    """Stands where systemd stands, and starts the daemon as the unit does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: list[str] = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        for name in ("rules", "notifiers"):
            shutil.copytree(ROOT / name, folder / name)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": "600000",
        }
        flags = ["--listen", "127.0.0.1:0", "--state", "state"]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rulesd", "run", *flags],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                preexec_fn=walls,  # noqa: PLW1509 - nothing else runs in this process between fork and exec
            )

    def until(self, heard: Callable[[list[str]], bool], seconds: float = 20) -> list[str]:
        """Listen until what was heard since the last call satisfies; returns it."""
        limit = time.monotonic() + seconds
        while not heard(self.heard):
            left = limit - time.monotonic()
            log = (self.folder / "log").read_text()[-2000:]
            assert left > 0, f"heard only {self.heard}\n{log}"
            assert self.process.poll() is None or b"STOPPING" in repr(self.heard).encode(), log
            self.socket.settimeout(min(left, 0.5))
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except TimeoutError:
                continue
        found, self.heard = self.heard, []
        return found


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    found = Manager(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()
    found.socket.close()


def test_the_life_of_a_service(manager: Manager) -> None:
    first = manager.until(lambda heard: "READY=1" in heard)
    for path in (manager.folder / "state").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert "WATCHDOG=1" not in first[: first.index("READY=1")]
    manager.until(lambda heard: heard.count("WATCHDOG=1") >= 3)

    manager.process.send_signal(signal.SIGHUP)
    reload = manager.until(lambda heard: "RELOADING=1" in heard and "READY=1" in heard)
    began = reload.index("RELOADING=1")
    assert reload[began + 1].startswith("MONOTONIC_USEC=")
    assert "READY=1" in reload[began:]

    (manager.folder / "rules" / "broken.yaml").write_text("id: [")
    manager.process.send_signal(signal.SIGHUP)
    refused = manager.until(lambda heard: "RELOADING=1" in heard and "READY=1" in heard)
    assert any(line.startswith("STATUS=") and "refused" in line for line in refused), refused

    manager.process.send_signal(signal.SIGTERM)
    manager.until(lambda heard: "STOPPING=1" in heard)
    assert manager.process.wait(10) == 0
