"""The routing in force as plain Alertmanager YAML: read strictly by the real amtool, and leading where rulesd leads."""

import random
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rulesd.config import load_files
from rulesd.config.files import Files
from rulesd.config.plain_fields import RECEIVERS, TOP
from rulesd.config.plain_routing import plain_routing
from rulesd.core.plan import Plan
from rulesd.core.route import destinations
from rulesd.model.alert import Alert
from rulesd.model.reasons import AlertState
from tests.peers import program

FULL = """
global:
  {resolve_timeout: 2m, slack_api_url: "https://hooks.slack.com/services/planted", slack_app_token: xoxb-planted,
   http_config: {proxy_url: "http://u:planted@x", basic_auth: {username: u, password: planted}}}
route:
  receiver: pager
  group_by: ["...", ]
  group_wait: 0s
  repeat_interval: 1d12h
  labels: {}
  routes:
  - {receiver: db, matchers: ['team="d\\"b"', 'x=~"a|b"'], continue: true, labels: {}}
  - {receiver: "yes", match: {a: b}, match_re: {c: "d.*"}, group_by: [alertname, "größe"], mute_time_intervals: [nights], routes: [{matchers: ['"größe"="x"']}, {matchers: [z!=""], active_time_intervals: [nights]}]}
receivers:
- name: pager
  webhook_configs: [{url: "http://127.0.0.1:9/planted", max_alerts: 3, timeout: 5s}, {url_file: /x}]
- name: db
  pagerduty_configs: [{routing_key: planted, source: x, details: {a: b}}, {routing_key_file: /z}]
- name: "yes"
  slack_configs: [{channel: "#x", title: "{{ .GroupKey }}", actions: [{type: button, text: t, url: "http://u"}]}, {channel: "#y", api_url: "https://a/planted", update_message: true}]
- name: odd
  jira_configs: [{api_url: x}]
inhibit_rules: [{name: x, source_matchers: [a="b"], target_match: {c: d}, equal: [e]}]
time_intervals: [{name: nights, time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}], weekdays: ["monday:friday", sunday], days_of_month: [1, "-3:-1"], months: ["1:3", may], years: [2026], location: Europe/Berlin}]}]
"""
OWNERS = 'owners: {safety: {receivers: {critical: own, default: db}}, "b\\"q": {receivers: {high: own}}, none: {}}\n'
PLAIN = "owners: {safety: {}}\n"
OWN = 'receivers: {own: {webhook: {url: "http://127.0.0.1:9", secret: {env: X}}}}\n'
PLANTED = "planted"


def plan(routing: str, owners: str = OWNERS, name: str = "routing.yaml") -> Plan:
    content = {
        f"notifiers/{name}": routing.encode(),
        "notifiers/owners.yaml": owners.encode(),
        "notifiers/receivers.yaml": OWN.encode(),
    }
    loaded = load_files(Files(content=content))
    assert loaded.plan is not None, loaded.errors
    return loaded.plan


def accepted(text: str, tmp_path: Path) -> Path:
    """The text as a file, after the real amtool has read it."""
    path = tmp_path / "plain.yml"
    path.write_text(text)
    done = subprocess.run(
        [program("amtool"), "check-config", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{text}"
    return path


def test_the_real_amtool_reads_what_newer_files_become(tmp_path: Path) -> None:
    text = plain_routing(plan(FULL))
    accepted(text, tmp_path)
    assert PLANTED not in text
    for newer in ("labels", "slack_app_token", "jira", "timeout: 5s", "größe", "update_message"):
        assert newer not in text
    for kept in (
        "resolve_timeout: 2m",
        "<secret>",
        "max_alerts: 3",
        "location: Europe/Berlin",
        "mute_time_intervals",
        "active_time_intervals",
    ):
        assert kept in text


def test_a_negative_control_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="field labels not found"):
        accepted(plain_routing(plan(FULL)) + "labels: {}\n", tmp_path)


def test_other_languages(tmp_path: Path) -> None:
    json = '{"route": {"receiver": "pager"}, "receivers": [{"name": "pager", "webhook_configs": [{"url": "http://x/planted"}]}]}'
    toml = '[route]\nreceiver = "pager"\n[[receivers]]\nname = "pager"\n[[receivers.webhook_configs]]\nurl = "http://x/planted"\n'
    texts = [
        plain_routing(plan(json, PLAIN, "routing.json")),
        plain_routing(plan(toml, PLAIN, "routing.toml")),
    ]
    assert "webhook_configs" in texts[0]
    assert texts[0] == texts[1]
    accepted(texts[0], tmp_path)


def test_the_same_plan_is_written_once() -> None:
    made = plan(FULL)
    assert plain_routing(made) is plain_routing(made)
    assert plain_routing(plan(FULL, owners="owners: {x: {}}\n")) != plain_routing(made)


def test_a_plan_without_a_readable_file_still_has_its_routes() -> None:
    text = plain_routing(replace(plan(FULL), digest="other", routing_yaml="["))
    assert text.startswith("route:\n  receiver: pager\n")
    assert "webhook_configs" not in text


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        (
            "slack_configs: [{channel: '#x', app_token: y, app_url: 'https://slack.example/api'}]",
            False,
        ),
        ("slack_configs: [{channel: '#x', api_url: 'https://x/y'}]", True),
        ("pagerduty_configs: [{routing_key: x}]", True),
        ("webhook_configs: [{url_file: /x}]", True),
    ],
)
def test_a_channel_only_newer_versions_know_is_left_out(
    config: str, kept: bool, tmp_path: Path
) -> None:
    routing = "route: {receiver: r}\nreceivers: [{name: r, %s}]\n" % config  # noqa: UP031 - braces
    text = plain_routing(plan(routing, PLAIN))
    assert ("_configs" in text) is kept
    accepted(text, tmp_path)


