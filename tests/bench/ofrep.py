"""Kill switches read over HTTP: evaluations a second and their latency, beside the same server answering ``/-/healthy``.

Run ``python -m tests.bench.ofrep [--quick]``. The client is a bare socket loop with keep-alive and pipelining off, in a process of its own, so that
the figure is the server's. Aim: 5,000 evaluations a second on one core, p99 5 ms on loopback.
"""

import argparse
import multiprocessing
import socket
import statistics
import tempfile
import time
from pathlib import Path

from tests.integration.daemon import TOKEN, Daemon, paging

SWITCHES = """\
switches:
  lock_tool: {key: "tool.{tool}.enabled", safe: false, scope: [tenant]}
  cap: {key: cap.usd_per_hour, type: number, safe: 1.5, default: 10}
"""
BODY = b'{"context":{"targetingKey":"u1","tenant":"acme","route":"chat"}}'


def request(path: str, body: bytes) -> bytes:
    """One request as bytes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body  # fmt: skip


def client(port: int, path: str, seconds: float, out: "multiprocessing.Queue[list[float]]") -> None:
    """Ask as fast as answers come; report each answer's time in seconds."""
    wire, times = request(path, BODY), []
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends:
            link.sendall(wire)
            answer = link.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
            times.append(time.perf_counter() - began)
    out.put(times)


def measure(daemon: Daemon, path: str, clients: int, seconds: float) -> tuple[float, float, float]:
    """(answers a wall second, answers a processor second of the daemon, p99 in ms)."""
    out: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=client, args=(daemon.port, path, seconds, out))
        for _ in range(clients)
    ]
    before, began = daemon.cpu_seconds(), time.perf_counter()
    for worker in workers:
        worker.start()
    times = [t for _ in workers for t in out.get()]
    for worker in workers:
        worker.join()
    wall, cpu = time.perf_counter() - began, daemon.cpu_seconds() - before
    p99 = statistics.quantiles(times, n=100)[98] * 1000
    return len(times) / wall, len(times) / cpu, p99


def main() -> int:
    """Measure and print; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    seconds = 2.0 if parser.parse_args().quick else 6.0
    with tempfile.TemporaryDirectory() as folder:
        files = {**paging("http://127.0.0.1:1/"), "switches.yaml": SWITCHES}
        with Daemon(Path(folder), notifiers=files) as daemon:
            path = "/ofrep/v1/evaluate/flags/tool.shell.enabled"
            one = [measure(daemon, path, 1, seconds) for _ in range(3)]
            many = [measure(daemon, path, 4, seconds) for _ in range(3)]
    rate = statistics.median(r[1] for r in many)
    p99 = statistics.median(r[2] for r in one)
    print(
        f"evaluations a processor second, 4 clients   {rate:9.0f}   >= 5000   {verdict(rate >= 5000)}"
    )
    print(
        f"evaluations a second of wall time, 4 clients {statistics.median(r[0] for r in many):8.0f}"
    )
    print(
        f"p99 of one client                            {p99:8.2f} ms  <= 5 ms  {verdict(p99 <= 5)}"
    )
    print(
        f"p99 of four clients                          {statistics.median(r[2] for r in many):8.2f} ms"
    )
    return 0 if rate >= 5000 and p99 <= 5 else 1


def verdict(good: bool) -> str:
    """In a word."""
    return "ok" if good else "MISSED"


if __name__ == "__main__":
    raise SystemExit(main())
