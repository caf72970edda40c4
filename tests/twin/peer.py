"""A real Alertmanager 0.25 with one webhook inbox, and everything that is said to it and by it, with its time.

::

    with Alertmanager(folder, configuration) as peer:   # ``configuration``: the text of alertmanager.yml
        peer.dispatching_since                          # its 30 s sweep counts from here
"""

import re
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.mosquitto import free_port, wait_for_port
from tests.peers import program

_LOADED = re.compile(r'ts=(\S+) .*msg="Completed loading of configuration file"')


class Alertmanager:
    """One Alertmanager without a cluster, in a folder of its own."""

    def __init__(self, folder: Path, configuration: str) -> None:
        """Write its files; nothing runs yet."""
        self._folder = folder
        self._program = program("prometheus-alertmanager")
        self.port = free_port()
        self.dispatching_since = 0.0
        "Unix time in seconds."
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "alertmanager.yml").write_text(configuration)

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        """What it said so far."""
        return (self._folder / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder}/alertmanager.yml",
                    f"--storage.path={self._folder}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if not wait_for_port(self.port):
            raise RuntimeError(f"alertmanager does not start:\n{self.log()[-3000:]}")
        for _ in range(200):
            if found := _LOADED.search(self.log()):
                self.dispatching_since = datetime.fromisoformat(found[1]).timestamp()
                return self
            time.sleep(0.01)
        raise RuntimeError(f"alertmanager does not load its file:\n{self.log()[-3000:]}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