def test_every_field_named_here_is_one_the_schema_knows() -> None:
    from rulesd.config import routing_schema as schema

    def fields(model: Any) -> set[str]:
        return {f.alias or name for name, f in model.model_fields.items()}

    assert set(TOP) <= fields(schema.RoutingFile)
    assert set(TOP["global"]) <= fields(schema.Global)  # type: ignore[arg-type]
    models = {
        "slack_configs": schema.SlackConfig,
        "pagerduty_configs": schema.PagerdutyConfig,
        "webhook_configs": schema.WebhookConfig,
        "email_configs": schema.EmailConfig,
    }
    for kind, shape in RECEIVERS.items():
        assert set(shape) <= fields(models[kind]), kind


# ---------------------------------------------------------------------------------------- where it leads


def alert(labels: Mapping[str, str]) -> Alert:
    """An own alert with these labels (``alertname``, ``owner`` and ``severity`` are what they are everywhere)."""
    rest = {k: v for k, v in labels.items() if k not in ("alertname", "owner", "severity")}
    return Alert(
        alert="e", rule=labels.get("alertname", ""), fingerprint="f", labels=rest, context={},
        severity=labels.get("severity", ""), owner=labels.get("owner", ""), state=AlertState.FIRING,
        value=1, threshold=None, count=1, since=0, event_time=0, started_at=0,
    )  # fmt: skip


TREES = {
    "owners alone": "routes: []",
    "a child before owners": "routes: [{receiver: db, matchers: [severity=critical]}]",
    "continue before owners": "routes: [{receiver: audit, matchers: [severity=critical, team!=web], continue: true}]",
    "two continues": "routes: [{receiver: audit, matchers: ['team=~\"d.|w\"'], continue: true}, {receiver: db, matchers: [severity=high], continue: true}]",
    "a catch-all that continues": "routes: [{receiver: audit, continue: true}]",
    "a child of a child": "routes: [{receiver: db, matchers: [team=db], routes: [{receiver: audit, matchers: [severity=high]}]}]",
}


@pytest.mark.parametrize("tree", list(TREES))
def test_amtool_leads_where_rulesd_leads(tree: str, tmp_path: Path) -> None:
    routing = f"route: {{receiver: pager, {TREES[tree]}}}\nreceivers: [{{name: pager}}, {{name: db}}, {{name: audit}}, {{name: x}}]\n"
    owners = "owners: {safety: {receivers: {critical: own, default: x}}, infra: {receivers: {high: audit}}, none: {}}\n"
    made = plan(routing, owners)
    path = accepted(plain_routing(made), tmp_path)
    chance = random.Random(tree)
    for _ in range(14):
        labels = {
            "alertname": "a",
            "owner": chance.choice(["safety", "infra", "none", "stranger"]),
            "severity": chance.choice(["critical", "high", "low"]),
            "team": chance.choice(["db", "web", "dx"]),
        }
        done = subprocess.run(
            [program("amtool"), "config", "routes", "test", f"--config.file={path}", *(f"{k}={v}" for k, v in labels.items())],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        ours = [place.receiver for place in destinations(made, alert(labels))]
        assert done.stdout.strip().split(",") == ours, (labels, path.read_text())


def test_too_many_ways_are_left_out() -> None:
    many = ", ".join(
        f"{{receiver: db, matchers: [a{n}=b, c{n}=d, e{n}=f], continue: true}}" for n in range(4)
    )
    routing = f"route: {{receiver: pager, routes: [{many}]}}\nreceivers: [{{name: pager}}, {{name: db}}]\n"
    text = plain_routing(plan(routing, "owners: {o: {receivers: {default: db}}}\n"))
    assert "owner=" not in text
