"""What generated code does with values that are not of the usual type: datalogic's coercions, or "ask datalogic".

Law: a function here returns exactly what datalogic would, or raises ``Slow``, and then datalogic itself decides the
whole rule for this document. It never guesses and never raises anything else. So numeric strings, dates, durations,
containers and everything that makes datalogic raise are left to datalogic; null, booleans, numbers and plain text, which
are what events hold, are answered here.
"""

from collections.abc import Callable
from typing import Final

from rulesd.logic.syntax import SAFE_INT, is_index

MAX_ITEMS: Final = 1000
"Longer lists are left to datalogic and its budget."

MAX_TEXT: Final = 1 << 20
"Longer text likewise."

_DIGITS: Final = frozenset("0123456789")
_UNITS: Final = frozenset("dhms")
_SPACE: Final = " \t\n\r\x0b\x0c"


class Slow(Exception):
    """Datalogic must decide."""


def slow() -> bool:
    """The generated form of an expression that only datalogic understands."""
    raise Slow


def temporal(text: str) -> bool:
    """Whether datalogic might read the text as a date or a duration and compare it as such."""
    if len(text) < 2 or text[0] not in _DIGITS:
        return False
    if not text.isascii():
        return True  # Its test counts bytes; do not try to be clever.
    return (len(text) >= 10 and text[4] == "-") or not _UNITS.isdisjoint(text)


def is_number(value: object) -> bool:
    """A JSON number (a boolean is none)."""
    return value.__class__ is float or value.__class__ is int


def strict_equal(a: object, b: object) -> bool:
    """``===``."""
    if isinstance(a, str) and isinstance(b, str):
        if a == b:
            return True
        if temporal(a) and temporal(b):
            raise Slow
        return False
    if isinstance(a, (list, dict)) or isinstance(b, (list, dict)):
        return _container_equal(a, b)
    if a is None or b is None or isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return a == b


def _container_equal(a: object, b: object) -> bool:
    for one, other in ((a, b), (b, a)):
        if one is None or isinstance(one, (bool, int, float)):
            return False
        if isinstance(one, str) and not temporal(one) and isinstance(other, (list, dict)):
            return False
    raise Slow


def loose_equal(a: object, b: object) -> bool:
    """``==``."""
    if isinstance(a, str) and isinstance(b, str):
        return strict_equal(a, b)
    if isinstance(a, (list, dict)) or isinstance(b, (list, dict)):
        raise Slow
    if isinstance(a, str) or isinstance(b, str):
        text, other = (a, b) if isinstance(a, str) else (b, a)
        if other is None:
            return text == ""
        if isinstance(other, bool):
            return text == ("true" if other else "false")
        raise Slow
    return (a or 0) == (b or 0) if a is None or b is None else a == b


def less(a: object, b: object) -> bool:
    """``<``; the other three are built from it and from ``at_most``."""
    if isinstance(a, str) and isinstance(b, str):
        if temporal(a) and temporal(b):
            raise Slow
        return a < b
    return _number(a) < _number(b)


def at_most(a: object, b: object) -> bool:
    """``<=``."""
    if isinstance(a, str) and isinstance(b, str):
        if temporal(a) and temporal(b):
            raise Slow
        return a <= b
    return _number(a) <= _number(b)


def _number(value: object) -> float:
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return 0
    raise Slow


def contains(needle: object, haystack: object) -> bool:
    """``in``."""
    if isinstance(haystack, str):
        if len(haystack) > MAX_TEXT:
            raise Slow
        return isinstance(needle, str) and needle in haystack
    if isinstance(haystack, (list, tuple)):
        if len(haystack) > MAX_ITEMS and isinstance(haystack, list):
            raise Slow
        return any(strict_equal(item, needle) for item in haystack)
    return False


def text(value: object) -> str:
    """The text of a value where an operator wants text; numbers and containers are datalogic's to write."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise Slow
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    raise Slow


def plain_text(value: object) -> str:
    """Text in which case and white space mean the same to everyone."""
    known = text(value)
    if known.isascii():
        return known
    raise Slow


def lower(value: object) -> str:
    """``lower``."""
    return plain_text(value).lower()


def upper(value: object) -> str:
    """``upper``."""
    return plain_text(value).upper()


def trim(value: object) -> str:
    """``trim``."""
    return plain_text(value).strip(_SPACE)


def length(value: object) -> int:
    """``length`` of text or a list."""
    if isinstance(value, (str, list)):
        return len(value)
    raise Slow


def substr(value: object, start: int, size: int | None) -> str:
    """``substr``: negative positions count from the end."""
    known = text(value)
    count = len(known)
    first = max(count + start, 0) if start < 0 else min(start, count)
    if size is None:
        return known[first:]
    last = max(count + size, first) if size < 0 else first + size
    return known[first:last]


def starts(value: object, prefix: object) -> bool:
    """``starts_with``."""
    return text(value).startswith(text(prefix))


def ends(value: object, suffix: object) -> bool:
    """``ends_with``."""
    return text(value).endswith(text(suffix))


def _bounded(result: float) -> float:
    if -SAFE_INT <= result <= SAFE_INT:
        return result
    raise Slow


def arithmetic(operator: str) -> Callable[[object, object], float]:
    """``+ - * /`` of two JSON numbers whose result is exact or rounded the same way everywhere."""

    def run(a: object, b: object) -> float:
        if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
            raise Slow
        if isinstance(a, bool) or isinstance(b, bool) or abs(a) > SAFE_INT or abs(b) > SAFE_INT:
            raise Slow
        if operator == "+":
            return _bounded(a + b)
        if operator == "-":
            return _bounded(a - b)
        if operator == "*":
            return _bounded(a * b)
        if b == 0:
            raise Slow
        return _bounded(a / b)

    return run


def step(value: object, segments: tuple[str, ...], otherwise: object) -> object:
    """Walk from a value by path segments the way datalogic does; ``otherwise`` where the path ends early."""
    for segment in segments:
        if isinstance(value, dict):
            if segment not in value:
                return otherwise
            value = value[segment]
        elif (
            isinstance(value, list)
            and is_index(segment)
            and len(segment) < 10
            and int(segment) < len(value)
        ):
            value = value[int(segment)]
        else:
            return otherwise
    return value


def items(value: object) -> list[object] | None:
    """The items a quantifier looks at; ``None`` for what has none (null and scalars)."""
    if isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise Slow
        return value
    if isinstance(value, dict):
        raise Slow
    return None
