"""Keep the JSON Schemas under ``docs/schema/`` equal to what ``rulesd schema`` prints, so that editors never help with last year's fields.

``python -m tests.law.schemas`` compares and exits 1 when one is stale; ``--write`` writes them.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.law.tree import ROOT

FOLDER = ROOT / "docs" / "schema"
NAMES = ("rule", "receivers", "owners", "switches", "hooks", "event")
"The documents of contract 2.5."


def printed(name: str) -> str:
    """What the command line says now."""
    done = subprocess.run(
        [sys.executable, "-m", "rulesd", "schema", name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.dumps(json.loads(done.stdout), indent=2) + "\n"


def stale(folder: Path, say: Callable[[str], str]) -> Iterator[str]:
    """What is wrong with each file of the folder, in words."""
    for name in NAMES:
        path = folder / f"{name}.json"
        if not path.exists():
            yield f"{path.name} is missing. Run: make schemas"
        elif path.read_text(encoding="utf-8") != say(name):
            yield f"{path.name} is not what `rulesd schema {name}` prints. Run: make schemas"
    known = {f"{name}.json" for name in NAMES}
    yield from (f"{p.name} belongs to no document" for p in folder.glob("*") if p.name not in known)


def write(folder: Path, say: Callable[[str], str]) -> None:
    """Write them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (folder / f"{name}.json").write_text(say(name), encoding="utf-8")


def main() -> int:
    """Compare or write."""
    if sys.argv[1:] == ["--write"]:
        write(FOLDER, printed)
        return 0
    found = list(stale(FOLDER, printed))
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
