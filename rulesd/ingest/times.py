"""Read the timestamps of events: RFC 3339, and nothing that merely resembles it.

Law: the same text is the same instant on every machine; what RFC 3339 does not allow is refused, not guessed.

``datetime.fromisoformat`` also takes week dates, commas and missing zones, so the grammar is checked here. The form nearly
every producer sends (UTC with milliseconds and ``Z``) is answered from three small tables.
"""

import re
from datetime import date

from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND, Instant

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH = date(1970, 1, 1).toordinal()
_TABLE_LIMIT = 10_000
_LONGEST = 64

_hours: dict[str, Instant] = {}
_seconds = {f"{m:02d}:{s:02d}.": m * MINUTE + s * SECOND for m in range(60) for s in range(60)}
_thousandths = {f"{thousandth:03d}Z": thousandth for thousandth in range(1000)}


def read_time(text: str) -> Instant:
    """The instant an RFC 3339 timestamp names, cut below the millisecond; a leap second is the next second.

    Raises:
        ValueError: when it is no RFC 3339 timestamp; the message does not quote it.
    """
    try:
        return _hours[text[:14]] + _seconds[text[14:20]] + _thousandths[text[20:]]
    except KeyError:
        return _read(text)


def _read(text: str) -> Instant:
    found = _RFC3339.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError("not an RFC 3339 timestamp")
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    base = days * DAY + int(hour) * HOUR
    if sign:
        offset = int(off_hours) * HOUR + int(off_minutes) * MINUTE
        base -= offset if sign == "+" else -offset
    else:
        if len(_hours) >= _TABLE_LIMIT:
            _hours.clear()
        _hours[text[:14]] = base
    thousandths = int(((fraction or "") + "000")[:3])
    return base + int(minute) * MINUTE + int(second) * SECOND + thousandths
