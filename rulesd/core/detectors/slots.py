"""Event-time slots that wait for the watermark: how a sequential statistic stays blind to the order of arrival.

Law: a statistic that reads events one after another would decide differently for another order of arrival. So events are
counted into short slots of event time, and a slot is read once, whole, when the watermark has passed its end. Within the
lateness every order of arrival gives the same slots, hence the same decisions. Evidence later than that is not lost: it is
counted in the oldest slot that has not been read yet.

Memory: one short list for each slot between the watermark and the newest event (two or three at 30 s of lateness), or sixteen if that is more.
"""

from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, SECOND, Instant, Milliseconds

WIDTH: Milliseconds = 15 * SECOND
"A decision waits at most this long after the watermark could have given it."

MANY = 16
"Slots that are read at once when nothing hurries."


class Slots:
    """The unread slots of one key; each holds counts, whose meaning is the detector's."""

    __slots__ = ("next", "waiting")

    def __init__(self) -> None:
        """Nothing seen."""
        self.waiting: dict[int, list[int]] = {}
        self.next = 0
        "The first slot that has not been read."

    def at(self, at: Instant, size: int) -> list[int]:
        """The counts of the slot that holds ``at``: ``size`` of them."""
        index = at // WIDTH
        index = max(index, self.next)
        counts = self.waiting.get(index)
        if counts is None:
            counts = self.waiting[index] = [0] * size
        return counts

    def ripe(self, watermark: Instant) -> list[tuple[Instant, list[int]]]:
        """Take the slots that end at or before ``watermark``, in order, each with its end."""
        last = watermark // WIDTH
        waiting = self.waiting
        due = [index for index in waiting if index < last]
        if not due:
            return []
        due.sort()
        self.next = due[-1] + 1
        return [((index + 1) * WIDTH, waiting.pop(index)) for index in due]

    def due(self) -> Instant | None:
        """When the oldest unread slot ends."""
        return (min(self.waiting) + 1) * WIDTH if self.waiting else None

    def lazy(self) -> Instant | None:
        """When to read slots that have nothing to say: an hour late, or as soon as there are many."""
        due = self.due()
        return due if due is None or len(self.waiting) >= MANY else due + HOUR

    def dump(self) -> Json:
        """The next slot to read and the waiting ones, oldest first."""
        waiting: list[Json] = [[i, *self.waiting[i]] for i in sorted(self.waiting)]
        return [self.next, waiting]

    @classmethod
    def load(cls, data: Json) -> "Slots":
        """From what ``dump`` gave."""
        next_, waiting = rows(data)
        out = cls()
        out.next = whole(next_)
        for row in rows(waiting):
            index, *counts = wholes(row)
            out.waiting[index] = counts
        return out
