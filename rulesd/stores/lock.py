"""One process, one state: a lock that dies with its holder.

Law: two daemons never write one state. The lock is ``flock`` on a file of its own, so the kernel lets go of it when the process
ends in whatever way; the pid inside is for people only and is never trusted.
"""

import fcntl
import os
from pathlib import Path

from rulesd.model.errors import StoreError


class ProcessLock:
    """Holds a lock file from ``acquire`` to ``release``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None

    def acquire(self) -> None:
        """Take the lock and write our pid.

        Raises:
            StoreError: another process holds it (its pid is named), or the file cannot be written.
        """
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"{self._path.name} cannot be written in the state directory ({error.strerror}). "
                "Give the user of rulesd write permission there"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.pwrite(handle, b"%d\n" % os.getpid(), 0)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise StoreError(
                f"the state is in use by the rulesd with pid {holder}. Stop that one, or give this one "
                "a --state directory of its own"
            ) from None
        except OSError as error:
            os.close(handle)
            raise StoreError(
                f"{self._path.name} cannot be locked ({error.strerror}). Put the state on a local disk "
                "with space left"
            ) from error
        self._held = handle

    def release(self) -> None:
        """Let go; the file stays, because removing it would race with the next holder."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
