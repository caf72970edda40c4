"""From an event's publication to the request at the receiver, while 1,000 events/s pass by.

Run ``python -m tests.bench.page [--quick]``. A must-never-happen event is posted ten times a second; the time runs from before its
POST to the arrival of the page at a webhook's receiver on the loopback. The disk's own fsync is measured in the same run.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from tests.bench.daemons import folder, fsync_ms, header, percentile, row, shipped, traffic
from tests.integration.daemon import Daemon, Receiver, event

REACH, THEN = 250.0, 50.0


@contextmanager
def background(daemon: Daemon, rate: int, prefix: str = "bg") -> Iterator[list[float]]:
    """``rate`` events/s in posts of 20; yields the seconds each post took."""
    over = threading.Event()
    took: list[float] = []

    def run() -> None:
        each = 20
        due = time.perf_counter()
        number = 0
        while not over.is_set():
            lines = traffic(f"{prefix}-{number}", each)
            began = time.perf_counter()
            daemon.post(lines)
            took.append(time.perf_counter() - began)
            number += 1
            due = max(due + each / rate, time.perf_counter() - 1.0)
            over.wait(max(0.0, due - time.perf_counter()))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join(30)


def pages(
    daemon: Daemon, receiver: Receiver, count: int, prefix: str, name: str = ""
) -> list[float]:
    """Milliseconds from post to page of ``count`` events, ten a second."""
    sent: dict[str, float] = {}
    for number in range(count):
        id_ = f"{prefix}-{number}"
        body = orjson.dumps(event(id_, tool=id_, scope="out", outcome="ok"))
        sent[id_] = time.time()
        answer = daemon.request(
            "POST", "/v1/events", body, {"Content-Type": "application/cloudevents+json"}
        )
        assert answer.status == 202, answer
        time.sleep(max(0.0, 0.1 - (time.time() - sent[id_])))
    limit = time.monotonic() + 30
    found: dict[str, float] = {}
    while len(found) < count and time.monotonic() < limit:
        for page in list(receiver.pages):
            if not name or page.name == name:
                for alert in page.alerts:
                    for cause in alert["causes"]:
                        found.setdefault(cause, page.at)
        time.sleep(0.05)
    missing = [i for i in sent if i not in found]
    assert not missing, f"not paged: {missing[:3]}"
    return [(found[i] - at) * 1000 for i, at in sent.items()]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    count = 150 if args.quick else 600
    header(
        "event published -> page request at the receiver, never-happen rule, 1,000 events/s beside it"
    )
    with folder() as home, Receiver() as receiver, shipped(home / "d", receiver.url()) as daemon:
        pages(daemon, receiver, 10, "warm")
        with background(daemon, 1000) as took:
            began = time.monotonic()
            ms = pages(daemon, receiver, count, "timed")
            seconds = time.monotonic() - began
        probe = fsync_ms(home, 200)
        row("background events/s", len(took) * 20 / seconds)
        row("page, p50", percentile(ms, 0.5), "ms")
        good = row("page, p99", percentile(ms, 0.99), "ms", lambda v: v <= REACH, f"<= {REACH:g}")
        row("page, worst", max(ms), "ms")
        row("post of 20 events, p99", percentile(took, 0.99) * 1000, "ms")
        row("fsync of 4 KiB in the same run, p50", percentile(probe, 0.5), "ms")
        row("fsync of 4 KiB in the same run, p99", percentile(probe, 0.99), "ms")
        print(f"  (then <= {THEN:g} ms)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
