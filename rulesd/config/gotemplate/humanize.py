"""Numbers and lengths of time for people, as Prometheus writes them.

Law: pure. Four figures, with the unit's prefix.
"""

import math

_LARGE = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")


def humanize(number: float) -> str:
    """``12.35k``, ``1.2m``."""
    if number == 0 or not math.isfinite(number):
        return f"{number:.4g}"
    if abs(number) < 1:
        return _small(number)
    power = min(int(math.log10(abs(number)) / 3), len(_LARGE) - 1)
    return f"{number / 1_000**power:.4g}{_LARGE[power]}"


def humanize_duration(seconds: float) -> str:
    """``1d 2h 3m 4s``; fractions of a second with their prefix."""
    if not math.isfinite(seconds):
        return f"{seconds:.4g}"
    if seconds == 0:
        return "0s"
    if abs(seconds) < 1:
        return f"{_small(seconds)}s"
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    whole = int(left)
    days, hours = whole // 86_400, whole // 3_600 % 24
    minutes, rest = whole // 60 % 60, whole % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {rest}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {rest}s"
    if minutes:
        return f"{sign}{minutes}m {rest}s"
    return f"{sign}{left:.4g}s"


def _small(number: float) -> str:
    for prefix in _SMALL:
        number *= 1_000
        if abs(number) >= 1:
            return f"{number:.4g}{prefix}"
    return f"{number:.4g}{_SMALL[-1]}"
