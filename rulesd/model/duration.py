"""Lengths of time as people write them: ``90s``, ``5m``, ``1h30m``, ``7d``.

Law: one spelling rule for every file, flag and message (Prometheus' duration syntax).
"""

import re

from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND, Milliseconds

_UNITS: dict[str, Milliseconds] = {
    "y": 365 * DAY,
    "w": 7 * DAY,
    "d": DAY,
    "h": HOUR,
    "m": MINUTE,
    "s": SECOND,
    "ms": 1,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[ywdhms])")


def parse_duration(text: str | float) -> Milliseconds:
    """Read ``1h30m`` as milliseconds; ``0`` needs no unit, every other number does.

    Raises:
        ValueError: when the text is no duration; the message says what to write.
    """
    if not isinstance(text, str):
        if text == 0 and not isinstance(text, bool):
            return 0
        raise ValueError(f'{text!r} has no unit. Write a duration such as "5m"')
    word = text.strip()
    if word == "0":
        return 0
    total, end = 0.0, 0
    for part in _PART.finditer(word):
        if part.start() != end:
            break
        total += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if not word or end != len(word):
        raise ValueError(
            f'{text!r} is not a duration. Write a number and a unit, such as "5m" or "1h30m"'
        )
    return round(total)


def format_duration(length: Milliseconds) -> str:
    """Write milliseconds in the two largest units that matter: ``1h30m``, ``45s``, ``0s``."""
    if length < SECOND:
        return f"{length}ms" if length > 0 else "0s"
    parts: list[str] = []
    rest = length
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
        if len(parts) == 2:
            break
    return "".join(parts)
