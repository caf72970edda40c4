"""The courier: it carries every page of the outbox to its channel, and reports what became of it.

Law: rows come in after their commit and leave with a report; between the two they are never lost, whatever a receiver does.
Every (receiver, channel) has a lane of its own (``lane.py``), so one that hangs delays no other. The courier decides nothing: what
to send was decided by the engine, and what a result means is the daemon's business.

A crash between a delivery and the commit of its report sends the page again after the restart, with the same id and the
same ``dedup_key``: repeated at worst, never lost.
"""

import asyncio
import logging
import random
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping

import orjson

from rulesd.model.inputs import Delivered
from rulesd.model.instant import Instant, Milliseconds
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.ports.channel import Channel
from rulesd.ports.meter import Meter
from rulesd.ports.store import OutboxDone, OutboxRow
from rulesd.runners.lane import Lane, Sleep, attempt

log = logging.getLogger(__name__)

Key = tuple[str, str]
"(receiver, channel name)"

Report = Callable[[OutboxDone, Delivered | None], None]
"Hears of every attempt; ``Delivered`` only at the end of a row (accepted, or given up)."

References = Callable[[str], Awaitable[Mapping[Key, bytes]]]
"What the store remembers of an incident's messages (``Store.references``, asked on the writer's thread)."

Health = Callable[[str, str, bool, str], None]
"(receiver, channel, whether it works, reason): each time a channel is given up for now, or works again."

REMEMBERED = 20_000
"Incidents' references kept in memory; the store has the others."

STATES: Mapping[DeliveryOutcome, str] = {
    DeliveryOutcome.DELIVERED: "delivered",
    DeliveryOutcome.FAILED: "failed",
    DeliveryOutcome.SKIPPED: "skipped",
    DeliveryOutcome.RETRY: "pending",
}


async def _no_references(incident: str) -> Mapping[Key, bytes]:
    """Nothing is remembered."""
    del incident
    return {}


