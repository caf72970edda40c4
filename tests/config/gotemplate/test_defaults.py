"""Alertmanager's default texts; ``tests/notify/test_alertmanager_twin.py`` compares them with the real one's."""

import pytest

from rulesd.config.gotemplate import Template
from rulesd.config.gotemplate.defaults import TEXTS, library
from rulesd.notify.go_data import data_of
from tests.config.gotemplate.twin import DATA, RESOLVED


def give(name: str, dot: str = ".", data: object = DATA) -> str:
    text = f'{{{{ template "{name}" {dot} }}}}'
    return library().render(Template.read(text), data_of(data))  # type: ignore[arg-type]


def test_the_subject_tells_what_fires_and_what_the_alerts_share() -> None:
    assert give("__subject") == "[FIRING:1] Down api (page)"
    assert give("__subject", data=RESOLVED) == "[RESOLVED]  (Down b:1 api page)"
    same = {**DATA, "commonLabels": DATA["groupLabels"]}
    assert give("__subject", data=same) == "[FIRING:1] Down api "


def test_the_list_of_alerts() -> None:
    assert give("pagerduty.default.instances", ".Alerts.Resolved") == (
        "Labels:\n - alertname = Down\n - instance = b:1\n - job = api\n - severity = page\n"
        "Annotations:\n - summary = b\nSource: \n"
    )
    assert give("pagerduty.default.instances", ".Alerts.Firing", RESOLVED) == ""


def test_the_address() -> None:
    wanted = "https://am.example:9093/#/alerts?receiver=team%2FX+%26+co"
    assert give("slack.default.titlelink") == give("pagerduty.default.clientURL") == wanted
    assert give("slack.default.fallback") == f"[FIRING:1] Down api (page) | {wanted}"


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_name_gives_a_text(name: str) -> None:
    dot = ".Alerts" if name in ("__text_alert_list", "pagerduty.default.instances") else "."
    assert "<no value>" not in give(name, dot)


def test_a_library_can_be_added_to_without_touching_the_next_one() -> None:
    mine = library()
    mine.add('{{ define "__subject" }}own{{ end }}')
    text = Template.read('{{ template "slack.default.title" . }}')
    assert mine.render(text, data_of(DATA)) == "own"
    assert give("slack.default.title") == "[FIRING:1] Down api (page)"
