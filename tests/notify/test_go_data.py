from rulesd.config.gotemplate import Library, Template
from rulesd.notify.alertmanager import webhook_body
from rulesd.notify.go_data import data_of
from tests.notify.samples import burst, note, resolved, told


def give(text: str) -> str:
    data = data_of(webhook_body(note(told(burst(1)), resolved(burst(2)))))
    return Library().render(Template.read(text), data)


def test_everything_alertmanager_has_is_there() -> None:
    assert give("{{ .Receiver }} {{ .Status }} {{ .ExternalURL }}") == (
        "oncall firing https://rulesd.example"
    )
    assert give("{{ len .Alerts.Firing }}/{{ len .Alerts.Resolved }}/{{ len .Alerts }}") == "1/1/2"
    assert give("{{ .GroupLabels.alertname }} {{ .CommonLabels.tool }}") == (
        "tool.scope_violation shell"
    )
    assert give("{{ .CommonAnnotations.summary }}") == "23 denials of shell in five minutes"
    assert give("{{ (index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt }}") == "11m39.96s"
    assert give("{{ (index .Alerts 0).EndsAt.IsZero }} {{ (index .Alerts 0).Fingerprint }}") == (
        "true 0000000000000001"
    )
