"""How well ``spike`` with ``field`` (and ``drift``) find the labelled anomalies of NAB's count-like and rate-like files.

Run ``make bench NAME=nab ARGS=DIR``. DIR holds ``data/*/*.csv`` (or ``.csv.gz``: timestamp, value), ``windows.json`` (NAB's
``combined_windows``), ``split.json`` (``dev`` and ``test``: the files) and, where published scores are to stand beside, ``reference.json``. The data are not
part of this project. Each file is one run of ``rulesd replay``'s engine under one rule file; a detection is the row whose value completed the window at
which the alert began to fire. All files share one set of parameters, found on ``dev`` alone.
``--dev`` looks at nothing else: compare methods with it, and look at ``test`` once.
"""

import argparse
import csv
import gzip
import json
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from rulesd.cli.decoding import recorded_decoder
from rulesd.config import load
from rulesd.core.engine import Engine
from rulesd.core.plan import Plan
from rulesd.model.decision import AlertChanged, Kind
from rulesd.model.event import Event
from tests.bench.nab_score import PROFILES, Labelled, normalised, score
from tests.integration.daemon import OWNERS, paging, write

RULE = """\
id: nab.measure
title: A measure left its past
owner: safety
runbook: https://runbooks.example.org/nab
on: [measure]
when: true
detect: {DETECT}
by: [service]
severity: high
lateness: 0s
keep_firing_for: 12h
"""
DETECTORS = {
    "spike, budget 1": "{spike: {field: value, within: 1h, reference: 7d, budget: 1}}",
    "spike, budget 2": "{spike: {field: value, within: 1h, reference: 7d, budget: 2}}",
    "spike, budget 4": "{spike: {field: value, within: 1h, reference: 7d, budget: 4}}",
    "drift, ten bins": "{drift: {field: value, bins: 10, baseline: 3d, budget: 2}}",
}
CHOSEN = "spike, budget 2"
"Found on the files of ``dev``."
GOALS = {"standard": 71.9, "reward_low_FP": 68.2}


class Series:
    """One file: times, values and labels."""

    def __init__(self, path: Path, windows: Sequence[Sequence[str]]) -> None:
        """Read it."""
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt") as file:
            rows = list(csv.DictReader(file))
        stamps = [row["timestamp"].split(".")[0] for row in rows]
        self.times = [
            round(datetime.fromisoformat(s).replace(tzinfo=UTC).timestamp() * 1000) for s in stamps
        ]
        self.values = [float(row["value"]) for row in rows]
        first: dict[str, int] = {}
        for number, stamp in enumerate(stamps):
            first.setdefault(stamp, number)
        rows_of = tuple((first[a.split(".")[0]], first[b.split(".")[0]]) for a, b in windows)
        self.labelled = Labelled(len(rows), rows_of)

    def backwards(self) -> "Series":
        """The same file read from its end: another sample of the same kind, for those who compare methods."""
        out = copy(self)
        both = self.times[0] + self.times[-1]
        out.times = [both - time for time in reversed(self.times)]
        out.values = self.values[::-1]
        out.labelled = self.labelled.backwards()
        return out


def plan(home: Path, detect: str) -> Plan:
    """The rule file, loaded like any other."""
    rules = write(home / "rules", {"nab/measure.yaml": RULE.replace("{DETECT}", detect)})
    notifiers = {**paging("http://127.0.0.1:1/x"), "owners.yaml": OWNERS}
    loaded = load(rules, write(home / "notifiers", notifiers))
    assert loaded.plan is not None, loaded.errors
    return loaded.plan


