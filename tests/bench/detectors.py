"""What one update of each detector costs, and what one key weighs.

Run ``python -m tests.bench.detectors [--quick] [--times] [NAME...]``. An update is what the engine asks of a detector for one event: ``advance`` when its deadline has come,
``observe``, ``deadline``. *Dense*: twenty keys with an event a second each. *Sparse*: a thousand keys with an event every five minutes each. The loop around it is
measured without a detector, in turn, and taken off. Documents are few and observations made right before they are used, because an event has just been decoded when a detector
reads it; the keys' states are as cold as many keys make them.

Every detector is brought to the middle of its recording; then all take turns, a slice each, so that a slow minute of the machine falls on all of them. Before and after each
slice a fixed loop of plain Python is measured, the yardstick. A cell is the median over the slices, as measured; beside it what that would be at the best pace the yardstick
had in this run, and at that pace the mean, which also holds what falls together in few slices (an hour's slots, say). The aim is judged by the medians at that pace.
Bytes: what forty dense keys hold more than nothing, after an hour and a half.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from rulesd.config import load
from rulesd.core.detectors.protocol import Observation
from tests.integration.daemon import OWNERS, paging, write

SECOND = 1000
GOAL_US, GOAL_BYTES, GOAL_BURST = 5.0, 8_192.0, 600.0
SLICES = 24
_DOCUMENTS = 509
_DEPLOYS = 10_007
"One event in so many is a deploy."
HIT = '{"===": [{"var": "data.hit"}, true]}'
GOOD = '{"!==": [{"var": "data.bad"}, true]}'
DETECTORS = {
    "never": "never",
    "burst": "{burst: {count: 20, within: 19s}}",
    "burst, distinct": "{burst: {count: 20, within: 15s, distinct: user_ref}}",
    "repeat": "{repeat: {same: [args_hash], count: 20, within: 5m}}",
    "rate": f"{{rate: {{numerator: {HIT}, within: 1h, above: 0.5}}}}",
    "shift": f"{{shift: {{numerator: {HIT}, baseline: 1h, ratio: 2}}}}",
    "spike": "{spike: {within: 5m, reference: 7d, min_count: 10}}",
    "spike, measure": "{spike: {field: latency_ms, within: 1h, reference: 7d}}",
    "rollout": f"{{rollout: {{numerator: {HIT}, change: {{'===': [{{var: type}}, deploy.change]}}}}}}",
    "absence": "{absence: {period: 10m, missed: 3}}",
    "new_value": "{new_value: {field: tool, learn_for: 7d}}",
    "new_value, share": "{new_value: {field: tool, learn_for: 7d, share: 0.5}}",
    "cardinality": "{cardinality: {field: user_ref, within: 1h, above: 1000}}",
    "sequence": f"{{sequence: {{steps: [{{name: a, when: {HIT}}}, {{name: b, when: {{'===': [{{var: data.policy_version}}, v2]}}}}], within: 5m}}}}",
    "budget": "{budget: {sum: cost_usd, cap: 1000000, within: 1h, horizon: 15m}}",
    "drift, labels": "{drift: {field: tool, baseline: 1h}}",
    "drift, numbers": "{drift: {field: score, bins: 10, baseline: 1h}}",
    "burn_rate": f"{{burn_rate: {{good: {GOOD}, objective: 0.99}}}}",
    "disagreement": "{disagreement: {left: classifier_label, right: reviewer_label, within: 1h, above: 0.9}}",
    "quantile": "{quantile: {field: latency_ms, q: 0.99, above: 2000, within: 5m}}",
    "aggregate, sum": "{aggregate: {field: cost_usd, fn: sum, above: 1000000, within: 1h}}",
    "aggregate, max": "{aggregate: {field: cost_usd, fn: max, above: 1000000, within: 1h}}",
    "change": "{change: {field: policy_version}}",
    "accumulation": "{accumulation: {half_life: 1h, threshold: 1000000}}",
    "composite": "{composite: {all: [bench.never, bench.burst], within: 5m}}",
}
Case = tuple[int, int, int]
"Keys, milliseconds between two events of one key, and events."

DENSE: Case = (20, SECOND, 120_000)
SPARSE: Case = (1_000, 300 * SECOND, 60_000)


def built() -> dict[str, Any]:
    """Every detector, from rule files."""
    rules = {}
    for name, detect in DETECTORS.items():
        word = name.replace(", ", "_").replace(" ", "_")
        on = "[alert.state]" if name == "composite" else "[tool.call, deploy.change]"
        rules[f"bench/{word}.yaml"] = (
            f"id: bench.{word}\ntitle: A title\nowner: safety\nrunbook: https://runbooks.example.org/x\n"
            f"on: {on}\nwhen: true\ndetect: {detect}\nby: [tenant]\nseverity: high\n"
        )
    with tempfile.TemporaryDirectory() as home:
        notifiers = {**paging("http://127.0.0.1:1/x"), "owners.yaml": OWNERS}
        loaded = load(
            write(Path(home) / "rules", rules), write(Path(home) / "notifiers", notifiers)
        )
    assert loaded.plan is not None, [str(e) for e in loaded.errors]
    plan = loaded.plan
    words = {name: name.replace(", ", "_").replace(" ", "_") for name in DETECTORS}
    return {name: plan.rules[plan.by_id[f"bench.{word}"]].detector for name, word in words.items()}


def documents() -> list[dict[str, Any]]:
    """Ordinary documents, and a deploy; nothing of them is unusual."""
    rng = Random(1)
    out: list[dict[str, Any]] = []
    for n in range(_DOCUMENTS + 1):
        data = {
            "hit": rng.random() < 0.3,
            "bad": rng.random() < 0.01,
            "user_ref": f"u{rng.randrange(100)}",
            "args_hash": f"a{rng.randrange(12)}",
            "tool": f"t{rng.randrange(8)}",
            "cost_usd": rng.random(),
            "latency_ms": rng.uniform(10, 900),
            "score": rng.random(),
            "classifier_label": "pass",
            "reviewer_label": "pass" if rng.random() < 0.9 else "fail",
            "policy_version": "v1",
            "rule": f"r{n % 5}",
            "state": "firing" if n % 2 else "resolved",
        }
        type_ = "tool.call" if n < _DOCUMENTS else "deploy.change"
        out.append({"type": type_, "tenant": "acme", "data": data})
    return out


def events(case: Case, docs: list[dict[str, Any]]) -> Iterator[tuple[int, Observation]]:
    """(key, observation): the keys in turn, evenly over time."""
    keys, apart, count = case
    start = 1_767_600_000_000
    for n in range(count):
        at = start + n * apart // keys
        which = _DOCUMENTS if n % _DEPLOYS == _DEPLOYS // 2 else n * 7 % _DOCUMENTS
        yield n % keys, Observation(at, at, f"e{n}", 1, docs[which])


def update(
    detector: Any, states: dict[int, Any], due: dict[int, int], pool: object, fed: Iterable[Any]
) -> None:
    """What the engine does with a detector."""
    advance, observe, deadline = detector.advance, detector.observe, detector.deadline
    pooled = detector.pooled
    for key, seen in fed:
        watermark = seen.at - 30 * SECOND
        if pooled and detector.observe_pool(pool, seen):
            continue
        state = states.get(key)
        if state is None:
            state = states[key] = detector.start((str(key),), seen.at)
            due[key] = -1
        if due[key] <= watermark:
            advance(state, pool, watermark)
        observe(state, pool, seen)
        told = deadline(state, pool)
        due[key] = 1 << 62 if told is None else told


def nothing(fed: Iterable[Any]) -> int:
    """The same loop, without a detector."""
    states: dict[int, Any] = {}
    due: dict[int, int] = {}
    for key, seen in fed:
        watermark = seen.at - 30 * SECOND
        if states.get(key) is None:
            states[key] = [0]
            due[key] = 0
        if due[key] > watermark:
            states[key] = [1]
        due[key] = 0
    return len(states)


def yardstick() -> float:
    """Nanoseconds of a fixed piece of plain Python."""
    began = time.process_time_ns()
    total, held = 0, {}
    for n in range(20_000):
        held[n & 255] = n
        total += n * n % 7
    return (time.process_time_ns() - began) / 20_000


@dataclass(frozen=True)
class Slice:
    """One slice: microseconds an update, and nanoseconds of the yardstick around it."""

    spent: float
    mark: float


class Run:
    """One detector in one case, half-way through its events, and what its slices cost."""

    def __init__(self, detector: Any, case: Case, docs: list[dict[str, Any]]) -> None:
        """Take the first half."""
        self.detector, self.events = detector, events(case, docs)
        self.states: dict[int, Any] = {}
        self.due: dict[int, int] = {}
        self.pool = detector.pool()
        self.slices: list[Slice] = []
        half = case[2] // 2
        self.size = half // SLICES
        self._take(islice(self.events, half))

    def _take(self, part: Iterable[tuple[int, Observation]]) -> None:
        update(self.detector, self.states, self.due, self.pool, part)

    def step(self) -> None:
        """Measure the next slice."""
        part = list(islice(self.events, self.size))
        before = yardstick()
        began = time.process_time_ns()
        nothing(part)
        middle = time.process_time_ns()
        self._take(part)
        spent = time.process_time_ns() - middle - (middle - began)
        self.slices.append(Slice(spent / self.size / 1000, (before + yardstick()) / 2))

    def median(self) -> float:
        """Microseconds, as measured."""
        return statistics.median(one.spent for one in self.slices)

    def paced(self, pace: float) -> list[float]:
        """Microseconds of each slice, had the yardstick been at this pace."""
        return [one.spent * pace / one.mark for one in self.slices]

    @property
    def mark(self) -> float:
        """The yardstick beside this run: median, in nanoseconds."""
        return statistics.median(one.mark for one in self.slices)


def measured(detectors: dict[str, Any], part: int) -> dict[str, tuple[Run, Run]]:
    """Dense and sparse runs of every detector, in turn."""
    docs = documents()
    dense, sparse = ((keys, apart, n // part) for keys, apart, n in (DENSE, SPARSE))
    runs = {n: (Run(d, dense, docs), Run(d, sparse, docs)) for n, d in detectors.items()}
    gc.collect()
    gc.disable()
    for _ in range(SLICES):
        for pair in runs.values():
            for run in pair:
                run.step()
    gc.enable()
    return runs


def weight(detector: Any, docs: list[dict[str, Any]], seconds: int) -> float:
    """Bytes a dense key."""
    keys = 40
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    states: dict[int, Any] = {}
    due: dict[int, int] = {}
    pool = detector.pool()
    for item in events((keys, SECOND, keys * seconds), docs):
        update(detector, states, due, pool, [item])
    del item
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held / keys


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--quick", action="store_true", help="a fifth of the events")
    parser.add_argument("--times", action="store_true", help="only times: weighing takes longer")
    args = parser.parse_args()
    detectors = built()
    unknown = set(args.names) - set(detectors)
    if unknown:
        print(
            f"there is no {', '.join(sorted(unknown))}. There are: {'; '.join(detectors)}",
            file=sys.stderr,
        )
        return 2
    part = 5 if args.quick else 1
    runs = measured({n: d for n, d in detectors.items() if n in (args.names or detectors)}, part)
    pace = min(one.mark for pair in runs.values() for run in pair for one in run.slices)
    print(
        f"detectors: microseconds an update (dense, sparse); the yardstick's best pace: {pace:.0f} ns"
    )
    print(
        f"  {'':<18}{'as measured':>14}{'[yardstick]':>13}{'at best pace':>16}{'(mean)':>15}   bytes a key"
    )
    docs, good = documents(), True
    for name, pair in runs.items():
        paced = [run.paced(pace) for run in pair]
        cells = [statistics.median(slices) for slices in paced]
        held = 0.0 if args.times else weight(detectors[name], docs, 5_400 // part)
        most = GOAL_BURST if name == "burst" else GOAL_BYTES
        fine = max(cells) <= GOAL_US and held <= most
        good &= fine
        dense, sparse = pair
        print(
            f"  {name:<18}{dense.median():7.2f}{sparse.median():7.2f}"
            f"   [{dense.mark:3.0f}, {sparse.mark:3.0f}]{cells[0]:9.2f}{cells[1]:7.2f}"
            f"   ({statistics.mean(paced[0]):5.2f}{statistics.mean(paced[1]):7.2f}){held:11.0f}"
            f"{'' if fine else '   over'}",
            flush=True,
        )
    print(f"  to reach: <= {GOAL_US:g} us, <= {GOAL_BYTES:g} bytes (burst: {GOAL_BURST:g})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
