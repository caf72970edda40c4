"""Time to detect: synthetic incidents put into the recorded traffic, and how long the detector takes to see them.

Law: seeded and deterministic. An incident of effect f makes what the rule watches f times as frequent for one key (counts), gives f times the share
(rates), or f times the measure, from a random moment on, for at most a day. The recorded traffic around it stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from rulesd.core.detectors.protocol import Clock, Detector, Observation
from rulesd.core.plan import Rule
from rulesd.model.event import Document, Event
from rulesd.model.instant import DAY, HOUR, MINUTE, Instant, Milliseconds
from rulesd.runners.calibrate_count import poisson_draw
from rulesd.runners.calibrate_kinds import (
    Method,
    changed,
    hit_of,
    kind_of,
    learns_for,
    measured,
    same_in,
)
from rulesd.runners.calibrate_watch import Key, Matched, by_key

EFFECTS = (1.5, 2.0, 5.0)
HORIZON: Milliseconds = DAY
"An incident that is not seen within this counts as missed."

SAMPLES = 24
_WORK = 400_000
"Observations spent on one effect."


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """How one effect is seen."""

    effect: float
    incidents: int
    seen: int
    median: Milliseconds | None
    "Of all incidents, those missed counted as longest; ``None``: half of them or more are missed."

    slowest: Milliseconds | None
    "Nine of ten are seen within this; ``None``: more than one in ten is missed."


def times_to_detect(
    rule: Rule, detector: "Detector[Any]", events: Matched, began: Instant, ended: Instant
) -> list[Detected]:
    """For each effect; empty when the detector has nothing to make stronger, or the recording is too short."""
    keys = by_key(rule, events)
    first = began + max(learns_for(detector), DAY)
    if not keys or ended - first < HOUR or not _can(detector):
        return []
    warm = learns_for(detector) > 0
    cost = len(events) if warm else max(1, len(events) // len(keys))
    samples = max(3, min(SAMPLES, _WORK // max(cost, 1)))
    out: list[Detected] = []
    for effect in EFFECTS:
        draw = Random(7)  # noqa: S311 - the same incidents for each effect
        waits: list[Milliseconds | None] = []
        for _ in range(samples):
            key = _weighted(keys, draw)
            start = draw.randrange(first, max(first + 1, ended - HOUR))
            mine = keys[key]
            stream = _with_incident(detector, mine, effect, start, (began, ended), draw)
            waits.append(_seen(rule, detector, key, stream, start, warm=warm))
        out.append(_summed(effect, waits))
    return out


def _can(detector: "Detector[Any]") -> bool:
    method = kind_of(detector).method
    counts = method in (Method.FORMULA, Method.SIMULATED)
    return counts or hit_of(detector) is not None or measured(detector) is not None


def _weighted(keys: dict[Key, list[tuple[Event, Instant]]], draw: Random) -> Key:
    """A key, busy ones more often."""
    return draw.choices(list(keys), [len(v) for v in keys.values()])[0]


def _summed(effect: float, waits: Sequence[Milliseconds | None]) -> Detected:
    seen = sorted(w for w in waits if w is not None)
    n = len(waits)
    middle, ninth = (n - 1) // 2, -(-9 * n // 10) - 1
    return Detected(
        effect=effect,
        incidents=n,
        seen=len(seen),
        median=seen[middle] if middle < len(seen) else None,
        slowest=seen[ninth] if ninth < len(seen) else None,
    )


def _with_incident(
    detector: "Detector[Any]",
    mine: Sequence[tuple[Event, Instant]],
    effect: float,
    start: Instant,
    within: tuple[Instant, Instant],
    draw: Random,
) -> list[Event]:
    """One key's events in event time, with an incident from ``start`` on."""
    events = sorted((e for e, _ in mine), key=lambda e: (e.at, e.id))
    if kind_of(detector).method in (Method.FORMULA, Method.SIMULATED):
        length = within[1] - within[0]
        extra = list(_extra(detector, events, effect, start, length, draw))
        return sorted(events + extra, key=lambda e: (e.at, e.id))
    hit = hit_of(detector)
    if hit is not None:
        return list(_shared(detector, hit, events, effect, start, draw))
    return list(_scaled(detector, events, effect, start))


