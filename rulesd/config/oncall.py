"""``schedules:`` of owners.yaml: rotas, hours, overrides and calendars as functions of time.

Law: who is on call depends on the files and the instant alone. Wall clocks decide hand-overs (a time that exists twice is its first
occurrence, one that does not exist is when the gap ends). Overrides come first, the last one written wins; then the first rota in whose hours
the moment lies.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from rulesd.config.calendars import Calendar
from rulesd.config.schedule import instant_of, local_time, schedule
from rulesd.config.shape import Names, OneOrMany, Strict
from rulesd.core.machine import NOT_DUE
from rulesd.model.instant import Instant

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MOST_TURNS = 100_000
"Hand-overs of one rota, from its start on."

MOST_STEPS = 2_000
"Boundaries that are looked at for the next one at which somebody else takes over."


class Hours(Strict):
    """When a rota serves: on these days, from one time of day to another (past midnight when ``to`` is not later)."""

    days: str = "mon-sun"
    from_: Annotated[str, Field(alias="from")] = "00:00"
    to: str = "24:00"


class Rota(Strict):
    """People in turn."""

    people: Names
    from_: Annotated[str, Field(alias="from")]
    "When the first person's first turn begins, on the schedule's wall clock."

    handover: str = "weekly"
    "``daily``, ``weekly`` (at the time of ``from``) or a cron line."

    hours: Annotated[
        list[Hours], BeforeValidator(lambda v: v if isinstance(v, list) else [v]), OneOrMany()
    ] = Field(default_factory=list)


class Override(Strict):
    """Somebody else, for a while."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    who: Names


class ScheduleEntry(Strict):
    """One schedule: a ``rota`` (or several, in order), or an ``ical`` file."""

    timezone: str = "UTC"
    rota: Annotated[
        list[Rota], BeforeValidator(lambda v: v if isinstance(v, list) else [v]), OneOrMany()
    ] = Field(default_factory=list)
    ical: str = ""
    overrides: list[Override] = Field(default_factory=list)


class Layer(Protocol):
    """Something that knows who serves."""

    def at(self, at: Instant) -> Sequence[str]:
        """Who serves at an instant; empty for nobody."""
        ...

    def next(self, at: Instant) -> Instant:
        """An instant after ``at`` before which nothing changes."""
        ...


def moment(text: str, zone: ZoneInfo) -> Instant:
    """A date and time: on the zone's wall clock unless it carries an offset.

    Raises:
        ValueError: when it is none.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no date and time. Write 2026-01-05T09:00") from None
    if len(text) < 16:
        raise ValueError(f"{text[:40]!r} has no time of day. Write 2026-01-05T09:00")
    return instant_of(read, zone) if read.tzinfo is None else int(read.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours on some days, as a test of the wall clock."""

    days: tuple[int, ...]
    begins: int
    "Minute of the day."

    ends: int
    "Up to 1440; at or before ``begins``: on the next day."

    def covers(self, local: datetime) -> bool:
        """Whether the wall clock shows a time within."""
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.ends > self.begins:
            return today in self.days and self.begins <= minute < self.ends
        early = (today - 1) % 7 in self.days and minute < self.ends
        return early or (today in self.days and minute >= self.begins)


def window(entry: Hours) -> Window:
    """The hours of a rota.

    Raises:
        ValueError: when a day or a time is none.
    """
    days: dict[int, None] = {}
    for part in entry.days.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first[:3] not in DAYS or (last or first)[:3] not in DAYS:
            raise ValueError(f"{part[:20]!r} is no day. Write mon-fri, or sat,sun")
        a, b = DAYS.index(first[:3]), DAYS.index((last or first)[:3])
        days |= dict.fromkeys((a + n) % 7 for n in range((b - a) % 7 + 1))
    return Window(tuple(sorted(days)), _minute(entry.from_), _minute(entry.to))


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and len(minutes) == 2):
        raise ValueError(f"{text[:20]!r} is no time of day. Write 09:00")
    total = int(hours) * 60 + int(minutes)
    if total > 24 * 60 or int(minutes) > 59:
        raise ValueError(f"{text[:20]!r} is no time of day. Write 09:00")
    return total


class Beginnings(Protocol):
    """When turns begin."""

    def upto(self, at: Instant) -> int:
        """How many turns have begun at an instant, the first one included."""
        ...

    def begin(self, turn: int) -> Instant:
        """When a turn begins, counted from 0; ``turn`` is at most ``upto`` of some instant."""
        ...


