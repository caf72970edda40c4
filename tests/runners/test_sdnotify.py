"""The service manager is told the truth, over a real socket."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from rulesd.runners import sdnotify
from rulesd.runners.sdnotify import Proof, ServiceManager, Watchdog, proofs, watchdog_seconds


class Listener:
    """Stands where systemd stands."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(30)

    def next(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")

    def drain(self) -> list[list[str]]:
        self.socket.setblocking(False)
        found = []
        try:
            while True:
                found.append(self.socket.recv(4096).decode().split("\n"))
        except BlockingIOError:
            self.socket.settimeout(30)
            return found


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    path = str(tmp_path / "notify") if request.param == "path" else f"@rulesd-test-{os.getpid()}"
    found = Listener(path)
    yield found
    found.socket.close()


def test_every_message_arrives(listener: Listener) -> None:
    manager = ServiceManager(listener.address, monotonic_ns=lambda: 5_000_999)
    assert manager.present
    assert manager.ready("8 rules")
    assert listener.next() == ["READY=1", "STATUS=8 rules"]
    assert manager.reloading()
    assert listener.next() == ["RELOADING=1", "MONOTONIC_USEC=5000"]
    assert manager.ready()
    assert listener.next() == ["READY=1"]
    assert manager.status("degraded: no broker")
    assert listener.next() == ["STATUS=degraded: no broker"]
    assert manager.alive()
    assert listener.next() == ["WATCHDOG=1"]
    assert manager.stopping("draining")
    assert listener.next() == ["STOPPING=1", "STATUS=draining"]


def test_a_status_cannot_smuggle_in_a_field(listener: Listener) -> None:
    ServiceManager(listener.address).status("two lines\nWATCHDOG=1\n")
    assert listener.next() == ["STATUS=two lines WATCHDOG=1"]


@pytest.mark.parametrize("address", [None, "", "vsock:2:1234", "relative"])
def test_without_a_service_manager_nothing_is_sent(address: str | None) -> None:
    manager = ServiceManager(address)
    assert not manager.present
    assert not manager.ready("x")
    assert manager.failures == 0


def test_a_manager_that_is_gone_is_counted_and_never_fatal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manager = ServiceManager(str(tmp_path / "nobody"))
    assert not manager.alive()
    assert not manager.alive()
    assert manager.failures == 2
    assert len(caplog.records) == 1  # said once, not three times a minute


def test_a_manager_that_does_not_read_does_not_stop_the_daemon(listener: Listener) -> None:
    manager = ServiceManager(listener.address)
    for _ in range(5_000):  # far more than the queue of a datagram socket holds
        if not manager.alive():
            break
    assert manager.failures == 1

    def told_in() -> float:
        started = time.monotonic()
        assert not manager.alive()
        return time.monotonic() - started

    assert min(told_in() for _ in range(20)) < 0.02  # nobody waits for it, not even a little


@pytest.mark.parametrize("standing_still", ["loop", "courier", "commit"])
def test_the_watchdog_is_fed_only_while_all_three_move(
    listener: Listener, standing_still: str
) -> None:
    ages = {"loop": 0.0, "courier": 1.0, "commit": 0.0}

    def age(name: str) -> Callable[[], float]:
        return lambda: ages[name]

    required = proofs(
        loop_lag_s=age("loop"), courier_age_s=age("courier"), commit_age_s=age("commit")
    )
    dog = Watchdog(ServiceManager(listener.address), required, timeout_s=30)
    assert dog.beat() == []
    assert listener.drain() == [["WATCHDOG=1"]]

    ages[standing_still] = 60.0
    problem = next(p.problem for p in required if p.name == standing_still)
    assert [p.split(" (")[0] for p in dog.beat()] == [problem]
    assert dog.withheld == 1
    (message,) = listener.drain()
    assert message[0].startswith("STATUS=watchdog not fed: " + problem)

    ages[standing_still] = 0.0
    assert dog.beat() == []
    assert listener.drain() == [["WATCHDOG=1"], ["STATUS=working again"]]


def test_exactly_at_the_limit_is_alive(listener: Listener) -> None:
    proof = Proof(name="x", age_s=lambda: 5.0, limit_s=5.0, problem="stuck")
    assert Watchdog(ServiceManager(listener.address), [proof], timeout_s=30).beat() == []


def test_it_feeds_three_times_within_the_timeout(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            raise asyncio.CancelledError

    monkeypatch.setattr(sdnotify, "asyncio", SimpleNamespace(sleep=sleep))
    dog = Watchdog(ServiceManager(listener.address), (), timeout_s=30)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(dog.run())
    assert listener.drain() == [["WATCHDOG=1"]] * 4
    assert sum(pauses[:3]) <= 30


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),  # meant for our parent
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_what_systemd_asks_for(environment: dict[str, str], expected: float | None) -> None:
    assert watchdog_seconds(environment, 7) == expected
