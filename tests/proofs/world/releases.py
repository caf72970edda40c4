"""Releases whose truth is known: ones that change nothing, and ones that change a few of many segments.

Law: drawn from a seed; every event is looked at, as the daemon does (continuous peeking).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.rollout import Canary, Rollout
from rulesd.model.instant import DAY, HOUR, Instant
from tests.proofs.null_traffic import WEEK, Happening, releases, shares

ALPHA = 0.05
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What one release was accused of."""

    right: int
    "Changed segments that were accused."

    wrong: int
    "Innocent ones."

    changed: int


def detector() -> Rollout:
    """A ``rollout`` without a tolerance band, which would only make it safer."""
    return Rollout(lambda d: bool(d["hit"]), lambda d: "deploy" in d, ALPHA, 0.0, DAY)


def alarms(events: Iterable[Happening]) -> dict[Instant, set[Key]]:
    """By release: the segments that were accused, at whatever moment."""
    rollout = detector()
    pool = rollout.pool()
    states: dict[Key, Canary] = {}
    out: dict[Instant, set[Key]] = {}
    latest = 0
    for at, key, document in events:
        seen = Observation(at, at, "", 1, document)
        if rollout.observe_pool(pool, seen):
            continue
        latest = at
        state = states.get(key)
        if state is None:
            state = states[key] = rollout.start(key, at)
        for reading in rollout.advance(state, pool, at - 30_000):
            if reading.active:
                out.setdefault(reading.since or 0, set()).add(key)
        rollout.observe(state, pool, seen)
    for key, state in states.items():
        for reading in rollout.advance(state, pool, latest + HOUR):
            if reading.active:
                out.setdefault(reading.since or 0, set()).add(key)
    return out


def peeked(weeks: int, seed: int) -> tuple[int, int]:
    """Releases that change nothing: how many had any of 30 segments accused, and how many there were."""
    found = alarms(releases(shares(weeks + 1, seed * 31)))
    return len(found), int(weeks * WEEK // (2 * DAY))


def accused(segments: int, changed: int, seed: int) -> Found:
    """One release over many segments of unequal traffic; the odds of ``changed`` of them go up fourfold."""
    rng = Random(seed * 104_729 + 3)
    names = [(f"s{n}",) for n in range(segments)]
    usual = {name: min(0.5, rng.gammavariate(2.0, 0.02)) for name in names}
    volume = {name: rng.uniform(100.0, 600.0) for name in names}
    guilty = set(rng.sample(names, changed))
    release = WEEK
    events: list[Happening] = [(release, (), {"deploy": True})]
    for name in names:
        for low, length, many in ((0, WEEK, volume[name]), (release, DAY, volume[name] * 0.6)):
            share = usual[name]
            if low and name in guilty:
                odds = 4.0 * share / (1.0 - share)
                share = odds / (1.0 + odds)
            for _ in range(int(many)):
                at = low + 1 + int(rng.random() * (length - 2))
                events.append((at, name, {"type": "x", "hit": rng.random() < share}))
    events.sort(key=lambda e: e[0])
    found = set().union(*alarms(events).values())
    return Found(len(found & guilty), len(found - guilty), changed)
