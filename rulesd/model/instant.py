"""Time as a value: integer milliseconds since the Unix epoch, in UTC.

Law: nothing here reads a clock. Text comes in, text goes out, the same way on every machine.

Milliseconds are Flink's unit: exact, ordered, serialisable. RFC 3339 is the only text form.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

Instant = int
"Milliseconds since 1970-01-01T00:00:00Z."

Milliseconds = int
"A length of time in milliseconds."

SECOND: Milliseconds = 1_000
MINUTE: Milliseconds = 60 * SECOND
HOUR: Milliseconds = 60 * MINUTE
DAY: Milliseconds = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC, without saying so in the text
_ONE = timedelta(milliseconds=1)


def parse_instant(text: str) -> Instant:
    """Read an RFC 3339 timestamp (section 5.6) as an instant, cutting below the millisecond.

    Raises:
        ValueError: when the text is no timestamp or names no time zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or len(text) < 20:
        raise ValueError("a timestamp needs a date, a time and a zone, as in 2026-01-05T09:00:00Z")
    return (moment - _EPOCH) // _ONE


def format_instant(at: Instant) -> str:
    """Write an instant as RFC 3339 with milliseconds and ``Z``; years outside 1..9999 are clamped."""
    return _written(at)


@lru_cache(maxsize=8192)
def _written(at: Instant) -> str:
    """Kept: in a storm every line of the log, and every page, is of the same few moments."""
    lowest, highest = -62_135_596_800_000, 253_402_300_799_999
    seconds, rest = divmod(min(max(at, lowest), highest), 1000)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=8192)
def _to_the_second(seconds: int) -> str:
    return (_NAIVE + timedelta(seconds=seconds)).isoformat()
