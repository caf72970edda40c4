"""The ids of a few events that speak for an alert that no single event opens: a share, a level, a budget is judged when time has passed.

Law: bounded, and nothing is decided by it. The latest come last, in order of arrival.
"""

MOST = 3
"How many ids a key keeps."


def with_latest(known: tuple[str, ...], event: str) -> tuple[str, ...]:
    """``known`` and one more; the oldest goes when there are enough."""
    return (*known[1 - MOST :], event)
