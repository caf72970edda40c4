"""The same evidence in another order of arrival, delivered with restarts in between, gives the same alerts."""

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.core.detectors.harness import LATENESS, Seen, run, shuffled


def fired(detector: Any, events: Sequence[Seen], **options: Any) -> set[tuple[str, ...]]:
    """The keys of which the detector ever said that its condition holds."""
    said = run(detector, events, **options)
    return {key for key, readings in said.items() if any(r.active for r in readings)}


def same_alerts(
    detector: Any, events: Sequence[Seen], seed: int, *, until: int, lateness: int = LATENESS
) -> set[tuple[str, ...]]:
    """The keys that fire, after checking that neither order nor restarts change them."""
    ordered = sorted(events, key=lambda e: e.at)
    plain = fired(detector, ordered, until=until, lateness=lateness)
    mixed = shuffled(ordered, Random(seed), lateness)
    assert fired(detector, mixed, until=until, lateness=lateness) == plain
    once = run(detector, mixed, until=until, lateness=lateness)
    again = run(detector, mixed, until=until, lateness=lateness, restart=True)
    assert again == once
    return plain
