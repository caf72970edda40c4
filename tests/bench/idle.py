"""An idle daemon with the shipped rules: from start to ready, and what it holds in memory.

Run ``python -m tests.bench.idle [--quick]``. Beside the wall-clock time stands the processor time until ready: on a busy machine only that
one says something.
"""

import argparse
import sys
import time

from tests.bench.daemons import folder, header, median, row, shipped
from tests.integration.daemon import Receiver


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    header("idle daemon with the shipped rules")
    walls, cpus, memory, idle = [], [], [], []
    with folder() as home, Receiver() as receiver:
        daemon = shipped(home / "d", receiver.url())
        for _ in range(3 if args.quick else 7):
            with daemon:
                walls.append(daemon.ready_seconds)
                cpus.append(daemon.cpu_seconds())
                time.sleep(2)
                memory.append(daemon.rss_mb())
                before = daemon.cpu_seconds()
                time.sleep(2)
                idle.append((daemon.cpu_seconds() - before) / 2 * 100)
    good = row("start to ready, wall clock", median(walls), "s", lambda v: v <= 2, "<= 2")
    row("start to ready, processor time", median(cpus), "s")
    good &= row("resident memory", median(memory), "MB", lambda v: v <= 120, "<= 120")
    row("processor while idle", median(idle), "%")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
