"""Go templates without the real thing: what Alertmanager gives (``test_twin`` asks it), and what nobody may do with one."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rulesd.config.gotemplate import Fault, Library, Template
from rulesd.config.gotemplate.humanize import humanize, humanize_duration
from rulesd.config.gotemplate.printf import WIDTH, printf
from rulesd.config.gotemplate.times import Length, Moment
from rulesd.config.gotemplate.values import Labels, number, shown
from rulesd.notify.go_data import data_of
from tests.config.gotemplate.twin import DATA

NOW = datetime(2026, 1, 5, 10, 0, 0, tzinfo=UTC)


def give(text: str, files: str = "", **given: Any) -> str:
    library = Library()
    library.add(files)
    return library.render(Template.read(text), data_of(DATA), now=NOW, **given)


def refuse(text: str) -> Fault:
    with pytest.raises(Fault) as caught:
        give(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Status | toUpper }} {{ len .Alerts.Firing }}", "FIRING 1"),
        ("{{ range .Alerts -}} {{ .Labels.instance }} {{- end }}", "a:1b:1"),
        ("a {{- /* x */ -}} b {{/* y */}}c", "ab c"),
        ("{{ $x := 1 }}{{ range .Alerts }}{{ $x = len .Labels }}{{ end }}{{ $x }}", "4"),
        ('{{ (.CommonLabels.Remove .GroupLabels.Names).Values | join " " }}', "page"),
        ('{{ reReplaceAll "(a)(.)" "${2}$1-$$" "api" }}', "pa-$i"),
        ("{{ .CommonLabels.SortedPairs }} {{ .CommonLabels }}", "[{alertname Down} {job api} {severity page}] map[alertname:Down job:api severity:page]"),
        ("{{ with .CommonLabels.nothing }}x{{ else with .Status }}{{ . }}{{ end }}", "firing"),
        ("{{ (index .Alerts 0).StartsAt | since | humanizeDuration }}", "59m 48s"),
        ('{{ (index .Alerts 0).StartsAt | tz "Europe/Berlin" | date "15:04 MST" }}', "10:00 CET"),
        ('{{ index (dict "a" 1 "b" 2) "b" }} {{ append (list 1 2) 3 }}', "2 [1 2 3]"),
        ("{{ toJson .CommonLabels }}", '{"alertname":"Down","job":"api","severity":"page"}'),
        ("{{ (index .Alerts 1) | toJson | len | lt 100 }}", "true"),
        ('{{ urlUnescape "a%2Fb+c" }} {{ trimSpace "  x " }} {{ humanize 12345.0 }}', "a/b c x 12.35k"),
        ("{{ humanizePercentage 0.1234 }} {{ safeUrl `x` }}", "12.34% x"),
        ("{{ range 3 }}{{ . }}{{ end }}{{ range nil }}x{{ end }}", "012"),
        ("{{ range $k, $v := .GroupLabels }}{{ $k }}={{ $v }};{{ end }}", "alertname=Down;job=api;"),
        ("{{ range $i, $a := .Alerts }}{{ if $i }}{{ break }}{{ end }}{{ $a.Status }}{{ end }}", "firing"),
        ('{{ block "b" .Status }}<{{ . }}>{{ end }}', "<firing>"),
    ],
)  # fmt: skip
def test_what_a_template_gives(text: str, expected: str) -> None:
    assert give(text) == expected


def test_files_define_and_a_later_definition_wins() -> None:
    files = '{{ define "x" }}1{{ end }}{{ define "x" }}2{{ . }}{{ end }}'
    assert give('{{ template "x" .Status }}', files) == "2firing"
    assert give('{{ define "x" }}own{{ end }}{{ template "x" }}', files) == "own"


def test_html_escapes_all_but_what_is_safe() -> None:
    text = "{{ .Receiver }} {{ `<b>+\"'` }} {{ safeHtml `<b>` }}"
    assert give(text, html=True) == "team/X &amp; co &lt;b&gt;&#43;&#34;&#39; <b>"


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("\n{{ nothing .Status }}", 'there is no function "nothing"', 2),
        ("{{ if true }}\n\n{{ .Nope }}{{ end }}", "there is no field Nope here", 3),
        ('{{ template "gone" . }}', 'there is no template "gone"', 1),
        ("{{ if true }}", "{{ end }} is missing", 1),
        ("{{ .Status ", "not closed", 1),
        ("{{ $x }}", "the variable $x is not defined", 1),
        ("{{ 1 | 2 }}", "only a function or a method", 1),
        ("{{ .Status ^ }}", "unexpected '^'", 1),
        ('{{ match "(" "x" }}', "no regular expression", 1),
        ("{{ index .Alerts 9 }}", "out of range", 1),
        ("{{ toUpper 1 }}", "needs a text, and this is a number", 1),
        ("{{ eq 1 `x` }}", "incompatible types", 1),
        ("{{ join 1 2 3 }}", "does not take these arguments", 1),
        ('{{ tz "Nowhere/X" (index .Alerts 0).StartsAt }}', "no time zone", 1),
        ("{{ dict 1 }}", "names and values in turn", 1),
        ("{{ '\\z' }}", "no escape", 1),
        ("{{ if true }}{{ define `x` }}{{ end }}{{ end }}", "inside another block", 1),
        ("{{ .Alerts.x.y }}", "a list has no field x", 1),
        ("{{ (index .CommonAnnotations `x`).y }}", "a text has no field y", 1),
        ("{{ range .Status }}{{ end }}", "range cannot go over a text", 1),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, said: str, line: int) -> None:
    fault = refuse(text)
    assert said in str(fault)
    assert fault.line in (line, 0)


def test_a_missing_function_is_named() -> None:
    assert refuse("{{ .Status | sprig_upper }}").name == "sprig_upper"


@pytest.mark.parametrize(
    "text",
    [
        "{{ range 90000 }}{{ range 90000 }}x{{ end }}{{ end }}",
        "{{ range 100001 }}{{ end }}",
        "{{ range 90000 }}{{ range 90000 }}{{ end }}{{ end }}",
        '{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}',
        "{{ $x := `0123456789` }}{{ range 40 }}{{ $x = printf `%s%s` $x $x }}{{ end }}{{ $x }}",
        "{{ range 50000 }}0123456789{{ end }}",
        "{{ if true }}" * 100 + "{{ end }}" * 100,
        "{{ " + "(" * 200 + "1" + ")" * 200 + " }}",
        "{{ reReplaceAll `(a+)+$` `b` (printf `%0900d!` 1) }}{{ range 99999 }}{{ . }}{{ end }}",
    ],
)
def test_nothing_runs_away(text: str) -> None:
    began = time.perf_counter()
    refuse(text)
    assert time.perf_counter() - began < 2


def test_nothing_of_python_can_be_reached() -> None:
    for name in ("__class__", "fields", "methods", "sorted_pairs", "in_state", "format", "keys"):
        refuse(f"{{{{ .Alerts.{name} }}}}")
        refuse(f"{{{{ .Status.{name} }}}}")
        assert give(f"{{{{ .CommonLabels.{name} }}}}") == ""  # a label that is not there
        refuse(f"{{{{ (index .Alerts 0).{name} }}}}")
        refuse(f"{{{{ (index .Alerts 0).StartsAt.{name} }}}}")


def test_a_value_is_never_repeated_in_what_is_said() -> None:
    for text in ("{{ index .CommonLabels 1 2 }}", "{{ toUpper .Alerts }}", "{{ .Receiver.x }}"):
        assert "team/X" not in str(refuse(text))


def test_numbers() -> None:
    values = (0.0, 1.5, 1e6, 123456.0, 0.0001, 0.00001, -2.5e-7, 1e300, float("inf"), float("nan"))
    assert [number(v) for v in values] == [
        *("0", "1.5", "1e+06", "123456", "0.0001", "1e-05", "-2.5e-07", "1e+300", "+Inf", "NaN"),
    ]
    assert [humanize(v) for v in (0.0, 0.0042, 1.0, 999.0, 1_000.0, 1e30, -5e6, 1e-30)] == [
        *("0", "4.2m", "1", "999", "1k", "1e+06Y", "-5M", "1e-06y"),
    ]
    assert [humanize_duration(v) for v in (0.0, 0.25, 61.0, 3_600.0, 90_061.0, -5.5)] == [
        *("0s", "250ms", "1m 1s", "1h 0m 0s", "1d 1h 1m 1s", "-5.5s"),
    ]


def test_printf() -> None:
    assert printf("%5.1f|%-4s|%04d|%+d|%q|%v", [2.25, "a", 7, 7, 'x"', True]) == (
        '  2.2|a   |0007|+7|"x\\""|true'
    )
    assert printf("%d %s %y", ["x", 3, 1]) == "%!d(string=x) %!s(int=3) %!y(int=1)"
    assert printf("%d", []) == "%!d(MISSING)"
    assert printf("x", [1, None]) == "x%!(EXTRA int=1, <nil>=<no value>)"
    assert len(printf("%9999999d", [1])) == WIDTH
    assert printf("%x %X %T %t %g", ["hi", 255, 1.5, False, 0.5]) == "6869 FF float64 false 0.5"


def test_moments_and_lengths() -> None:
    at = Moment(datetime(2026, 1, 5, 15, 4, 5, 120_000, tzinfo=UTC))
    wanted = "2006-01-02T15:04:05.000Z07:00 Mon Jan _2 3:04PM -0700 .999"
    assert at.methods["Format"](wanted) == "2026-01-05T15:04:05.120Z Mon Jan  5 3:04PM +0000 .12"
    assert str(at) == "2026-01-05 15:04:05.12 +0000 UTC"
    assert [str(Length(timedelta(seconds=s))) for s in (0, 0.25, 59.5, 61, 3_723, -90)] == [
        *("0s", "250ms", "59.5s", "1m1s", "1h2m3s", "-1m30s"),
    ]


def test_label_sets() -> None:
    labels = Labels(zeta="1", alertname="2", beta="3")
    assert labels.sorted_pairs().column("Name") == ["alertname", "beta", "zeta"]
    assert str(labels.sorted_pairs()) == "alertname=2, beta=3, zeta=1"
    assert shown(labels.without(["zeta"])) == "map[alertname:2 beta:3]"
