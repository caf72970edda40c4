"""``webhook_configs``: an existing receiver of Alertmanager's webhooks goes on working.

Law: the bytes on the wire are Alertmanager's (see ``alertmanager.py``); retries, deadlines and limits are rulesd's own.
"""

from collections.abc import Mapping

import aiohttp
import orjson

from rulesd.config.gotemplate import Fault
from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryReason
from rulesd.notify.alertmanager import webhook_body
from rulesd.notify.go_texts import GoTexts
from rulesd.notify.http import Request, failed, judge, post, skipped
from rulesd.notify.settings import HttpConfig, Secrets, Settings, http_config
from rulesd.notify.templates import Templates

DEADLINE_S = 10.0


class AlertmanagerWebhook:
    """``webhook_configs``: Alertmanager's webhook v4."""

    kind = "webhook_configs"
    updates_in_place = False

    def __init__(
        self,
        spec: ChannelSpec,
        session: aiohttp.ClientSession,
        *,
        url: str,
        http: HttpConfig,
        texts: GoTexts,
        max_alerts: int = 0,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``http``: what ``http_config`` says about authentication and certificates. ``url`` may be a template."""
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.deadline_s = spec.send_resolved, deadline_s
        self._session, self._url, self._http, self._max = session, url, http, max_alerts
        self._texts = texts

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Post the group."""
        del reference
        if not notification.page:
            return skipped("a webhook has no message to update")
        if notification.title:
            return skipped("Alertmanager's webhooks tell of alerts, and this is a notice")
        url = self._url
        if "{{" in url:  # Making what templates look at costs more than the rest of the page.
            try:
                url = self._texts.text(url, self._texts.data(notification)).strip()
            except Fault as fault:
                return failed(DeliveryReason.CONFIG, f"the template of url failed ({fault})")
        answer = await post(
            self._session,
            Request(
                url=url,
                body=orjson.dumps(webhook_body(notification, self._max)),
                headers={"Content-Type": "application/json", **self._http.headers},
                deadline_s=self.deadline_s,
                secrets=self._http.secrets,
                tls=self._http.tls,
                proxy=self._http.proxy,
            ),
        )
        return answer if isinstance(answer, Delivery) else judge(answer)

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


def webhook_configs(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> AlertmanagerWebhook:
    """The adapter for one entry of ``webhook_configs``.

    Raises:
        ChannelError: when it cannot be used.
    """
    settings = Settings(spec, secrets)
    return AlertmanagerWebhook(
        spec,
        session,
        url=given if "{{" in (given := settings.secret("url")) else settings.url("url"),
        http=http_config(settings),
        texts=GoTexts(templates.go, {}),
        max_alerts=int(settings.number("max_alerts", 0)),
        deadline_s=settings.number("deadline_s", DEADLINE_S),
    )
