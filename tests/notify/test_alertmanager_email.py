import asyncio
from dataclasses import replace
from typing import Any

import pytest

from rulesd.model.notification import Notification
from rulesd.model.reasons import DeliveryOutcome
from rulesd.notify.alertmanager_email import email_configs
from rulesd.notify.channels import make_channel, open_session
from rulesd.notify.settings import ChannelError
from rulesd.notify.templates import Templates
from tests.notify.mailing import post
from tests.notify.samples import alert, burst, note, spec, told

EVIL = note(told(burst(labels={"tenant": "<b>", "tool": "shell"})))
USUAL = {"to": "kim@x.example", "from": "am@x.example", "require_tls": False}


def mailed(page: Notification, **given: Any) -> Any:
    async def run() -> Any:
        async with post() as there, open_session() as session:
            settings = {**USUAL, "smarthost": f"127.0.0.1:{there.port}", **given}
            own = spec("email_configs", settings)
            channel = make_channel(own, str, session, Templates())
            done = await channel.send(page, {})
            assert done.outcome is DeliveryOutcome.DELIVERED, done
            return there.mails[0]

    return asyncio.run(run())


def parts(mail: Any) -> list[str]:
    return [part.get_content() for part in mail.iter_parts()]


def test_nothing_written_is_our_mail() -> None:
    mail = mailed(note(told(alert())))
    assert mail["Subject"].startswith("[CRITICAL] ")
    text, html = parts(mail)
    assert "First five minutes" in text
    assert "First five minutes" in html


def test_headers_html_and_text_are_templates_and_html_is_escaped() -> None:
    mail = mailed(
        EVIL,
        headers={"Subject": "{{ .Status }}: {{ .CommonLabels.tool }}", "X-Team": "a"},
        html="<p>{{ .CommonLabels.tenant }}</p>",
        text="{{ .CommonLabels.tenant }}",
    )
    assert (mail["Subject"], mail["X-Team"]) == ("firing: shell", "a")
    text, html = parts(mail)
    assert text.strip() == "<b>"
    assert html.strip() == "<p>&lt;b&gt;</p>"


def test_alerts_of_others_have_alertmanagers_subject() -> None:
    page = note()
    foreign = replace(page, alerts=tuple(replace(a, foreign=True) for a in page.alerts))
    assert mailed(foreign)["Subject"].startswith("[FIRING:1] tool.scope_violation (")


def test_the_default_html_can_be_asked_for_by_its_name() -> None:
    _, html = parts(mailed(EVIL, html='{{ template "email.default.html" . }}'))
    assert "tenant = &lt;b&gt;<br>" in html
    assert "[FIRING:1] tool.scope_violation" in html


def test_a_text_that_fails_is_replaced_and_named() -> None:
    text, html = parts(mailed(EVIL, html="{{ .Nope }}"))
    assert "template of html failed" in text
    assert "Measured" in html


def test_threads_can_be_switched_off() -> None:
    assert mailed(EVIL)["References"]
    assert mailed(EVIL, threading={"enabled": False})["References"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"from": "{{ .CommonLabels.mail }}"}, "from: holds a template"),
        ({"to": "x"}, "to: is no mail address"),
        ({"smarthost": "x"}, "smarthost"),
        ({"tls_config": {"ca_file": "gone.pem"}}, "tls_config"),
    ],
)
def test_what_cannot_work_is_said_when_it_is_made(given: dict[str, Any], said: str) -> None:
    own = spec("email_configs", {**USUAL, "smarthost": "x:25", **given})
    with pytest.raises(ChannelError, match=said):
        email_configs(own, str, Templates())


def test_who_gets_it_may_be_a_template() -> None:
    to = "{{ .CommonLabels.tenant }}-team@x.example"
    assert mailed(note(told(alert())), to=to)["To"] == "acme-team@x.example"

    async def run() -> None:
        for given, said in (("{{ .Nope }}", "template of to failed"), ("{{ .Status }}", "no mail")):
            own = spec("email_configs", {**USUAL, "smarthost": "x.invalid:25", "to": given})
            done = await email_configs(own, str, Templates()).send(note(), {})
            assert done.outcome is DeliveryOutcome.FAILED
            assert said in done.detail

    asyncio.run(run())
