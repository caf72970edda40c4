"""The page limit of an owner: more than ten pages in five minutes become one page that counts them all.

Law: nothing is dropped; a folded page is counted on the collected page, which is brought up to date in place.
"""

from collections import deque

from rulesd.model.event import Json
from rulesd.model.instant import MINUTE, SECOND, Instant, Milliseconds

REFRESH: Milliseconds = 10 * SECOND
"How often a collected page may be brought up to date."


class OwnerPages:
    """The pages of one owner within the window."""

    __slots__ = (
        "_limit",
        "_times",
        "_window",
        "folded",
        "latest",
        "refresh",
        "refreshed",
        "started",
    )

    def __init__(self, *, limit: int = 10, window: Milliseconds = 5 * MINUTE) -> None:
        """Allow ``limit`` pages in ``window`` milliseconds."""
        self._limit = limit
        self._window = window
        self._times: deque[Instant] = deque()
        self.folded = 0
        "Pages in the collected page that is open now; 0 when there is none."
        self.started: Instant = 0
        "When the collected page was opened: its identity."
        self.refreshed: Instant = 0
        self.refresh: Instant | None = None
        "When the collected page is to be brought up to date."
        self.latest: tuple[str, str] = ("", "")
        "The group that was folded last."

    def admit(self, now: Instant) -> bool:
        """Count a page; ``True`` when it may go out by itself, ``False`` when it must be folded."""
        times = self._times
        while times and now - times[0] >= self._window:
            times.popleft()
        times.append(now)
        if len(times) > self._limit:
            if len(times) > 4 * self._limit:
                times.popleft()
            if self.folded == 0:
                self.started = now
            self.folded += 1
            return False
        self.folded = 0
        return True

    def dump(self) -> Json:
        """Plain data."""
        times: list[Json] = list(self._times)
        return [times, self.folded, self.started, self.refreshed, self.refresh, list(self.latest)]

    def load(self, data: Json) -> None:
        """From what ``dump`` gave."""
        assert isinstance(data, list)
        times, folded, started, refreshed, refresh, latest = data
        assert isinstance(times, list)
        assert isinstance(latest, list)
        self._times = deque(t for t in times if isinstance(t, int))
        assert isinstance(folded, int)
        assert isinstance(started, int)
        assert isinstance(refreshed, int)
        self.folded, self.started, self.refreshed = folded, started, refreshed
        self.refresh = refresh if isinstance(refresh, int) else None
        self.latest = (str(latest[0]), str(latest[1]))
