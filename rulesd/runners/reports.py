"""What became of pages, gathered for a moment: pages to a fast receiver end together and become one commit.

Law: nothing is left out, and order is kept. A report waits a few milliseconds for others; a crash meanwhile sends the page again under its
own key, as a crash before the commit always did.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rulesd.model.inputs import Delivered
from rulesd.ports.store import OutboxDone, OutboxRow

WAIT_S = 0.003
"How long a report waits for others."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a page, and what follows from it."""

    done: OutboxDone
    delivered: Delivered
    owed: Sequence[OutboxRow] = ()
    settings: Sequence[tuple[str, bytes]] = ()


class Reports:
    """The reports that wait."""

    def __init__(self, ready: Callable[[], bool], take: Callable[[Sequence[Report]], None]) -> None:
        """``ready``: whether there is time for them now, asked again at the loop's next turn; ``take`` makes them durable."""
        self._ready, self._take = ready, take
        self._waiting: list[Report] = []

    def add(self, report: Report) -> None:
        """Take one."""
        self._waiting.append(report)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(WAIT_S, self.flush)

    def flush(self) -> None:
        """Hand over those that wait, once there is time."""
        if not self._waiting:
            return
        if not self._ready():
            asyncio.get_running_loop().call_soon(self.flush)
            return
        waiting, self._waiting = self._waiting, []
        self._take(waiting)
