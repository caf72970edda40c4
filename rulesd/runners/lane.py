"""One channel's way out: its own queue, its own task, its own patience.

Law: a lane waits only for its own channel. It never drops a row: an attempt ends delivered, skipped, failed for good (recorded
and counted), or is tried again.

Theory: exponential backoff with jitter from 1 s to 5 min for each row; ``Retry-After`` rests the whole lane. After five failures
in a row the circuit opens: one row at a time is tried, later and later, until one goes through; then everything goes. So a
receiver that is down gets one request now and then instead of the whole backlog, and a wrong token burns a handful of
pages, not all of them.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from rulesd.model.instant import HOUR, MINUTE, SECOND, Instant, Milliseconds
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.compose import decode_notification
from rulesd.ports.channel import Channel
from rulesd.ports.store import OutboxRow
from rulesd.runners.backlog import Backlog

log = logging.getLogger(__name__)

FIRST_RETRY: Milliseconds = SECOND
LAST_RETRY: Milliseconds = 5 * MINUTE
LONGEST_RETRY_AFTER: Milliseconds = HOUR
"A receiver may not silence pages for longer than this, whatever it asks for."

FAILURES_TO_OPEN = 5
GRACE_S = 1.0
"What a channel may take beyond its deadline before its attempt is cut off."

Sleep = Callable[[float], Awaitable[None]]
Finish = Callable[["Lane", OutboxRow, Notification | None, Delivery, int, Instant], None]
"(lane, row, page, how it ended, attempts so far, when it is tried again or 0)"


@dataclass(frozen=True, slots=True)
class Pace:
    """At most ``count`` sends within ``within`` milliseconds."""

    count: int
    within: Milliseconds


PACES: Mapping[str, Pace] = {
    "slack": Pace(1, SECOND),
    "slack_configs": Pace(1, SECOND),
    "pagerduty": Pace(120, MINUTE),
    "pagerduty_configs": Pace(120, MINUTE),
}
"What receivers allow: Slack one message a second and channel, PagerDuty 120 events a minute and integration."


ABREAST: Mapping[str, int] = {"webhook": 8, "webhook_configs": 8}
"""How many pages of different incidents may be on their way to a receiver at once; 1 where it is not said.

Programs take pages side by side; people's channels keep their order. A lane begins with one and grows by one with each page that
is taken; a failure makes it one again: a receiver that is down, or asks for a rest, costs one attempt and not eight."""


def backoff(attempts: int, jitter: float) -> Milliseconds:
    """How long a row rests after ``attempts`` failures: 1 s doubled each time, at most 5 min, a quarter up or down."""
    plain = min(LAST_RETRY, FIRST_RETRY * 2 ** min(attempts - 1, 20))
    return int(plain * (0.75 + 0.5 * jitter))


async def attempt(
    channel: Channel, notification: Notification, reference: Mapping[str, str]
) -> Delivery:
    """Send once, within the channel's deadline, whatever the channel does."""
    try:
        async with asyncio.timeout(channel.deadline_s + GRACE_S):
            return await channel.send(notification, reference)
    except TimeoutError:
        words = f"no result within {channel.deadline_s:g} s"
        return Delivery(outcome=DeliveryOutcome.RETRY, reason=DeliveryReason.TIMEOUT, detail=words)
    except Exception as error:  # noqa: BLE001 - a fault in one adapter must not stop its pages; its words may hold secrets
        log.error("channel %s raised %s", channel.name, type(error).__name__)  # noqa: TRY400
        words = f"internal error ({type(error).__name__})"
        return Delivery(
            outcome=DeliveryOutcome.RETRY, reason=DeliveryReason.SERVER_ERROR, detail=words
        )


