"""What releases cost ``shift``, ``drift`` and ``spike`` rules in false pages: ``python -m tests.proofs.released [--weeks 26] [--only WORD]``.

The traffic of ``null_traffic``, in which nothing happens, with no release, with one a week and with two; a drift also with values in clumps, a measure that is log-normal. The
promise: each release costs as much as two weeks of the budget. Observed must not be more than 1.5 times that. What a rule costs without releases is ``null_traffic``'s business.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from rulesd.core.detectors.deploys import TIGHTER, WATCH
from rulesd.core.detectors.drift import Drift
from rulesd.core.detectors.spike import Spike
from rulesd.core.detectors.spike_measure import SpikeMeasure
from rulesd.core.field import Field
from rulesd.model.instant import DAY, HOUR
from rulesd.runners.calibrate_scan import poisson_interval
from tests.proofs.null_traffic import WEEK, Happening, arrivals, fired, shares, shift, values

BUDGET = 0.4
WEEKS_EACH = TIGHTER * WATCH / WEEK
"So many weeks' worth of false pages a release may cost."

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


Case = tuple[str, Callable[[], Any], Callable[[int], Iterable[Happening]], int, float]

CASES: list[Case] = [
    ("shift, 30 segments", lambda: shift("up", 0.15, BUDGET / 2), lambda w: shares(w, 11), 1, BUDGET / 2),
    ("drift, four keys", lambda: Drift(VALUE, None, 10, WEEK, BUDGET), lambda w: values(w, 21, 2_000, 4), 1, BUDGET),
    ("drift, clumps", lambda: Drift(VALUE, None, 10, WEEK, BUDGET), lambda w: clumps(w, 22), 1, BUDGET),
    ("spike, Poisson", lambda: Spike(HOUR, 28 * DAY, 5, 1.5, BUDGET), lambda w: arrivals(w, 23, "poisson", 6.0, 8), 4, BUDGET),
    ("spike, seasonal", lambda: Spike(HOUR, 28 * DAY, 5, 1.5, BUDGET), lambda w: arrivals(w, 24, "seasonal", 6.0, 8), 4, BUDGET),
    ("spike, clumps", lambda: Spike(HOUR, 28 * DAY, 5, 1.5, BUDGET), lambda w: arrivals(w, 25, "clumped", 6.0, 8), 4, BUDGET),
    ("spike of a measure", lambda: SpikeMeasure(VALUE, HOUR, WEEK, BUDGET), lambda w: measures(w, 26), 1, BUDGET),
]  # fmt: skip
"""Name, detector, traffic of so many weeks, how many of them it learns, and its budget."""


def main() -> int:
    """Print one row a case; 1 when a release costs more than promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=26)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    given = parser.parse_args()
    weeks, broken = given.weeks, 0
    for name, detector, traffic, learns, budget in CASES:
        if given.only not in name:
            continue
        promised, without = budget * WEEKS_EACH, 0
        for a_week in (0, 1, 2):
            events = with_releases(traffic(weeks + learns), a_week)
            found = fired(detector(), events, learns * WEEK)
            low, high = (n / weeks for n in poisson_interval(found, 0.05))
            said = f"{found / weeks:.2f} false pages a week ({low:.2f}-{high:.2f})"
            if not a_week:
                without = found
                print(f"{name}, no release: {said}, budget {budget:g}", flush=True)
                continue
            each = (found - without) / weeks / a_week
            broken += each > 1.5 * promised
            more = f"{each:.2f} for each release, promised {promised:.2f}"
            print(f"{name}, {a_week} a week: {said}, {more}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
