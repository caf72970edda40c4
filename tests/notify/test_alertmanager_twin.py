"""What a real Alertmanager sends for a configuration and some alerts, and what we send for the same."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from rulesd.core.plan import ChannelSpec
from rulesd.model.fingerprint import fingerprint
from rulesd.model.notification import Notification, PageAlert
from rulesd.model.reasons import DeliveryOutcome
from rulesd.notify.channels import make_channels, open_session
from rulesd.notify.fakes import Fakes
from tests.config.testing import loaded
from tests.notify.mailing import post
from tests.notify.real_alertmanager import BINARY, EXTERNAL, sent_by
from tests.notify.samples import note

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(BINARY is None, reason="needs prometheus-alertmanager"),
]

CONFIG = """
route: {{receiver: 'team/X', group_by: [alertname, job], group_wait: 700ms, group_interval: 1s}}
templates: ['templates/*.tmpl']
receivers:
- name: 'team/X'
  slack_configs:
  - {{api_url: '{slack}', channel: '#one', send_resolved: true}}
  - api_url: '{slack}'
    channel: '#{{{{ .CommonLabels.job }}}}'
    title: '{{{{ .Status | title }}}} <{{{{ .ExternalURL }}}}|x>'
    title_link: 'https://wiki/{{{{ .CommonLabels.job }}}}'
    text: '{{{{ range .Alerts }}}}*{{{{ .Annotations.summary }}}}* {{{{ .Labels.SortedPairs.Values | join "," }}}} {{{{ end }}}}'
    pretext: '{{{{ template "own.pretext" . }}}}'
    fields: [{{title: a, value: '{{{{ .Status }}}}', short: false}}, {{title: b, value: v}}]
    short_fields: true
    actions:
    - {{type: button, text: Run, url: 'https://x/{{{{ .CommonLabels.job }}}}', style: primary, name: n}}
    - {{type: button, text: Ask, name: n, value: v, confirm: {{text: sure, title: t, ok_text: ok, dismiss_text: no}}}}
    link_names: true
    footer: foot
    image_url: https://x/i.png
    thumb_url: https://x/t.png
    callback_id: cb
    username: bot
    icon_emoji: ':x:'
    mrkdwn_in: [text]
    fallback: fb
    color: '{{{{ if eq .Status "firing" }}}}#123456{{{{ else }}}}good{{{{ end }}}}'
  pagerduty_configs:
  - {{routing_key: k1, url: '{pagerduty}'}}
  - routing_key: k2
    url: '{pagerduty}'
    description: 'd {{{{ .CommonLabels.job | toUpper }}}}'
    severity: '{{{{ if eq .CommonLabels.severity "page" }}}}critical{{{{ else }}}}info{{{{ end }}}}'
    class: c
    component: comp
    group: '{{{{ .GroupLabels.alertname }}}}'
    client: me
    client_url: https://me/
    details: {{num_firing: x, own: '{{{{ .Receiver }}}}'}}
    links: [{{href: 'https://l/', text: t}}, {{href: '', text: none}}]
    images: [{{src: 'https://i/', alt: a, href: 'https://h/'}}]
  webhook_configs:
  - {{url: '{hook}1', max_alerts: 1}}
  - {{url: '{hook}2'}}