def detections(series: Series, engine: Engine) -> list[int]:
    """The rows at which the alert began to fire."""
    decoder = recorded_decoder()
    out: list[int] = []
    for number, (at, value) in enumerate(zip(series.times, series.values, strict=True)):
        stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")
        document = {
            "specversion": "1.0",
            "id": f"r{number}",
            "source": "/nab",
            "type": "measure",
            "time": stamp,
            "data": {"service": "s", "value": value},
        }
        event, now = decoder.recorded(orjson.dumps(document), now=0, position=number)
        assert type(event) is Event, event
        for decision in engine.receive(event, now):
            if type(decision) is AlertChanged and decision.kind is Kind.FIRING:
                out.append(bisect_left(series.times, decision.alert.event_time) - 1)
    return [max(0, row) for row in out]


def find(home: Path) -> dict[str, list[str]] | str:
    """The split, or what is missing."""
    needed = [home / "data", home / "windows.json", home / "split.json"]
    missing = [p.name for p in needed if not p.exists()]
    if missing:
        return f"{home} lacks {', '.join(missing)}: NAB's data are not part of this project. See tests/bench/nab.py for what belongs there"
    split: dict[str, list[str]] = json.loads((home / "split.json").read_text())
    return {"dev": split["dev"], "test": split["test"], "all": split["dev"] + split["test"]}


def published(home: Path, files: Sequence[str], windows: int) -> list[tuple[str, float, float]]:
    """What others reached on these files: (name, standard, low false positives), best first."""
    path = home / "reference.json"
    if not path.is_file():
        return []
    reference: dict[str, Any] = json.loads(path.read_text())
    out = []
    for name, by in reference["per_file"].items():
        of = [by["standard"], by["reward_low_FP_rate"]]
        if all(f in one for f in files for one in of):
            sums = [sum(one[f]["score"] for f in files) for one in of]
            out.append((name, *(normalised(s, windows, 1.0) for s in sums)))
    return sorted(out, key=lambda row: -row[1])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, help="the folder with NAB's files")
    parser.add_argument(
        "--dev", action="store_true", help="look at dev only, forwards and backwards in time"
    )
    parser.add_argument("--quick", action="store_true", help="only the chosen parameters")
    args = parser.parse_args()
    if args.data is None:
        print("nab: no data given, nothing measured. Name the folder: make bench NAME=nab ARGS=DIR")
        return 0
    split = find(args.data)
    if isinstance(split, str):
        print(f"nab: {split}", file=sys.stderr)
        return 2
    windows = json.loads((args.data / "windows.json").read_text())
    if args.dev:
        split = {"dev": split["dev"]}
    series = {}
    for name in sorted({name for part in split.values() for name in part}):
        path = args.data / "data" / name
        path = path if path.exists() else path.with_name(path.name + ".gz")
        series[name] = Series(path, windows[name])
    if args.dev:
        series |= {f"{name} backwards": series[name].backwards() for name in split["dev"]}
        split["back"] = [f"{name} backwards" for name in split["dev"]]
    print("NAB, count-like and rate-like files: standard / low false positives (found, false)")
    reached: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        for title, detect in DETECTORS.items():
            if args.quick and title != CHOSEN:
                continue
            rules = plan(Path(home) / title.replace(" ", "-"), detect)
            said = {name: detections(one, Engine(rules)) for name, one in series.items()}
            for part, files in split.items():
                given = [(series[f].labelled, said[f]) for f in files]
                scores = {p: score(given, p) for p in PROFILES}
                value, found, of, false = scores["standard"]
                low = scores["reward_low_FP"][0]
                print(
                    f"  {title:<18}{part:<5}{value:6.1f} /{low:6.1f}   ({found} of {of}, {false} false)"
                )
                if part == "all" and title == CHOSEN:
                    reached = {"standard": value, "reward_low_FP": low}
    if args.dev:
        return 0
    of_all = sum(len(one.labelled.windows) for one in series.values())
    for name, standard, low in published(args.data, split["all"], of_all):
        print(f"  published: {name:<20}{standard:6.1f} /{low:6.1f}")
    for profile, goal in GOALS.items():
        print(f"  {profile}: {reached[profile]:.1f}, to reach {goal}")
    return 0 if all(reached[p] >= goal for p, goal in GOALS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
