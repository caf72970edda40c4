"""A cron line as a function of time: the next scheduled instant after a given one.

Law: total and monotone. Five fields, in UTC, or in the zone that a leading ``CRON_TZ=Europe/Berlin`` names. Where clocks go back, a time that exists twice is its
first occurrence, so a daily job is due once; where they go forward, a time that does not exist is due when the gap ends.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from rulesd.model.instant import SECOND, Instant

_PREFIX = "CRON_TZ="
_EXAMPLE = "Write five fields, such as '0 3 * * *' or 'CRON_TZ=Europe/Berlin 0 3 * * 1-5'"


def schedule(line: str) -> Callable[[Instant], Instant]:
    """The function of a cron line.

    Raises:
        ValueError: when the line, its zone or its date does not exist.
    """
    zone, fields = _zone(line)
    if len(fields.split()) != 5 or not croniter.is_valid(fields):
        raise ValueError(f"{line[:80]!r} is no cron line. {_EXAMPLE}")

    def after(at: Instant) -> Instant:
        local = local_time(at, zone)
        while True:
            local = croniter(fields, local).get_next(datetime)
            found = instant_of(local, zone)
            if found > at:
                return found

    try:
        after(0)
    except CroniterError:
        raise ValueError(f"{line[:80]!r} never comes. {_EXAMPLE}") from None
    return after


def _zone(line: str) -> tuple[ZoneInfo, str]:
    if not line.startswith(_PREFIX):
        return ZoneInfo("UTC"), line
    name, _, fields = line.removeprefix(_PREFIX).partition(" ")
    try:
        return ZoneInfo(name), fields
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name[:60]!r} is no time zone. {_EXAMPLE}") from None


def local_time(at: Instant, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows, without its zone."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    return moment.astimezone(zone).replace(tzinfo=None)


def instant_of(local: datetime, zone: ZoneInfo) -> Instant:
    """When the clock on the wall first shows ``local``, or a later time."""
    low = int(local.replace(tzinfo=zone, fold=1).timestamp())
    high = int(local.replace(tzinfo=zone, fold=0).timestamp())
    if high <= low:
        return high * SECOND
    while high - low > 1:  # The time does not exist; the end of the gap lies between the two.
        middle = (low + high) // 2
        if local_time(middle * SECOND, zone) > local:
            high = middle
        else:
            low = middle
    return high * SECOND