"""
TEMPLATE = '{{ define "own.pretext" }}{{ len .Alerts.Firing }} of {{ len .Alerts }}{{ end }}\n'
ALERTS = [
    {
        "labels": {"alertname": "Down", "job": "api", "instance": name, "severity": "page"},
        "annotations": {"summary": f"<b>&{name}", "description": "one\ntwo"},
        "startsAt": "2026-01-05T08:00:11.250Z",
        "endsAt": "2036-01-05T08:00:11Z",
        "generatorURL": "http://prom/graph?a=1&b=2",
    }
    for name in ("a:1", "b:1")
]


OVER = [{**one, "endsAt": "2026-01-05T09:30:00Z"} for one in ALERTS]
"The same, said to be over."


def page() -> Notification:
    usual = note()
    told: list[PageAlert] = [
        replace(
            usual.alerts[0],
            foreign=True,
            labels=one["labels"],
            annotations=one["annotations"],
            generator_url=one["generatorURL"],
            fingerprint=fingerprint(one["labels"]),  # type: ignore[arg-type]
            started_at="2026-01-05T08:00:11.250Z",
            ended_at="",
            status="firing",
        )
        for one in ALERTS
    ]
    return replace(
        usual,
        receiver="team/X",
        group='{}:{alertname="Down", job="api"}',
        group_labels={"alertname": "Down", "job": "api"},
        alerts=tuple(told),
        external_url=EXTERNAL,
        status="firing",
    )


def bodies(fakes: Fakes) -> dict[str, Any]:
    """By what tells the requests apart."""
    out: dict[str, Any] = {}
    for one in fakes.received:
        said = orjson.loads(one.body)
        key = said.get("routing_key") or said.get("channel") or one.path
        out[f"{one.service} {key}"] = said
    return out


def test_every_request_is_alertmanagers(tmp_path: Path) -> None:
    async def run() -> tuple[dict[str, Any], dict[str, Any]]:
        async with Fakes() as fakes:
            (tmp_path / "templates").mkdir()
            (tmp_path / "templates" / "own.tmpl").write_text(TEMPLATE)
            config = CONFIG.format(
                slack=fakes.slack_webhook, pagerduty=fakes.pagerduty, hook=fakes.webhook("w")
            )
            await sent_by(tmp_path, config, (ALERTS, lambda: fakes.wait(6, 15)))
            theirs = bodies(fakes)
            fakes.received.clear()
            result = loaded(
                {
                    "notifiers/routing.yaml": config,
                    "notifiers/templates/own.tmpl": TEMPLATE,
                    "notifiers/receivers.yaml": None,
                    "notifiers/owners.yaml": "owners: {team: {}}",
                }
            )
            assert result.plan is not None, [str(p) for p in result.errors]
            async with open_session() as session:
                channels, problems = make_channels(result.plan, str, session)
                assert problems == []
                for channel in channels.values():
                    done = await channel.send(page(), {})
                    assert done.outcome is DeliveryOutcome.DELIVERED, done
            return theirs, bodies(fakes)

    theirs, ours = asyncio.run(run())
    assert len(theirs) == 6
    assert set(ours) == set(theirs)
    for key, said in theirs.items():
        assert ours[key] == said, key


def test_the_specs_are_those_of_the_file() -> None:
    """So that a channel that is not made is not taken for one that agrees."""
    names = {
        "slack_configs[0]",
        "slack_configs[1]",
        "pagerduty_configs[0]",
        "pagerduty_configs[1]",
        "webhook_configs[0]",
        "webhook_configs[1]",
    }
    config = CONFIG.format(slack="https://s", pagerduty="https://p", hook="https://h/")
    result = loaded(
        {
            "notifiers/routing.yaml": config,
            "notifiers/templates/own.tmpl": TEMPLATE,
            "notifiers/receivers.yaml": None,
            "notifiers/owners.yaml": "owners: {team: {}}",
        }
    )
    assert result.plan is not None
    found: list[ChannelSpec] = list(result.plan.receivers["team/X"].channels)
    assert {one.name for one in found} == names
    assert [str(p) for p in result.problems if "acted on" in str(p)] == []


MAIL = """
global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: 'AM <am@x.example>', smtp_require_tls: false, smtp_hello: here}}
route: {{receiver: 'team/X', group_by: [alertname, job], group_wait: 700ms}}
receivers:
- name: 'team/X'
  email_configs:
  - to: 'Kim <kim@x.example>, lee@x.example'
    headers: {{Subject: '{{{{ .Status | toUpper }}}} {{{{ .CommonLabels.job }}}} é', X-Team: '{{{{ .Receiver }}}}', Reply-To: r@x.example}}
    html: '<p>{{{{ range .Alerts }}}}{{{{ .Annotations.summary }}}} <a href="https://x/">{{{{ .Labels.instance }}}}</a>{{{{ end }}}}</p>'
    text: '{{{{ range .Alerts }}}}{{{{ .Annotations.summary }}}} {{{{ end }}}}é'
  - to: lee@x.example
    headers: {{X-Which: second}}
    html: '{{{{ .Status }}}}'
    text: plain
"""


def test_mail_says_what_alertmanagers_mail_says(tmp_path: Path) -> None:
    def facts(mail: Any) -> dict[str, Any]:
        named = ("From", "To", "Subject", "X-Team", "X-Which", "Reply-To")
        texts = [(p.get_content_type(), p.get_content().strip()) for p in mail.iter_parts()]
        return {**{name: str(mail[name]) for name in named}, "parts": texts}

    async def run() -> tuple[list[Any], list[Any]]:
        async with post() as there, open_session() as session:
            config = MAIL.format(port=there.port)

            async def both() -> None:
                async with asyncio.timeout(15):
                    while len(there.taken) < 2:
                        await asyncio.sleep(0.05)

            await sent_by(tmp_path, config, (ALERTS, both))
            theirs = [facts(one) for one in there.mails]
            there.taken.clear()
            result = loaded(
                {
                    "notifiers/routing.yaml": config,
                    "notifiers/receivers.yaml": None,
                    "notifiers/owners.yaml": "owners: {team: {}}",
                }
            )
            assert result.plan is not None, [str(p) for p in result.errors]
            channels, problems = make_channels(result.plan, str, session)
            assert problems == []
            for channel in channels.values():
                done = await channel.send(page(), {})
                assert done.outcome is DeliveryOutcome.DELIVERED, done
            return theirs, [facts(one) for one in there.mails]

    theirs, ours = asyncio.run(run())
    assert sorted(ours, key=str) == sorted(theirs, key=str)
