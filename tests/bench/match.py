"""Matching: cost of one event against many rules, as ratios to ``orjson.loads`` of the same event.

Run ``python -m tests.bench.match [--quick]``. Every row is a median of interleaved runs in one process: each repetition
times the floor (``orjson.loads``) and every contender one after the other over the same events, ``for x in xs: f(x)`` with
the result discarded; times are the thread's own, so that neighbours on a shared machine disturb less. Ratios hold.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import threading
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from json_logic import jsonLogic

from rulesd.logic import Matcher, value_of
from rulesd.logic.projection import Form
from tests.bench import match_workloads as workloads

Contender = Callable[[Any], object]


def ratios(
    contenders: dict[str, Contender], xs: Sequence[Any], repetitions: int
) -> dict[str, float]:
    """The median over repetitions of each contender's time over the floor's, of the same repetition."""
    return {
        name: statistics.median(values)
        for name, values in interleaved(contenders, xs, repetitions).items()
    }


def interleaved(
    contenders: dict[str, Contender], xs: Sequence[Any], repetitions: int
) -> dict[str, list[float]]:
    """Each repetition's time of each contender, as a multiple of the first one's of that repetition."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for f in contenders.values():
        for x in xs:
            f(x)
    gc.collect()
    gc.freeze()
    for _ in range(repetitions):
        floor = 0.0
        for name, f in contenders.items():
            start = time.thread_time()  # Not the wall clock: the machine may be shared.
            for x in xs:
                f(x)
            spent = time.thread_time() - start
            floor = floor or spent
            samples[name].append(spent / floor)
    gc.unfreeze()
    return samples


def extra(samples: dict[str, list[float]], more: str, less: str) -> float:
    """The median over repetitions of what one contender costs beyond another in the same repetition."""
    return statistics.median(a - b for a, b in zip(samples[more], samples[less], strict=True))


def row(
    name: str, value: float, reach: float | None, then: float | None = None, unit: str = "x"
) -> bool:
    """Print one line; whether the figure to reach was reached."""
    good = reach is None or value <= reach
    goal = "" if reach is None else f"<= {reach}" + (f" (then {then})" if then is not None else "")
    print(
        f"{name:<58} {value:>9.2f}{unit:<4} {goal:<22} {'' if reach is None else 'ok' if good else 'MISSED'}"
    )
    return good


def build(kind: str, count: int) -> tuple[Matcher, float, float]:
    """A matcher, the seconds of computation it took and the MiB it holds."""
    rules = workloads.rules(kind, count)
    gc.collect()
    start = time.process_time()  # The machine may be shared; building is pure computation.
    matcher = Matcher(rules)
    seconds = time.process_time() - start
    del matcher
    gc.collect()
    tracemalloc.start()
    matcher = Matcher(rules)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return matcher, seconds, held / 2**20


class Windows:
    """Five keyed windows: is this the 20th event of its key within 300 s? The last 20 stamps answer that exactly."""

    def __init__(self) -> None:
        self.keys: list[dict[object, deque[int]]] = [{} for _ in range(5)]
        self.now = 0

    def add(self, names: Sequence[object]) -> int:
        self.now += 2
        now, full = self.now, 0
        for window, name in zip(self.keys, names, strict=True):
            stamps = window.get(name)
            if stamps is None:
                stamps = window[name] = deque(maxlen=20)
            stamps.append(now)
            full += len(stamps) == 20 and stamps[0] > now - 300_000
        return full


def with_windows(matcher: Matcher) -> Contender:
    windows = Windows()
    decode = matcher._index.decode
    fields = (("tenant",), ("type",), ("data", "env"), ("data", "tool"), ("data", "hazard"))
    keys = [
        matcher._index.projection.load(path, Form.STRUCT)[0].partition("= ")[2] for path in fields
    ]
    read = eval("lambda e: (" + ", ".join(keys) + ")")
    match, add = matcher.match, windows.add

    def step(event: bytes) -> None:
        match(event)
        add(read(decode(event)))

    return step


def naive(matcher: Matcher) -> Contender:
    return lambda event: matcher.naive_evaluate(orjson.loads(event))


def qubit(rules: dict[str, Any]) -> Contender:
    """The usual pure Python evaluator, on every rule; where it raises, the rule counts as not true."""
    logics = list(rules.values())

    def run(event: bytes) -> None:
        document = orjson.loads(event)
        for logic in logics:
            try:
                jsonLogic(logic, document)
            except Exception:
                continue

    return run


