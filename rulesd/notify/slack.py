"""Slack: a bot that keeps one message per incident up to date, or an incoming webhook that can only add.

Law: the message changes in place; a person is woken (a reply shown in the channel) only for a page. HTTP 200 with
``{"ok": false}`` is a failure. The token and the webhook's address appear in no detail.

A first page is a new message. A later page of the same incident updates that message and says in its thread, shown in the
channel too, what is new; a quiet notification updates, and says in the thread alone what changed. When the message can no longer be updated (deleted, too old), a
page becomes a new message.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec
import orjson

from rulesd.config.gotemplate import Fault
from rulesd.core.plan import ChannelSpec
from rulesd.model.notification import Delivery, Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.http import Answer, Request, failed, judge, post, retry, skipped
from rulesd.notify.settings import PLAIN, HttpConfig, Secrets, Settings, place_of
from rulesd.notify.slack_blocks import fallback, message
from rulesd.notify.slack_thread import changes, remembered
from rulesd.notify.templates import Templates
from rulesd.notify.text import slack_escape
from rulesd.notify.wording import headline, why

Compose = Callable[[Notification], Mapping[str, Any]]
"Makes the content of a message. Raises ``Fault`` when it cannot say where it goes."

API = "https://slack.com/api/"
DEADLINE_S = 10.0

_AUTH = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "no_permission",
        "missing_scope",
        "not_allowed_token_type",
        "access_denied",
        "team_access_not_granted",
    }
)
_SETUP = {
    "channel_not_found": "no such channel, or the bot is not in it: invite the bot to the channel",
    "not_in_channel": "the bot is not in the channel: invite it",
    "is_archived": "the channel is archived: name another one",
    "restricted_action": "the workspace does not let the bot post there",
    "invalid_arguments": "Slack refused the arguments",
}
_LATER = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
    }
)
_GONE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
        "is_inactive",
    }
)
_TOO_BIG = frozenset(
    {"msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format"}
)


class SlackBot:
    """``chat.postMessage`` and ``chat.update`` with a bot token."""

    kind = "slack"

    def __init__(
        self,
        spec: ChannelSpec,
        session: aiohttp.ClientSession,
        templates: Templates,
        *,
        token: str,
        channel: str,
        api_url: str = API,
        compose: Compose | None = None,
        http: HttpConfig = PLAIN,
        clicks: bool = False,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``compose`` makes another message than rulesd's own; it may name a channel, a user name and an icon.

        ``clicks``: whether buttons that act are shown: somebody must be there to take the click.
        """
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.updates_in_place = spec.send_resolved, spec.updates_in_place
        self.deadline_s = deadline_s
        self._session = session
        self._token, self._channel, self._api = token, channel, api_url.rstrip("/") + "/"
        self._compose = compose or (lambda page: message(page, templates, clicks=clicks))
        self._http = http
        self.place = place_of(token, channel)

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Post, or update what ``reference`` names."""
        known = self.updates_in_place and bool(reference.get("channel") and reference.get("ts"))
        news = notification.page and (notification.status == "firing" or not self.updates_in_place)
        if not known and not news:
            # Also the end of what was never told here: in a storm, say, or after a page that Slack refused.
            return skipped("there is no message to update")
        until = asyncio.get_running_loop().time() + self.deadline_s
        try:
            content = self._compose(notification)
        except Fault as fault:
            return failed(DeliveryReason.CONFIG, f"the template of channel failed ({fault})")
        if known:
            done = await self._update(content, reference, until)
            if not isinstance(done, str):
                return await self._tell(notification, done, reference, until, content)
            if not news:
                return skipped(f"the message cannot be updated any more ({done})")
        return await self._post(content, until, remembered({}, notification))

    async def _post(
        self, content: Mapping[str, Any], until: float, told: Mapping[str, str]
    ) -> Delivery:
        where = {"channel": self._channel, "unfurl_links": False, "unfurl_media": False}
        answer = await self._call("chat.postMessage", {**where, **content}, until)
        if isinstance(answer, str) and answer in _TOO_BIG:
            # A page in plain text is better than none.
            bare = {**_profile(content), "text": _bare(content)}
            answer = await self._call("chat.postMessage", {**where, **bare}, until)
        if isinstance(answer, str):
            return _refused(answer)
        if isinstance(answer, Delivery):
            return answer
        made = {name: str(answer.get(name, "")) for name in ("channel", "ts")}
        return _sent({**made, **told})

    async def _update(
        self, content: Mapping[str, Any], reference: Mapping[str, str], until: float
    ) -> Delivery | str:
        """A ``Delivery``, or Slack's word for why this message cannot be updated any more."""
        where = {"channel": reference["channel"], "ts": reference["ts"]}
        changed = {name: one for name, one in content.items() if name not in _PROFILE}
        answer = await self._call("chat.update", {**changed, **where}, until)
        if isinstance(answer, str) and answer in _TOO_BIG:
            # Without the fields Slack keeps the old ones.
            bare: dict[str, Any] = {"text": _bare(content), "blocks": [], "attachments": []}
            answer = await self._call("chat.update", {**where, **bare}, until)
        if isinstance(answer, str):
            return answer if answer in _GONE else _refused(answer)
        return answer if isinstance(answer, Delivery) else _sent(where)

    async def _tell(
        self,
        notification: Notification,
        done: Delivery,
        reference: Mapping[str, str],
        until: float,
        content: Mapping[str, Any],
    ) -> Delivery:
        """After an update: say in the thread what is new, and in the channel too when a person should be woken."""
        if done.outcome is not DeliveryOutcome.DELIVERED:
            return done
        wake = notification.page and notification.status == "firing"
        if wake:
            words = fallback(notification, headline(notification))
            text = f"{slack_escape(why(notification))} {words}".strip()
        else:
            text = changes(reference, notification)
        done = _sent({**done.reference, **remembered(reference, notification)})
        if not text:
            return done
        reply = {
            "channel": reference["channel"],
            "thread_ts": reference["ts"],
            "reply_broadcast": wake,
            "text": text,
            "unfurl_links": False,
        }
        answer = await self._call("chat.postMessage", {**_profile(content), **reply}, until)
        if isinstance(answer, str):
            answer = _refused(answer)
        if isinstance(answer, Delivery):
            # A note that Slack refuses for good costs no more than itself: the message is up to date.
            return answer if wake or answer.outcome is DeliveryOutcome.RETRY else done
        return done

    async def _call(
        self, method: str, arguments: Mapping[str, Any], until: float
    ) -> dict[str, Any] | Delivery | str:
        """Slack's answer when ``ok``, its error word when not, or a ``Delivery`` when HTTP itself failed."""
        left = until - asyncio.get_running_loop().time()
        answer = await post(
            self._session,
            Request(
                url=self._api + method,
                body=orjson.dumps(arguments),
                headers={
                    **self._http.headers,
                    "Content-Type": "application/json; charset=utf-8",
                    "Authorization": f"Bearer {self._token}",
                },
                deadline_s=max(left, 0.001),
                secrets=(self._token, *self._http.secrets),
                tls=self._http.tls,
                proxy=self._http.proxy,
            ),
        )
        if isinstance(answer, Delivery):
            return answer
        verdict = judge(answer)
        if verdict.outcome is not DeliveryOutcome.DELIVERED:
            return verdict
        return _ok(answer)

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


