"""Drives one detector the way the engine does, in any order of arrival, with or without a restart after every step."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

from rulesd.core.detectors.protocol import Observation, Reading
from rulesd.model.event import Document

LATENESS = 30_000


class Seen(NamedTuple):
    at: int
    document: Document
    key: tuple[str, ...] = ("k",)
    weight: int = 1


def run(
    detector: Any,
    events: Iterable[Seen],
    *,
    lateness: int = LATENESS,
    restart: bool = False,
    lazy: bool = False,
    every: int = 1,
    until: int | None = None,
) -> dict[tuple[str, ...], list[Reading]]:
    """What the detector says of each key; after the last event time goes on to ``until``.

    ``lazy``: ask the detector to advance only when it said it would have something to say. ``every``: only at every so many events.
    """
    pool, states, said = detector.pool(), {}, {}
    newest = 0
    for number, (at, document, key, weight) in enumerate(events):
        newest = max(newest, at)
        seen = Observation(at, newest, f"e{number}", weight, document)
        if detector.pooled and detector.observe_pool(pool, seen):
            continue
        if key not in states:
            states[key], said[key] = detector.start(key, at), []
        state = states[key]
        due = detector.deadline(state, pool)
        if number % every:
            pass
        elif not lazy or (due is not None and due <= newest - lateness):
            said[key] += detector.advance(state, pool, newest - lateness)
        found = detector.observe(state, pool, seen)
        if found is not None:
            said[key].append(found)
        if restart:
            states[key] = detector.load(detector.dump(state))
            pool = detector.load_pool(detector.dump_pool(pool))
    end = newest + lateness if until is None else until
    for key, state in states.items():
        while (due := detector.deadline(state, pool)) is not None and due <= end:
            before = detector.dump(state)
            said[key] += detector.advance(state, pool, due)
            assert detector.dump(state) != before, (
                "a deadline at which nothing happens would come again for ever"
            )
        said[key] += detector.advance(state, pool, end)
    return said


def shuffled(events: Sequence[Seen], rng: Random, lateness: int = LATENESS) -> list[Seen]:
    """The same events, each delivered up to ``lateness`` late."""
    return [
        e
        for _, _, e in sorted((e.at + rng.randrange(lateness), n, e) for n, e in enumerate(events))
    ]


def episodes(readings: Iterable[Reading]) -> list[tuple[int, int | None]]:
    """(start, end) of each stretch of active readings; the end is ``None`` while it lasts."""
    out: list[tuple[int, int | None]] = []
    for reading in readings:
        if reading.active and (not out or out[-1][1] is not None):
            out.append((reading.at, None))
        elif not reading.active and out and out[-1][1] is None:
            out[-1] = (out[-1][0], reading.at)
    return out
