"""A channel: one way to reach one receiver.

Promises of every adapter (the contract suite in ``tests/contracts/channel.py`` holds them to it):

* ``send`` never raises for anything the receiver or the network does; it returns a ``Delivery``.
* It makes at most one visible page for one ``Notification.id``, as far as the receiver's API allows it: the same id (or the same
  ``dedup_key``) goes out on every retry.
* It answers within its deadline (seconds) and holds no lock that another channel needs.
* It escapes every label for its medium. Secrets appear in no ``Delivery.detail``, log or exception.
* An adapter may have a ``place``: what the receiver counts requests by (an integration key, a chat's channel), named without telling a
  secret. Channels of one place share its pace.
* A notification with ``page=False`` is sent only where ``updates_in_place`` is true; others answer ``SKIPPED``.
"""

from collections.abc import Mapping
from typing import Protocol

from rulesd.model.notification import Delivery, Notification


class Channel(Protocol):
    """One configured way out, ready to send."""

    name: str
    "Unique among the receiver's channels and stable over restarts: ``slack[0]``."

    kind: str
    "``slack``, ``pagerduty``, ``webhook``, ``apprise``, ``email`` ... (metric label)."

    updates_in_place: bool
    "Whether an existing message can be brought up to date without waking anyone."

    for_people: bool
    "People's channels fold a storm of pages into one; machines' channels get every alert."

    per_alert: bool
    "``True``: one notification for each changed alert (PagerDuty's one incident per episode); ``False``: one per group."

    send_resolved: bool
    deadline_s: float

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Try once. ``reference`` is what the last successful ``send`` for this incident returned, or empty."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
