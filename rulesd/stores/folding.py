"""What several words about one thing in one commit come to.

Law: pure. Folding gives what applying them one after the other would give.
"""

from collections.abc import Sequence

from rulesd.ports.store import OutboxDone

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


def last_values(settings: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """The last value of each name; empty means: deleted."""
    return dict(settings)