class Periods:
    """Every so many days at the same time of day: looked up, however long ago the first turn was."""

    def __init__(self, first: datetime, days: int, zone: ZoneInfo) -> None:
        """``first``: on the wall clock."""
        self._first, self._days, self._zone = first, days, zone

    def begin(self, turn: int) -> Instant:
        """Days are counted on the calendar, so the time of day stays."""
        return instant_of(self._first + timedelta(days=self._days * turn), self._zone)

    def upto(self, at: Instant) -> int:
        """By the date, and a step further where the time of day has come."""
        turn = max((local_time(at, self._zone) - self._first).days // self._days, -1)
        while self.begin(turn + 1) <= at:
            turn += 1
        while turn >= 0 and self.begin(turn) > at:
            turn -= 1
        return turn + 1


class Table:
    """At the times of a cron line: written out as far as anybody has asked."""

    def __init__(self, first: Instant, after: Callable[[Instant], Instant]) -> None:
        """``after``: the hand-over after an instant."""
        self._table, self._after = [first], after

    def begin(self, turn: int) -> Instant:
        """From the table; beyond all time where it ends."""
        return self._table[turn] if turn < len(self._table) else NOT_DUE

    def upto(self, at: Instant) -> int:
        """Write the table until it is beyond ``at``."""
        table = self._table
        while table[-1] <= at and len(table) < MOST_TURNS:
            table.append(self._after(table[-1]))
        return bisect_right(table, at)


class Turns:
    """A rota: people in turn, within its hours."""

    def __init__(
        self,
        people: tuple[str, ...],
        beginnings: Beginnings,
        windows: tuple[Window, ...],
        zone: ZoneInfo,
    ) -> None:
        """``beginnings``: when each turn begins."""
        self._people, self._beginnings = people, beginnings
        self._windows, self._zone = windows, zone

    def at(self, at: Instant) -> Sequence[str]:
        """Whose turn it is; nobody before the start or outside the hours."""
        turn = self._beginnings.upto(at)
        if turn == 0:
            return ()
        local = local_time(at, self._zone)
        if self._windows and not any(w.covers(local) for w in self._windows):
            return ()
        return (self._people[(turn - 1) % len(self._people)],)

    def next(self, at: Instant) -> Instant:
        """The next hand-over, or edge of its hours."""
        ends = self._beginnings.begin(self._beginnings.upto(at))
        return min([ends, *self._edges(at)])

    def _edges(self, at: Instant) -> list[Instant]:
        today = local_time(at, self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        found: list[Instant] = []
        for each in self._windows:
            for edge in (each.begins, each.ends):
                for day in range(2):
                    there = instant_of(today + timedelta(days=day, minutes=edge), self._zone)
                    if there > at:
                        found.append(there)
                        break
        return found


class Overrides:
    """Who stands in; the last one written wins."""

    def __init__(self, rows: Sequence[tuple[Instant, Instant, tuple[str, ...]]]) -> None:
        """Rows of (from, to, who)."""
        self._rows = tuple(rows)

    def at(self, at: Instant) -> Sequence[str]:
        """Who stands in at an instant."""
        for begins, ends, who in reversed(self._rows):
            if begins <= at < ends:
                return who
        return ()

    def next(self, at: Instant) -> Instant:
        """The next beginning or end."""
        edges = [t for begins, ends, _ in self._rows for t in (begins, ends) if t > at]
        return min(edges, default=NOT_DUE)


class Events:
    """A calendar, with its summaries read as people's names."""

    def __init__(self, calendar: Calendar, find: Callable[[str], str]) -> None:
        """``find``: the person a summary names, or empty."""
        self._calendar, self._find = calendar, find

    def at(self, at: Instant) -> Sequence[str]:
        """Everybody whose event lasts."""
        return tuple(dict.fromkeys(n for n in map(self._find, self._calendar.at(at)) if n))

    def next(self, at: Instant) -> Instant:
        """The next beginning or end of an event."""
        return self._calendar.next(at)


class Duty:
    """A schedule's layers as the two functions a plan holds."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        """In order: the first layer in which somebody serves decides."""
        self._layers = tuple(layers)

    def on_call(self, at: Instant) -> tuple[str, ...]:
        """Names of people at an instant."""
        for layer in self._layers:
            found = layer.at(at)
            if found:
                return tuple(found)
        return ()

    def next_change(self, at: Instant) -> Instant:
        """The first instant after ``at`` at which somebody else is on call."""
        now, there = self.on_call(at), at
        for _ in range(MOST_STEPS):
            there = min((layer.next(there) for layer in self._layers), default=NOT_DUE)
            if there >= NOT_DUE or self.on_call(there) != now:
                return there
        return NOT_DUE


def turns(entry: Rota, zone: ZoneInfo) -> Turns:
    """A rota as written.

    Raises:
        ValueError: when a time, a day or the cron line is none.
    """
    start = moment(entry.from_, zone)
    windows = tuple(window(h) for h in entry.hours)
    days = {"daily": 1, "weekly": 7}.get(entry.handover)
    if days is not None:
        return Turns(entry.people, Periods(local_time(start, zone), days, zone), windows, zone)
    line = entry.handover
    if not line.startswith("CRON_TZ="):
        line = f"CRON_TZ={zone.key} {line}"
    return Turns(entry.people, Table(start, schedule(line)), windows, zone)
