"""An iCalendar file as shifts: whose name an event carries is on call while it lasts.

Law: a function of the file's text and one time zone. Recurring events, exceptions and cancelled events are the library's matter; events without a
zone, and whole days, are in the schedule's. The library is loaded only where somebody has such a file.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from rulesd.config.schedule import instant_of
from rulesd.core.machine import NOT_DUE
from rulesd.model.instant import DAY, SECOND, Instant

BLOCK = 35 * DAY
"Events are written out for so long a time at once, and kept."

BLOCKS = 11
"How far ahead the next event is looked for, in blocks: about a year."


class Shift(NamedTuple):
    """One event."""

    begins: Instant
    ends: Instant
    who: str
    "The event's summary."


class Calendar:
    """The events of one file, written out block by block as they are asked for."""

    def __init__(self, text: bytes, zone: ZoneInfo) -> None:
        """Read the file.

        Raises:
            ValueError: when it is no calendar.
        """
        import icalendar
        import recurring_ical_events

        try:
            parsed = icalendar.Calendar.from_ical(text)
            self._query: Any = recurring_ical_events.of(parsed, components=["VEVENT"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no iCalendar file ({type(error).__name__})") from None
        self.events = len(parsed.walk("VEVENT"))
        "Events as written, recurring ones counted once."
        self._zone = zone
        self._blocks: dict[int, tuple[Shift, ...]] = {}

    def shifts(self, at: Instant) -> tuple[Shift, ...]:
        """Every shift that touches the block of time around an instant, in order."""
        number = at // BLOCK
        found = self._blocks.get(number)
        if found is None:
            begins, ends = number * BLOCK, (number + 1) * BLOCK
            events = self._query.between(_utc(begins), _utc(ends))
            found = self._blocks[number] = tuple(sorted(self._read(events)))
        return found

    def _read(self, events: Iterable[Any]) -> Iterable[Shift]:
        for event in events:
            begins, ends = self._instant(event.start), self._instant(event.end)
            if ends > begins and str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield Shift(begins, ends, str(event.get("SUMMARY", "")).strip())

    def _instant(self, moment: datetime | date) -> Instant:
        if not isinstance(moment, datetime):
            return instant_of(datetime.combine(moment, time()), self._zone)
        if moment.tzinfo is None:
            return instant_of(moment, self._zone)
        return int(moment.timestamp()) * SECOND

    def at(self, at: Instant) -> list[str]:
        """The summaries of the events that last at an instant."""
        return [shift.who for shift in self.shifts(at) if shift.begins <= at < shift.ends]

    def next(self, at: Instant) -> Instant:
        """The first beginning or end of an event after an instant; beyond all time when there is none within a year."""
        for number in range(BLOCKS):
            block = self.shifts(at + number * BLOCK)
            later = [t for s in block for t in (s.begins, s.ends) if t > at]
            if later:
                return min(later)
        return NOT_DUE


def _utc(at: Instant) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC)


def names(known: Mapping[str, object]) -> Callable[[str], str]:
    """A function from an event's summary to the person it names: the whole of it, or one word in it; empty for nobody known."""
    by_word = {name.casefold(): name for name in known}

    def find(summary: str) -> str:
        whole = by_word.get(summary.casefold())
        if whole is not None:
            return whole
        words = summary.casefold().replace(",", " ").replace(":", " ").replace("@", " ").split()
        return next((by_word[word] for word in words if word in by_word), "")

    return find
