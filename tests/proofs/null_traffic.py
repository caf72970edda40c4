"""How many false pages the learning detectors really give on traffic in which nothing happens, beside the budget they were given.

``python -m tests.proofs.null_traffic [WEEKS]`` prints one row a case. Long (minutes): not part of the test run; ``test_null_traffic.py`` runs the
smallest case. Traffic is drawn with fixed seeds: Bernoulli hits in Poisson arrivals over unequal segments (shift, rollout), one distribution (drift), and Poisson,
seasonal and clumped arrivals (spike).
"""

import sys
from collections.abc import Iterable, Iterator
from math import pi, sin
from random import Random
from typing import Any

from rulesd.core.detectors.drift import Drift
from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.rollout import Rollout
from rulesd.core.detectors.shift import Shift
from rulesd.core.detectors.spike import Spike
from rulesd.core.field import Field
from rulesd.model.event import Document
from rulesd.model.instant import DAY, HOUR

WEEK = 7 * DAY
Happening = tuple[int, tuple[str, ...], Document]

HAZARDS = {
    "none": (13_453, 0.0098),
    "medical": (1_034, 0.0725),
    "legal": (857, 0.04),
    "harassment": (658, 0.26),
    "weapons": (352, 0.48),
}
TENANTS = {
    "acme": 0.33,
    "globex": 0.22,
    "initech": 0.16,
    "umbrella": 0.13,
    "hooli": 0.1,
    "stark": 0.06,
}


def fired(detector: Any, events: Iterable[Happening], after: int) -> int:
    """How many episodes open after ``after``."""
    pool, states, open_, count = detector.pool(), {}, set(), 0
    for at, key, document in events:
        seen = Observation(at, at, "", 1, document)
        if detector.pooled and detector.observe_pool(pool, seen):
            continue
        state = states.get(key)
        if state is None:
            state = states[key] = detector.start(key, at)
        for reading in detector.advance(state, pool, at - 30_000):
            if reading.active and key not in open_ and at > after:
                count += 1
            (open_.add if reading.active else open_.discard)(key)
        detector.observe(state, pool, seen)
    return count


def shares(weeks: int, seed: int) -> Iterator[Happening]:
    """Every segment has a share of its own, for ever."""
    rng = Random(seed)
    rows = {(t, h): (n * w, p) for t, w in TENANTS.items() for h, (n, p) in HAZARDS.items()}
    keys, weights = list(rows), [n for n, _ in rows.values()]
    total = int(sum(weights) * weeks)
    at = 0.0
    for key in rng.choices(keys, weights, k=total):
        at += rng.expovariate(total / (weeks * WEEK))
        yield int(at), key, {"type": "x", "hit": rng.random() < rows[key][1]}


def arrivals(weeks: int, seed: int, kind: str, an_hour: float, keys: int) -> Iterator[Happening]:
    """Counts that are Poisson, follow the day and the week, or come in clumps of three on the mean."""
    rng, events = Random(seed), []
    for key in range(keys):
        at = 0.0
        while (
            at := at + rng.expovariate(an_hour / HOUR / (3 if kind == "clumped" else 1))
        ) < weeks * WEEK:
            rhythm = 0.5 * (1 + sin(at / DAY * 2 * pi)) * (1.0 if at // DAY % 7 < 5 else 0.4)
            if kind == "seasonal" and rng.random() > rhythm:
                continue
            size = 1
            while kind == "clumped" and rng.random() < 2 / 3:
                size += 1
            events += [(int(at + n * 20_000), (str(key),)) for n in range(size)]
    for at, name in sorted(events):
        yield at, name, {}


def values(weeks: int, seed: int, a_week: int, keys: int) -> Iterator[Happening]:
    """One distribution over ten bins, for ever."""
    rng, at, total = Random(seed), 0.0, a_week * keys * weeks
    documents = [{"v": str(n)} for n in range(10)]
    bins = [0.148, 0.272, 0.248, 0.165, 0.102, 0.042, 0.0154, 0.0027, 0.0002, 0.0044]
    for document in rng.choices(documents, bins, k=total):
        at += rng.expovariate(total / (weeks * WEEK))
        yield int(at), (str(rng.randrange(keys)),), document


def releases(events: Iterable[Happening]) -> Iterator[Happening]:
    """The same traffic with a release that changes nothing every two days."""
    following = WEEK
    for at, key, document in events:
        if at >= following:
            following += 2 * DAY
            yield at, (), {"deploy": True}
        yield at, key, document


def shift(direction: Any = "up", tolerance: float = 0.0, budget: float = 1.0) -> Shift:
    """A ``shift`` over a week's baseline."""
    return Shift(lambda d: bool(d["hit"]), WEEK, 2.0, tolerance, direction, budget)


def main(weeks: int) -> None:
    """Print one row a case."""
    value = Field(name="v", label="v", get=lambda d: d["v"])
    for direction, tolerance in (("up", 0.0), ("both", 0.0), ("up", 0.15), ("down", 0.15)):
        found = fired(shift(direction, tolerance), shares(weeks + 1, 1), WEEK)
        print(
            f"shift {direction:5} tolerance {tolerance:.2f}: {found / weeks:.2f} false pages a week, budget 1",
            flush=True,
        )
    found = fired(Drift(value, None, 10, WEEK, 1.0), values(weeks + 1, 2, 5_000, 4), WEEK)
    print(f"drift 10 bins, 4 keys: {found / weeks:.2f} false pages a week, budget 1", flush=True)
    for kind in ("poisson", "seasonal", "clumped"):
        found = fired(
            Spike(HOUR, 28 * DAY, 5, 1.5, 1.0), arrivals(weeks + 4, 3, kind, 6.0, 8), 4 * WEEK
        )
        print(f"spike {kind}: {found / weeks:.2f} false pages a week, budget 1", flush=True)
    detector = Rollout(lambda d: bool(d["hit"]), lambda d: "deploy" in d, 0.05, 0.0, DAY)
    found = fired(detector, releases(shares(weeks + 1, 4)), WEEK)
    watches = weeks * 3.5
    print(f"rollout alpha 0.05: {found} alarms in {watches:.0f} watches of 30 segments", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 52)
