"""Tell the service manager how the daemon is: ready, reloading, stopping, alive.

Law: the watchdog is fed by proven progress and by nothing else. A bare timer would keep a daemon alive whose pages are stuck.

Theory: systemd gives a datagram socket in ``NOTIFY_SOCKET`` and expects lines such as ``READY=1`` (sd_notify(3)). With
``WatchdogSec=30s`` it kills the service when ``WATCHDOG=1`` stays away for 30 s, and ``Restart=always`` brings it back.
Three proofs must hold before each ``WATCHDOG=1``: the event loop turns on time, the courier has looked at the outbox, and
work that waits for a commit has seen one end. A commit that *fails* is an end: a full disk is paged and answered with 503,
and killing the daemon would only stop both. A commit that hangs is none.

Nothing here raises: a service manager that does not listen is no reason to stop watching. Outside systemd every call is a
no-op. The environment is read by the caller (``address`` is the value of ``NOTIFY_SOCKET``).
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

LOOP_LAG_LIMIT_S = 5.0
COURIER_LIMIT_S = 15.0
COMMIT_LIMIT_S = 20.0


class ServiceManager:
    """The way to the service manager; silent where there is none."""

    def __init__(
        self, address: str | None, *, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Use the socket at ``address``: a path, or ``@name`` for the abstract namespace."""
        self.failures = 0
        "Messages that could not be handed over."
        self._address = _socket_address(address)
        self._monotonic_ns = monotonic_ns

    @property
    def present(self) -> bool:
        """Whether a service manager listens at all."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """Rules are loaded, the store has recovered; also ends a reload. True when it was told."""
        return self._send("READY=1", *_status(status))

    def reloading(self) -> bool:
        """A reload begins. The time is what lets ``systemctl reload`` of systemd >= 253 tell it from an older one."""
        return self._send("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_ns() // 1_000}")

    def stopping(self, status: str = "") -> bool:
        """The daemon drains and ends."""
        return self._send("STOPPING=1", *_status(status))

    def status(self, text: str) -> bool:
        """One line for ``systemctl status``."""
        return self._send(*_status(text))

    def alive(self) -> bool:
        """Feed the watchdog once."""
        return self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> bool:
        if self._address is None or not lines:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                # Never wait: a service manager that does not read must not stop the event loop.
                sock.setblocking(False)
                sock.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            self.failures += 1
            if self.failures == 1:
                log.warning("the service manager cannot be told: error=%s", type(error).__name__)
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One reason to believe that the daemon still does its work."""

    name: str
    "A word for the log."

    age_s: Callable[[], float]
    "Seconds without progress; 0 when there is nothing to do."

    limit_s: float
    "More than this is not alive."

    problem: str
    "What is wrong when the limit is passed, for ``systemctl status``."


def proofs(
    *,
    loop_lag_s: Callable[[], float],
    courier_age_s: Callable[[], float],
    commit_age_s: Callable[[], float],
) -> Sequence[Proof]:
    """The three proofs of a whole daemon, each measured by the part that does the work.

    Args:
        loop_lag_s: how late the event loop woke last, in seconds.
        courier_age_s: seconds since the courier last looked for due pages.
        commit_age_s: seconds since a commit last ended, well or badly, while work waits for one; 0 when none waits.
    """
    return (
        Proof(
            name="loop",
            age_s=loop_lag_s,
            limit_s=LOOP_LAG_LIMIT_S,
            problem="the event loop is held up",
        ),
        Proof(
            name="courier",
            age_s=courier_age_s,
            limit_s=COURIER_LIMIT_S,
            problem="nobody looks at the outbox",
        ),
        Proof(
            name="commit",
            age_s=commit_age_s,
            limit_s=COMMIT_LIMIT_S,
            problem="a commit does not end",
        ),
    )


class Watchdog:
    """Feeds the service manager's watchdog for as long as every proof holds."""

    def __init__(
        self, manager: ServiceManager, required: Sequence[Proof], *, timeout_s: float
    ) -> None:
        """Feed ``manager`` three times within ``timeout_s`` (systemd's ``WatchdogSec``)."""
        self.withheld = 0
        "Times the watchdog was not fed because a proof failed."
        self._manager, self._proofs, self._every_s = manager, tuple(required), timeout_s / 3
        self._complained = False

    def beat(self) -> Sequence[str]:
        """Feed once, or say what stands still. Empty means fed."""
        problems = [
            f"{p.problem} ({age:.1f} s, limit {p.limit_s:g} s)"
            for p in self._proofs
            if (age := p.age_s()) > p.limit_s
        ]
        if problems:
            self.withheld += 1
            self._manager.status("watchdog not fed: " + "; ".join(problems))
            if not self._complained:
                log.error("watchdog not fed: %s", "; ".join(problems))
        else:
            self._manager.alive()
            if self._complained:
                self._manager.status("working again")
                log.warning("watchdog fed again")
        self._complained = bool(problems)
        return problems

    async def run(self) -> None:
        """Feed until cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(self._every_s)


def watchdog_seconds(environment: Mapping[str, str], pid: int) -> float | None:
    """What systemd asks for in ``WATCHDOG_USEC``; None when it asks for nothing, or asks another process."""
    try:
        micros = int(environment.get("WATCHDOG_USEC", ""))
        meant = int(environment.get("WATCHDOG_PID", pid))
    except ValueError:
        return None
    return micros / 1_000_000 if micros > 0 and meant == pid else None


def _status(text: str) -> tuple[str, ...]:
    # A newline would start a field of its own.
    return (f"STATUS={' '.join(text.split())}",) if text else ()


def _socket_address(address: str | None) -> str | None:
    if address and address.startswith("@"):
        return "\0" + address[1:]
    return address if address and address.startswith("/") else None
