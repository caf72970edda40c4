"""The shipped rules on a labelled recording: ``python -m tests.proofs.labelled RECORDING TRUTH [--rules DIR]``.

The recording is traffic in arrival order as ``rulesd replay`` reads it (NDJSON CloudEvents, ``.gz`` too); the truth is a JSON file
``{"split", "end", "incidents": [{"kind", "start", "end", "key", "deadline_s", "action"}], "decoys": [...]}`` with times in epoch seconds. Data is no part of the repository: name
both files, or set RULESD_LABELLED and RULESD_LABELLED_TRUTH, as for ``make proof NAME=labelled``.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from tests.proofs.world.score import by_kind, covers, pages, score
from tests.proofs.worlds import replayed, verdict


def main() -> int:
    """Score the recording; 1 when a target is missed, 2 when there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?", default=os.environ.get("RULESD_LABELLED"))
    parser.add_argument("truth", nargs="?", default=os.environ.get("RULESD_LABELLED_TRUTH"))
    parser.add_argument("--rules", type=Path, default=Path("rules"))
    parser.add_argument("--notifiers", type=Path, default=Path("notifiers"))
    args = parser.parse_args()
    if not args.recording or not args.truth:
        print(
            "labelled: no recording. Name one: make proof NAME=labelled ARGS='dev.events.ndjson.gz dev.truth.json'. Skipped.",
            file=sys.stderr,
        )
        return 0
    for path in (args.recording, args.truth):
        if not Path(path).exists():
            print(f"labelled: there is no file {path}", file=sys.stderr)
            return 2
    truth = json.loads(Path(args.truth).read_text())
    log = replayed(Path(args.recording), args.rules, args.notifiers)
    found = score(pages(log, covers(args.rules), truth), truth)
    print(by_kind(found.rows))
    for name, many in sorted(found.false.items()):
        print(f"  false: {name}" + (f" ({many} times)" if many > 1 else ""))
    print(f"labelled: {found.line()}")
    return 0 if verdict(found) else 1


if __name__ == "__main__":
    sys.exit(main())
