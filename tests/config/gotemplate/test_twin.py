"""Our templates against the real ones: the same text for the same data, or a refusal on both sides."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rulesd.config.gotemplate import Fault, Library, Template
from rulesd.notify.go_data import data_of
from tests.config.gotemplate.grammar import Grammar
from tests.config.gotemplate.twin import AMTOOL, DATA, RESOLVED, real

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(AMTOOL is None, reason="needs amtool"),
]

FILES = """
{{ define "own.line" }}{{ .Labels.instance }}={{ .Annotations.summary }};{{ end }}
{{ define "own.all" }}{{ range .Alerts }}{{ template "own.line" . }}{{ end }}{{ end }}
{{ define "__subject" }}{{ .Status }}!{{ end }}
"""

SAME = [
    "plain text",
    "{{ .CommonLabels.alertname }} {{ .CommonLabels.nothing }}|",
    "{{ .Status | toUpper }} {{ .Status | title }} {{ toLower .Status }}",
    '{{ title "hello wide-world of_it it\'s" }}',
    "{{ range .Alerts }}{{ .Labels.instance }} {{ end }}",
    "{{ range $i, $a := .Alerts }}{{ $i }}:{{ $a.Labels.instance }}{{ if $i }}.{{ else }},{{ end }}{{ end }}",
    "{{ range .Alerts.Firing }}{{ .Annotations.summary }}{{ else }}none{{ end }}",
    "{{ range .CommonAnnotations }}x{{ else }}none{{ end }}",
    "{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }} {{ end }}",
    "{{- range .CommonLabels.SortedPairs }}\n{{ .Name }}: {{ .Value }}\n{{- end }}",
    "a {{- /* a comment */ -}} b {{/* another */}} c",
    "a  {{- .Status -}}  b",
    "a\n\n{{- if true }}\n yes\n{{- end }}\n",
    '{{ if eq .Status "firing" }}F{{ else if eq .Status "resolved" }}R{{ else }}?{{ end }}',
    '{{ if and (eq .Status "firing") (gt (len .Alerts) 1) }}many{{ end }}',
    "{{ if or .CommonLabels.nothing .CommonLabels.job }}{{ or .CommonLabels.nothing .CommonLabels.job }}{{ end }}",
    "{{ if not .CommonLabels.nothing }}no{{ end }}",
    "{{ with .CommonLabels.job }}{{ . }} {{ $.Status }}{{ else }}none{{ end }}",
    "{{ with .CommonLabels.nothing }}{{ . }}{{ else }}none{{ end }}",
    '{{ $x := .Status }}{{ $x }}{{ if true }}{{ $x = "changed" }}{{ end }}{{ $x }}',
    "{{ $x := 1 }}{{ range .Alerts }}{{ $x = len .Labels }}{{ end }}{{ $x }}",
    '{{ .GroupLabels.Values | join ", " }} {{ .GroupLabels.Names | join "," }}',
    '{{ (.CommonLabels.Remove .GroupLabels.Names).Values | join " " }}',
    '{{ .CommonLabels.Remove (stringSlice "job" "x") }}',
    "{{ .CommonLabels }} {{ .Alerts.Firing | len }} {{ len .Status }}",
    '{{ index .CommonLabels "job" }} {{ (index .Alerts 1).Labels.instance }}',
    '{{ match "^ap" .CommonLabels.job }} {{ match "^x" .CommonLabels.job }}',
    '{{ reReplaceAll "(a)(.)" "${2}$1-" .CommonLabels.job }}',
    '{{ reReplaceAll "a(?P<x>.)" "[$x]" "abac" }} {{ reReplaceAll ":\\\\d+$" "" "a:123" }}',
    '{{ reReplaceAll "x*" "-" "abc" }}',
    '{{ printf "%s is %q, %d alerts, %v %5.2f|%-6s|%06d|%t|%x|%%" .Status .Receiver (len .Alerts) .CommonLabels.job 3.14159 "ab" 42 true 255 }}',
    '{{ printf "%d %s" "text" 3 }} {{ printf "%d" }} {{ printf "x" 1 }}',
    '{{ print "a" 1 2 "b" 3 }} {{ println "a" 1 }}',
    "{{ html .Receiver }} {{ urlquery .Receiver }} {{ js `a'b<c>` }}",
    '{{ slice "abcdef" 1 3 }} {{ slice "abcdef" 2 }} {{ slice .Status 0 2 }}',
    '{{ 1 }} {{ -1 }} {{ 1.5 }} {{ 1e3 }} {{ 0x1F }} {{ true }} {{ \'a\' }} {{ `raw \\n` }} {{ "q\\t\\"\\u00e9" }}',
    "{{ 1000000.0 }} {{ 123456789.0 }} {{ 1e21 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1.0 }} {{ 100000000000000000000.0 }}",
    '{{ eq 1 2 1 }} {{ ne "a" "b" }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt "b" "a" }} {{ ge 1.5 2.5 }}',
    '{{ (index .Alerts 0).StartsAt.Format "2006-01-02T15:04:05Z07:00 Mon Jan _2 3:04PM 02 01 06 .000" }}',
    "{{ (index .Alerts 0).StartsAt }} {{ (index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt }}",
    "{{ (index .Alerts 0).StartsAt.Unix }} {{ (index .Alerts 0).EndsAt.IsZero }} {{ (index .Alerts 0).StartsAt.Year }}",
    "{{ (index .Alerts 0).StartsAt.Month }} {{ (index .Alerts 0).StartsAt.Weekday }} {{ ((index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt).Hours }}",
    '{{ template "own.all" . }}',
    '{{ template "__subject" . }}',
    '{{ define "here" }}{{ . }}{{ end }}{{ template "here" .Status }}{{ template "here" }}',
    '{{ block "blocked" .Status }}<{{ . }}>{{ end }}',
    "{{ range .Alerts }}{{ if eq .Labels.instance `a:1` }}{{ continue }}{{ end }}{{ .Labels.instance }}{{ end }}",
    "{{ range .Alerts }}{{ .Labels.instance }}{{ break }}{{ end }}",
    '{{ "a" | printf "%s-%s" "b" }} {{ .Status | len | printf "%03d" }}',
    '{{ (printf "%s" .Status) | toUpper }} {{ .CommonLabels.SortedPairs.Names }}',
    "{{ $.Status }}",
    "{{ and true 0 }} {{ and 1 2 }} {{ or 0 `` 3 }} {{ not 0 }}",
    "{{ .ExternalURL }}/{{ .Receiver }}",
    "{{ with $x := .Status }}{{ $x }}{{ end }}",
    "{{ if $x := .Status }}{{ $x }}{{ end }}",
    "{{ range $v := .CommonLabels }}{{ $v }},{{ end }}",
    "{{ printf `%v` .CommonAnnotations }} {{ 100000.0 }} {{ -0.5 }} {{ 12345.678 }}",
    '{{ len `é` }} {{ `{{` }} {{ "}}" }}',
    "{{\n.Status\n}}",
    "[{{ .Status | toUpper -}}\n  {{ if eq .Status `firing` }}:{{ .Alerts.Firing | len }}{{- end -}}\n  ] x {{ .CommonLabels.job}}",
    "{{ if ne .Status `firing` -}}\n ok\n{{- else if eq .CommonLabels.severity `page` -}}\n  :fire:\n{{- else -}}\n ?\n{{- end }}|",
    'u?f=%7B\n {{- range .CommonLabels.SortedPairs -}}\n {{- if ne .Name `job` -}}\n {{- .Name }}%3D"{{- .Value -}}"%2C%20\n {{- end -}}\n {{- end -}}\n end',
    "{{ range .Alerts }}{{ if .EndsAt }}{{ .StartsAt.Format `02.01.2006 15:04:05 MST` }}{{ end }} {{ .StartsAt.Unix }}{{ end }}",
    '{{ range $i, $p := .CommonLabels.SortedPairs }}{{ if $i }}, {{ end }}"{{ $p.Name }}": "{{ $p.Value }}"{{ end }}{{ "{" }}',
    "{{ if gt (len .Alerts.Firing) 0 }}F{{ len .Alerts.Firing }}{{ end }}{{- if gt (len .Alerts.Resolved) 0 }} R{{ len .Alerts.Resolved }}{{ end }}",
    "{{ with index .Alerts 0 -}}\n {{ .Labels.instance }}\n{{- end }}",
    "{{ $a := index .Alerts 0 }}{{ $a.Annotations.summary }} {{ (index .Alerts 0).GeneratorURL }}",
    "{{ (index .Alerts 0).StartsAt.Format `02.01.06 15.04.05,000 2.1.2006 Jan. 2nd 3.04pm (Z0700) .99 Monday, 02-Jan-06 -07:00` }}",
    "{{ (index .Alerts 0).StartsAt.Format `2006/1/2 03:04:05.999999 PM 002 06-1-_2 15h04m` }}",
    "{{ title `co.a b:c d'e 3rd 1.a a1.b 2x a_b _c a-b a/b HELLO wOrld éa straße c' 'd' x.1y ab..cd U.S.a` }}",
    "{{ reReplaceAll `^|$` `<$0>` `ab` }} {{ reReplaceAll `b*` `-` `abbc` }} {{ reReplaceAll `` `.` `é☃` }}",
    "{{ range .Alerts }}<{{ .GeneratorURL }}|{{ .Labels.alertname }}>{{ end }}",
]
REFUSED = [
    "{{ .Nothing }}",
    "{{ nothing }}",
    "{{ .Status.x }}",
    "{{ if }}x{{ end }}",
    "{{ if true }}x",
    "{{ end }}",
    "{{ else }}",
    "{{ $x }}",
    "{{ .Status",
    "{{ range .Status }}{{ end }}",
    '{{ template "nothing" . }}',
    "{{ break }}",
    '{{ eq "a" 1 }}',
    "{{ lt 1 1.5 }}",
    "{{ index .Alerts 7 }}",
    "{{ toUpper 1 }}",
    '{{ match "(" "x" }}',
    "{{ 1 2 }}",
    "{{ .Status | 1 }}",
    '{{ "unended }}',
    "{{ (.Status }}",
    "{{ len 3 }}",
    "{{ if true }}{{ else }}{{ else }}{{ end }}",
    '{{ slice "abc" 5 }}',
    "{{ .Alerts.Firing.Labels }}",
    '{{ define "x" }}',
    "{{ join `,` .Status }}",
    "{{ .Status .Receiver }}",
]


def ours(text: str, data: Any, files: str = "", *, html: bool = False) -> str | None:
    try:
        made = Library()
        made.add(files)
        return made.render(Template.read(text), data_of(data), html=html).removesuffix("\n")
    except Fault:
        return None


def together(tmp_path: Path, texts: list[str], *, html: bool = False, files: str = FILES) -> None:
    """Every text on both sides, for a group that fires and one that is over."""

    def both(job: tuple[int, str, Any]) -> tuple[str, str | None, str | None]:
        number, text, data = job
        folder = tmp_path / str(number)
        folder.mkdir()
        return text, real(folder, text, data, files, html), ours(text, data, files, html=html)

    jobs = [(i, t, d) for i, (t, d) in enumerate((t, d) for t in texts for d in (DATA, RESOLVED))]
    with ThreadPoolExecutor(4) as pool:
        wrong = [
            f"{text}\n  real: {want!r}\n  ours: {got!r}"
            for text, want, got in pool.map(both, jobs)
            if want != got
        ]
    assert not wrong, "\n".join(wrong)


def test_the_same_text(tmp_path: Path) -> None:
    together(tmp_path, SAME)


def test_refused_on_both_sides(tmp_path: Path) -> None:
    together(tmp_path, REFUSED)


def test_html_is_escaped_as_there(tmp_path: Path) -> None:
    texts = [
        "<p>{{ .Receiver }}</p>",
        "<p>{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}</p>",
        "<p>{{ range .Alerts }}{{ .Annotations.summary | safeHtml }}{{ end }}</p>",
        "<p>{{ `a+b'c\"d` }}</p>",
    ]
    together(tmp_path, texts, html=True)


@pytest.mark.parametrize("seed", range(6))
def test_random_templates(tmp_path: Path, seed: int) -> None:
    """Those that work here, all in one run of the real thing."""
    grammar = Grammar(seed)
    data = (DATA, RESOLVED)[seed % 2]
    made = [grammar.template() for _ in range(60)]
    told = [(text, said) for text in made if (said := ours(text, data)) is not None]
    assert len(told) > 45
    files = "".join(
        f'{{{{ define "t{i}" }}}}{text}{{{{ end }}}}' for i, (text, _) in enumerate(told)
    )
    calls = "".join(f'{{{{ template "t{i}" . }}}}\x01' for i in range(len(told)))
    theirs = real(tmp_path, calls, data, files)
    assert theirs is not None
    wrong = [
        f"{text!r}\n  real: {want!r}\n  ours: {said!r}"
        for (text, said), want in zip(told, theirs.split("\x01")[:-1], strict=True)
        if said != want.removesuffix("\n")
    ]
    assert not wrong, "\n".join(wrong)
