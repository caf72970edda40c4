"""Apprise: the long tail of services, one bulkhead per channel.

Law: a hung service holds only its own threads. Apprise sends with blocking calls on one pool for the whole process, where
twelve hung channels delayed a healthy page by seconds; here every channel has a thread of its own, a deadline, and a new
thread after a hang, up to a limit.

What Apprise cannot tell: why a send failed (there is no status and no ``Retry-After``), so every failure is tried again; and
whether a send that ran out of time arrived after all, so a slow service may show a page twice.
"""

import asyncio
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.http import retry, skipped
from rulesd.notify.settings import Secrets, Settings
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.wording import context, plain_fallback

DEADLINE_S = 20.0
HUNG_LIMIT = 4
"Threads of one channel that may hang at the same time; beyond, the channel waits for one to come back."


class Apprise:
    """One Apprise URL."""

    kind = "apprise"
    updates_in_place = False

    def __init__(
        self,
        spec: ChannelSpec,
        templates: Templates,
        *,
        notify: Callable[[str, str, str], bool],
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``notify(title, body, kind)`` blocks and says whether it was sent."""
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.deadline_s = spec.send_resolved, deadline_s
        self._templates, self._notify = templates, notify
        self._running: set[Future[bool]] = set()

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Send in a thread of this channel; give up waiting at the deadline."""
        del reference
        if not notification.page:
            return skipped("this service has no message to update")
        if len(self._running) >= HUNG_LIMIT:
            return retry(DeliveryReason.TIMEOUT, f"{HUNG_LIMIT} earlier sends have not come back")
        title, body = self._text(notification)
        kind = {"resolved": "success", "acknowledged": "info"}.get(notification.status, "failure")
        try:
            async with asyncio.timeout(self.deadline_s):
                sent = await asyncio.wrap_future(self._start(title, body, kind))
        except TimeoutError:
            return retry(DeliveryReason.TIMEOUT, f"not sent within {self.deadline_s:g} s")
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; its words may hold the URL
            return retry(DeliveryReason.SERVER_ERROR, f"the plugin raised {type(error).__name__}")
        if sent:
            return Delivery(
                outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK, detail="sent"
            )
        return retry(DeliveryReason.SERVER_ERROR, "Apprise could not send it")

    def _start(self, title: str, body: str, kind: str) -> Future[bool]:
        """A daemon thread: a hung one never keeps the process from ending."""
        future: Future[bool] = Future()
        future.set_running_or_notify_cancel()

        def run() -> None:
            try:
                sent = self._notify(title, body, kind)
            except BaseException as error:  # noqa: BLE001 - handed over to who waits
                future.set_exception(error)
            else:
                future.set_result(sent)

        self._running.add(future)
        future.add_done_callback(self._running.discard)
        threading.Thread(target=run, name=f"apprise {self.name}", daemon=True).start()
        return future

    def _text(self, notification: Notification) -> tuple[str, str]:
        rendered = self._templates.render(
            "plain.j2",
            Medium.PLAIN,
            context(notification),
            lambda: plain_fallback(notification),
        )
        title, _, body = rendered.text.partition("\n")
        body = body.strip() or title
        return title, f"{body}\n\n{rendered.notice}" if rendered.notice else body

    async def close(self) -> None:
        """Nothing to give back: threads end with their send."""


def apprise(spec: ChannelSpec, secrets: Secrets, templates: Templates) -> Apprise:
    """The adapter for ``apprise`` of receivers.yaml: ``{url}``, a literal or a reference.

    Raises:
        ChannelError: when the package is missing or the address is none that Apprise knows.
    """
    settings = Settings(spec, secrets)
    url = settings.secret("url")
    try:
        import apprise as library
    except ImportError:
        hint = "Install it: pip install 'rulesd[apprise]'"
        raise settings.error("url", "the package apprise is not installed", hint) from None
    with warnings.catch_warnings():
        # Its plugins import what later Pythons drop; that is not the operator's business.
        warnings.simplefilter("ignore", DeprecationWarning)
        plugin: Any = library.Apprise.instantiate(url, suppress_exceptions=True) if url else None
    if plugin is None:
        hint = "Write an address that Apprise knows, such as ntfy://host/topic"
        raise settings.error("url", "is not an Apprise address", hint)
    # Too long a text is cut: "split" would make several pages of one.
    plugin.overflow_mode = library.OverflowMode.TRUNCATE

    def notify(title: str, body: str, kind: str) -> bool:
        return bool(plugin.notify(title=title, body=body, notify_type=kind, body_format="text"))

    deadline_s = settings.number("deadline_s", DEADLINE_S)
    return Apprise(spec, templates, notify=notify, deadline_s=deadline_s)
