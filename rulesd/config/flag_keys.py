"""Whether two flag keys with ``{label}`` in them can come out as the same flag.

Law: exact. A label's value becomes one or more of ``a-z 0-9 . _ -``, so a key is a pattern, and two patterns either share a flag, of which
the shortest is shown, or they do not.
"""

from collections import deque

from rulesd.model.switch import places

ANY, MORE = "*", "+"
"In a pattern: one character of a label's value, and any number more. No key has them."

USUAL = "x"
"Stands for any character where both patterns leave it open."


def common_flag(one: str, other: str) -> str | None:
    """The shortest flag that both templates can make; ``None`` when there is none."""
    a, b = _pattern(one), _pattern(other)
    ways: deque[tuple[int, int, str]] = deque([(0, 0, "")])
    seen: set[tuple[int, int]] = set()
    while ways:
        i, j, made = ways.popleft()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(a) and j == len(b):
            return made
        # Ways that add no character go first, so that the first end reached is the shortest.
        if i < len(a) and a[i] == MORE:
            ways.appendleft((i + 1, j, made))
        if j < len(b) and b[j] == MORE:
            ways.appendleft((i, j + 1, made))
        if i < len(a) and j < len(b) and (char := _both(a[i], b[j])):
            ways.append((i + (a[i] != MORE), j + (b[j] != MORE), made + char))
    return None


def _both(one: str, other: str) -> str:
    """A character that both allow here; empty when there is none."""
    if one in (ANY, MORE):
        return USUAL if other in (ANY, MORE) else other
    return one if other in (ANY, MORE, one) else ""


def _pattern(key: str) -> str:
    for place in places(key):
        key = key.replace(f"{{{place}}}", ANY + MORE)
    return key
