"""kill -9 while rules, people and hooks set and lift switches: what is shown is what is enforced is what the service was told.

After each kill the signed messages that a real broker retains are compared with OFREP and with the store's file; every fifth time the broker
is killed, too. Run ``make proof NAME=acting`` (``ARGS="--kills 200 --seed 7"``). Exit 1 when a promise broke.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.integration.retained_kills import RetainedTrial


def main() -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--brokers", type=int, default=5, help="kill the broker, too, every so often"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = RetainedTrial(Path(folder), seed=args.seed, brokers=args.brokers).run(args.kills)
    print(report.text())
    for said in report.broken[:20]:
        print(f"  BROKEN: {said}")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
