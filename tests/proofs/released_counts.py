"""What releases cost a ``spike`` or a ``drift`` rule in false pages: ``python -m tests.proofs.released_counts [WEEKS]``.

The traffic of ``null_traffic``, in which nothing happens, with no release, with one a week and with two; a drift also with values in clumps, a measure that is log-normal. The
promise: each release costs as much as two weeks of the budget. Observed must not be more than 1.5 times that. What a rule costs without releases is ``null_traffic``'s business.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from rulesd.core.detectors.deploys import TIGHTER, WATCH
from rulesd.core.detectors.drift import Drift
from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.spike import Spike
from rulesd.core.detectors.spike_measure import SpikeMeasure
from rulesd.core.field import Field
from rulesd.model.instant import DAY, HOUR
from tests.proofs.null_traffic import WEEK, Happening, arrivals, values

BUDGET = 0.4
VALUE = Field(name="v", label="v", get=lambda d: d.get("v"))


def clumps(weeks: int, seed: int) -> Iterator[Happening]:
    """Values of four keys that come five at a time, the same value each."""
    rng = Random(seed)
    for at, key, document in values(weeks, seed, 1_000, 4):
        for n in range(rng.randint(1, 9)):
            yield at + n, key, document


def measures(weeks: int, seed: int) -> Iterator[Happening]:
    """A measure (log-normal) of three keys, twenty an hour each."""
    rng, at = Random(seed), 0.0
    while (at := at + rng.expovariate(60 / HOUR)) < weeks * WEEK:
        yield int(at), (str(rng.randrange(3)),), {"v": rng.lognormvariate(3.0, 0.5)}


def with_releases(events: Iterable[Happening], a_week: int) -> Iterator[Happening]:
    """The same traffic with so many releases a week that change nothing."""
    following = WEEK + WEEK // 5
    for at, key, document in events:
        while a_week and at >= following:
            yield following, (), {"type": "deploy.change"}
            following += WEEK // a_week
        yield at, key, document


def openings(detector: Any, events: Iterable[Happening], after: int) -> int:
    """How many alerts open after ``after``."""
    pool, states, count = detector.pool(), {}, 0
    open_: set[tuple[str, ...]] = set()
    for at, key, document in events:
        seen = Observation(at, at, "", 1, document)
        if detector.observe_pool(pool, seen):
            continue
        state = states.get(key)
        if state is None:
            state = states[key] = detector.start(key, at)
        for reading in detector.advance(state, pool, at - 30_000):
            count += reading.active and key not in open_ and at > after
            (open_.add if reading.active else open_.discard)(key)
        detector.observe(state, pool, seen)
    return count


Case = tuple[str, Callable[[], Any], Callable[[int], Iterable[Happening]], int]

CASES: list[Case] = [
    ("drift, four keys", lambda: Drift(VALUE, None, 10, WEEK, BUDGET), lambda w: values(w, 21, 2_000, 4), 1),
    ("drift, clumps", lambda: Drift(VALUE, None, 10, WEEK, BUDGET), lambda w: clumps(w, 22), 1),
    ("spike, Poisson", lambda: Spike(HOUR, 28 * DAY, 5, 1.5, BUDGET), lambda w: arrivals(w, 23, "poisson", 6.0, 8), 4),
    ("spike, seasonal", lambda: Spike(HOUR, 28 * DAY, 5, 1.5, BUDGET), lambda w: arrivals(w, 24, "seasonal", 6.0, 8), 4),
    ("spike, clumps", lambda: Spike(HOUR, 28 * DAY, 5, 1.5, BUDGET), lambda w: arrivals(w, 25, "clumped", 6.0, 8), 4),
    ("spike of a measure", lambda: SpikeMeasure(VALUE, HOUR, WEEK, BUDGET), lambda w: measures(w, 26), 1),
]  # fmt: skip
"""Name, detector, traffic of so many weeks, and how many of them it learns."""


def main(weeks: int) -> int:
    """Print one row a case; 1 when a release costs more than promised."""
    broken, promised = 0, BUDGET * TIGHTER * WATCH / WEEK
    for name, detector, traffic, learns in CASES:
        without = 0.0
        for a_week in (0, 1, 2):
            events = with_releases(traffic(weeks + learns), a_week)
            found = openings(detector(), events, learns * WEEK) / weeks
            if not a_week:
                without = found
                print(f"{name}: {found:.2f} false pages a week without a release", flush=True)
                continue
            each = (found - without) / a_week
            broken += each > 1.5 * promised
            said = f"{found:.2f}, {each:.2f} for each release, promised {promised:.2f}"
            print(f"{name}, {a_week} a week: {said}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 26))
