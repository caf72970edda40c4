"""Durable ingest over HTTP NDJSON against the same daemon with a store that forgets.

Run ``python -m tests.bench.ingest [--quick]``. Two daemons with the shipped rules take the same events in turn: one commits
with fsync before it answers 202, the other decodes, deduplicates, matches and answers. The ratio is the price of durability.
"""

import argparse
import sys

from tests.bench.daemons import (
    NO_STORE,
    blast,
    bodies,
    folder,
    fsync_ms,
    header,
    median,
    row,
    shipped,
)
from tests.integration.daemon import Receiver

REACH, THEN = 0.5, 0.8


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    rounds, count = (5, 10_000) if args.quick else (11, 20_000)
    header("ingest over HTTP NDJSON, batches of 500 over 4 connections")
    with folder() as home, Receiver() as receiver:
        durable = shipped(home / "durable", receiver.url())
        empty = shipped(home / "empty", receiver.url(), site=NO_STORE)
        with durable, empty:
            ratios, speeds, frees, cpus = [], [], [], []
            for number in range(rounds):
                batches = bodies(f"r{number}", count, 500)
                order = [(durable, speeds), (empty, frees)]
                for daemon, out in order if number % 2 else reversed(order):
                    before = daemon.cpu_seconds()
                    out.append(count / blast(daemon, batches))
                    if daemon is durable:
                        cpus.append(count / max(1e-9, daemon.cpu_seconds() - before))
                ratios.append(speeds[-1] / frees[-1])
            row("durable, events/s", median(speeds[1:]))
            row("store that forgets, events/s", median(frees[1:]))
            row("durable, events per second of processor time", median(cpus[1:]))
            row("fsync of 4 KiB, median", median(fsync_ms(home)), "ms")
            good = row(
                "durable / store that forgets",
                median(ratios[1:]),
                "",
                lambda v: v >= REACH,
                f">= {REACH}",
            )
            print(f"  rounds: {' '.join(f'{r:.2f}' for r in ratios)} (then >= {THEN})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
