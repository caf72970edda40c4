"""Alertmanager's default texts, under the names its users call them by.

Law: what they give for a notification is what Alertmanager 0.25 gives, byte for byte (a test holds them to the real one).
"""

from functools import cache

from rulesd.config.gotemplate.engine import Library

_SUBJECT = (
    '[{{ toUpper .Status }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}] '
    '{{ join " " .GroupLabels.SortedPairs.Values }} '
    "{{ if gt (len .CommonLabels) (len .GroupLabels) }}"
    '({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ join " " .Values }}{{ end }}){{ end }}'
)
_LISTING = """{{ range . -}}
Labels:
{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end -}}
Annotations:
{{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end -}}
Source: {{ .GeneratorURL }}
{{ end }}"""

TEXTS = {
    "__alertmanager": "Alertmanager",
    "__alertmanagerURL": "{{ .ExternalURL }}/#/alerts?receiver={{ urlquery .Receiver }}",
    "__subject": _SUBJECT,
    "__description": "",
    "__text_alert_list": _LISTING,
    "slack.default.title": '{{ template "__subject" . }}',
    "slack.default.username": '{{ template "__alertmanager" . }}',
    "slack.default.fallback": '{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}',
    "slack.default.callbackid": "",
    "slack.default.pretext": "",
    "slack.default.titlelink": '{{ template "__alertmanagerURL" . }}',
    "slack.default.iconemoji": "",
    "slack.default.iconurl": "",
    "slack.default.text": "",
    "slack.default.footer": "",
    "pagerduty.default.description": '{{ template "__subject" . }}',
    "pagerduty.default.client": '{{ template "__alertmanager" . }}',
    "pagerduty.default.clientURL": '{{ template "__alertmanagerURL" . }}',
    "pagerduty.default.instances": '{{ template "__text_alert_list" . }}',
    "email.default.subject": '{{ template "__subject" . }}',
}
"By name. Where no HTML is written, a mail's is that of rulesd (``email.j2``)."


@cache
def _bodies() -> Library:
    library = Library()
    for name, text in TEXTS.items():
        library.add(f'{{{{ define "{name}" }}}}{text}{{{{ end }}}}')
    return library


def library() -> Library:
    """A library with the defaults, to which an operator's files can be added."""
    return Library(dict(_bodies().named))
