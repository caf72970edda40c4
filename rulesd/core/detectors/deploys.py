"""What a deploy means to rules that learn: a watch in which less evidence is enough, and after which they learn anew.

Law: pure; known deploys ascend. Stages of a release within an hour are one. A rule is told of deploys by ``deploy.change`` in its ``on``.

For a day after a deploy each look may fire with ``TIGHTER`` times the chance it has otherwise: a release costs as many false pages as two weeks
without one (14 = two weeks / a day), as one of ``shift`` does. Whoever releases once a week takes half the budget.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from rulesd.core.detectors.protocol import Observation
from rulesd.model.instant import DAY, Instant, Milliseconds

DEPLOY = "deploy.change"
"The type of event that tells of one."

WATCH: Milliseconds = DAY
"How long after a deploy a rule is watchful, and learns nothing for good."

TIGHTER = 14.0
"How much likelier a chance alarm may be in the watch: two weeks' worth of false pages within it."

MOST_TAIL = 0.05
"No look fires on what chance gives more often than this, watch or not."

KEPT = 8
"Deploys that are remembered, the latest ones."


def is_deploy(seen: Observation) -> bool:
    """Whether an observation is a deploy rather than an event of a key."""
    return seen.document.get("type") == DEPLOY


def noted(watches: Sequence[Instant], at: Instant) -> list[Instant]:
    """The deploys known, with one more."""
    return sorted({*watches, at})[-KEPT:]


def watched(watches: Sequence[Instant], at: Instant) -> Instant | None:
    """The latest deploy in whose watch ``at`` lies; ``None`` outside all watches."""
    place = bisect_left(watches, at)
    return watches[place - 1] if place and at <= watches[place - 1] + WATCH else None


def tail(chance: float, watches: Sequence[Instant], at: Instant) -> float:
    """The chance at which a look fires at ``at``, given what it is otherwise."""
    if not watches or watched(watches, at) is None:
        return chance
    return max(chance, min(MOST_TAIL, TIGHTER * chance))


def over(watches: Sequence[Instant], at: Instant) -> Instant | None:
    """When the latest watch that is over at ``at`` ended; ``None`` without one."""
    place = bisect_right(watches, at - WATCH)
    return watches[place - 1] + WATCH if place else None
