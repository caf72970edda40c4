"""What ``spike`` remembers: of a key what it has counted, and of the rule what its keys share.

Law: no decision is made here, and each is written and read back as it was. What older versions did not write is read as not known.
"""

from rulesd.core.detectors.history import History
from rulesd.core.detectors.plain import rows, whole, wholes
from rulesd.core.detectors.ring import Ring
from rulesd.model.event import Json
from rulesd.model.instant import DAY, HOUR, Instant, Milliseconds

WEEK: Milliseconds = 7 * DAY
NEVER: Instant = 1 << 62
"No step waits."


class Keys:
    """The pool: since when the rule sees events, and how many keys are alive in each of the last weeks."""

    __slots__ = ("since", "watches", "weeks")

    def __init__(self) -> None:
        """Nothing seen."""
        self.since: Instant | None = None
        self.weeks: dict[int, int] = {}
        self.watches: list[Instant] = []
        "The deploys of late."

    def alive(self, at: Instant) -> int:
        """Keys of the busier of the last whole week and this one, as the next power of two."""
        week = at // WEEK
        most = max(self.weeks.get(week, 0), self.weeks.get(week - 1, 0), 1)
        return 1 << (most - 1).bit_length()

    def dump(self) -> Json:
        """Plain data."""
        weeks: list[Json] = [[week, self.weeks[week]] for week in sorted(self.weeks)]
        watches: list[Json] = list(self.watches)
        return [self.since, weeks, watches]

    @classmethod
    def load(cls, data: Json) -> "Keys":
        """From what ``dump`` gave."""
        since, weeks, *watches = rows(data)
        out = cls()
        out.watches = wholes(watches[0]) if watches else []
        out.since = None if since is None else whole(since)
        for row in rows(weeks):
            week, keys = rows(row)
            out.weeks[whole(week)] = whole(keys)
        return out

    def live(self, week: int) -> None:
        """One more key is alive in a week."""
        self.weeks[week] = self.weeks.get(week, 0) + 1
        if len(self.weeks) > 3:
            del self.weeks[min(self.weeks)]


class Counting:
    """State of one key."""

    __slots__ = ("history", "judged", "open", "ring", "since", "waits", "week")

    def __init__(self, ring: Ring, history: History, at: Instant) -> None:
        """Nothing counted; a key's events may be out of order from the first one on."""
        self.ring = ring
        self.history = history
        self.judged = (at - HOUR) // ring.width - 1
        self.waits: int = NEVER
        "The first step not judged yet that holds an event."
        self.open = False
        self.week = -1
        "The last week in which the pool has counted this key."
        self.since: Instant = 0
        "What was before is not known: a person had it forgotten. Of other keys it is known since the rule sees events."

    def dump(self) -> Json:
        """Plain data."""
        waits = None if self.waits == NEVER else self.waits
        numbers: list[Json] = [self.judged, waits, self.open, self.week, self.since]
        return [numbers, self.ring.dump(), self.history.dump()]

    def fill(self, data: Json) -> None:
        """Take what ``dump`` gave."""
        numbers, ring, history = rows(data)
        judged, waits, open_, week, *since = rows(numbers)
        self.judged, self.open, self.week = whole(judged), open_ is True, whole(week)
        self.waits = NEVER if waits is None else whole(waits)
        self.since = whole(since[0]) if since else 0
        self.ring.fill(ring)
        self.history.fill(history)
