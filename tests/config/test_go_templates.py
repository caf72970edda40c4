"""Go templates in routing.yaml are checked when they are loaded, at their place."""

from typing import Any

import pytest

from tests.config.testing import loaded

FILE = '{{ define "own" }}{{ .Status }}{{ end }}\n'


def load(config: str, top: str = "", **files: str) -> Any:
    text = f"{top}route: {{receiver: inbox}}\nreceivers:\n  - name: inbox\n    {config}\n"
    return loaded(
        {
            "notifiers/routing.yaml": text,
            "notifiers/receivers.yaml": None,
            "notifiers/owners.yaml": "owners: {team: {}}",
            **{f"notifiers/templates/{name}.tmpl": text for name, text in files.items()},
        }
    )


SLACK = "slack_configs: [{{api_url: 'https://h.example.org', text: '{text}'}}]"
TOP = "templates: ['templates/*.tmpl']\n"


def test_files_are_read_and_what_they_define_may_be_called() -> None:
    result = load(SLACK.format(text='{{ template "own" . }}'), TOP, own=FILE)
    assert result.plan is not None, [str(p) for p in result.errors]
    assert dict(result.plan.go_templates) == {"notifiers/templates/own.tmpl": FILE}
    assert [p for p in result.problems if "template" in str(p)] == []


@pytest.mark.parametrize("pattern", ["/etc/alertmanager/templates/*.tmpl", "../x/own.tmpl"])
def test_a_pattern_that_leads_elsewhere_means_the_file_of_that_name_in_here(pattern: str) -> None:
    result = load(SLACK.format(text="x"), f"templates: ['{pattern}']\n", own=FILE)
    assert list(result.plan.go_templates) == ["notifiers/templates/own.tmpl"]


def test_a_pattern_that_matches_nothing_is_a_warning() -> None:
    result = load(SLACK.format(text="x"), "templates: ['*.nope']\n")
    assert result.plan is not None
    assert any("no file of the notifiers folder matches" in str(p) for p in result.problems)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ nope .Status }}", 'there is no function "nope"'),
        ("{{ toUper .Status }}", "toUpper"),
        ("{{ if true }}", "{{ end }} is missing"),
        ('{{ template "gone" . }}', 'there is no template "gone"'),
        ('{{ range .Alerts }}{{ if true }}{{ template "deep" . }}{{ end }}{{ end }}', '"deep"'),
    ],
)
def test_what_cannot_work_is_an_error_at_its_place(text: str, said: str) -> None:
    result = load(SLACK.format(text=text))
    assert result.plan is None
    (error,) = result.errors
    assert said in str(error)
    assert "notifiers/routing.yaml:4:" in str(error)


def test_texts_inside_lists_are_checked_too() -> None:
    config = "pagerduty_configs: [{routing_key: k, details: {a: '{{ nope }}'}, links: [{href: '{{ . }'}]}]"
    assert len(load(config).errors) == 2


def test_a_file_that_cannot_be_read_is_told_with_its_line() -> None:
    result = load(SLACK.format(text="x"), TOP, bad="\n\n{{ nope }}\n")
    (error,) = result.errors
    assert "templates/bad.tmpl:3:1:" in str(error)
    assert "Known: and, append" in str(error)
