"""kill -9 at every stage of a page, beside a real Alertmanager: what is lost, what comes twice.

Run ``make proof NAME=crash_matrix`` (``ARGS="--kills 100"``; ``--ours`` or ``--theirs`` alone). Exit 1 when ours loses one alert, or repeats
one more than once or under another key.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.integration.crashing import Matrix, Stage, Tally, ours, theirs

PEERS = {"rulesd": ours, "Alertmanager": theirs}
HEAD = (
    "source sends",
    "killed",
    "process",
    "kills",
    "accepted",
    "lost",
    "repeats",
    "most",
    "other key",
)


def main() -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="at each stage, for each process")
    parser.add_argument("--alerts", type=int, default=3, help="posted before each kill")
    parser.add_argument("--ours", action="store_true", help="rulesd alone")
    parser.add_argument("--theirs", action="store_true", help="Alertmanager alone")
    args = parser.parse_args()
    both = args.ours == args.theirs
    rows: dict[tuple[bool, Stage, str], Tally] = {}
    began = time.monotonic()
    for name, peer in PEERS.items():
        if not (both or (args.ours if name == "rulesd" else args.theirs)):
            continue
        with tempfile.TemporaryDirectory() as folder, peer(Path(folder) / "peer") as matrix:
            for again in (False, True):
                for stage in Stage:
                    rows[again, stage, name] = _run(matrix, stage, name, again, args)
    _table(rows)
    bad = [key for key, tally in rows.items() if key[2] == "rulesd" and not tally.clean]
    print(
        f"{time.monotonic() - began:.0f} s; " + (f"BROKEN: {bad}" if bad else "every promise held")
    )
    return 1 if bad else 0


def _run(matrix: Matrix, stage: Stage, name: str, again: bool, args: argparse.Namespace) -> Tally:
    tally = matrix.run(stage, args.kills, alerts=args.alerts, again=again)
    sends = "again" if again else "once"
    said = f"  {name}, {stage}, sends {sends}: {len(tally.lost)} lost, {tally.repeats} repeats"
    print(said, file=sys.stderr, flush=True)
    return tally


def _table(rows: dict[tuple[bool, Stage, str], Tally]) -> None:
    lines = [HEAD]
    for (again, stage, name), tally in sorted(rows.items(), key=_order):
        numbers = (
            tally.kills,
            tally.alerts,
            len(tally.lost),
            tally.repeats,
            tally.most,
            tally.keys,
        )
        lines.append(("again" if again else "once", str(stage), name, *map(str, numbers)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for line in lines:
        print(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        )


def _order(row: tuple[tuple[bool, Stage, str], Tally]) -> tuple[bool, int, bool]:
    again, stage, name = row[0]
    return again, list(Stage).index(stage), name != "rulesd"


if __name__ == "__main__":
    sys.exit(main())
