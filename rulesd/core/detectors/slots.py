"""Event-time slots that wait for the watermark: how a sequential statistic stays blind to the order of arrival.

Law: a statistic that reads events one after another would decide differently for another order of arrival. So events are
counted into short slots of event time, and a slot is read once, whole, when the watermark has passed its end. Within the
lateness every order of arrival gives the same slots, hence the same decisions. Evidence later than that is not lost: it is
counted in the oldest slot that has not been read yet.

Memory: one short list (``Slots``) or one number (``Shares``) for each slot between the watermark and the newest event (two or three at 30 s of lateness), or sixteen if that is more.
"""

from typing import Generic, TypeVar

from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.model.event import Json
from rulesd.model.instant import HOUR, SECOND, Instant, Milliseconds

WIDTH: Milliseconds = 15 * SECOND
"A decision waits at most this long after the watermark could have given it."

MANY = 16
"Slots that are read at once when nothing hurries."

BITS = 60
"A number of ``Shares`` is its hits times two to the power of this, plus its trials."
TRIALS = (1 << BITS) - 1
HIT = (1 << BITS) + 1

Counts = TypeVar("Counts")


class Waiting(Generic[Counts]):
    """The unread slots of one key; what each holds is the kind's."""

    __slots__ = ("newest", "next", "oldest", "waiting")

    def __init__(self) -> None:
        """Nothing seen."""
        self.waiting: dict[int, Counts] = {}
        self.next = 0
        "The first slot that has not been read."
        self.oldest = 0
        self.newest = 0
        "First and last of the waiting ones, while there are any."

    def place(self, index: int) -> int:
        """The slot in which evidence of slot ``index``, that is not waiting, counts: that one, or the first that was not read."""
        index = max(index, self.next)
        if not self.waiting:
            self.oldest = self.newest = index
        elif index < self.oldest:
            self.oldest = index
        elif index > self.newest:
            self.newest = index
        return index

    def ripe(self, watermark: Instant) -> list[tuple[Instant, Counts]]:
        """Take the slots that end at or before ``watermark``, in order, each with its end."""
        last = watermark // WIDTH
        waiting = self.waiting
        if not waiting or self.oldest >= last:
            return []
        if self.newest < last:
            taken = [((index + 1) * WIDTH, waiting[index]) for index in sorted(waiting)]
            waiting.clear()
        else:
            due = sorted([index for index in waiting if index < last])
            taken = [((index + 1) * WIDTH, waiting.pop(index)) for index in due]
            self.oldest = min(waiting)
        self.next = taken[-1][0] // WIDTH
        return taken

    def due(self) -> Instant | None:
        """When the oldest unread slot ends."""
        return (self.oldest + 1) * WIDTH if self.waiting else None

    def lazy(self) -> Instant | None:
        """When to read slots that have nothing to say: an hour late, or as soon as there are many."""
        due = self.due()
        return due if due is None or len(self.waiting) >= MANY else due + HOUR


class Slots(Waiting[list[int]]):
    """Each holds counts, whose meaning is the detector's."""

    __slots__ = ()

    def at(self, at: Instant, size: int) -> list[int]:
        """The counts of the slot that holds ``at``: ``size`` of them."""
        counts = self.waiting.get(at // WIDTH)
        if counts is None:
            counts = self.waiting.setdefault(self.place(at // WIDTH), [0] * size)
        return counts

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
            out.waiting[out.place(index)] = counts
        return out


class Shares(Waiting[int]):
    """Each holds weighted trials and hits, in one number (``share``): thousands of quiet keys have twelve such slots each."""

    __slots__ = ("unread",)

    def __init__(self) -> None:
        """Nothing seen."""
        super().__init__()
        self.unread = 0
        "All of them together."

    def count(self, at: Instant, weight: int, hit: bool) -> None:
        """Take one event."""
        index = at // WIDTH
        counted = self.waiting.get(index)
        if counted is None:
            index = self.place(index)
            counted = self.waiting.get(index, 0)
        if hit:
            weight *= HIT
        self.waiting[index] = counted + weight
        self.unread += weight

    def ripe(self, watermark: Instant) -> list[tuple[Instant, int]]:
        """Take the slots that end at or before ``watermark``, in order, each with its end."""
        taken = super().ripe(watermark)
        self.unread = sum(self.waiting.values())
        return taken

    def dump(self) -> Json:
        """The next slot to read and the waiting ones, oldest first."""
        waiting: list[Json] = [[i, *share(self.waiting[i])] for i in sorted(self.waiting)]
        return [self.next, waiting]

    @classmethod
    def load(cls, data: Json) -> "Shares":
        """From what ``dump`` gave."""
        next_, waiting = rows(data)
        out = cls()
        out.next = whole(next_)
        for row in rows(waiting):
            index, trials, hits = wholes(row)
            out.waiting[out.place(index)] = trials + (hits << BITS)
        out.unread = sum(out.waiting.values())
        return out


def share(counted: int) -> tuple[int, int]:
    """Weighted trials and hits of one of the ``Shares``."""
    return counted & TRIALS, counted >> BITS
