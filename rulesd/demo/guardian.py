"""The demo's guardian: a tiny process that outlives a killed demo just long enough to leave nothing behind.

Law: standard library only, run as a script. It reads its orders from a pipe that the demo holds open. When the pipe ends without
``done``, the demo was killed: what it started is stopped and its folder removed.

Orders, one a line: ``watch PID``, ``remove FOLDER``, ``done``.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

PATIENCE_S = 5.0
"""How long a process may take to stop before it is killed."""


def obey(orders: Iterable[str]) -> None:
    """Follow orders until they end."""
    watched: list[int] = []
    folder = ""
    for line in orders:
        order, _, value = line.rstrip("\n").partition(" ")
        if order == "done":
            return
        if order == "watch":
            watched.append(int(value))
        elif order == "remove":
            folder = value
    stop(watched)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def stop(watched: list[int], patience_s: float = PATIENCE_S) -> None:
    """Ask every process to stop, the last started first; kill what does not."""
    for pid in reversed(watched):
        _send(pid, signal.SIGTERM)
    limit = time.monotonic() + patience_s
    while any(alive(pid) for pid in watched) and time.monotonic() < limit:
        time.sleep(0.05)
    for pid in watched:
        _send(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether the process is there (one that ended and was not yet collected counts)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


if __name__ == "__main__":
    # The demo decides when it is over, not the terminal.
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    obey(sys.stdin)
