"""The signed webhook: a notification as a CloudEvent, with Standard Webhooks headers.

Law: ``webhook-id`` and the body are the same bytes on every retry; only the timestamp and so the signature differ. Redirects
are not followed: a signed page does not travel on.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import aiohttp
import msgspec

from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Delivery, Notification
from rulesd.notify.http import Request, judge, post, skipped
from rulesd.notify.settings import Secrets, Settings
from rulesd.notify.signing import read_secret, sign

TYPE = "ai.safety.alert.state.v1"
NOTICE = "ai.safety.notice.v1"
"The type of what is told that is no alert."

DEADLINE_S = 15.0


class Webhook:
    """Posts notifications to a machine."""

    kind = "webhook"
    updates_in_place = False

    def __init__(
        self,
        spec: ChannelSpec,
        session: aiohttp.ClientSession,
        *,
        url: str,
        secrets: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``secrets``: without any, messages are not signed. ``headers``: further ones, of the operator. ``clock``: seconds since the epoch, for the timestamp.

        Raises:
            ValueError: when a secret is none of Standard Webhooks; the text says how to make one.
        """
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.deadline_s = spec.send_resolved, deadline_s
        self._session, self._url, self._clock = session, url, clock
        self._headers = dict(headers or {})
        self._keys, self._secrets = tuple(read_secret(s) for s in secrets), tuple(secrets)

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Post once."""
        del reference
        if not notification.page:
            return skipped("a webhook has no message to update")
        body = cloud_event(notification)
        signature = sign(self._keys, notification.id, int(self._clock()), body)
        answer = await post(
            self._session,
            Request(
                url=self._url,
                body=body,
                headers={
                    **self._headers,
                    "Content-Type": "application/cloudevents+json; charset=utf-8",
                    **signature,
                },
                deadline_s=self.deadline_s,
                secrets=self._secrets,
            ),
        )
        return answer if isinstance(answer, Delivery) else judge(answer)

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


def cloud_event(notification: Notification) -> bytes:
    """The notification as a structured CloudEvent."""
    envelope = {
        "specversion": "1.0",
        "id": notification.id,
        "source": notification.external_url or "/rulesd",
        "type": NOTICE if notification.title else TYPE,
        "subject": notification.incident,
        "time": notification.at,
        "datacontenttype": "application/json",
        "data": notification,
    }
    return msgspec.json.encode(envelope)


def webhook(spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession) -> Webhook:
    """The adapter for ``webhook`` of receivers.yaml: ``{url, secret}``; ``secret`` may be a list for rotation.

    Raises:
        ChannelError: when the address or a secret cannot be used.
    """
    settings = Settings(spec, secrets)
    given = spec.settings.get("headers")
    headers = {str(k): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {}
    try:
        return Webhook(
            spec,
            session,
            url=settings.url("url"),
            secrets=settings.secret_list("secret"),
            headers=headers,
            deadline_s=settings.number("deadline_s", DEADLINE_S),
        )
    except ValueError as error:
        problem, _, hint = str(error).partition(". ")
        raise settings.error("secret", problem, hint) from None
