"""How fast recorded traffic is replayed: with the shipped rules, and with five burst rules.

Run ``python -m tests.bench.replay [--quick]``. ``rulesd replay`` runs on a short and on a long file in turn; the difference is the
price of the events alone, without start-up. Beside the wall clock stands the processor's: a busy machine disturbs only the first.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import orjson

from tests.bench.daemons import folder, header, median, row, traffic
from tests.integration.daemon import BURST, OWNERS, ROOT, paging, write


def record(path: Path, count: int) -> Path:
    """``count`` events, 1,000 a second of their own time; one in a hundred is a denied tool call."""
    with path.open("wb") as file:
        for number, line in enumerate(traffic("r", count)):
            event = orjson.loads(line)
            stamp = 1_767_600_000 + number / 1000
            event["time"] = (
                time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp)) + f".{number % 1000:03d}Z"
            )
            if number % 100 == 0:
                event["data"]["outcome"] = "denied"
            file.write(orjson.dumps(event) + b"\n")
    return path


def five_bursts(home: Path) -> tuple[Path, Path]:
    """Five burst rules, each over another type of event."""
    types = (
        "tool.call",
        "policy.decision",
        "retrieval.query",
        "usage.cost",
        "output.classification",
    )
    rules = {
        f"test/b{n}.yaml": BURST.replace("test.burst", f"test.b{n}")
        .replace("[tool.call]", f"[{type_}]")
        .replace("by: [tool]", "by: [tenant]")
        for n, type_ in enumerate(types)
    }
    notifiers = {**paging("http://127.0.0.1:1/x"), "owners.yaml": OWNERS}
    return write(home / "rules", rules), write(home / "notifiers", notifiers)


def run(file: Path, rules: Path, notifiers: Path) -> tuple[float, float]:
    """Wall and processor seconds of one replay."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "rulesd",
        "replay",
        str(file),
        "--rules",
        str(rules),
        "--notifiers",
        str(notifiers),
    ]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "WEBHOOK_SECRET": "x"}
    subprocess.run(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    short, long_, rounds = (10_000, 110_000, 3) if args.quick else (20_000, 520_000, 5)
    header("replay of recorded traffic, events/s")
    good = True
    with folder() as home:
        files = record(home / "short.ndjson", short), record(home / "long.ndjson", long_)
        for name, where, goal, then in (
            ("shipped rules", (ROOT / "rules", ROOT / "notifiers"), 20_000, 50_000),
            ("five burst rules", five_bursts(home), 100_000, 200_000),
        ):
            walls, cpus, starts = [], [], []
            for _ in range(rounds):
                (w0, c0), (w1, c1) = run(files[0], *where), run(files[1], *where)
                walls.append((long_ - short) / max(1e-9, w1 - w0))
                cpus.append((long_ - short) / max(1e-9, c1 - c0))
                starts.append(c0 - short / cpus[-1])
            row(f"{name}, start-up, seconds of processor time", median(starts))
            row(f"{name}, wall clock", median(walls))
            good &= row(
                f"{name}, processor time",
                median(cpus),
                "",
                lambda v, goal=goal: v >= goal,
                f">= {goal:,} ({then:,})",
            )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
