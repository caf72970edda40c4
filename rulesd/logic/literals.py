"""Read from a pattern what every text that fits it is, starts with or ends with.

Law: never more than the pattern says. A pattern that is not understood to the letter says nothing.
"""

import re
from typing import Final, Literal, NamedTuple

import orjson


class Wanted(NamedTuple):
    """What a text must have."""

    part: Literal["is", "starts", "ends"]
    texts: tuple[str, ...]
    "One of these."

    exact: bool
    "Whether nothing else is asked."


def wanted(operator: str, argument: str) -> Wanted | None:
    """For ``matches`` and ``glob`` with a constant (as JSON text)."""
    value = orjson.loads(argument)
    if operator == "matches":
        return of_pattern(value) if isinstance(value, str) else None
    globs = [
        item for item in (value if isinstance(value, list) else [value]) if item.__class__ is str
    ]
    return of_globs(globs) if operator == "glob" and globs else None


def of_globs(patterns: list[str]) -> Wanted | None:
    """Globs, of which one must fit the whole text."""
    starts = [_until(pattern) for pattern in patterns]
    if starts == patterns:
        return Wanted("is", tuple(dict.fromkeys(patterns)), True)
    if all(starts):
        exact = all(pattern == start + "*" for pattern, start in zip(patterns, starts, strict=True))
        return Wanted("starts", tuple(dict.fromkeys(starts)), exact)
    ends = [_until(pattern[::-1])[::-1] for pattern in patterns]
    if all(ends):
        exact = all(pattern == "*" + end for pattern, end in zip(patterns, ends, strict=True))
        return Wanted("ends", tuple(dict.fromkeys(ends)), exact)
    return None


def _until(pattern: str) -> str:
    """What stands before the first wildcard."""
    places = [at for at in (pattern.find("*"), pattern.find("?")) if at >= 0]
    return pattern[: min(places)] if places else pattern


_SPECIAL: Final = frozenset("\\^$.|?*+()[]{}")
_FLAG: Final = re.compile(r"[(][?](?!:)")
_REPEATS: Final = frozenset("*?{+")


def of_pattern(pattern: str) -> Wanted | None:
    """An RE2 pattern that starts with ``^`` and plain characters, or is plain characters and ``$``.

    ``[.]`` and an escaped dot are plain; an alternative to the whole, or a flag, makes it say nothing.
    """
    if _FLAG.search(pattern) or ("|" in pattern and _alternatives(pattern)):
        return None
    anchored = pattern.startswith("^")
    text, rest = _plain(pattern[1:] if anchored else pattern)
    if not text:
        return None
    if anchored and rest == "$":
        return Wanted("is", (text,), True)
    if anchored:
        return Wanted("starts", (text,), not rest)
    return Wanted("ends", (text,), True) if rest == "$" else None


def _alternatives(pattern: str) -> bool:
    """Whether there may be a ``|`` outside all groups and classes."""
    if "[:" in pattern or "\\Q" in pattern:
        return True  # Classes within classes, and quoting, are not read here.
    depth = at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char == "[":
            at += 2 if pattern[at + 1 : at + 2] == "^" else 1
            at += pattern[at : at + 1] == "]"  # Plain at the start of a class.
            while at < len(pattern) and pattern[at] != "]":
                at += 2 if pattern[at] == "\\" else 1
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            return True
        at += 1
    return False


def _plain(pattern: str) -> tuple[str, str]:
    """The plain characters a pattern starts with, and what follows; one that is repeated is not among them."""
    found: list[str] = []
    at = 0
    while at < len(pattern):
        char, size = pattern[at], 1
        if char == "\\" and at + 1 < len(pattern) and pattern[at + 1] in _SPECIAL | {"-", "/"}:
            char, size = pattern[at + 1], 2
        elif char == "[" and pattern[at + 2 : at + 3] == "]" and pattern[at + 1] not in "^\\[":
            char, size = pattern[at + 1], 3
        elif char in _SPECIAL:
            break
        if pattern[at + size : at + size + 1] in _REPEATS:
            break
        found.append(char)
        at += size
    return "".join(found), pattern[at:]
