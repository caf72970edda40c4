"""The channels of ``routing.yaml``: an existing ``alertmanager.yml`` goes on working.

Law: the bytes on the wire are Alertmanager's (see ``alertmanager.py``); retries, deadlines and limits are rulesd's own.

Go templates are not run: a literal ``title``, ``text`` or ``description`` is used as it is; one with ``{{`` is replaced by
rulesd's own words, which say more than Alertmanager's defaults.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Delivery, Notification
from rulesd.notify import pagerduty as native
from rulesd.notify.alertmanager import pagerduty_body, webhook_body
from rulesd.notify.http import Request, judge, post, skipped
from rulesd.notify.settings import HttpConfig, Secrets, Settings, http_config
from rulesd.notify.slack import SlackBot, SlackWebhook
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.text import cut, one_line
from rulesd.notify.wording import context, headline, main_alert

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
        max_alerts: int = 0,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``http``: what ``http_config`` says about authentication and certificates."""
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.deadline_s = spec.send_resolved, deadline_s
        self._session, self._url, self._http, self._max = session, url, http, max_alerts

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Post the group."""
        del reference
        if not notification.page:
            return skipped("a webhook has no message to update")
        answer = await post(
            self._session,
            Request(
                url=self._url,
                body=orjson.dumps(webhook_body(notification, self._max)),
                headers={"Content-Type": "application/json", **self._http.headers},
                deadline_s=self.deadline_s,
                secrets=self._http.secrets,
                tls=self._http.tls,
            ),
        )
        return answer if isinstance(answer, Delivery) else judge(answer)

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


class AlertmanagerPagerDuty:
    """``pagerduty_configs``: one incident per group, with Alertmanager's dedup key."""

    kind = "pagerduty_configs"

    def __init__(
        self,
        spec: ChannelSpec,
        session: aiohttp.ClientSession,
        templates: Templates,
        *,
        routing_key: str,
        url: str = native.URL,
        literal: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``literal``: ``description``, ``severity``, ``client`` as the operator wrote them, without Go templates."""
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.updates_in_place = spec.send_resolved, spec.updates_in_place
        self.deadline_s = deadline_s
        self._session, self._templates = session, templates
        self._key, self._url, self._literal = routing_key, url, dict(literal or {})

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Trigger while anything fires, else resolve; a group has no acknowledged state here."""
        if not notification.page and not (self.updates_in_place and native.is_open(reference)):
            return skipped("there is no open incident to update")
        main = main_alert(notification)
        rendered = self._templates.render(
            "pagerduty_summary.j2",
            Medium.PLAIN,
            context(notification),
            lambda: headline(notification),
        )
        summary = self._literal.get("description") or one_line(rendered.text)
        body = pagerduty_body(
            notification,
            routing_key=self._key,
            summary=cut(summary, native.SUMMARY_LIMIT),
            severity=self._literal.get("severity")
            or native.SEVERITIES.get(main.severity if main else "", "error"),
            client=self._literal.get("client") or "rulesd",
        )
        if "payload" in body:
            body["links"] = native.links(main)
        return await native.enqueue(self._session, self._url, body, self.deadline_s)

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


def webhook_configs(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession
) -> AlertmanagerWebhook:
    """The adapter for one entry of ``webhook_configs``.

    Raises:
        ChannelError: when it cannot be used.
    """
    settings = Settings(spec, secrets)
    return AlertmanagerWebhook(
        spec,
        session,
        url=settings.url("url"),
        http=http_config(settings),
        max_alerts=int(settings.number("max_alerts", 0)),
        deadline_s=settings.number("deadline_s", DEADLINE_S),
    )


def pagerduty_configs(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> AlertmanagerPagerDuty:
    """The adapter for one entry of ``pagerduty_configs``.

    Raises:
        ChannelError: for ``service_key`` (Events API v1), or without a routing key.
    """
    settings = Settings(spec, secrets)
    if not settings.has("routing_key"):
        old = settings.has("service_key")
        problem = "service_key belongs to PagerDuty's Events API v1" if old else "is missing"
        hint = "Add an Events API v2 integration to the service and write its key as routing_key"
        raise settings.error("service_key" if old else "routing_key", problem, hint)
    return AlertmanagerPagerDuty(
        spec,
        session,
        templates,
        routing_key=settings.secret("routing_key"),
        url=settings.url("url", native.URL),
        literal=_literals(settings, ("description", "severity", "client")),
        deadline_s=settings.number("deadline_s", DEADLINE_S),
    )


def slack_configs(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> SlackBot | SlackWebhook:
    """The adapter for one entry of ``slack_configs``: an incoming webhook, or a bot where ``http_config`` or ``app_token`` holds a token.

    Raises:
        ChannelError: when there is no address, or a bot without a channel.
    """
    settings = Settings(spec, secrets)
    words = _literals(settings, ("title", "text"))
    extra: dict[str, Any] = {
        name: settings.text(name)
        for name in ("username", "icon_emoji", "icon_url")
        if settings.text(name) and "{{" not in settings.text(name)
    }
    channel = settings.text("channel")
    deadline_s = settings.number("deadline_s", DEADLINE_S)
    bearer = http_config(settings).headers.get("Authorization", "").removeprefix("Bearer ")
    token = settings.secret("app_token") or bearer
    if token:
        if not channel:
            raise settings.error("channel", "is missing", "A bot token needs a channel to post to")
        api = settings.secret("app_url") or settings.secret("api_url") or "https://slack.com/api/"
        return SlackBot(
            spec,
            session,
            templates,
            token=token,
            channel=channel,
            api_url=api.removesuffix("chat.postMessage"),
            words=words,
            extra=extra,
            deadline_s=deadline_s,
        )
    if channel:
        extra["channel"] = channel
    return SlackWebhook(
        spec,
        session,
        templates,
        url=settings.url("api_url"),
        words=words,
        extra=extra,
        deadline_s=deadline_s,
    )


def _literals(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Texts the operator wrote out; those with Go templates are left out."""
    found = {name: settings.text(name) for name in names}
    return {name: text for name, text in found.items() if text and "{{" not in text}
