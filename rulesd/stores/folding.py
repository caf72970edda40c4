"""What several rows of one commit come to, taken together.

Law: pure. Folding gives what applying them one after the other would give.
"""

from collections.abc import Sequence

from rulesd.ports.store import DecisionRow, OutboxDone, OutboxRow

DELIVERED = "delivered"
"The one state of an outbox row that is never left again: a page that was taken is not sent twice."

SKIPPED = "skipped"
"Nothing was sent, and nothing needed to be."


def final_outcomes(done: Sequence[OutboxDone]) -> dict[tuple[str, str, str], OutboxDone]:
    """By (id, receiver, channel) the last word about each row; after ``delivered`` nothing counts."""
    final: dict[tuple[str, str, str], OutboxDone] = {}
    for one in done:
        place = (one.id, one.receiver, one.channel)
        standing = final.get(place)
        if standing is None or standing.state != DELIVERED:
            final[place] = one
    return final


def attempts(done: Sequence[OutboxDone]) -> list[OutboxDone]:
    """Those that tell of an attempt: something was sent, or would have been had the channel been there."""
    return [one for one in done if one.attempts > 0 and one.state != SKIPPED]


def is_about(row: OutboxRow, alert: str) -> bool:
    """Whether a page tells of an alert: its body names it, or its incident is the alert's own."""
    return row.incident == alert or f'"alert":"{alert}"'.encode() in row.body


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
