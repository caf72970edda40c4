"""The shadow check: now and then an event is matched a second time, without the index, and the two answers must agree.

Law: it never delays an event: the plain evaluation of all rules runs in a thread, on the same decoded document and the same
plan. A difference is a fault of rulesd itself, kept until somebody has been told (``rulesd.index_disagrees``).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence

from rulesd.core.plan import Plan
from rulesd.model.event import Document, Event

log = logging.getLogger(__name__)

RECENT = 1_000


class ShadowCheck:
    """Checks one event in ``every``; 0 switches it off."""

    def __init__(self, every: int) -> None:
        """Nothing checked yet."""
        self.checked = 0
        self.disagreed: dict[str, str] = {}
        "By rule: ``disagrees``."
        self.recent: deque[Document] = deque(maxlen=RECENT)
        "One event of each of the latest batches: from these a reload learns which fields tell rules apart."
        self._every = every
        self._seen = 0
        self._running: asyncio.Future[None] | None = None

    def offer(self, plan: Plan, events: Sequence[Event]) -> None:
        """Count events; take one for a check when it is its turn and the last check is done."""
        self._seen += len(events)
        if events:
            self.recent.append(events[-1].document)
        if not self._every or self._seen < self._every or not events or plan.naive is None:
            return
        if self._running is not None and not self._running.done():
            return
        self._seen = 0
        loop = asyncio.get_running_loop()
        self._running = loop.run_in_executor(None, self._check, plan, events[-1].document)

    async def idle(self) -> None:
        """Wait for the check that is running, if any: until then its plan is still asked."""
        if self._running is not None:
            await asyncio.wait([self._running])

    def _check(self, plan: Plan, document: Document) -> None:
        assert plan.naive is not None
        fast = _ids(plan, *plan.match(document))
        plain = plan.naive(document)
        self.checked += 1
        for rule in differences(fast, (list(plain[0]), list(plain[1]))):
            log.critical(
                "index and plain evaluation disagree: rule=%s plan=%s", rule, plan.digest[:12]
            )
            self.disagreed[rule] = "disagrees"

    def probe(self) -> Mapping[str, str]:
        """For the self-watch: the rules that gave two answers."""
        return dict(self.disagreed)


def differences(
    one: tuple[Sequence[str], Sequence[str]], two: tuple[Sequence[str], Sequence[str]]
) -> list[str]:
    """Ids of rules on which two evaluations differ: matched, raised, or neither."""
    first = {**dict.fromkeys(one[0], "matched"), **dict.fromkeys(one[1], "raised")}
    second = {**dict.fromkeys(two[0], "matched"), **dict.fromkeys(two[1], "raised")}
    return sorted(id_ for id_ in {**first, **second} if first.get(id_) != second.get(id_))


def _ids(plan: Plan, matched: Sequence[int], raised: Sequence[int]) -> tuple[list[str], list[str]]:
    return [plan.rules[i].id for i in matched], [plan.rules[i].id for i in raised]
