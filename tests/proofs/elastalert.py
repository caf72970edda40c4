"""The real ElastAlert2 beside our model of it and our detectors: ``python -m tests.proofs.elastalert PYTHON``.

PYTHON is an interpreter (3.12 or newer) that has it: ``python3.12 -m venv ea && ea/bin/pip install elastalert2``, then ``ea/bin/python``; or set RULESD_ELASTALERT_PYTHON, as for
``make proof NAME=elastalert``. The cases are those of ``tests/core/detectors/elastalert_*.py``: what the suite holds our detectors to, the real classes must say.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.core.detectors.test_elastalert import ALL, compared, said

PEER = Path(__file__).parent / "peers" / "elastalert_classes.py"


def main() -> int:
    """Compare; 1 when the real classes say anything else than the cases hold."""
    python = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("RULESD_ELASTALERT_PYTHON", "")
    if not python:
        print(
            "elastalert: no Python that has it. python3.12 -m venv ea && ea/bin/pip install elastalert2, then",
            file=sys.stderr,
        )
        print(
            "elastalert: make proof NAME=elastalert ARGS=ea/bin/python. Skipped.", file=sys.stderr
        )
        return 0
    asked = [{"rule": c.theirs_rule, "events": c.events, "ticks": c.ticks} for c in ALL]
    done = subprocess.run(
        [python, str(PEER)], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"elastalert: {python} cannot run it:\n{done.stderr}", file=sys.stderr)
        return 2
    wrong = 0
    for case, real in zip(ALL, json.loads(done.stdout), strict=True):
        theirs = [(second, key) for second, key in real]
        if case.theirs_rule["type"] == "flatline" and case.tell == "keys":
            theirs = theirs[:1]
        right = compared(theirs, case) == compared(case.theirs, case)
        mine = compared(said(case), case) == compared(case.ours, case)
        wrong += not (right and mine)
        word = f"differs on purpose ({case.better})" if case.better else "equal"
        print(f"{'ok   ' if right and mine else 'WRONG'} {case.name:<62} {word}")
        if not right:
            print(f"      the real one says {theirs[:6]}, the case {case.theirs[:6]}")
    print(f"elastalert: {len(ALL) - wrong} of {len(ALL)} cases")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
