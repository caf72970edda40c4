"""Twins of a real Alertmanager 0.25, the long run: scenarios at random, a hundred at once, round after round.

Run ``make proof NAME=twin`` (``ARGS="--rounds 20 --seed 1000"``). Exit 1 when a page differed. A round takes 40 s.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.twin import chance, scenarios
from tests.twin.run import differences, play


def main() -> int:
    """Play rounds and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--each", type=int, default=100, help="scenarios at random in a round")
    parser.add_argument("--seed", type=int, default=100)
    args = parser.parse_args()
    pages = differing = played = 0
    for number in range(args.rounds):
        first = args.seed + number * args.each
        every = [*scenarios.by_hand(), *map(chance.scenario, range(first, first + args.each))]
        with tempfile.TemporaryDirectory() as folder:
            record, ours = play(every, Path(folder))
        found = differences(every, record.pages, ours, record.until / 1000)
        played, differing = played + len(every), differing + len(found)
        pages += sum(map(len, record.pages.values()))
        for name, lines in found.items():
            print("\n".join([name, *lines]), flush=True)
        said = f"{played} scenarios, {pages} pages of the real one, {differing} differ"
        print(f"  round {number + 1}: {said}", file=sys.stderr, flush=True)
    print(f"{played} scenarios, {pages} pages, {differing} scenarios differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
