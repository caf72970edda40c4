"""Counts by category, as ``drift`` keeps them: squared weights at place 0, others at place 1, then one place for each category.

Law: pure, on plain lists that grow to the right; what is beyond the end of one is zero.
"""

from collections.abc import Sequence

PINNED = 10_000
"How many events a baseline that people wrote is worth."


def count_at(counts: list[int], place: int) -> int:
    """The count of a category; none was counted beyond the end."""
    return counts[place] if place < len(counts) else 0


def count_in(counts: list[int], place: int, weight: int) -> None:
    """Count an event of this weight in a category."""
    if place >= len(counts):
        counts += [0] * (place + 1 - len(counts))
    counts[0] += weight * weight
    counts[place] += weight


def add_to(to: list[int], counts: list[int]) -> None:
    """Add other counts, place by place."""
    if len(counts) > len(to):
        to += [0] * (len(counts) - len(to))
    for place, n in enumerate(counts):
        to[place] += n


def moved(counts: list[int], move: dict[int, int]) -> list[int]:
    """The counts with each category at another place; what has none there joins its own place."""
    out = [0] * (max(move.values(), default=1) + 1)
    for place, n in enumerate(counts):
        out[move.get(place, place)] += n
    return out


def folded(counts: list[int], kept: int) -> list[int]:
    """The counts with every category beyond the first ``kept`` taken for others."""
    if len(counts) <= kept + 2:
        return counts
    out = counts[: kept + 2]
    out[1] += sum(counts[kept + 2 :])
    return out


def without(counts: list[int], blocks: list[list[int]]) -> list[int]:
    """The counts less those of some blocks."""
    out = list(counts)
    for block in blocks:
        for place, n in enumerate(block):
            out[place] -= n
    return out


def events(counts: list[int]) -> float:
    """How many independent events the counts are worth (Kish's effective sample size)."""
    return sum(counts[1:]) ** 2 / counts[0] if counts and counts[0] else 0.0


def of_shares(others: float, shares: Sequence[float]) -> list[int]:
    """Counts as if ``PINNED`` events had been seen in these shares."""
    return [PINNED, round(others * PINNED), *(round(share * PINNED) for share in shares)]
