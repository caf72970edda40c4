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

_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{ template "__subject" . }}</title></head>
<body style="margin:0;padding:16px;font:16px/1.5 Helvetica,Arial,sans-serif">
<h1 style="font-size:20px">{{ template "__subject" . }}</h1>
<p><a href="{{ template "__alertmanagerURL" . }}">{{ len .Alerts }} alert(s)</a></p>
{{ range .Alerts }}<h2 style="font-size:16px">{{ .Status }}: {{ .Labels.alertname }}</h2>
<p>{{ range .Labels.SortedPairs }}{{ .Name }} = {{ .Value }}<br>
{{ end }}{{ range .Annotations.SortedPairs }}{{ .Name }} = {{ .Value }}<br>
{{ end }}<a href="{{ .GeneratorURL }}">Source</a></p>
{{ end }}</body></html>"""

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
    "email.default.text": '{{ template "__text_alert_list" .Alerts }}',
    "email.default.html": _HTML,
}
"By name. The HTML of mail is not Alertmanager's own, but says the same; where none is written it is that of rulesd (``email.j2``)."


@cache
def _bodies() -> Library:
    library = Library()
    for name, text in TEXTS.items():
        library.add(f'{{{{ define "{name}" }}}}{text}{{{{ end }}}}')
    return library


def library() -> Library:
    """A library with the defaults, to which an operator's files can be added."""
    return Library(dict(_bodies().named))
