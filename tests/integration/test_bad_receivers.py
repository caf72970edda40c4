"""Receivers on bad days: the page waits, is sent again, and never holds up another."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rulesd.notify.fakes import Fakes
from tests.integration.daemon import (
    OWNERS,
    ROUTING,
    SECRET,
    Daemon,
    Receiver,
    event,
    free_port,
    paging,
    until,
)


def channels(*urls: str, timeout: str = "1s") -> dict[str, str]:
    """One receiver with several webhooks."""
    rows = ", ".join(f"{{url: {url}, secret: {SECRET}, timeout: {timeout}}}" for url in urls)
    text = f"receivers: {{pager: {{webhook: [{rows}]}}}}\n"
    return {"routing.yaml": ROUTING, "owners.yaml": OWNERS, "receivers.yaml": text}


def bad_then_well(*moods: int | float) -> Callable[[str], int | float | None]:
    left = list(moods)
    return lambda _: left.pop(0) if left else None


def test_500_429_hanging_up_and_no_answer_are_tried_again_under_one_key(tmp_path: Path) -> None:
    receiver = Receiver(bad_then_well(500, 429, 0, 1.6))
    with receiver, Daemon(tmp_path, notifiers=paging(receiver.url(), timeout="1s")) as daemon:
        daemon.post([event("e", tool="t", scope="out")])
        pages = receiver.wait(5, 60)
        assert [p.status for p in pages] == [500, 429, 0, 0, 200]
        assert len({p.key for p in pages}) == 1
        assert len({str(p.body) for p in pages}) == 1
        until(lambda: daemon.total("rulesd_outbox_pending") == 0)
        assert daemon.total("rulesd_notifications_total", outcome="retry") == 4
        assert daemon.total("rulesd_notifications_total", outcome="delivered") == 1


def test_400_is_final_told_and_no_other_page_suffers(tmp_path: Path) -> None:
    receiver = Receiver(bad_then_well(400))
    with receiver, Daemon(tmp_path, notifiers=paging(receiver.url())) as daemon:
        daemon.post([event("refused", tool="a", scope="out")])
        receiver.wait(1)
        daemon.post([event("next", tool="b", scope="out")])
        pages = receiver.wait(2)
        assert [p.status for p in pages] == [400, 200]
        until(lambda: daemon.total("rulesd_notifications_total", outcome="failed") == 1)
        assert "a page was given up: receiver=pager channel=webhook[0]" in daemon.log()
        # A page that nobody got is told to somebody.
        until(
            lambda: any(
                a["rule"] == "rulesd.receiver_failing"
                for p in receiver.delivered()
                for a in p.alerts
            )
        )


def test_a_receiver_that_is_down_gets_everything_once_it_is_up(tmp_path: Path) -> None:
    port = free_port()
    with Daemon(tmp_path, notifiers=paging(f"http://127.0.0.1:{port}/pages")) as daemon:
        daemon.post([event(f"e{n}", tool=f"t{n}", scope="out") for n in range(7)])
        until(lambda: daemon.total("rulesd_notifications_total", outcome="retry") >= 5, 60)
        wish = {"Accept": "application/json"}
        said = until(lambda: daemon.request("GET", "/-/ready", headers=wish).json()["reasons"], 30)
        assert any("pager" in one for one in said), said
        assert daemon.get("/-/ready").status == 200
        daemon.restart()  # what is owed is in the outbox
        with Receiver() as receiver, _forward(port, receiver.port):
            until(lambda: daemon.total("rulesd_outbox_pending") == 0, 90)
            firing = {c for p in receiver.delivered() for a in p.alerts for c in a["causes"]}
            assert {f"e{n}" for n in range(7)} <= firing
            assert len({p.key for p in receiver.delivered()}) == len(receiver.delivered())


def test_a_hanging_channel_delays_no_other(tmp_path: Path) -> None:
    with Receiver(lambda name: 10.0 if name.startswith("hang") else None) as receiver:
        hung = [receiver.url(f"hang{n}") for n in range(4)]
        with Daemon(
            tmp_path, notifiers=channels(*hung, receiver.url("well"), timeout="12s")
        ) as daemon:
            daemon.post([event("warm", tool="warm", scope="out")])
            until(lambda: receiver.delivered("well"))
            daemon.post([event("e", tool="t", scope="out")])
            until(lambda: len(receiver.delivered("well")) == 2, 9.0)


def test_a_certificate_nobody_trusts_gets_no_page_and_is_told(tmp_path: Path) -> None:
    with (
        _tls() as url,
        Receiver() as well,
        Daemon(tmp_path, notifiers=channels(url, well.url())) as daemon,
    ):
        daemon.post([event("e", tool="t", scope="out")])
        until(lambda: daemon.total("rulesd_notifications_total", outcome="retry") >= 1)
        until(well.delivered)
        assert "tls_error" in daemon.log()


def test_rulesd_pages_about_a_receiver_that_fails(tmp_path: Path) -> None:
    """The alert about a failing receiver goes to whoever answers for rulesd; here by a channel that works."""
    with (
        Receiver(lambda name: 500 if name == "bad" else None) as receiver,
        Daemon(tmp_path, notifiers=channels(receiver.url("bad"), receiver.url("well"))) as daemon,
    ):
        daemon.post([event(f"e{n}", tool=f"t{n}", scope="out") for n in range(6)])

        def told() -> bool:
            found = [a for p in receiver.delivered("well") for a in p.alerts]
            return any(a["rule"] == "rulesd.receiver_failing" for a in found)

        until(told, 60, "a page about the receiver")


@contextmanager
def _tls() -> Iterator[str]:
    """The stand-ins behind a certificate nobody trusts, in a loop of their own."""
    ready, over = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        async with Fakes(tls=True) as fakes:
            found.append(fakes.webhook("tls"))
            ready.set()
            await asyncio.to_thread(over.wait)
            assert fakes.delivered == []

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0]
    finally:
        over.set()
        thread.join(10)


@contextmanager
def _forward(port: int, to: int) -> Iterator[None]:
    """Listen on a port that had nobody, and pass everything on."""
    server = socket.create_server(("127.0.0.1", port))
    server.settimeout(0.2)
    over = threading.Event()
    threads: list[threading.Thread] = []

    def pipe(one: socket.socket, other: socket.socket) -> None:
        with one, other:
            try:
                while data := one.recv(65536):
                    other.sendall(data)
                other.shutdown(socket.SHUT_WR)
            except OSError:
                return

    def accept() -> None:
        while not over.is_set():
            try:
                client, _ = server.accept()
            except TimeoutError:
                continue
            there = socket.create_connection(("127.0.0.1", to))
            back = there.dup(), client.dup()
            for pair in ((client, there), back):
                threads.append(threading.Thread(target=pipe, args=pair, daemon=True))
                threads[-1].start()

    main = threading.Thread(target=accept, daemon=True)
    main.start()
    try:
        yield
    finally:
        over.set()
        main.join(5)
        server.close()
