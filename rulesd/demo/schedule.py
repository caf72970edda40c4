"""When each incident happens, and when a demo that has an end is over.

Law: pure arithmetic on seconds. The first incident comes at once; the last one early enough to see its page, and a second one that
should not be.
"""

from dataclasses import dataclass

FIRST_S = 0.5
USUAL_GAP_S = 4.0
LEAST_GAP_S = 0.5
SETTLE_S = 4.0
"""Kept free after the last incident."""

PATIENCE_S = 15.0
"""How long past its end a demo waits for a page that is still missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Seconds between incidents."""

    gap_s: float


def plan(incidents: int, left_s: float | None) -> Schedule:
    """``left_s``: seconds until the demo's end, ``None`` when it has none."""
    if left_s is None or incidents < 1:
        return Schedule(gap_s=USUAL_GAP_S)
    room = (left_s - FIRST_S - SETTLE_S) / incidents
    return Schedule(gap_s=min(USUAL_GAP_S, max(LEAST_GAP_S, room)))


def over(*, elapsed_s: float, seconds: float, since_last_s: float, complete: bool) -> bool:
    """Whether it is time to end: the time is up, all pages are here or will not come any more."""
    if elapsed_s < seconds or since_last_s < SETTLE_S / 2:
        return False
    return complete or since_last_s >= PATIENCE_S
