"""Dead letters: pages that were given up, sent again when a person asks for it.

Law: the same page with the same idempotency id, so a receiver that had taken it after all shows it once. It is owed again durably
before the answer; what becomes of it is on record like any attempt.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from rulesd.model.instant import Instant
from rulesd.ports.daemon import Done
from rulesd.ports.store import Commit, OutboxDone, OutboxRow, Store
from rulesd.runners.writer import Writer

FAILED, PENDING = "failed", "pending"


class DeadLetters:
    """Gives pages another chance."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        *,
        deliver: Callable[[Sequence[OutboxRow]], None],
        now: Callable[[], Instant],
    ) -> None:
        """``deliver``: what is called with rows that are committed."""
        self._store, self._writer, self._deliver, self._now = store, writer, deliver, now
        self._busy: set[tuple[str, str, str]] = set()

    async def redeliver(self, page: str, receiver: str, by: str) -> Done:
        """Owe every given-up row of a page again; ``receiver`` empty: whoever's they are.

        ``ALREADY``: it is on its way, or was taken meanwhile. ``UNKNOWN``: there is no such page any more.
        """
        found = await asyncio.to_thread(self._store.read_outbox, page=page)
        known = [(row, done) for row, done in found if receiver in ("", row.receiver)]
        if not known:
            return Done.UNKNOWN
        rows = [row for row, done in known if done and done.state == FAILED and self._take(row)]
        if not rows:
            return Done.ALREADY
        again = [self._again(row, by) for row in rows]
        try:
            await asyncio.shield(self._writer.submit(Commit(done=again)))
        finally:
            self._busy.difference_update(map(_place, rows))
        self._deliver([replace(row, attempts=0, next_at=0) for row in rows])
        return Done.DONE

    def _take(self, row: OutboxRow) -> bool:
        """Whether nobody else is sending this row again right now."""
        place = _place(row)
        if place in self._busy:
            return False
        self._busy.add(place)
        return True

    def _again(self, row: OutboxRow, by: str) -> OutboxDone:
        return OutboxDone(
            id=row.id,
            receiver=row.receiver,
            channel=row.channel,
            state=PENDING,
            attempts=0,
            next_at=0,
            detail=f"sent again by {by}",
            at=self._now(),
            incident=row.incident,
        )


def _place(row: OutboxRow) -> tuple[str, str, str]:
    return row.id, row.receiver, row.channel
