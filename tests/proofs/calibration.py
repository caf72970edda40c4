"""What calibrate promises against what happens: ``python -m tests.proofs.calibration [--weeks 52] [--seeds 1-3] [--cells WORD,WORD] [--record FILE]``.

For each detector that has a threshold, and each kind of traffic without incidents (Poisson; by hours of the day and the week; in sessions whose events fail
together; growing by a twentieth a week): six weeks are recorded and calibrated, then a year that follows runs through the rule with the proposed number. What is
promised must happen 0.5 to 1.5 times, all seeds together: *ok*, *short* when only the ratio is off, *FAILED* when the 95 % interval of what was seen (Poisson) lies outside. What is
refused is promised nevertheless, behind calibrate's back: *refused, rightly* when that would have failed, *refused* when chance leaves it open, and *refused, needlessly* when it would have been kept.

Then releases: how often those that change nothing are accused although they are looked at after every event, and how many of the accused are innocent among a thousand
segments of which twenty have changed, at several moments of the watch.

One process. ``--record FILE`` keeps what is done, a line each, so that a run that was broken off goes on where it was (until the code changes).
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from rulesd.runners.calibrate_scan import poisson_interval
from tests.proofs.world.nulls import DETECTORS, NULLS, Run, one
from tests.proofs.world.releases import ALPHA, MOMENTS, accused, peeked

LOW, HIGH = 0.5, 1.5
PEEKING, THOUSAND = "rollout, releases that change nothing", "rollout, a thousand segments"
RELEASES = 7
"With a thousand segments, for each seed."

Job = tuple[str, str, int]
"Detector (or one of the two above), traffic, seed."


def jobs(seeds: range, words: list[str]) -> list[Job]:
    """Everything that is to be done, cells of the same traffic together."""
    cells = [(d, n, s) for n in NULLS for s in seeds for d in DETECTORS]
    cells += [(PEEKING, "", s) for s in seeds]
    cells += [(THOUSAND, "", RELEASES * s + n) for s in seeds for n in range(RELEASES)]
    return [job for job in cells if not words or any(w in f"{job[0]} {job[1]}" for w in words)]


def done(job: Job, weeks: int) -> Any:
    """Do one of them; plain data."""
    detector, null, seed = job
    if detector == PEEKING:
        return peeked(weeks, seed)
    if detector == THOUSAND:
        return accused(1_000, 20, seed)
    return asdict(one(detector, null, seed, weeks))


# ---------------------------------------------------------------------- what came of it


def judged(seen: int, hoped: float) -> tuple[str, float, float, float]:
    """Verdict, ratio of what was seen to what was promised, and its 95 % interval."""
    if not hoped:
        return "ok" if not seen else "short", float("nan"), 0.0, float("inf")
    low, high = (n / hoped for n in poisson_interval(seen, 0.05))
    ratio = seen / hoped
    if high < LOW or low > HIGH:
        return "FAILED", ratio, low, high
    return ("ok" if LOW <= ratio <= HIGH else "short"), ratio, low, high


def row(detector: str, null: str, runs: list[Run]) -> tuple[str, str]:
    """A row of the table, and its verdict."""
    name = f"{detector:<27} {null:<9}"
    known = [r for r in runs if r.promised is not None]
    refused = [r for r in runs if r.refusal]
    if not known:
        return f"{name} refused: {refused[0].refusal[:150]}", "refused"
    weeks = sum(r.weeks for r in known)
    hoped = sum((r.promised or 0.0) * r.weeks for r in known)
    seen = sum(r.seen for r in known)
    verdict, ratio, low, high = judged(seen, hoped)
    if not hoped and seen <= HIGH * sum(r.high * r.weeks for r in known):
        verdict = "ok"  # nothing was promised but an upper end, and it was kept
    each = " ".join(f"{r.promised:.2f}>{r.seen / r.weeks:.2f}" for r in known)
    interval = "-".join(f"{n / weeks:.2f}" for n in poisson_interval(seen, 0.05))
    said = f"{name} {each:<32} promised {hoped / weeks:5.2f} seen {seen / weeks:5.2f} ({interval}) ratio {ratio:5.2f} ({low:.2f}-{high:.2f})"
    if len(refused) == len(runs):
        verdict = {"FAILED": "refused, rightly", "ok": "refused, needlessly"}.get(
            verdict, "refused"
        )
        return f"{said}  {verdict}: {refused[0].refusal[:110]}", verdict
    return said + f"  {verdict}" + (f"; {len(refused)} refused" if refused else ""), verdict


def rollouts(watches: list[Any], many: list[Any]) -> Iterator[tuple[str, str]]:
    """Rows about releases."""
    if watches:
        alarms, looked = sum(a for a, _ in watches), sum(n for _, n in watches)
        low, high = (n / looked for n in poisson_interval(alarms, 0.05))
        verdict = "FAILED" if low > ALPHA else "ok" if alarms <= ALPHA * looked else "short"
        yield (
            f"{PEEKING}: {alarms} of {looked} accused, {alarms / looked:.4f} ({low:.4f}-{high:.4f}), alpha {ALPHA}: {verdict}",
            verdict,
        )
    for place, moment in enumerate(MOMENTS if many else ()):
        told = [one["by"][place] for one in many]
        rates = [wrong / max(1, wrong + right) for right, wrong in told]
        rate, found = sum(rates) / len(rates), sum(right for right, _ in told)
        spread = (sum((r - rate) ** 2 for r in rates) / max(1, len(rates) - 1) / len(rates)) ** 0.5
        verdict = "ok" if rate <= ALPHA else "FAILED" if rate - 2 * spread > ALPHA else "short"
        wrong = sum(wrong for _, wrong in told)
        yield (
            f"{THOUSAND}, after {moment:4.1f} h: {found:3d} of {sum(one['changed'] for one in many)} changed found, {wrong} innocent accused, false discovery rate {rate:.4f} +- {spread:.4f} over {len(many)} releases, q {ALPHA}: {verdict}",
            verdict,
        )


def report(results: dict[Job, Any], say: Callable[[str], None]) -> int:
    """All rows; 1 when a promise is broken."""
    verdicts: list[str] = []
    for detector in DETECTORS:
        for null in NULLS:
            runs = [Run(**found) for job, found in results.items() if job[:2] == (detector, null)]
            if runs:
                said, verdict = row(detector, null, runs)
                verdicts.append(verdict)
                say(said)
    watches = [found for job, found in results.items() if job[0] == PEEKING]
    many = [found for job, found in results.items() if job[0] == THOUSAND]
    for said, verdict in rollouts(watches, many):
        verdicts.append(verdict)
        say(said)
    say(", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts))))
    return 1 if {"FAILED", "refused, needlessly"} & set(verdicts) else 0


# ---------------------------------------------------------------------- going on where it was


def stamp(weeks: int) -> str:
    """Another one after a change of the code that is proven, or of the proof."""
    root = Path(__file__).parents[2]
    files = [*root.glob("rulesd/runners/calibrate*.py"), *root.glob("rulesd/core/detectors/*.py")]
    files += [*root.glob("tests/proofs/world/[nr]*.py"), root / "tests/runners/traffic.py"]
    return sha256(b"".join(f.read_bytes() for f in sorted(files))).hexdigest()[:12] + f"-{weeks}"


def kept(path: Path | None, mark: str) -> dict[Job, Any]:
    """What a run before this one has done."""
    out: dict[Job, Any] = {}
    if path is not None and path.exists():
        for line in path.read_text().splitlines():
            told, job, found = json.loads(line)
            if told == mark:
                out[job[0], job[1], job[2]] = found
    return out


def main() -> int:
    """The tables; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--cells", default="", help="cells whose name holds one of these words")
    parser.add_argument("--record", type=Path, help="a file that keeps what is done")
    given = parser.parse_args()
    first, _, last = given.seeds.partition("-")
    words = [word for word in given.cells.split(",") if word]
    wanted = jobs(range(int(first), int(last or first) + 1), words)
    gc.disable()  # millions of events, and nothing that refers to itself
    mark = stamp(given.weeks)
    results = kept(given.record, mark)
    todo, began = [job for job in wanted if job not in results], time.monotonic()
    for n, job in enumerate(todo):
        results[job] = found = done(job, given.weeks)
        gc.collect()
        if given.record is not None:
            with given.record.open("a") as out:
                out.write(json.dumps([mark, job, found]) + "\n")
        left = (time.monotonic() - began) / (n + 1) * (len(todo) - n - 1)
        print(f"\r{n + 1} of {len(todo)}, about {left / 60:.0f} min left: {' '.join(map(str, job)):<60}", end="", file=sys.stderr, flush=True)  # fmt: skip
    print(file=sys.stderr)
    return report({job: results[job] for job in wanted}, print)


if __name__ == "__main__":
    sys.exit(main())