class SlackWebhook:
    """An incoming webhook: new messages only."""

    kind = "slack"

    def __init__(
        self,
        spec: ChannelSpec,
        session: aiohttp.ClientSession,
        templates: Templates,
        *,
        url: str,
        compose: Compose | None = None,
        http: HttpConfig = PLAIN,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """``url`` is the secret. ``compose`` makes another message than rulesd's own."""
        self.name, self.for_people, self.per_alert = spec.name, spec.for_people, spec.per_alert
        self.send_resolved, self.updates_in_place = spec.send_resolved, False
        self.deadline_s = deadline_s
        self._session, self._url = session, url
        self._compose = compose or (lambda page: message(page, templates))
        self._http = http
        self.place = place_of(url)

    async def send(self, notification: Notification, reference: Mapping[str, str]) -> Delivery:
        """Post; a webhook's answer names no message, so nothing can be updated later."""
        del reference
        if not notification.page:
            return skipped("an incoming webhook cannot update a message")
        try:
            content = self._compose(notification)
        except Fault as fault:
            return failed(DeliveryReason.CONFIG, f"the template of channel failed ({fault})")
        done = await self._send(content)
        refused = done.outcome is DeliveryOutcome.FAILED and "invalid_blocks" in done.detail
        bare = {**_profile(content), "text": _bare(content)}
        return await self._send(bare) if refused else done

    async def _send(self, content: Mapping[str, Any]) -> Delivery:
        answer = await post(
            self._session,
            Request(
                url=self._url,
                body=orjson.dumps(content),
                headers={
                    **self._http.headers,
                    "Content-Type": "application/json; charset=utf-8",
                },
                deadline_s=self.deadline_s,
                secrets=self._http.secrets,
                tls=self._http.tls,
                proxy=self._http.proxy,
            ),
        )
        if isinstance(answer, Delivery):
            return answer
        verdict = judge(answer)
        if verdict.outcome is DeliveryOutcome.DELIVERED and answer.body.lstrip()[:1] == b"{":
            said = _ok(answer)
            if isinstance(said, str):
                return _refused(said)
        return verdict

    async def close(self) -> None:
        """Nothing to give back: the session is shared."""


def slack(
    spec: ChannelSpec, secrets: Secrets, session: aiohttp.ClientSession, templates: Templates
) -> SlackBot | SlackWebhook:
    """The adapter for ``slack`` of receivers.yaml: ``{token, channel}`` or ``{webhook_url}``.

    Raises:
        ChannelError: when neither is complete.
    """
    settings = Settings(spec, secrets)
    deadline = settings.number("deadline_s", DEADLINE_S)
    if settings.has("webhook_url"):
        url = settings.url("webhook_url")
        return SlackWebhook(spec, session, templates, url=url, deadline_s=deadline)
    token, channel = settings.secret("token"), settings.text("channel")
    if not token or not channel:
        hint = "Write token (a reference) and channel, or webhook_url (a reference)"
        raise settings.error("token", "there is no way to send", hint)
    api_url = settings.url("api_url", API)
    return SlackBot(
        spec,
        session,
        templates,
        token=token,
        channel=channel,
        api_url=api_url,
        clicks=settings.has("signing_secret"),
        deadline_s=deadline,
    )


_PROFILE = ("channel", "username", "icon_emoji", "icon_url", "link_names")


def _profile(content: Mapping[str, Any]) -> dict[str, Any]:
    """Under which channel, name and picture a message stands."""
    return {name: content[name] for name in _PROFILE if content.get(name)}


def _bare(content: Mapping[str, Any]) -> str:
    """A message as one text."""
    if content.get("text"):
        return str(content["text"])
    return "\n".join(str(one.get("fallback", "")) for one in content.get("attachments", ()))[:3_000]


def _ok(answer: Answer) -> dict[str, Any] | Delivery | str:
    """The decoded answer when it says ``ok``, else Slack's error word."""
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return retry(DeliveryReason.SERVER_ERROR, "the answer is not JSON")
    if not isinstance(said, dict):
        return retry(DeliveryReason.SERVER_ERROR, "the answer is not an object")
    if said.get("ok") is True:
        return said
    return str(said.get("error") or "unknown_error")[:80]


def _refused(word: str) -> Delivery:
    """What an error word of Slack means for this page."""
    if word in _LATER:
        limited = word.startswith("rate")
        reason = DeliveryReason.RATE_LIMITED if limited else DeliveryReason.SERVER_ERROR
        return retry(reason, f"Slack: {word}")
    if word in _AUTH:
        return failed(DeliveryReason.AUTH, f"Slack: {word}")
    if word in _SETUP:
        return failed(DeliveryReason.CONFIG, f"Slack: {word} ({_SETUP[word]})")
    return failed(DeliveryReason.REFUSED, f"Slack: {word}")


def _sent(reference: Mapping[str, str]) -> Delivery:
    return Delivery(
        outcome=DeliveryOutcome.DELIVERED,
        reason=DeliveryReason.OK,
        detail="ok",
        reference=dict(reference),
    )