class Lane:
    """The queue and the task of one (receiver, channel)."""

    def __init__(
        self,
        receiver: str,
        channel: Channel,
        *,
        finish: Finish,
        reference: Callable[[OutboxRow, Channel], Awaitable[Mapping[str, str]]],
        health: Callable[["Lane", Delivery], None],
        now: Callable[[], Instant],
        sleep: Sleep,
        jitter: Callable[[], float] = random.random,
        sent: deque[Instant] | None = None,
    ) -> None:
        """``sent``: when something was sent to this place, by whichever lane. ``finish`` hears of every attempt, ``health`` of every opening and closing of the circuit."""
        self.receiver, self.channel = receiver, channel
        self.backlog = Backlog()
        self.open = False
        "Whether the circuit is open: the channel fails, and is only probed."
        self._out: dict[str, Instant] = {}
        "Rows on their way, and since when."
        self._width = 1
        self._helpers: set[asyncio.Task[None]] = set()
        self._finish, self._reference, self._health = finish, reference, health
        self._now, self._sleep, self._jitter = now, sleep, jitter
        self._failures = 0
        self._paused_until: Instant = 0
        self._sent: deque[Instant] = deque() if sent is None else sent
        self._wake = asyncio.Event()
        self._draining = False

    def add(self, row: OutboxRow) -> bool:
        """Take a row; ``False`` when it is known already."""
        if not self.backlog.add(row):
            return False
        self._wake.set()
        return True

    def replace(self, channel: Channel) -> None:
        """Use a new adapter from the next attempt on: what was wrong may be repaired, so nothing rests any longer."""
        self.channel = channel
        self._failures, self._paused_until = 0, 0
        self.backlog.wake_all()
        if self.open:
            self._close(Delivery(outcome=DeliveryOutcome.SKIPPED, reason=DeliveryReason.OK))
        self._wake.set()

    def drain(self) -> None:
        """Send what may leave now, then end."""
        self._draining = True
        self._wake.set()

    def overdue(self, now: Instant) -> Milliseconds:
        """How long this lane has owed a step it did not take; 0 while all is well. Waiting for the receiver is well."""
        if self._out:
            allowed = int((self.channel.deadline_s + GRACE_S) * 1_000)
            return max(0, now - min(self._out.values()) - allowed)
        due = self._due_at()
        return 0 if due is None else max(0, now - due)

    async def run(self) -> None:
        """Send, for as long as there is something or until drained."""
        try:
            while await self._step():
                pass
            await asyncio.gather(*self._helpers)
        finally:
            for helper in self._helpers:
                helper.cancel()

    async def _help(self) -> None:
        """Send beside the lane's own task, while there is something that may leave and nothing fails."""
        while self._width > 1:
            now = self._now()
            due = self._due_at()
            row = self.backlog.take(now) if due is not None and due <= now else None
            if row is None:
                return
            await self._try(row)

    def _call_for_help(self) -> None:
        self._width = min(self._width + 1, ABREAST.get(self.channel.kind, 1))
        if len(self._helpers) < self._width - 1 and self.backlog.next_at() == 0:
            helper = asyncio.get_running_loop().create_task(self._help())
            self._helpers.add(helper)
            helper.add_done_callback(self._helpers.discard)

    async def _step(self) -> bool:
        """One row, or one wait; ``False`` when the lane has drained."""
        self._wake.clear()
        now = self._now()
        due = self._due_at()
        if due is None or due > now:
            if self._draining:
                return False
            await self._rest(due)
            return True
        row = self.backlog.take(now, rested=not self.open)
        if row is not None:
            await self._try(row)
        return True

    async def _try(self, row: OutboxRow) -> None:
        try:
            await self._send(row)
        except Exception:
            # A fault of ours must not hold up the pages behind it: the row goes back, the lane goes on after a breath.
            log.exception("the lane of %s %s stumbled", self.receiver, self.channel.name)
            self.backlog.put_back(row)
            await self._sleep(1.0)

    def _due_at(self) -> Instant | None:
        """When the next row may leave: its own rest, the channel's pause and pace, whichever is last."""
        if not len(self.backlog):
            return None
        if self.open:
            return self._paused_until
        own = self.backlog.next_at()
        if own is None:
            return None
        return max(own, self._paused_until, self._pace_until())

    def _pace_until(self) -> Instant:
        pace = PACES.get(self.channel.kind)
        if pace is None or len(self._sent) < pace.count:
            return 0
        return self._sent[-pace.count] + pace.within

    async def _rest(self, until: Instant | None) -> None:
        """Wait for a new row or for ``until``."""
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._wake.wait())]
        if until is not None:
            waits.append(asyncio.ensure_future(self._pause(max(0, until - self._now()) / 1_000)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds)

    async def _send(self, row: OutboxRow) -> None:
        try:
            notification = decode_notification(row.body)
        except msgspec.MsgspecError:
            unreadable = Delivery(
                outcome=DeliveryOutcome.FAILED,
                reason=DeliveryReason.CONFIG,
                detail="the stored page cannot be read",
            )
            self._end(row, None, unreadable)
            return
        if self._superseded(row, notification):
            newer = Delivery(
                outcome=DeliveryOutcome.SKIPPED,
                reason=DeliveryReason.OK,
                detail="a newer update of the same message follows",
            )
            self._end(row, notification, newer)
            return
        channel = self.channel
        self._out[row.id] = self._now()
        try:
            reference = await self._reference(row, channel)
            self._sent.append(self._now())
            result = await attempt(channel, notification, reference)
        finally:
            del self._out[row.id]
        self._after(row, notification, result)

    def _superseded(self, row: OutboxRow, notification: Notification) -> bool:
        """Whether this only updates a message that the incident's next row updates again."""
        follower = self.backlog.follower(row)
        if notification.page or follower is None:
            return False
        try:
            newer = decode_notification(follower.body)
        except msgspec.MsgspecError:
            return False
        # An acknowledgement must not get lost behind an update that does not carry it.
        same = newer.status == notification.status and not newer.page
        return same or newer.status == "resolved"

    def _after(self, row: OutboxRow, notification: Notification, result: Delivery) -> None:
        if result.outcome is DeliveryOutcome.SKIPPED and self._sent:
            self._sent.pop()
        keep = PACES.get(self.channel.kind)
        while len(self._sent) > (keep.count if keep else 0):
            self._sent.popleft()
        if result.outcome in (DeliveryOutcome.DELIVERED, DeliveryOutcome.SKIPPED):
            if result.outcome is DeliveryOutcome.DELIVERED:
                self._works(result)
            self._end(row, notification, result)
            if result.outcome is DeliveryOutcome.DELIVERED:
                self._call_for_help()
            return
        self._fails(result)
        if result.outcome is DeliveryOutcome.FAILED:
            self._end(row, notification, result)
            return
        now, attempts = self._now(), row.attempts + 1
        asked = min(result.retry_after_ms or 0, LONGEST_RETRY_AFTER)
        next_at = now + max(backoff(attempts, self._jitter()), asked)
        if asked:
            self._paused_until = max(self._paused_until, now + asked)
        self.backlog.later(row, attempts=attempts, next_at=next_at)
        self._finish(self, row, notification, result, attempts, next_at)

    def _end(self, row: OutboxRow, notification: Notification | None, result: Delivery) -> None:
        self.backlog.done(row)
        self._finish(self, row, notification, result, row.attempts + 1, 0)

    def _works(self, result: Delivery) -> None:
        self._failures = 0
        if self.open:
            self._close(result)
            self.backlog.wake_all()

    def _close(self, result: Delivery) -> None:
        self.open = False
        self._paused_until = 0
        self._health(self, result)

    def _fails(self, result: Delivery) -> None:
        self._failures += 1
        self._width = 1
        if self._failures < FAILURES_TO_OPEN:
            return
        rest = backoff(self._failures - FAILURES_TO_OPEN + 1, self._jitter())
        self._paused_until = max(self._paused_until, self._now() + rest)
        if not self.open:
            self.open = True
            self._health(self, result)
