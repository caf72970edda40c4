"""A million live keys of a burst rule (count 20): memory, pages while they are checkpointed, and the restart.

Run ``python -m tests.bench.memory [--quick]`` (``--quick``: 100,000 keys, memory projected). Every key holds one event within its window.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from tests.bench.daemons import blast, folder, header, median, percentile, row
from tests.bench.page import pages
from tests.integration.daemon import NEVER, Daemon, Receiver, event, paging

RULE = """\
id: test.keys
title: A conversation is denied again and again
owner: safety
runbook: https://runbooks.example.org/keys
on: [tool.call]
when: {"===": [{"var": "data.outcome"}, "denied"]}
detect: {burst: {count: 20, within: 24h}}
by: [conversation_id]
max_keys: 2000000
severity: high
"""


def denied(prefix: str, keys: list[int]) -> list[bytes]:
    """One denied call for each key."""
    return [
        orjson.dumps(
            event(f"{prefix}-{k}", tool="t", outcome="denied", conversation_id=f"conv-{k:08d}")
        )
        for k in keys
    ]


@contextmanager
def touching(daemon: Daemon, keys: int, rate: int) -> Iterator[None]:
    """``rate`` events/s over random keys, so that checkpoints have something to write."""
    over = threading.Event()
    chance = random.Random(3)

    def run() -> None:
        number, due = 0, time.perf_counter()
        while not over.is_set():
            number += 1
            daemon.post(
                denied(f"touch{time.time_ns()}", [chance.randrange(keys) for _ in range(20)])
            )
            due = max(due + 20 / rate, time.perf_counter() - 1.0)
            over.wait(max(0.0, due - time.perf_counter()))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    keys, count = (100_000, 80) if args.quick else (1_000_000, 300)
    header(f"{keys:,} live keys of a burst rule with count 20")
    rules = {"test/keys.yaml": RULE, "test/never.yaml": NEVER}
    with (
        folder() as home,
        Receiver() as receiver,
        Daemon(home / "d", rules=rules, notifiers=paging(receiver.url())) as daemon,
    ):
        pages(daemon, receiver, 5, "warm")
        with touching(daemon, 100, 1000):
            before = pages(daemon, receiver, count, "few")
        empty = daemon.rss_mb()
        step = 50_000
        began = time.perf_counter()
        for start in range(0, keys, step):
            lines = denied("fill", list(range(start, min(start + step, keys))))
            blast(daemon, [lines[i : i + 1000] for i in range(0, len(lines), 1000)])
        filled = time.perf_counter() - began
        time.sleep(8)  # A checkpoint of what changed last.
        held = daemon.rss_mb()
        print(f"  (filled in {filled:.0f} s, {held:,.0f} MB resident)", flush=True)
        with touching(daemon, keys, 1000):
            after = pages(daemon, receiver, count, "many")
        time.sleep(7)
        daemon.kill()
        starts, cpus = [], []
        for _ in range(2 if args.quick else 3):
            daemon.start()
            starts.append(daemon.ready_seconds)
            cpus.append(daemon.cpu_seconds())
            again = daemon.rss_mb()
            daemon.kill()
        daemon.start()
    row("filling, events/s", keys / filled)
    row("resident memory before", empty, "MB")
    good = row("resident memory with these keys", held, "MB", lambda v: v <= 1024, "<= 1024")
    row("bytes a key, with its id in the duplicates window", (held - empty) * 1024 * 1024 / keys)
    if args.quick:
        row(
            "projected to 1,000,000 keys",
            empty + (held - empty) * 1_000_000 / keys,
            "MB",
            lambda v: v <= 1024,
            "<= 1024",
        )
    row("resident memory after a restart", again, "MB")
    row("page p99 with few keys, 1,000 ev/s", percentile(before, 0.99), "ms")
    row("page p99 with all keys, checkpoints every 4 s, 1,000 ev/s", percentile(after, 0.99), "ms")
    row("page p50 with few keys / with all keys", percentile(before, 0.5) / percentile(after, 0.5))
    good &= row("restart to ready, wall clock", median(starts), "s", lambda v: v <= 5, "<= 5")
    row("restart to ready, processor time", median(cpus), "s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
