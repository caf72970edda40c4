"""Time intervals of ``routing.yaml``: from words such as ``monday:friday`` to a question about an instant.

Law: Alertmanager's meaning (timeinterval/timeinterval.go): inside an interval when any of its parts holds; a part holds when each of its
fields does; ``[start, end)`` in minutes of the day, everything else from ... to, both included; negative days count from the end of the
month. A field that is not written always holds, one with an empty list never does. Total, and the same on every machine: a location
is a named zone, never "Local".
"""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from rulesd.config.document import Document, Path_
from rulesd.config.problems import Code, Problems
from rulesd.config.routing_schema import IntervalSpec, RoutingFile, TimeInterval
from rulesd.core.plan import Interval
from rulesd.model.instant import Instant

Range = tuple[int, int]
"From ... to, both included; of minutes the end is not."

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]


@dataclass(frozen=True, slots=True)
class _Part:
    """One of an interval's parts; ``None``: the field is not written."""

    zone: tzinfo
    times: tuple[Range, ...] | None
    weekdays: tuple[Range, ...] | None
    days_of_month: tuple[Range, ...] | None
    months: tuple[Range, ...] | None
    years: tuple[Range, ...] | None

    def holds(self, at: Instant) -> bool:
        local = (_EPOCH + timedelta(milliseconds=at)).astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if self.times is not None and not any(a <= minute < b for a, b in self.times):
            return False
        return (
            _in(self.weekdays, (local.weekday() + 1) % 7)
            and _in(self.months, local.month)
            and _in(self.years, local.year)
            and self._day(local)
        )

    def _day(self, local: datetime) -> bool:
        if self.days_of_month is None:
            return True
        length = monthrange(local.year, local.month)[1]
        for begin, end in self.days_of_month:
            first = begin + length + 1 if begin < 0 else begin
            last = end + length + 1 if end < 0 else end
            if first <= local.day <= last:
                return True
        return False


def _in(ranges: tuple[Range, ...] | None, value: int) -> bool:
    return ranges is None or any(a <= value <= b for a, b in ranges)


def intervals(file: RoutingFile, document: Document, problems: Problems) -> dict[str, Interval]:
    """Every interval by name; what is wrong is reported, and such a part never holds."""
    out: dict[str, Interval] = {}
    for word in ("time_intervals", "mute_time_intervals"):
        entries: list[TimeInterval] = getattr(file, word)
        for i, entry in enumerate(entries):
            at: Path_ = (word, i)
            if entry.name in out:
                said = f'the time interval "{entry.name}" stands twice'
                problems.at(
                    document,
                    (*at, "name"),
                    Code.INVALID_INTERVAL,
                    said,
                    "Rename or remove one.",
                )
            out[entry.name] = _interval(entry, at, document, problems)
    return out


def _interval(entry: TimeInterval, at: Path_, document: Document, problems: Problems) -> Interval:
    parts: list[_Part] = []
    for j, spec in enumerate(entry.time_intervals):
        part = _part(spec, (*at, "time_intervals", j), document, problems)
        if part is not None:
            parts.append(part)
    return Interval(name=entry.name, covers=_any(tuple(parts)))


def _any(parts: tuple[_Part, ...]) -> Callable[[Instant], bool]:
    return lambda at: any(part.holds(at) for part in parts)


def _part(spec: IntervalSpec, at: Path_, document: Document, problems: Problems) -> _Part | None:
    """One part, or ``None`` when something in it is wrong."""
    made: dict[str, tuple[Range, ...] | None] = {}
    right = True

    def wrong(path: Path_, error: ValueError) -> None:
        nonlocal right
        right = False
        said, _, hint = str(error).partition("|")
        problems.at(document, path, Code.INVALID_INTERVAL, said, hint)

    for field, read in _READ.items():
        found: list[Range] = []
        for k, text in enumerate(getattr(spec, field)):
            try:
                found.append(read(text))
            except ValueError as error:
                wrong((*at, field, k), error)
        made[field] = tuple(found) if field in spec.model_fields_set else None
    times: list[Range] = []
    for k, span in enumerate(spec.times):
        try:
            times.append(_times(span.start_time, span.end_time))
        except ValueError as error:
            wrong((*at, "times", k), error)
    zone: tzinfo = UTC
    try:
        zone = _zone(spec.location)
    except ValueError as error:
        wrong((*at, "location"), error)
    given = tuple(times) if "times" in spec.model_fields_set else None
    return _Part(zone=zone, times=given, **made) if right else None


def _zone(name: str) -> tzinfo:
    if name in ("", "UTC"):
        return UTC
    try:
        if name == "Local":
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(
            f"{name[:60]!r} is no time zone|Write a name such as 'Europe/Berlin', or 'UTC'."
        ) from None


def _times(start: str, end: str) -> Range:
    for text in (start, end):
        if not _TIME.fullmatch(text):
            raise ValueError(
                f"{text[:20]!r} is no time of day|Write hours and minutes in quotes, '09:00' to '24:00'."
            )
    begin, over = (int(t[:2]) * 60 + int(t[3:]) for t in (start, end))
    if begin >= over:
        raise ValueError(
            "end_time is not after start_time|For a night write two entries: to '24:00', and from '00:00'."
        )
    return begin, over


def _range(text: str, known: Mapping[str, int], what: str, example: str) -> Range:
    """``a`` or ``a:b``; each a name or a number."""
    ends: list[int] = []
    for word in text.lower().split(":"):
        number = known.get(word)
        if number is None:
            if not re.fullmatch(r"[+-]?[0-9]{1,9}", word) or what == "weekday":
                raise ValueError(f"{word[:20]!r} is no {what}|Write {example}.")
            number = int(word)
        ends.append(number)
    if len(ends) > 2:
        raise ValueError(f"{text[:40]!r} is no range|Write {example}.")
    return ends[0], ends[-1]


def _weekdays(text: str) -> Range:
    begin, end = _range(text, _NUMBER_OF_DAY, "weekday", "'monday' or 'monday:friday'")
    if begin > end:
        raise ValueError(
            f"{text!r} runs backwards: the week begins on sunday|Write two entries, such as 'saturday' and 'sunday'."
        )
    return begin, end


def _days_of_month(text: str) -> Range:
    example = "'1', '1:5', or '-3:-1' for the last three"
    begin, end = _range(text, {}, "day of the month", example)
    for day in (begin, end):
        if day == 0 or abs(day) > 31:
            raise ValueError(f"{day} is no day of the month|Write {example}.")
    if begin < 0 < end:
        raise ValueError(
            f"{text!r} begins at the end of the month and ends at its start|Write {example}."
        )
    first, last = (day + 28 if day < 0 else day for day in (begin, end))
    if first > last:
        raise ValueError(f"{text!r} ends before it begins|Write {example}.")
    return begin, end


def _months(text: str) -> Range:
    return _forward(text, _range(text, _NUMBER_OF_MONTH, "month", "'may', '5' or 'may:august'"))


def _years(text: str) -> Range:
    return _forward(text, _range(text, {}, "year", "'2026' or '2026:2028'"))


def _forward(text: str, span: Range) -> Range:
    if span[0] > span[1]:
        raise ValueError(f"{text[:40]!r} ends before it begins|Write two entries.")
    return span


_NUMBER_OF_DAY = {name: number for number, name in enumerate(_WEEKDAYS)}
_NUMBER_OF_MONTH = {name: number for number, name in enumerate(_MONTHS, 1)}
_READ: Mapping[str, Callable[[str], Range]] = {
    "weekdays": _weekdays,
    "days_of_month": _days_of_month,
    "months": _months,
    "years": _years,
}
