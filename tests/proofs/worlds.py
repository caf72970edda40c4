"""The shipped rules on worlds nobody has tuned them for: ``python -m tests.proofs.worlds [--seeds 1-8] [--wide] [--keep DIR] [--rules DIR]``.

Each seed is a world of its own: other tenants, volumes, rhythms, usual shares, disorder, strengths. The first of its two weeks teaches the rules, in the second
everything of ``world/incidents.py`` goes wrong once, among the decoys of ``world/decoys.py``. Printed are the measures of each world and of all together.
``--wide`` draws more extreme worlds: from three tenants to twelve, sharper and flatter days, more disorder, weaker and stronger incidents, beats from one minute to fifteen.
``--keep`` leaves the recorded traffic there and takes what is there already; without it nothing is left behind.
"""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.proofs.world.delivery import files
from tests.proofs.world.score import REACH, Score, by_kind, covers, pages, score


def replayed(traffic: Path, rules: Path, notifiers: Path) -> list[str]:
    """The decision log of recorded traffic, by the command itself."""
    command = [sys.executable, "-m", "rulesd", "replay", str(traffic)]
    command += ["--rules", str(rules), "--notifiers", str(notifiers)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"replay of {traffic.name} failed:\n{done.stderr}")
    return done.stdout.splitlines()


def made(seed: int, folder: Path, *, wide: bool) -> tuple[Path, Path]:
    """The files of a world: those that are there, or new ones."""
    traffic, truth = files(seed, folder, wide=wide)
    if not truth.exists():
        code = "import sys; from pathlib import Path; from tests.proofs.world.delivery import write; write(int(sys.argv[1]), Path(sys.argv[2]), wide=bool(int(sys.argv[3])))"
        command = [sys.executable, "-c", code, str(seed), str(folder), str(int(wide))]
        subprocess.run(command, check=True)
    return traffic, truth


def one(seed: int, folder: Path, rules: Path, notifiers: Path, *, wide: bool) -> Score:
    """The score of one world."""
    traffic, told = made(seed, folder, wide=wide)
    truth = json.loads(told.read_text())
    return score(pages(replayed(traffic, rules, notifiers), covers(rules), truth), truth)


def verdict(found: Score) -> bool:
    """Say which target is missed by how much; whether all are met."""
    missed = found.missed()
    for name in missed:
        print(f"NOT reached: {name}")
    print(
        f"{len(REACH) - len(missed)} of {len(REACH)} targets reached"
        + ("" if missed else ": " + ", ".join(f"{n} {v:g}" for n, v, _ in REACH))
    )
    return not missed


def main() -> int:
    """Score the worlds; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1-8")
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--rules", type=Path, default=Path("rules"))
    parser.add_argument("--notifiers", type=Path, default=Path("notifiers"))
    args = parser.parse_args()
    low, _, high = args.seeds.partition("-")
    seeds = range(int(low), int(high or low) + 1)
    total = Score()
    with TemporaryDirectory() as temporary, ThreadPoolExecutor(2) as pool:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        given = folder, args.rules, args.notifiers
        runs = [(s, pool.submit(one, s, *given, wide=args.wide)) for s in seeds]
        for seed, run in runs:
            found = run.result()
            total.add(found)
            print(f"world {seed}: {found.line()}", flush=True)
            for name, many in sorted(found.false.items()):
                print(f"  false: {name}" + (f" ({many} times)" if many > 1 else ""))
            for kind, in_time, part, _, _ in found.rows:
                if not in_time:
                    took = "never" if part is None else f"at {part:.2f} of its deadline"
                    print(f"  late: {kind} {took}")
    print(by_kind(total.rows))
    print(f"all {len(seeds)} worlds: {total.line()}")
    return 0 if verdict(total) else 1


if __name__ == "__main__":
    sys.exit(main())
