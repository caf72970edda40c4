"""``slack_configs``: Alertmanager's message, an attachment with the operator's texts.

Law: what the operator wrote is shown as Alertmanager shows it, and alerts of other systems get Alertmanager's default texts. For alerts
of our own where nothing is written, the message is rulesd's: it says what to do.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp

from rulesd.config.gotemplate.values import Thing
from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Notification
from rulesd.notify.go_texts import GoTexts, Telling, is_foreign
from rulesd.notify.settings import Secrets, Settings, http_config
from rulesd.notify.slack import DEADLINE_S, SlackBot, SlackWebhook
from rulesd.notify.slack_blocks import fallback, message
from rulesd.notify.templates import Medium, Templates
from rulesd.notify.text import cut, slack_escape
from rulesd.notify.wording import context, headline, plain_fallback

TITLE_LIMIT, TEXT_LIMIT = 1_024, 35_000
_WORDS = (
    *("title", "title_link", "text", "pretext", "fallback", "color", "footer", "fields"),
    *("actions", "image_url", "thumb_url", "callback_id", "mrkdwn_in", "message_text"),
)
_COLOR = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}'
_PROFILE = {
    "username": '{{ template "slack.default.username" . }}',
    "icon_emoji": "",
    "icon_url": "",
}


class Messages:
    """Makes the message of a page."""

    def __init__(self, texts: GoTexts, templates: Templates) -> None:
        """``texts``: of one entry of ``slack_configs``."""
        self._texts, self._templates = texts, templates

    def make(self, notification: Notification) -> dict[str, Any]:
        """The content of ``chat.postMessage`` or of an incoming webhook. Raises ``Fault`` when the channel's name fails."""
        foreign = is_foreign(notification)
        data = self._texts.data(notification, slack_escape)
        telling = Telling(self._texts, data)
        out = self._where(telling, foreign=foreign)
        if notification.title or not (foreign or self._texts.written(*_WORDS)):
            return {**out, **message(notification, self._templates)}
        attachment = self._attachment(notification, telling, data, foreign=foreign)
        return {**out, "attachments": [attachment]}

    def _where(self, telling: Telling, *, foreign: bool) -> dict[str, Any]:
        out: dict[str, Any] = {"channel": telling.must("channel")}
        for name, default in _PROFILE.items():
            out[name] = telling.say(name, default if foreign else "")
        if self._texts.setting("link_names"):
            out["link_names"] = True
        return {name: value for name, value in out.items() if value}

    def _attachment(
        self, notification: Notification, telling: Telling, data: Thing, *, foreign: bool
    ) -> dict[str, Any]:
        """Field for field as Alertmanager writes it; what is empty there is left out there."""
        default = "slack.default"
        head = f'{{{{ template "{default}.title" . }}}}'
        out: dict[str, Any] = {
            "title": cut(
                telling.say("title", head if foreign else lambda: _title(notification)), TITLE_LIMIT
            ),
            "title_link": telling.say(
                "title_link", f'{{{{ template "{default}.titlelink" . }}}}' if foreign else ""
            ),
            "pretext": telling.say("pretext"),
            "text": cut(
                telling.say("text", "" if foreign else lambda: self._body(notification)), TEXT_LIMIT
            ),
            "fallback": telling.say(
                "fallback",
                f'{{{{ template "{default}.fallback" . }}}}'
                if foreign
                else lambda: fallback(notification, headline(notification)),
            ),
            "callback_id": telling.say("callback_id"),
            "fields": self._fields(telling),
            "image_url": telling.say("image_url"),
            "thumb_url": telling.say("thumb_url"),
            "footer": telling.say("footer"),
            "color": telling.say("color", _COLOR),
            "mrkdwn_in": self._texts.setting("mrkdwn_in") or ["fallback", "pretext", "text"],
            "actions": _actions(telling.each("actions")) if self._texts.written("actions") else [],
        }
        if telling.notice:
            out["footer"] = f"{out['footer']} {slack_escape(telling.notice)}".strip()
        del data
        return {name: value for name, value in out.items() if value or name in _ALWAYS}

    def _fields(self, telling: Telling) -> list[dict[str, Any]]:
        if not self._texts.written("fields"):
            return []
        short = bool(self._texts.setting("short_fields"))
        return [
            {
                "title": one.get("title", ""),
                "value": one.get("value", ""),
                "short": bool(one.get("short", short)),
            }
            for one in telling.each("fields")
        ]

    def _body(self, notification: Notification) -> str:
        """Rulesd's own words, for alerts of our own: a page must say what to do."""
        rendered = self._templates.render(
            "slack.j2",
            Medium.SLACK,
            context(notification),
            lambda: slack_escape(plain_fallback(notification)),
        )
        return rendered.text.replace("\n---\n", "\n\n")


_ALWAYS = frozenset(["text", "fallback", "callback_id", "footer"])
"Fields Alertmanager sends even when they are empty."


def _title(notification: Notification) -> str:
    return slack_escape(headline(notification))


def _actions(given: Any) -> list[dict[str, Any]]:
    """Buttons of an attachment: one with an address opens it, one with a name goes to the app behind it."""
    out: list[dict[str, Any]] = []
    for one in given:
        confirm = one.get("confirm")
        names = _OPENS if one.get("url") else _ASKS
        action = {name: one[name] for name in names if one.get(name)}
        if isinstance(confirm, Mapping) and not one.get("url"):
            action["confirm"] = dict(confirm)
        out.append(action)
    return out


_OPENS = ("type", "text", "url", "style")
_ASKS = ("type", "text", "style", "name", "value")


def slack_configs(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> SlackBot | SlackWebhook:
    """The adapter for one entry of ``slack_configs``: an incoming webhook, or a bot where ``http_config`` or ``app_token`` holds a token.

    Raises:
        ChannelError: when there is no address, or a bot without a channel.
    """
    settings = Settings(spec, secrets)
    made = Messages(GoTexts(templates.go, spec.settings), templates)
    channel = settings.text("channel")
    deadline_s = settings.number("deadline_s", DEADLINE_S)
    http = http_config(settings)
    bearer = http.headers.get("Authorization", "").removeprefix("Bearer ")
    token = settings.secret("app_token") or bearer
    if not token:
        return SlackWebhook(
            spec,
            session,
            templates,
            url=settings.url("api_url"),
            compose=made.make,
            http=http,
            deadline_s=deadline_s,
        )
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
        compose=made.make,
        http=http,
        deadline_s=deadline_s,
    )
