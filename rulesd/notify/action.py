"""The action webhook: a service that cannot read flags is told when a switch is set and when it is lifted.

Law: Standard Webhooks headers, one signature for each secret (rotation), the id stable over every retry; the body is a CloudEvent and the
same bytes each time. 2xx: done; 202: accepted, the service reports with an ``action.result`` event; 3xx is never followed. Public
addresses only, unless the file says otherwise; a private one is given up at once, as a mistake of the file, and its owner is told.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import aiohttp
import msgspec
import orjson

from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import ActionCall, Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.model.switch import Switch
from rulesd.notify.action_rows import CHANNEL, receiver_of
from rulesd.notify.guarded import WORDS, open_guarded_session
from rulesd.notify.http import Answer, Request, failed, judge, post
from rulesd.notify.settings import Secrets, Settings
from rulesd.notify.signing import read_secret, sign

TYPE = "ai.safety.containment.changed.v1"


class ActionWebhook:
    """Tells one service of one switch."""

    kind = "action"
    name = CHANNEL
    updates_in_place = False
    for_people = False
    per_alert = False
    send_resolved = True

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        secrets: Sequence[str],
        deadline_s: float,
        owned: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``owned``: whether the session is this channel's own, to be closed with it."""
        self._session, self._url, self._owned, self._clock = session, url, owned, clock
        self.deadline_s = deadline_s
        self._keys, self._secrets = tuple(read_secret(s) for s in secrets), tuple(secrets)

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Post once."""
        del reference
        body = cloud_event(notification)
        signature = sign(self._keys, notification.id, int(self._clock()), body)
        answer = await post(
            self._session,
            Request(
                url=self._url,
                body=body,
                headers={
                    "Content-Type": "application/cloudevents+json; charset=utf-8",
                    "Idempotency-Key": notification.id,
                    **signature,
                },
                deadline_s=self.deadline_s,
                secrets=self._secrets,
            ),
        )
        if isinstance(answer, Delivery):
            # What the file forbids is not cured by trying again: the owner is told now.
            return (
                failed(DeliveryReason.CONFIG, answer.detail) if WORDS in answer.detail else answer
            )
        return accepted(answer) if answer.status == 202 else judge(answer)

    async def close(self) -> None:
        """Close what is its own."""
        if self._owned:
            await self._session.close()


def accepted(answer: Answer) -> Delivery:
    """202: the service will report with an ``action.result`` event."""
    return Delivery(
        outcome=DeliveryOutcome.DELIVERED,
        reason=DeliveryReason.ACCEPTED,
        detail=f"HTTP {answer.status}",
    )


def cloud_event(notification: Notification) -> bytes:
    """The call as a structured CloudEvent."""
    call = notification.action
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": notification.id,
            "source": notification.external_url or "/rulesd",
            "type": TYPE,
            "subject": notification.group,
            "time": notification.at,
            "datacontenttype": "application/json",
            "data": None if call is None else _data(call),
        }
    )


def _data(call: ActionCall) -> dict[str, object]:
    """The call, its two values as JSON and not as text."""
    fields: dict[str, object] = msgspec.to_builtins(call)
    return fields | {"set_to": orjson.loads(call.set_to), "value": orjson.loads(call.value)}


def make_action(switch: Switch, secrets: Secrets, session: aiohttp.ClientSession) -> ActionWebhook:
    """The adapter for a switch of ``action: webhook``.

    Raises:
        ChannelError: when the address or a secret cannot be used.
    """
    spec = action_spec(switch)
    settings = Settings(spec, secrets)
    private = switch.settings.get("allow_private") is True
    timeout = switch.settings.get("timeout")
    try:
        return ActionWebhook(
            session if private else open_guarded_session(),
            url=settings.url("url"),
            secrets=settings.secret_list("secret"),
            deadline_s=(timeout if isinstance(timeout, int) else 15_000) / 1000,
            owned=not private,
        )
    except ValueError as error:
        problem, _, hint = str(error).partition(". ")
        raise settings.error("secret", problem, hint) from None


def action_spec(switch: Switch) -> ChannelSpec:
    """The switch's webhook as a channel, for messages about it."""
    return ChannelSpec(
        receiver=receiver_of(switch.name),
        name=CHANNEL,
        kind="action",
        settings=switch.settings,
        for_people=False,
        per_alert=False,
        updates_in_place=False,
        send_resolved=True,
    )