class Courier:
    """All lanes of one daemon."""

    def __init__(
        self,
        channels: Mapping[Key, Channel],
        *,
        report: Report,
        meter: Meter,
        now: Callable[[], Instant],
        references: References = _no_references,
        health: Health | None = None,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """``now``: processing time in milliseconds. ``report`` must not block; it runs in the event loop."""
        self._channels: dict[Key, Channel] = dict(channels)
        self._report, self._meter, self._health = report, meter, health
        self._now, self._sleep, self._jitter = now, sleep, jitter
        self._references = references
        self._known: OrderedDict[tuple[str, str, str], Mapping[str, str]] = OrderedDict()
        self._lanes: dict[Key, Lane] = {}
        self._paces: dict[str, deque[Instant]] = {}
        "By place: when something was sent there, by all lanes that lead to it."

        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._stopping = False
        meter.outbox_oldest.set_function(lambda: self.oldest_age(self._now()) / 1_000)
        meter.outbox_pending.set_function(lambda: self.pending)

    # ------------------------------------------------------------------ rows

    def add(self, rows: Iterable[OutboxRow]) -> None:
        """Take rows that are committed: after a commit, or from the store at start. A row that is known is not taken twice."""
        for row in rows:
            if not self._stopping:
                self._take(row)

    def _take(self, row: OutboxRow) -> None:
        key = (row.receiver, row.channel)
        channel = self._channels.get(key)
        if channel is None:
            self._unknown(row)
            return
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = self._lane(row.receiver, channel)
        lane.add(row)
        task = self._tasks.get(key)
        if task is None or task.done():
            name = f"lane {row.receiver} {row.channel}"
            self._tasks[key] = asyncio.get_running_loop().create_task(lane.run(), name=name)

    def _lane(self, receiver: str, channel: Channel) -> Lane:
        return Lane(
            receiver,
            channel,
            finish=self._finished,
            reference=self._reference,
            health=self._changed,
            now=self._now,
            sleep=self._sleep,
            jitter=self._jitter,
            sent=self._pace(channel),
        )

    def _pace(self, channel: Channel) -> deque[Instant]:
        place = getattr(channel, "place", "")
        return self._paces.setdefault(f"{channel.kind} {place}", deque()) if place else deque()

    def _unknown(self, row: OutboxRow) -> None:
        """The receiver or channel went away with a reload: the page cannot be delivered, and that is said aloud."""
        gone = Delivery(
            outcome=DeliveryOutcome.FAILED,
            reason=DeliveryReason.CONFIG,
            detail=f"there is no channel {row.channel} of receiver {row.receiver} any more",
        )
        self._count(row.receiver, row.channel.partition("[")[0], gone)
        self._tell(row, gone, row.attempts + 1, 0)

    def withdraw(self, id_: str, receiver: str, channel: str, words: str) -> bool:
        """A row need not leave any more: it ends as skipped, with ``words``. ``False`` when it is not here, or out right now."""
        lane = self._lanes.get((receiver, channel))
        row = lane.backlog.withdraw(id_) if lane is not None else None
        if row is None:
            return False
        done = Delivery(
            outcome=DeliveryOutcome.SKIPPED, reason=DeliveryReason.NOT_NEEDED, detail=words
        )
        self._tell(row, done, row.attempts, 0)
        return True

    def knows(self, id_: str, receiver: str, channel: str) -> bool:
        """Whether a row waits or is out."""
        lane = self._lanes.get((receiver, channel))
        return lane is not None and lane.backlog.knows(id_)

    def failed_over(self, receiver: str, channel: str) -> None:
        """Count that a page of this channel goes another way."""
        self._meter.notifications.labels(receiver, channel.partition("[")[0], "failed_over").inc()

    @property
    def pending(self) -> int:
        """Rows not yet delivered."""
        return sum(len(lane.backlog) for lane in self._lanes.values())

    def oldest_age(self, now: Instant) -> Milliseconds:
        """Age of the oldest undelivered row; 0 when there is none."""
        ages = (lane.backlog.oldest() for lane in self._lanes.values())
        return max((now - created for created in ages if created is not None), default=0)

    def stalled_s(self) -> float:
        """How long some lane has owed a step, in seconds; 0 while all is well, also while receivers are down."""
        now = self._now()
        return max((lane.overdue(now) for lane in self._lanes.values()), default=0) / 1_000

    def failing(self) -> list[Key]:
        """Channels that are given up for now and only probed."""
        return sorted(key for key, lane in self._lanes.items() if lane.open)

    # ------------------------------------------------------------------ results

    def _finished(
        self,
        lane: Lane,
        row: OutboxRow,
        notification: Notification | None,
        result: Delivery,
        attempts: int,
        next_at: Instant,
    ) -> None:
        self._count(lane.receiver, lane.channel.kind, result)
        if result.outcome is DeliveryOutcome.DELIVERED and notification is not None:
            if result.reference:
                self._remember(row, result.reference)
            if notification.page and notification.status == "firing":
                self._meter.page.observe(max(0, self._now() - row.created) / 1_000)
        self._tell(row, result, attempts, next_at)

    def _count(self, receiver: str, kind: str, result: Delivery) -> None:
        self._meter.notifications.labels(receiver, kind, str(result.outcome)).inc()

    def _tell(self, row: OutboxRow, result: Delivery, attempts: int, next_at: Instant) -> None:
        words = f"{result.reason}: {result.detail}" if result.detail else str(result.reason)
        done = OutboxDone(
            id=row.id,
            receiver=row.receiver,
            channel=row.channel,
            state=STATES[result.outcome],
            attempts=attempts,
            next_at=next_at,
            detail=words,
            at=self._now(),
            incident=row.incident,
            reference=orjson.dumps(dict(result.reference)) if result.reference else b"",
        )
        final = result.outcome in (DeliveryOutcome.DELIVERED, DeliveryOutcome.FAILED)
        delivered = Delivered(
            notification=row.id,
            receiver=row.receiver,
            channel=row.channel,
            outcome=result.outcome,
            reason=result.reason,
            attempts=attempts,
        )
        self._report(done, delivered if final else None)

    def _changed(self, lane: Lane, result: Delivery) -> None:
        """A circuit opened or closed."""
        works = not lane.open
        level = logging.INFO if works else logging.WARNING
        state = "works again" if works else "fails; only probed from now on"
        log.log(level, "receiver %s, %s: %s", lane.receiver, lane.channel.name, state)
        if not works:
            self._meter.notifications.labels(
                lane.receiver, lane.channel.kind, str(DeliveryReason.CIRCUIT_OPEN)
            ).inc()
        if self._health is not None:
            self._health(lane.receiver, lane.channel.name, works, str(result.reason))

    # ------------------------------------------------------------------ references

    async def _reference(self, row: OutboxRow, channel: Channel) -> Mapping[str, str]:
        """What to update in place: from memory, else from the store."""
        if not channel.updates_in_place:
            return {}
        key = (row.incident, row.receiver, row.channel)
        if key not in self._known:
            await self._recall(row.incident)
        found = self._known.get(key, {})
        self._keep(key, found)
        return found

    async def _recall(self, incident: str) -> None:
        try:
            async with asyncio.timeout(5.0):
                found = await self._references(incident)
        except Exception as error:  # noqa: BLE001 - a page in a new message is better than no page
            log.warning("references could not be read: %s", type(error).__name__)
            return
        for (receiver, channel), body in found.items():
            self._known.setdefault((incident, receiver, channel), orjson.loads(body))

    def _remember(self, row: OutboxRow, reference: Mapping[str, str]) -> None:
        self._keep((row.incident, row.receiver, row.channel), dict(reference))

    def _keep(self, key: tuple[str, str, str], reference: Mapping[str, str]) -> None:
        self._known[key] = reference
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    # ------------------------------------------------------------------ life

    async def reload(self, channels: Mapping[Key, Channel]) -> None:
        """Use new adapters from now on. Rows stay; those of a channel that is gone are reported as failed."""
        before, self._channels = self._channels, dict(channels)
        for key, lane in list(self._lanes.items()):
            channel = self._channels.get(key)
            if channel is not None:
                lane.replace(channel)
                continue
            task = self._tasks.pop(key, None)
            del self._lanes[key]
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            for row in lane.backlog.rows():
                self._unknown(row)
        for key, old in before.items():
            if self._channels.get(key) is not old:
                await old.close()

    async def try_once(
        self, receiver: str, channel: str, notification: Notification
    ) -> tuple[Delivery, float]:
        """Send one page past the queue, once: the result and how long it took in seconds.

        For test pages (``compose_test`` marks them) and for the page about a store that cannot keep an outbox.
        """
        found = self._channels.get((receiver, channel))
        if found is None:
            missing = Delivery(
                outcome=DeliveryOutcome.FAILED,
                reason=DeliveryReason.CONFIG,
                detail=f"there is no channel {channel} of receiver {receiver}",
            )
            return missing, 0.0
        began = time.perf_counter()
        result = await attempt(found, notification, {})
        self._count(receiver, found.kind, result)
        return result, time.perf_counter() - began

    async def stop(self, deadline_s: float) -> None:
        """Send what may leave now, until ``deadline_s`` have passed; the rest stays in the store for the next start."""
        self._stopping = True
        for lane in self._lanes.values():
            lane.drain()
        tasks = [task for task in self._tasks.values() if not task.done()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for channel in self._channels.values():
            await channel.close()
