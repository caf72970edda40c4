"""A real mosquitto broker for one test: a free port, a folder of its own, and the faults a broker can have.

::

    with Mosquitto(tmp_path) as broker:
        ...                 # talk to broker.url
        broker.kill()       # kill -9, as the power does
        broker.start()      # the same port, the same persistent sessions
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers import program

START_SECONDS = 10.0


def free_port() -> int:
    """A TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = START_SECONDS) -> bool:
    """Whether somebody listens on the port before the time is over."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.01)
    return False


class Mosquitto:
    """One broker. Sessions and queued messages survive ``stop`` and ``start``; ``max_queued_messages`` is unlimited here."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Sequence[str] = (),
        users: Mapping[str, str] | None = None,
        acl: str = "",
    ) -> None:
        """Prepare a broker in ``folder``; ``settings`` are further lines of its configuration, ``acl`` an ACL file's text."""
        self.folder = folder / "mosquitto"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.settings, self.acl, self.users = tuple(settings), acl, dict(users or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._program = program("mosquitto")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start (again) and wait until it listens; another port is tried only the first time."""
        for attempt in range(3):
            log = (self.folder / "log").open("ab")
            self.process = subprocess.Popen(
                [self._program, "-c", str(self._configuration())],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
            log.close()
            if self._listens():
                return
            self.stop()
            if attempt == 0 and not (self.folder / "mosquitto.db").exists():
                self.port = free_port()
        raise RuntimeError(f"mosquitto does not start:\n{self.log()[-2000:]}")

    def stop(self) -> None:
        """End it politely: sessions are saved."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._signal(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def log(self) -> str:
        """What the broker said so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def _listens(self) -> bool:
        assert self.process is not None
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit and self.process.poll() is None:
            if wait_for_port(self.port, 0.05):
                return self.process.poll() is None
        return False

    def _signal(self, number: int) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(number)
            self.process.wait(10)
            self.process = None

    def _configuration(self) -> Path:
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {self.folder}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_queued_messages 0",
            "log_dest stderr",
            "log_type all",
            f"allow_anonymous {'false' if self.users else 'true'}",
            *(["user root"] if os.getuid() == 0 else []),
            *self._access(),
            *self.settings,
        ]
        path = self.folder / "mosquitto.conf"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _access(self) -> list[str]:
        lines = []
        if self.acl:
            (self.folder / "acl").write_text(self.acl)
            (self.folder / "acl").chmod(0o600)
            lines.append(f"acl_file {self.folder / 'acl'}")
        if self.users:
            passwords = self.folder / "passwords"
            passwords.write_text("".join(f"{n}:{p}\n" for n, p in self.users.items()))
            passwords.chmod(0o600)
            subprocess.run([program("mosquitto_passwd"), "-U", str(passwords)], check=True)
            lines.append(f"password_file {passwords}")
        return lines
