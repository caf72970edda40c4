"""What releases cost a ``shift`` rule in false pages: ``python -m tests.proofs.released [WEEKS]``.

The traffic of ``null_traffic`` (30 segments, nothing happens), with no release, with one a week and with two. The promise: ``budget`` a week, and as much
as two weeks for each release. Observed must not be more than 1.5 times that.
"""

import sys
from collections.abc import Iterable, Iterator

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.segments import AHEAD
from tests.proofs.null_traffic import WEEK, Happening, shares, shift

BUDGET = 0.2


def with_releases(events: Iterable[Happening], a_week: int) -> Iterator[Happening]:
    """The same traffic with so many releases a week that change nothing."""
    following = WEEK + WEEK // 5
    for at, key, document in events:
        while a_week and at >= following:
            yield following, (), {"type": "deploy.change"}
            following += WEEK // a_week
        yield at, key, document


def openings(events: Iterable[Happening]) -> int:
    """How many alerts open after the first week."""
    detector = shift("up", 0.15, BUDGET)
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
            count += reading.active and key not in open_
            (open_.add if reading.active else open_.discard)(key)
        detector.observe(state, pool, seen)
    return count


def main(weeks: int) -> int:
    """Print one row a case; 1 when a promise is broken."""
    broken = 0
    for a_week in (0, 1, 2):
        found = openings(with_releases(shares(weeks + 1, 11), a_week)) / weeks
        promised = BUDGET * (1 + AHEAD * a_week)
        broken += found > 1.5 * promised
        print(
            f"{a_week} releases a week: promised {promised:.2f} false pages a week, observed {found:.2f}",
            flush=True,
        )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 104))