def qubit_answers(rules: dict[str, Any], matcher: Matcher, events: Sequence[bytes]) -> str:
    """How often json-logic-qubit says something else than datalogic."""
    raised = other = 0
    for event in events:
        document = orjson.loads(event)
        matched = set(matcher.naive_evaluate(document).matched)
        for name, logic in rules.items():
            try:
                answer = bool(jsonLogic(logic, document))
            except Exception:
                raised += 1
                continue
            other += answer is not (name in matched)
    pairs = len(rules) * len(events)
    return f"of {pairs:,} answers {raised:,} raise and {other:,} differ from datalogic's"


def one_by_one(kind: str, count: int, matcher: Matcher, events: Sequence[bytes]) -> None:
    """What evaluating every rule costs, with datalogic and in pure Python."""
    rules = workloads.rules(kind, count)
    several = {100: 300, 1000: 60, 10_000: 12}[count]
    few = events[:several]
    contenders = {"loads": orjson.loads, "naive": naive(matcher)}
    row("  plain datalogic on every rule", ratios(contenders, few, 3)["naive"], None)
    fewer = few[: max(several // 6, 3)]
    contenders = {"loads": orjson.loads, "qubit": qubit(rules)}
    row("  json-logic-qubit on every rule", ratios(contenders, fewer, 3)["qubit"], None)
    print(f"    {qubit_answers(rules, matcher, fewer)}")


def on_documents(matcher: Matcher, events: Sequence[bytes], repetitions: int) -> float:
    """What the daemon pays after its one decode."""
    documents = [orjson.loads(event) for event in events]
    contenders: dict[str, Contender] = {
        "loads": lambda i: orjson.loads(events[i]),
        "positions": lambda i: matcher.positions(documents[i]),
    }
    return ratios(contenders, range(len(events)), repetitions)["positions"]


def sizes(quick: bool) -> list[bool]:
    """The cost per event by workload and number of rules."""
    n, repetitions = (1500, 5) if quick else (5000, 11)
    good: list[bool] = []
    figures: dict[tuple[str, int], float] = {}
    sizes_of = {"mixed": (100, 1000, 10_000), "equal": (100, 10_000), "nested": (1000, 10_000)}
    counts = [(kind, count) for kind, several in sizes_of.items() for count in several]
    goals = {
        ("mixed", 10_000): (3.0, 1.5),
        ("equal", 10_000): (1.5, 1.0),
        ("nested", 10_000): (3.0, None),
        ("mixed", 100_000): (10.0, None),
    }
    for kind, count in counts if quick else [*counts, ("mixed", 100_000)]:
        events = (workloads.nested_events if kind == "nested" else workloads.events)(n, count)
        matcher, seconds, held = build(kind, count)
        found = ratios(
            {"loads": orjson.loads, "match": matcher.match, "evaluate": matcher.evaluate},
            events,
            repetitions,
        )
        decoded = on_documents(matcher, events, repetitions)
        figures[kind, count] = found["match"]
        reach, then = goals.get((kind, count), (None, None))
        good.append(row(f"match, {count:,} {kind} rules", found["match"], reach, then))
        row("  evaluate (which raised, too)", found["evaluate"], None)
        row("  positions of a decoded document", decoded, None)
        if count == 10_000:
            good.append(row("  build", seconds, 2.0, unit="s"))
            good.append(row("  memory held", held, 64.0, unit="MiB"))
        if (kind, count) == ("mixed", 10_000):
            good.append(
                row(
                    "  with 5 keyed windows",
                    ratios(
                        {"loads": orjson.loads, "step": with_windows(matcher)}, events, repetitions
                    )["step"],
                    6.5,
                    3.0,
                )
            )
        if kind == "mixed" and count <= 10_000:
            one_by_one(kind, count, matcher, events)
        del matcher
    good.append(
        row(
            "growth of mixed from 100 to 10,000 rules",
            figures["mixed", 10_000] / figures["mixed", 100],
            2.5,
            1.3,
        )
    )
    grown = figures["nested", 10_000] / figures["nested", 1000]
    row("growth of nested from 1,000 to 10,000 rules", grown, None)
    return good


def single_rules(quick: bool) -> list[bool]:
    """What one more rule of a costly kind adds to every event."""
    n, repetitions = (2000, 7) if quick else (5000, 15)
    rules = workloads.rules("mixed", 1000)
    events = workloads.events(n, 1000)
    residual = {"!==": [{"var": "data.env"}, "prod"]}
    opaque = [
        {"===": [{"cat": [{"var": "data.env"}, "-", {"var": "data.model"}]}, f"prod-x{i}"]}
        for i in range(9)
    ]
    base = Matcher(rules)
    plus = Matcher(
        {**rules, "residual": {"and": [{"!==": [{"var": "data.region"}, "x"]}, residual]}}
    )
    first = Matcher({**rules, "opaque0": opaque[0]})
    nine = Matcher({**rules, **{f"opaque{i}": logic for i, logic in enumerate(opaque)}})
    found = interleaved(
        {
            "loads": orjson.loads,
            "base": base.match,
            "plus": plus.match,
            "first": first.match,
            "nine": nine.match,
        },
        events,
        repetitions,
    )
    start = time.thread_time()
    for event in events:
        orjson.loads(event)
    floor = (time.thread_time() - start) / len(events) * 1e6
    return [
        row(
            "one un-indexable rule with a generated residual adds",
            extra(found, "plus", "base") * floor,
            0.3,
            unit="us",
        ),
        row("the first rule that needs datalogic adds", extra(found, "first", "base"), 1.5),
        row("each further one adds", extra(found, "nine", "first") / 8, 0.6),
    ]


def bomb(quick: bool) -> list[bool]:
    """One bomb among 1,000 rules: what it does to the events of others."""
    rules = workloads.rules("mixed", 1000)
    events = workloads.events(2000 if quick else 6000, 1000)
    inner = {
        "map": [
            {"var": "data.docs"},
            {
                "map": [
                    {"val": [[-2], "data", "docs"]},
                    {"map": [{"val": [[-4], "data", "docs"]}, 1]},
                ]
            },
        ]
    }
    armed = Matcher({**rules, "bomb": {"and": [{"===": [{"var": "type"}, "bomb"]}, inner]}})
    calm = Matcher(rules)
    shot = orjson.dumps({"type": "bomb", "data": {"docs": list(range(400))}})

    def p99(matcher: Matcher, *, armed_events: bool) -> float:
        spent: list[float] = []
        for i, event in enumerate(events):
            if armed_events and i % 1000 == 500:
                matcher.evaluate(shot)
            start = time.perf_counter()
            matcher.match(event)
            spent.append(time.perf_counter() - start)
        return statistics.quantiles(spent, n=100)[98]

    p99(calm, armed_events=False), p99(armed, armed_events=True)
    pairs = [
        (p99(calm, armed_events=False), p99(armed, armed_events=True))
        for _ in range(5 if quick else 9)
    ]
    start = time.perf_counter()
    armed.evaluate(shot)
    return [
        row(
            "p99 of the others with a bomb among 1,000 rules",
            statistics.median(b / a for a, b in pairs),
            1.10,
        ),
        row(
            "the bomb itself, stopped by the budget",
            (time.perf_counter() - start) * 1e3,
            5.0,
            unit="ms",
        ),
    ]


def pauses(quick: bool) -> list[bool]:
    """The longest pause of an event loop while 10,000 rules are built in a thread beside it."""
    rules = workloads.rules("mixed", 3000 if quick else 10_000)

    async def watch(job: Callable[[], object]) -> float:
        done = threading.Event()

        def work() -> None:
            job()
            done.set()

        thread = threading.Thread(target=work)
        thread.start()
        worst = 0.0
        while not done.is_set():
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - start - 0.001)
        thread.join()
        return worst

    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.001)  # As docs/matching.md advises for the time of a reload.
    try:
        beside = asyncio.run(watch(_spin))
        building = min(asyncio.run(watch(lambda: Matcher(rules))) for _ in range(3))
    finally:
        sys.setswitchinterval(interval)
    row("longest pause of the loop beside a thread that only counts", beside * 1e3, None, unit="ms")
    return [
        row("longest pause of the loop while building in a thread", building * 1e3, 20.0, unit="ms")
    ]


def _spin() -> None:
    end = time.perf_counter() + 2
    while time.perf_counter() < end:
        pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer events and repetitions, no 100,000 rules"
    )
    quick = parser.parse_args().quick
    value_of({"var": "warm"})({})
    sample = workloads.events(200, 1000) + workloads.nested_events(200, 1000)
    print(
        f"events of {sum(map(len, sample[:200])) // 200} B (mixed, equal) and {sum(map(len, sample[200:])) // 200} B (nested); x = times orjson.loads of the event"
    )
    results = [*sizes(quick), *single_rules(quick), *bomb(quick), *pauses(quick)]
    print(f"{sum(results)} of {len(results)} figures reached")
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
