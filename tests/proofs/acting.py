"""kill -9 while rules, people and hooks set and lift switches: what is shown is what is enforced is what the service was told.

Run ``make proof NAME=acting`` (``ARGS="--kills 200 --seed 7"``). Exit 1 when a promise broke.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.integration.acting_kills import ActingTrial


def main() -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = ActingTrial(Path(folder), seed=args.seed).run(args.kills)
    print(report.text())
    for said in report.broken[:20]:
        print(f"  BROKEN: {said}")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
