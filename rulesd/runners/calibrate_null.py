"""Traffic in which nothing happens, made from the recording: what a detector fires on it is a false page.

Law: seeded and deterministic. *Shuffled* keeps every time, key and mark and only forgets which mark came when: nothing changes over time, so
every alert is chance. *Simulated* draws independent events at each key's rate and rhythm.
"""

from collections import defaultdict
from collections.abc import Iterator
from random import Random

from rulesd.core.labels import key_of
from rulesd.core.plan import Rule
from rulesd.model.event import Event
from rulesd.model.instant import HOUR, Instant
from rulesd.runners.calibrate_count import poisson_draw
from rulesd.runners.calibrate_scan import WEEK_HOURS
from rulesd.runners.calibrate_traffic import hour_of_week
from rulesd.runners.calibrate_watch import Key, Matched, by_key

Timed = tuple[Event, Instant]


def shuffled(rule: Rule, events: Matched, seed: int) -> list[Timed]:
    """The same events with their documents in random order within each key and type."""
    draw = Random(seed)  # noqa: S311 - a permutation test, not a secret
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


def simulated(
    rule: Rule, events: Matched, began: Instant, ended: Instant, seed: int
) -> list[Timed]:
    """Independent events of the same keys, as many as recorded on average, at the recorded hours of the week."""
    draw = Random(seed)  # noqa: S311 - a simulation, not a secret
    weekly = [0.0] * WEEK_HOURS
    for event, _ in events:
        weekly[hour_of_week(event.at)] += 1
    hours = list(range(began // HOUR, ended // HOUR + 1))
    weights = [weekly[hour_of_week(h * HOUR)] for h in hours]
    out: list[Timed] = []
    for mine in by_key(rule, events).values():
        out.extend(_of_key(mine, hours, weights, (began, ended), draw))
    out.sort(key=lambda pair: (pair[1], pair[0].id))
    return out


def _of_key(
    mine: list[Timed],
    hours: list[int],
    weights: list[float],
    within: tuple[Instant, Instant],
    draw: Random,
) -> Iterator[Timed]:
    began, ended = within
    for n, hour in enumerate(draw.choices(hours, weights, k=poisson_draw(len(mine), draw))):
        at = min(max(hour * HOUR + draw.randrange(HOUR), began), ended)
        event = draw.choice(mine)[0]
        yield event._replace(at=at, id=f"{event.id}-{n}"), at
