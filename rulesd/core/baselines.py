"""What the rules that learn have learned: one row for each key, for people to look at.

Law: looking changes nothing. A detector that learns has ``learned(state, pool, at)``: plain facts about what it expects of a key as of ``at``,
or ``None`` while it does not know enough. Others have no baseline.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from rulesd.core.detection import Detection
from rulesd.core.labels import is_error, labels_of
from rulesd.model.event import Json
from rulesd.model.instant import Instant

Learned = Callable[[object, object, Instant], Mapping[str, Json] | None]


class Baseline(NamedTuple):
    """What one rule expects of one key."""

    rule: str
    labels: Mapping[str, str]
    learned: Mapping[str, Json] | None
    "``None``: still learning."


def baselines(detection: Detection, at: Instant) -> Iterator[Baseline]:
    """Every baseline, by rule in the order of the plan and by key."""
    for book in detection.books:
        told: Learned | None = getattr(book.detector, "learned", None)
        if told is None:
            continue
        for entry in book.entries():
            if not is_error(entry.key):
                labels = labels_of(book.rule.by, entry.key)
                yield Baseline(book.id, labels, told(entry.state, book.pool, at))