def _extra(
    detector: "Detector[Any]",
    events: list[Event],
    effect: float,
    start: Instant,
    length: Milliseconds,
    draw: Random,
) -> Iterator[Event]:
    """More events of the same key; their values are new, where values are counted."""
    distinct = getattr(detector, "distinct", None) or (
        getattr(detector, "field", None) if detector.name == "cardinality" else None
    )
    pattern = draw.choice(events)
    if detector.name == "repeat":
        usable = [e for e in events if same_in(detector, e.document)]
        if not usable:
            return
        pattern = draw.choice(usable)
        events = [
            e
            for e in usable
            if same_in(detector, e.document) == same_in(detector, pattern.document)
        ]
    mean = (effect - 1) * sum(e.weight for e in events) / length * HORIZON
    for n in range(poisson_draw(mean, draw)):
        document: Document = pattern.document
        if distinct is not None:
            document = changed(document, distinct, f"injected-{n}")
        at = start + draw.randrange(HORIZON)
        yield pattern._replace(id=f"injected-{n}", at=at, document=document, weight=1)


def _shared(
    detector: "Detector[Any]",
    hit: object,
    events: list[Event],
    effect: float,
    start: Instant,
    draw: Random,
) -> Iterator[Event]:
    """The share of hits becomes ``effect`` times as large (as small, for detectors of a fall)."""
    assert callable(hit)
    said = [hit(e.document) for e in events]
    hits = [e.document for e, h in zip(events, said, strict=True) if h]
    rest = [e.document for e, h in zip(events, said, strict=True) if h is False]
    share = len(hits) / max(len(hits) + len(rest), 1)
    down = kind_of(detector).down or getattr(detector, "direction", "") == "down"
    wanted = share / effect if down else min(0.98, share * effect)
    for event, h in zip(events, said, strict=True):
        turned = event
        if start <= event.at < start + HORIZON and h is not None:
            if down and h and rest and draw.random() < 1 - wanted / max(share, 1e-12):
                turned = event._replace(document=draw.choice(rest))
            elif (
                not down
                and not h
                and hits
                and draw.random() < (wanted - share) / max(1 - share, 1e-12)
            ):
                turned = event._replace(document=draw.choice(hits))
        yield turned


def _scaled(
    detector: "Detector[Any]", events: list[Event], effect: float, start: Instant
) -> Iterator[Event]:
    """The measure becomes ``effect`` times as large (as small)."""
    field = measured(detector)
    assert field is not None
    factor = 1 / effect if kind_of(detector).down else effect
    for event in events:
        value = field.get(event.document)
        if (
            start <= event.at < start + HORIZON
            and isinstance(value, int | float)
            and not isinstance(value, bool)
        ):
            yield event._replace(document=changed(event.document, field, value * factor))
        else:
            yield event


def _seen(
    rule: Rule,
    detector: "Detector[Any]",
    key: Key,
    stream: list[Event],
    start: Instant,
    *,
    warm: bool,
) -> Milliseconds | None:
    """How long after ``start`` the detector first says that its condition holds."""
    end = start + HORIZON
    window = int(getattr(detector, "within", 0) or HORIZON)
    since = 0 if warm else start - 2 * max(window, MINUTE)
    todo = [e for e in stream if since <= e.at <= end]
    if not todo:
        return None
    state, pool = detector.start(key, todo[0].at), detector.pool()
    held = 0 if detector.clock is Clock.ARRIVAL else rule.lateness
    for event in todo:
        for reading in detector.advance(state, pool, event.at - held):
            if reading.active and reading.at >= start:
                return event.at - start
        found = detector.observe(
            state, pool, Observation(event.at, event.at, event.id, event.weight, event.document)
        )
        if found is not None and found.active and event.at >= start:
            return event.at - start
    for reading in detector.advance(state, pool, end):
        if reading.active and reading.at >= start:
            return max(reading.at - start, 0)
    return None
