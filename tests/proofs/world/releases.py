"""Releases whose truth is known: ones that change nothing, and ones that change a few of many segments.

Law: drawn from a seed; every event is looked at, as often as the daemon does (continuous peeking).
"""

from collections.abc import Iterable
from random import Random
from typing import Any

from rulesd.core.detectors.protocol import Observation
from rulesd.core.detectors.rollout import Canary, Rollout
from rulesd.model.instant import DAY, HOUR, Instant
from tests.proofs.null_traffic import WEEK, Happening, releases, shares

ALPHA = 0.05
MOMENTS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0)
"Hours after a release at which it is counted who has been accused by then."

LATENESS = 30_000
HIT: dict[str, Any] = {"type": "x", "hit": True}
MISS: dict[str, Any] = {"type": "x", "hit": False}

Key = tuple[str, ...]
Accused = dict[Key, Instant]
"Segments that were accused, and when first."


def detector() -> Rollout:
    """A ``rollout`` without a tolerance band, which would only make it safer."""
    return Rollout(lambda d: bool(d["hit"]), lambda d: "deploy" in d, ALPHA, 0.0, DAY)


class Watched:
    """A ``rollout`` rule and its segments, looked at as often as the daemon does."""

    def __init__(self) -> None:
        """Nothing seen."""
        self.rollout = detector()
        self.pool = self.rollout.pool()
        self.states: dict[Key, Canary] = {}
        self.dues: dict[Key, Instant | None] = {}
        self.found: dict[Instant, Accused] = {}
        "By release: the segments that were accused, at whatever moment."

    def known(self, key: Key, trials: int, hits: int, until: Instant) -> None:
        """What a segment showed before any release, without an event for each: the counts that they would have left."""
        learned = self.pool.segments
        learned.since = 0
        learned.tallies[key] = [trials, hits]
        learned.weight += trials
        learned.squares += trials
        state = self.states[key] = self.rollout.start(key, until)
        state.learn(trials, hits)

    def see(self, events: Iterable[Happening]) -> None:
        """Take what happens, in order."""
        latest = 0
        for at, key, document in events:
            seen = Observation(at, at, "", 1, document)
            if self.rollout.observe_pool(self.pool, seen):
                continue
            latest = at
            state = self.states.get(key)
            if state is None:
                state = self.states[key] = self.rollout.start(key, at)
            if (due := self.dues.get(key)) is not None and due <= at - LATENESS:
                self._look(key, state, at - LATENESS)
            self.rollout.observe(state, self.pool, seen)
            self.dues[key] = self.rollout.deadline(state, self.pool)
        for key, state in self.states.items():
            self._look(key, state, latest + HOUR)

    def _look(self, key: Key, state: Canary, watermark: Instant) -> None:
        for reading in self.rollout.advance(state, self.pool, watermark):
            if reading.active:
                self.found.setdefault(reading.since or 0, {}).setdefault(key, reading.at)


def peeked(weeks: int, seed: int) -> tuple[int, int]:
    """Releases that change nothing: how many had any of 30 segments accused, and how many there were."""
    rule = Watched()
    rule.see(releases(shares(weeks + 1, seed * 31)))
    return len(rule.found), int(weeks * WEEK // (2 * DAY))


def accused(segments: int, changed: int, seed: int) -> dict[str, Any]:
    """One release over many segments of unequal traffic; the odds of ``changed`` of them go up fourfold. ``by``: of the changed, and of the others, so many were accused by each moment."""
    rng = Random(seed * 104_729 + 3)
    names = [(f"s{n}",) for n in range(segments)]
    usual = {name: min(0.5, rng.gammavariate(2.0, 0.02)) for name in names}
    volume = {name: rng.uniform(100.0, 600.0) for name in names}
    guilty = set(rng.sample(names, changed))
    release, rule = WEEK, Watched()
    events: list[Happening] = [(release, (), {"deploy": True})]
    for name in names:
        share, before = usual[name], int(volume[name])
        rule.known(name, before, sum(rng.random() < share for _ in range(before)), release)
        if name in guilty:
            odds = 4.0 * share / (1.0 - share)
            share = odds / (1.0 + odds)
        for _ in range(int(volume[name] * 0.6)):
            at = release + 1 + int(rng.random() * (DAY - 2))
            events.append((at, name, HIT if rng.random() < share else MISS))
    events.sort(key=lambda e: e[0])
    rule.see(events)
    (found,) = rule.found.values() or ({},)
    by = []
    for hours in MOMENTS:
        told = {key for key, at in found.items() if at <= release + hours * HOUR}
        by.append([len(told & guilty), len(told - guilty)])
    return {"by": by, "changed": changed}
