"""Traffic in which nothing happens, made from the recording: what a detector fires on it is a false page.

Law: seeded and deterministic. *Shuffled* keeps every time, key and mark and only forgets which mark came when: nothing changes over time, so
every alert is chance. Where marks come in clumps, runs of events change places as a whole. *Simulated* draws events at each key's rate and rhythm, each for itself or, where they
come in clumps, clump by clump; where the traffic moves, it goes on moving.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from rulesd.core.labels import key_of
from rulesd.core.plan import Rule
from rulesd.model.instant import HOUR, Instant, Milliseconds
from rulesd.runners.calibrate_clumps import Timed, arriving, clumps
from rulesd.runners.calibrate_count import poisson_draw
from rulesd.runners.calibrate_traffic import hour_of_week
from rulesd.runners.calibrate_watch import Key, Matched, by_key

LEAST_LEVEL = 0.1
"Traffic that falls does not fall below this part of what was recorded."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A level that moves in a straight line, and how far ahead of the recording it is looked at."""

    slope: float = 0.0
    "Of the mean level of the recording, for a millisecond."

    ahead: Milliseconds = 0
    "From the recording to the traffic that is drawn."

    def level(self, at: Instant, began: Instant, ended: Instant) -> float:
        """As a part of the recording's mean, for traffic drawn between its times."""
        return max(LEAST_LEVEL, 1.0 + self.slope * (at + self.ahead - (began + ended) / 2))


FLAT = Trend()


def shuffled(rule: Rule, events: Matched, seed: int, gap: Milliseconds = 0) -> list[Timed]:
    """The same events with their documents in random order within each key and type; with ``gap``: the runs of each key in random order."""
    draw = Random(seed)  # noqa: S311 - a permutation test, not a secret
    if gap:
        return _runs(rule, events, draw, gap)
    groups: defaultdict[tuple[Key, str], list[int]] = defaultdict(list)
    getters = tuple(f.get for f in rule.by)
    for i, (event, _) in enumerate(events):
        groups[(key_of(getters, event.document), event.type)].append(i)
    out = list(events)
    for places in groups.values():
        documents = [events[i][0].document for i in places]
        draw.shuffle(documents)
        for i, document in zip(places, documents, strict=True):
            event, now = events[i]
            out[i] = (event._replace(document=document), now)
    return out


def _runs(rule: Rule, events: Matched, draw: Random, gap: Milliseconds) -> list[Timed]:
    """Each run begins where another began, and is otherwise as it was."""
    out: list[Timed] = []
    for mine in by_key(rule, events).values():
        runs = clumps(mine, gap)
        starts = [run[0][0].at for run in runs]
        draw.shuffle(runs)
        for start, run in zip(starts, runs, strict=True):
            moved = start - run[0][0].at
            out += [(event._replace(at=event.at + moved), now + moved) for event, now in run]
    out.sort(key=lambda pair: (pair[1], pair[0].id))
    return out


def simulated(
    rule: Rule,
    events: Matched,
    began: Instant,
    ended: Instant,
    seed: int,
    gap: Milliseconds = 0,
    trend: Trend = FLAT,
) -> list[Timed]:
    """Independent events (with ``gap``: runs of events) of the same keys, as many as recorded on average (or as the trend says), at the recorded hours of the week."""
    draw = Random(seed)  # noqa: S311 - a simulation, not a secret
    profile = arriving(rule, events, began, ended, gap).profile
    hours = list(range(began // HOUR, ended // HOUR + 1))
    levels = [trend.level(h * HOUR, began, ended) for h in hours]
    usual = [profile[hour_of_week(h * HOUR)] for h in hours]
    weights = [p * level for p, level in zip(usual, levels, strict=True)]
    grown = sum(weights) / sum(usual)
    out: list[Timed] = []
    for mine in by_key(rule, events).values():
        out.extend(_of_key(clumps(mine, gap), grown, hours, weights, (began, ended), draw))
    out.sort(key=lambda pair: (pair[1], pair[0].id))
    return out


def _of_key(
    runs: list[list[Timed]],
    grown: float,
    hours: list[int],
    weights: list[float],
    within: tuple[Instant, Instant],
    draw: Random,
) -> Iterator[Timed]:
    began, ended = within
    for n, hour in enumerate(draw.choices(hours, weights, k=poisson_draw(len(runs) * grown, draw))):
        start = hour * HOUR + draw.randrange(HOUR)
        run = draw.choice(runs)
        for event, _ in run:
            at = min(max(start + event.at - run[0][0].at, began), ended)
            yield event._replace(at=at, id=f"{event.id}-{n}"), at
