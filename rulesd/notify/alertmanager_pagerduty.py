"""``pagerduty_configs``: one incident per group, with Alertmanager's dedup key and the operator's texts.

Law: the body is Alertmanager's, field for field; alerts of other systems get its default texts. Where nothing is written for alerts of
our own, the summary and the severity are rulesd's.
"""

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from rulesd.config.gotemplate import Fault
from rulesd.core.plan import ChannelSpec
from rulesd.model.fingerprint import group_dedup_key
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryReason
from rulesd.notify import pagerduty as native
from rulesd.notify import pagerduty_v1 as v1
from rulesd.notify.go_texts import GoTexts, Telling, is_foreign
from rulesd.notify.http import failed, skipped
from rulesd.notify.settings import PLAIN, HttpConfig, Secrets, Settings, http_config, place_of
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.text import cut, one_line, safe_url
from rulesd.notify.wording import context, headline, main_alert

DEADLINE_S = 10.0
_DETAILS = {
    "firing": '{{ template "pagerduty.default.instances" .Alerts.Firing }}',
    "resolved": '{{ template "pagerduty.default.instances" .Alerts.Resolved }}',
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}
"What Alertmanager adds to the details that are written."


class AlertmanagerPagerDuty:
    """Triggers while anything of the group fires, else resolves; a group has no acknowledged state here."""

    kind = "pagerduty_configs"

    def __init__(
        self,
        spec: ChannelSpec,
        session: aiohttp.ClientSession,
        templates: Templates,
        *,
        routing_key: str,
        url: str = native.URL,
        http: HttpConfig = PLAIN,
        deadline_s: float = DEADLINE_S,
        old: bool = False,
    ) -> None:
        """``routing_key`` may be a template; ``old``: it is a service key, and events are those of API v1."""
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.updates_in_place = spec.send_resolved, spec.updates_in_place
        self.deadline_s = deadline_s
        self._session, self._templates = session, templates
        self._key, self._url, self._http, self._old = routing_key, url, http, old
        self.place = place_of(routing_key)
        self._texts = GoTexts(templates.go, spec.settings)

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Send one event."""
        if not notification.page and not (self.updates_in_place and native.is_open(reference)):
            return skipped("there is no open incident to update")
        try:
            data = self._texts.data(notification)
            key = self._texts.text(self._key, data).strip()
            if notification.title and self._old:
                return skipped("PagerDuty's Events API v1 has no change events")
            if notification.title:
                event, url = native.change_event(notification, key), native.change_url(self._url)
            else:
                event, url = self._event(notification, key, Telling(self._texts, data)), self._url
        except Fault as fault:
            return failed(DeliveryReason.CONFIG, f"the template of routing_key failed ({fault})")
        if self._old:
            older = v1.event(event)
            return await v1.create(self._session, url, older, self.deadline_s, self._http)
        return await native.enqueue(self._session, url, event, self.deadline_s, self._http)

    def _event(self, notification: Notification, key: str, telling: Telling) -> dict[str, Any]:
        firing = any(a.status != "resolved" for a in notification.alerts)
        event: dict[str, Any] = {
            "routing_key": key,
            "dedup_key": group_dedup_key(notification.group),
            "event_action": "trigger" if firing else "resolve",
        }
        foreign = is_foreign(notification)
        main = main_alert(notification)
        client = telling.say("client", _default("client") if foreign else lambda: "rulesd")
        address = telling.say("client_url", _default("clientURL") if foreign else "")
        payload: dict[str, Any] = {
            "summary": cut(
                self._summary(notification, telling, foreign=foreign), native.SUMMARY_LIMIT
            ),
            "source": cut(telling.say("source", lambda: client) or "rulesd", 255),
            "severity": telling.say(
                "severity", lambda: self._severity(notification, foreign=foreign)
            ),
            **{
                name: said
                for name in ("class", "component", "group")
                if (said := telling.say(name))
            },
            "custom_details": self._details(telling),
        }
        event["client"] = client
        if safe_url(address) or safe_url(notification.external_url):
            event["client_url"] = safe_url(address) or notification.external_url
        event["payload"] = payload
        if telling.notice:
            payload["custom_details"]["notice"] = telling.notice
        if notification.failover:
            payload["custom_details"]["why_here"] = notification.failover
        return {**event, **self._around(telling, native.links(main) if not foreign else [])}

    def _around(self, telling: Telling, links: list[dict[str, str]]) -> dict[str, Any]:
        """Links and pictures; one without an address is left out."""
        written = telling.each("links") if self._texts.written("links") else []
        pictures = telling.each("images") if self._texts.written("images") else []
        all_links = [
            {"href": one["href"], "text": one.get("text", "")}
            for one in [*written, *links]
            if one.get("href")
        ]
        images = [
            {name: one[name] for name in ("src", "alt", "href") if one.get(name)}
            for one in pictures
            if one.get("src")
        ]
        return {
            **({"links": all_links} if all_links else {}),
            **({"images": images} if images else {}),
        }

    def _summary(self, notification: Notification, telling: Telling, *, foreign: bool) -> str:
        def own() -> str:
            rendered = self._templates.render(
                "pagerduty_summary.j2",
                Medium.PLAIN,
                context(notification),
                lambda: headline(notification),
            )
            return one_line(rendered.text)

        return telling.say("description", _default("description") if foreign else own) or own()

    @staticmethod
    def _severity(notification: Notification, *, foreign: bool) -> str:
        main = main_alert(notification)
        if foreign or main is None:
            return "error"
        return native.SEVERITIES.get(main.severity, "error")

    def _details(self, telling: Telling) -> dict[str, Any]:
        given = telling.each("details") if self._texts.written("details") else {}
        return {**{name: telling.say("", text) for name, text in _DETAILS.items()}, **given}

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


def _default(name: str) -> str | Callable[[], str]:
    return f'{{{{ template "pagerduty.default.{name}" . }}}}'


def pagerduty_configs(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> AlertmanagerPagerDuty:
    """The adapter for one entry of ``pagerduty_configs``.

    Raises:
        ChannelError: without a routing key (or a service key, for Events API v1).
    """
    settings = Settings(spec, secrets)
    old = not settings.has("routing_key") and settings.has("service_key")
    if not old and not settings.has("routing_key"):
        hint = "Add an Events API v2 integration to the service and write its key as routing_key"
        raise settings.error("routing_key", "is missing", hint)
    url = settings.url("url", native.URL)
    return AlertmanagerPagerDuty(
        spec,
        session,
        templates,
        routing_key=settings.secret("service_key" if old else "routing_key"),
        url=v1.address(url) if old else url,
        http=http_config(settings),
        deadline_s=settings.number("deadline_s", DEADLINE_S),
        old=old,
    )
