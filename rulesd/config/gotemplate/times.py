"""Moments and lengths of time as a Go template sees them: ``.StartsAt.Format "15:04"``, ``.EndsAt.Sub .StartsAt``.

Law: pure; UTC unless a template names another place. Go writes a layout as the moment ``Mon Jan 2 15:04:05 MST 2006``.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rulesd.config.gotemplate.faults import Fault
from rulesd.config.gotemplate.values import Thing

_LAYOUT = re.compile(
    r"2006|January|Jan|Monday|Mon|MST|Z07:00|Z0700|-07:00|-0700|-07|002|01|02|_2|15|03|04|05|06"
    r"|PM|pm|[.,](?:0+|9+)(?!\d)|1|2|3|4|5"
)
_ZERO = datetime(1, 1, 1, tzinfo=UTC)


def moment(at: datetime) -> "Moment":
    """A moment."""
    return Moment(at)


class Moment(Thing):
    """``time.Time``."""

    __slots__ = ("at",)

    def __init__(self, at: datetime) -> None:
        """``at`` has a time zone."""
        self.at = at
        super().__init__({}, {})
        self.methods = {
            "Format": lambda layout: formatted(self.at, layout),
            "Unix": lambda: int(self.at.timestamp()),
            "UnixMilli": lambda: int(self.at.timestamp() * 1_000),
            "UTC": lambda: Moment(self.at.astimezone(UTC)),
            "Local": lambda: Moment(self.at),
            "IsZero": lambda: self.at == _ZERO,
            "Sub": lambda other: Length(self.at - other.at),
            "Before": lambda other: self.at < other.at,
            "After": lambda other: self.at > other.at,
            "Year": lambda: self.at.year,
            "Month": lambda: self.at.strftime("%B"),
            "Day": lambda: self.at.day,
            "Hour": lambda: self.at.hour,
            "Minute": lambda: self.at.minute,
            "Second": lambda: self.at.second,
            "Weekday": lambda: self.at.strftime("%A"),
            "String": lambda: str(self),
        }

    def __str__(self) -> str:
        """As Go prints it."""
        return formatted(self.at, "2006-01-02 15:04:05.999999999 -0700 MST")


class Length(Thing):
    """``time.Duration``."""

    __slots__ = ("length",)

    def __init__(self, length: timedelta) -> None:
        """Any length, also a negative one."""
        self.length = length
        super().__init__({}, {})
        self.methods = {
            "Seconds": self.length.total_seconds,
            "Minutes": lambda: self.length.total_seconds() / 60,
            "Hours": lambda: self.length.total_seconds() / 3_600,
            "String": lambda: str(self),
            "Round": lambda _to: self,
            "Truncate": lambda _to: self,
        }

    def __str__(self) -> str:
        """``1h2m3s``, as Go prints it."""
        micros = round(self.length / timedelta(microseconds=1))
        if micros == 0:
            return "0s"
        sign, micros = ("-", -micros) if micros < 0 else ("", micros)
        if micros < 1_000:
            return f"{sign}{micros}µs"
        if micros < 1_000_000:
            return f"{sign}{_plain(micros / 1_000)}ms"
        minutes, rest = divmod(micros, 60_000_000)
        hours, minutes = divmod(minutes, 60)
        seconds = _plain(rest / 1_000_000)
        head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
        return f"{sign}{head}{seconds}s"


def _plain(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def zone(name: str) -> tzinfo:
    """A time zone by its name.

    Raises:
        Fault: there is none.
    """
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Fault("there is no time zone of that name") from None


def formatted(at: datetime, layout: str) -> str:
    """``at`` in Go's layout."""
    if not isinstance(layout, str):
        raise Fault("a layout is a text")
    return _LAYOUT.sub(lambda found: _part(at, found[0]), layout)


def _part(at: datetime, word: str) -> str:
    if word[0] in ".,":
        digits = f"{at.microsecond:06d}000"[: len(word) - 1]
        digits = digits if word[1] == "0" else digits.rstrip("0")
        return f"{word[0]}{digits}" if digits else ""
    if word in _OFFSETS:
        return _offset(at, word)
    hour = at.hour % 12 or 12
    return {
        "2006": f"{at.year:04d}",
        "06": f"{at.year % 100:02d}",
        "January": at.strftime("%B"),
        "Jan": at.strftime("%b"),
        "Monday": at.strftime("%A"),
        "Mon": at.strftime("%a"),
        "01": f"{at.month:02d}",
        "1": str(at.month),
        "02": f"{at.day:02d}",
        "2": str(at.day),
        "_2": f"{at.day:2d}",
        "002": at.strftime("%j"),
        "15": f"{at.hour:02d}",
        "03": f"{hour:02d}",
        "3": str(hour),
        "04": f"{at.minute:02d}",
        "4": str(at.minute),
        "05": f"{at.second:02d}",
        "5": str(at.second),
        "PM": "PM" if at.hour >= 12 else "AM",
        "pm": "pm" if at.hour >= 12 else "am",
        "MST": at.tzname() or "UTC",
    }[word]


_OFFSETS = frozenset(["Z07:00", "Z0700", "-07:00", "-0700", "-07"])


def _offset(at: datetime, word: str) -> str:
    offset = at.utcoffset() or timedelta()
    if word[0] == "Z" and not offset:
        return "Z"
    minutes = round(offset.total_seconds() / 60)
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    colon = ":" if ":" in word else ""
    tail = "" if word == "-07" else f"{colon}{minutes % 60:02d}"
    return f"{sign}{minutes // 60:02d}{tail}"
