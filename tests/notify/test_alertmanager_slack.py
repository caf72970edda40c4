import asyncio
from dataclasses import replace
from typing import Any

import pytest

from rulesd.model.decision import Status
from rulesd.model.notification import Notification
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason
from rulesd.notify.alertmanager_slack import slack_configs
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.fakes import Fakes, Mood, Service
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from tests.notify.samples import burst, note, resolved, spec, told

PAGE = note(told(burst()))
EVIL = note(told(burst(labels={"tenant": "<!channel>", "tool": "a&b"})))
FOREIGN = replace(
    PAGE,
    alerts=tuple(
        replace(a, foreign=True, annotations={"summary": "see <https://x|x>"}) for a in PAGE.alerts
    ),
)


def message(page: Notification, files: dict[str, str] | None = None, **given: Any) -> Any:
    """What an incoming webhook gets."""

    async def run() -> Any:
        async with Fakes() as fakes, open_session() as session:
            own = spec("slack_configs", {"api_url_file": fakes.slack_webhook, **given})
            made = make_channel(own, lambda r: str(r["file"]), session, Templates({}, files))
            done = await made.send(page, {})
            assert done.outcome is DeliveryOutcome.DELIVERED, done
            return fakes.webhook_messages[0]

    return asyncio.run(run())


def attachment(page: Notification, **given: Any) -> Any:
    (one,) = message(page, **given)["attachments"]
    return one


def test_our_own_alert_with_nothing_written_is_told_in_our_words() -> None:
    said = message(PAGE, channel="#safety", username="rulesd")
    assert (said["channel"], said["username"]) == ("#safety", "rulesd")
    assert "attachments" not in said
    assert "First five minutes" in str(said["blocks"])


def test_what_is_written_is_shown_and_the_rest_says_what_to_do() -> None:
    one = attachment(PAGE, title="{{ .Status | toUpper }} {{ .CommonLabels.tool }}")
    assert one["title"] == "FIRING shell"
    assert "First five minutes" in one["text"]
    assert one["color"] == "danger"
    assert "23 denials of shell" in one["fallback"]
    over = note(resolved(burst()), status=Status.RESOLVED)
    assert attachment(over, title="x")["color"] == "good"


def test_labels_of_our_own_alerts_cannot_call_anybody() -> None:
    one = attachment(EVIL, text="{{ .CommonLabels.tenant }} <!here> {{ .CommonLabels.tool }}")
    assert one["text"] == "&lt;!channel&gt; <!here> a&amp;b"
    assert "<!channel>" not in str(one)


def test_alerts_of_others_are_untouched_and_get_alertmanagers_texts() -> None:
    one = attachment(FOREIGN, text="{{ .CommonAnnotations.summary }}")
    assert one["text"] == "see <https://x|x>"
    assert one["title"].startswith("[FIRING:1] ")
    assert message(FOREIGN)["username"] == "Alertmanager"


def test_a_text_that_fails_is_replaced_and_named() -> None:
    one = attachment(PAGE, title="{{ index .Alerts 7 }}", text="fine")
    assert one["title"].startswith("HIGH: ")
    assert one["text"] == "fine"
    assert "template of title failed (line 1: index: the index is out of range)" in one["footer"]
    one = attachment(PAGE, fields=[{"title": "{{ toUpper 1 }}", "value": "v"}])
    assert "fields" not in one
    assert "template of fields failed" in one["footer"]


def test_files_define_what_texts_call() -> None:
    files = {"own.tmpl": '{{ define "own" }}{{ len .Alerts }}!{{ end }}', "bad.tmpl": "{{ if }}"}
    (one,) = message(PAGE, files, text='{{ template "own" . }}')["attachments"]
    assert one["text"] == "1!"
    assert list(Templates({}, files).broken) == ["bad.tmpl"]


def test_a_notice_is_a_message_of_ours() -> None:
    said = message(replace(PAGE, alerts=(), title="Kim has the duty now"), text="x")
    assert "Kim has the duty now" in said["text"]


def test_where_it_goes_may_be_a_template_and_must_not_fail() -> None:
    assert message(PAGE, channel="#{{ .CommonLabels.tenant }}")["channel"] == "#acme"

    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            for more in ({"app_token": "t", "app_url": fakes.slack_api}, {}):
                given = {"channel": "{{ .Nope }}", **more}
                if not more:
                    given["api_url"] = fakes.slack_webhook
                made = make_channel(spec("slack_configs", given), str, session, Templates())
                done = await made.send(PAGE, {})
                assert (done.outcome, done.reason) == (
                    DeliveryOutcome.FAILED,
                    DeliveryReason.CONFIG,
                )
            assert fakes.received == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "token",
    [
        {"app_token_file": "xoxb-1"},
        {"http_config": {"authorization": {"credentials": "xoxb-1"}}},
    ],
)
def test_a_bot_posts_and_updates_in_place(token: dict[str, Any]) -> None:
    async def run() -> None:
        async with Fakes(token="xoxb-1") as fakes, open_session() as session:
            given = {
                "app_url": f"{fakes.slack_api}chat.postMessage",
                "channel": "#safety",
                "title": "{{ .Status }}",
                "username": "bot",
                **token,
            }
            own = spec("slack_configs", given, updates_in_place=True)
            made = make_channel(own, lambda r: str(r["file"]), session, Templates())
            first = await made.send(PAGE, {})
            over = note(resolved(burst()), status=Status.RESOLVED)
            assert (await made.send(over, first.reference)).outcome is DeliveryOutcome.DELIVERED
            parent, reply = fakes.messages.values()
            assert parent.attachments[0]["title"] == "resolved"
            assert "username" not in parent.history[1]  # chat.update takes none
            assert reply.history[0]["username"] == "bot"

    asyncio.run(run())


def test_a_message_that_is_too_big_becomes_a_text() -> None:
    async def run() -> None:
        async with Fakes() as fakes, open_session() as session:
            given = {"app_token": "x", "app_url": fakes.slack_api, "channel": "c", "title": "t"}
            made = make_channel(spec("slack_configs", given), str, session, Templates())
            fakes.next(Service.SLACK, Mood(error="msg_too_long"))
            assert (await made.send(PAGE, {})).outcome is DeliveryOutcome.DELIVERED
            (only,) = fakes.messages.values()
            assert "23 denials" in only.text

    asyncio.run(run())


def test_a_bot_needs_a_channel_and_a_webhook_an_address() -> None:
    with pytest.raises(ChannelError, match="channel: is missing"):
        slack_configs(spec("slack_configs", {"app_token": "x"}), str, None, Templates())  # type: ignore[arg-type]
    with pytest.raises(ChannelError, match="api_url"):
        slack_configs(spec("slack_configs"), str, None, Templates())  # type: ignore[arg-type]
