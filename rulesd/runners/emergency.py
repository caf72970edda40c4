"""The emergency path: what the journal cannot carry, because it is the journal that fails.

Law: only for the store's own failure. A page about it goes straight from memory to the receiver of whoever answers for rulesd,
once when commits have failed for ten seconds, and again every hour while they do. It is not durable and cannot be: that is the
reason for it.
"""

import asyncio
import logging
from collections.abc import Sequence

from rulesd.core.plan import Plan
from rulesd.core.shifts import of_owner
from rulesd.model.alert import Alert
from rulesd.model.decision import NotificationDue, Status, Told
from rulesd.model.fingerprint import episode_id, fingerprint
from rulesd.model.instant import HOUR, SECOND, Instant
from rulesd.model.notification import Notification
from rulesd.model.reasons import AlertState, Reason
from rulesd.notify.compose import Links, compose, decode_notification
from rulesd.runners.local import LocalDaemon, Parts, cannot_commit

log = logging.getLogger(__name__)

RULE = "rulesd.disk_full"
"The built-in rule whose words and runbook the page carries."

PATIENCE = 10 * SECOND
AGAIN = HOUR


class Emergency:
    """Tells people about a store that cannot commit."""

    def __init__(self, daemon: LocalDaemon, parts: Parts) -> None:
        """All is well."""
        self._daemon, self._parts = daemon, parts
        self._since: Instant | None = None
        self._told: Instant | None = None

    def look(self, now: Instant) -> bool:
        """See whether the store commits; ``True`` when people must be told now."""
        failing = cannot_commit(self._parts.writer)
        if not failing:
            self._since = self._told = None
            return False
        if self._since is None:
            self._since = now
        if now - self._since < PATIENCE or (self._told is not None and now - self._told < AGAIN):
            return False
        self._told = now
        log.critical("the store cannot commit: %s", failing)
        return True

    async def tell(self, now: Instant) -> None:
        """Send the page on every channel at once: one that hangs must not delay the others."""
        due = due_for(self._daemon.plan, self._since or now, now)
        told = pages(due, self._daemon.plan, self._parts.links)
        await asyncio.gather(*(self._send(*one) for one in told))

    async def _send(self, receiver: str, channel: str, page: Notification) -> None:
        result, _ = await self._parts.courier.try_once(receiver, channel, page)
        log.critical(
            "emergency page: receiver=%s channel=%s outcome=%s", receiver, channel, result.outcome
        )


def due_for(plan: Plan, since: Instant, now: Instant) -> NotificationDue:
    """The page about a store that has not committed since ``since``."""
    position = plan.by_id.get(RULE)
    rule = None if position is None else plan.rules[position]
    owner = rule.owner if rule is not None else next(iter(plan.owners), "")
    labels = {"component": "store", "status": "cannot_commit"}
    alert = Alert(
        alert=episode_id(RULE, (), "", since),
        rule=RULE,
        fingerprint=fingerprint({"alertname": RULE, **labels}),
        labels=labels,
        context={},
        severity="critical",
        owner=owner,
        state=AlertState.FIRING,
        value=1.0,
        threshold=None,
        count=1,
        since=since,
        event_time=since,
        started_at=since,
        never=True,
    )
    return NotificationDue(
        at=now,
        reason=Reason.NEVER,
        receiver=of_owner(plan, owner, "critical", now)[0].receiver,
        group=f'{{}}:{{alertname="{RULE}"}}',
        group_labels={"alertname": RULE},
        status=Status.FIRING,
        alerts=(Told(alert=alert, status=Status.FIRING, changed=True),),
        incident=alert.alert,
        page=True,
    )


def pages(
    due: NotificationDue, plan: Plan, links: Links
) -> Sequence[tuple[str, str, Notification]]:
    """(receiver, channel, page) for every channel of the receiver."""
    rows = compose(due, plan, number=0, links=links)
    return [(row.receiver, row.channel, decode_notification(row.body)) for row in rows]
