"""What twelve hanging channels cost a healthy one.

Run ``python -m tests.bench.hang [--quick]``. Every page goes to 13 webhooks; one is well. Its delay is measured in turn with the
other twelve answering and hanging.
"""

import argparse
import sys

from tests.bench.daemons import folder, header, median, percentile, row
from tests.bench.page import pages
from tests.integration.daemon import OWNERS, ROUTING, SECRET, Daemon, Receiver

REACH = 50.0
HANGING = 12


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    rounds, count = (3, 40) if args.quick else (7, 80)
    header(f"healthy channel's delay while {HANGING} channels hang")
    hanging = False
    with (
        Receiver(lambda name: 4.0 if hanging and name != "well" else None) as receiver,
        folder() as home,
    ):
        urls = [receiver.url(f"hang{n}") for n in range(HANGING)] + [receiver.url("well")]
        rows = ", ".join(f"{{url: {u}, secret: {SECRET}, timeout: 3s}}" for u in urls)
        notifiers = {
            "routing.yaml": ROUTING,
            "owners.yaml": OWNERS,
            "receivers.yaml": f"receivers: {{pager: {{webhook: [{rows}]}}}}\n",
        }
        with Daemon(home / "d", notifiers=notifiers) as daemon:
            pages(daemon, receiver, 10, "warm", "well")
            more50, more99, well50, well99 = [], [], [], []
            for number in range(rounds):
                hanging = False
                calm = pages(daemon, receiver, count, f"calm{number}", "well")
                hanging = True
                pages(daemon, receiver, 5, f"begin{number}", "well")
                bad = pages(daemon, receiver, count, f"hung{number}", "well")
                well50.append(percentile(calm, 0.5))
                well99.append(percentile(calm, 0.99))
                more50.append(percentile(bad, 0.5) - well50[-1])
                more99.append(percentile(bad, 0.99) - well99[-1])
        row("all well, p50", median(well50), "ms")
        row("all well, p99", median(well99), "ms")
        good = row(
            "more while 12 hang, p50", median(more50), "ms", lambda v: v <= REACH, f"<= {REACH:g}"
        )
        good &= row(
            "more while 12 hang, p99", median(more99), "ms", lambda v: v <= REACH, f"<= {REACH:g}"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
