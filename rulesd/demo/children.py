"""The processes the demo starts: each is stopped at the end, also when the demo itself is killed.

Law: every process has a session of its own, so that Ctrl-C reaches the demo alone, and is known to the guardian before anything
waits for it. Output goes to a file in the demo's folder; a failure is told with its last lines.
"""

import asyncio
import subprocess
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from rulesd.demo import guardian
from rulesd.model.errors import RulesdError

PATIENCE_S = 8.0
TAIL_LINES = 12


class DemoError(RulesdError):
    """The demo cannot go on; the text says why and what to do."""


class Child:
    """One process."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        """``log``: where its output goes."""
        self.name, self.process, self.log = name, process, log

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.returncode is not None

    def tail(self) -> str:
        """The last lines it wrote."""
        try:
            lines = self.log.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])

    async def stop(self) -> None:
        """Ask it to stop; kill it when it does not."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


class Children:
    """All of them; ``async with Children(folder, keep=...)``."""

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        """``folder``: holds their logs; removed by the guardian too when the demo is killed, unless ``keep``."""
        self._folder, self._keep = folder, keep
        self._children: list[Child] = []
        self._guardian: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        """Start the guardian."""
        self._guardian = _guard()
        if not self._keep:
            self._order(f"remove {self._folder}")
        return self

    async def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Start a process; its output goes to ``<name>.log``.

        Raises:
            DemoError: when it cannot be started at all.
        """
        path = self._folder / f"{name}.log"
        try:
            with path.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    cwd=cwd,
                    env=env,
                    stdin=DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            raise DemoError(f"{name} cannot be started: {error.strerror or error}") from None
        self._order(f"watch {process.pid}")
        child = Child(name, process, path)
        self._children.append(child)
        return child

    async def first_ended(self) -> Child:
        """Wait until any child is over, which none should be."""
        waiting = {asyncio.create_task(c.process.wait()): c for c in self._children}
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return waiting[done.pop()]
        finally:
            for task in waiting:
                task.cancel()

    async def stop(self, child: Child) -> None:
        """Stop one now; the others stop at the end."""
        self._children.remove(child)
        await child.stop()

    async def __aexit__(self, *_: object) -> None:
        """Stop everything, the last started first, and dismiss the guardian."""
        while self._children:
            await self._children.pop().stop()
        guard = self._guardian
        if guard is None or guard.stdin is None:
            return
        self._order("done")
        with suppress(OSError):
            guard.stdin.close()
        await asyncio.to_thread(guard.wait)

    def _order(self, line: str) -> None:
        if self._guardian is not None and self._guardian.stdin is not None:
            with suppress(OSError):
                self._guardian.stdin.write(f"{line}\n".encode())
                self._guardian.stdin.flush()


def _guard() -> subprocess.Popen[bytes]:
    """The guardian, at the other end of a pipe that ends with this process."""
    return subprocess.Popen(  # noqa: S603 - our own file, run by this very Python
        [sys.executable, "-I", str(Path(guardian.__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
