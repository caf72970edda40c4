"""What several rows of one commit come to, taken together.

Law: pure. Folding gives what applying them one after the other would give.
"""

from collections.abc import Sequence

from rulesd.ports.store import DecisionRow, OutboxDone

DELIVERED = "delivered"
"The one state of an outbox row that is never left again: a page that was taken is not sent twice."


def final_outcomes(done: Sequence[OutboxDone]) -> dict[tuple[str, str, str], OutboxDone]:
    """By (id, receiver, channel) the last word about each row; after ``delivered`` nothing counts."""
    final: dict[tuple[str, str, str], OutboxDone] = {}
    for one in done:
        place = (one.id, one.receiver, one.channel)
        standing = final.get(place)
        if standing is None or standing.state != DELIVERED:
            final[place] = one
    return final


def last_number(decisions: Sequence[DecisionRow], last: int) -> int:
    """The number of the last decision.

    Raises:
        ValueError: numbers do not go up from ``last``: a decision would stand twice or out of order in the log.
    """
    for row in decisions:
        if row.seq <= last:
            raise ValueError(f"decision {row.seq} comes after decision {last}; numbers must go up")
        last = row.seq
    return last


def last_values(settings: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """The last value of each name; empty means: deleted."""
    return dict(settings)
