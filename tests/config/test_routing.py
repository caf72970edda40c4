"""Alertmanager's meaning of the tree (dispatch/route.go): inheritance, keys, matchers of both spellings."""

from typing import Any

import pytest

from rulesd.core.plan import Route
from rulesd.model.instant import HOUR, MINUTE, SECOND
from tests.config.testing import loaded

RECEIVERS = "receivers: [{name: inbox}, {name: a}, {name: b}]\n"


def tree(text: str) -> Route:
    result = loaded({"notifiers/routing.yaml": text + RECEIVERS})
    assert result.plan is not None, [str(p) for p in result.problems]
    return result.plan.root


def test_the_defaults_of_a_bare_root() -> None:
    root = tree("route: {receiver: inbox}\n")
    assert (root.receiver, root.group_by, root.group_by_all, root.key) == ("inbox", (), False, "{}")
    assert (root.group_wait, root.group_interval, root.repeat_interval) == (
        30 * SECOND,
        5 * MINUTE,
        4 * HOUR,
    )


def test_children_inherit_what_they_do_not_say() -> None:
    root = tree("""
route:
  receiver: inbox
  group_by: [alertname, tenant]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 1h
  routes:
    - matchers: ['team="x"']
      group_wait: 0s
      continue: true
      routes:
        - receiver: a
          match: {severity: critical}
          match_re: {tenant: "acme|globex"}
          matchers: [env!=dev]
        - matchers: [a=b]
          group_by: []
        - matchers: [a=c]
          group_by: ['...']
""")
    child = root.routes[0]
    assert (child.receiver, child.group_by, child.group_wait, child.go_on) == (
        "inbox",
        ("alertname", "tenant"),
        0,
        True,
    )
    deep, none, every = child.routes
    assert (deep.receiver, deep.group_wait, deep.group_interval, deep.repeat_interval) == (
        "a",
        0,
        MINUTE,
        HOUR,
    )
    assert deep.go_on is False
    assert deep.key == '{}/{team="x"}/{env!="dev",severity="critical",tenant=~"acme|globex"}'
    assert (none.group_by, none.group_by_all) == ((), False)
    assert (every.group_by, every.group_by_all) == ((), True)


def test_group_by_all_is_inherited_and_taken_back() -> None:
    root = tree("""
route:
  receiver: inbox
  group_by: ['...']
  routes:
    - matchers: [a=b]
    - matchers: [a=c]
      group_by: [tenant]
""")
    assert root.group_by_all
    assert root.routes[0].group_by_all
    assert (root.routes[1].group_by, root.routes[1].group_by_all) == (("tenant",), False)


def test_a_real_alertmanager_file_loads_with_warnings_only() -> None:
    result = loaded(
        {"notifiers/routing.yaml": ALERTMANAGER, "notifiers/owners.yaml": "owners: {team: {}}\n"}
    )
    assert result.plan is not None, [str(p) for p in result.errors]
    warned = {p.problem.split(" is ")[0].split(" are ")[0] for p in result.problems}
    assert warned == {
        "inhibit_rules",
        "time_intervals",
        "templates",
        "mute_time_intervals",
        "email_configs",
        "pretext",
    }
    receiver = result.plan.receivers["team-X-pager"]
    assert [c.name for c in receiver.channels] == ["pagerduty_configs[0]"]
    slack: dict[str, Any] = dict(result.plan.receivers["team-DB"].channels[0].settings)
    assert slack["api_url"] == "https://hooks.slack.com/services/T/B/very-secret"
    assert "very-secret" not in result.plan.routing_yaml
    assert "# The root" in result.plan.routing_yaml


ALERTMANAGER = """
global:
  # The smarthost and SMTP sender used for mail notifications.
  smtp_smarthost: 'localhost:25'
  smtp_from: 'alertmanager@example.org'
  smtp_auth_username: 'alertmanager'
  smtp_auth_password: very-secret
  slack_api_url: https://hooks.slack.com/services/T/B/very-secret
  resolve_timeout: 5m
templates:
  - '/etc/alertmanager/template/*.tmpl'
# The root route on which each incoming alert enters.
route:
  group_by: ['alertname', 'cluster', 'service']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 3h
  receiver: team-X-mails
  routes:
    - matchers:
        - service=~"foo1|foo2|baz"
      receiver: team-X-mails
      routes:
        - matchers:
            - severity="critical"
          receiver: team-X-pager
    - matchers: [ service = "database" ]
      receiver: team-DB
      group_by: [alertname, cluster, database]
      mute_time_intervals: [offhours]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname, cluster, service]
  - source_match: {severity: critical}
    target_match_re: {severity: "warning|info"}
time_intervals:
  - name: offhours
    time_intervals:
      - times: [{start_time: "17:00", end_time: "24:00"}]
        weekdays: ['monday:friday']
        days_of_month: ['1:5', -1]
        months: ['january', 2]
        years: [2030]
        location: 'Europe/Berlin'
receivers:
  - name: 'team-X-mails'
    email_configs:
      - to: 'team-X+alerts@example.org'
  - name: 'team-X-pager'
    email_configs:
      - to: 'team-X+alerts-critical@example.org'
    pagerduty_configs:
      - routing_key: very-secret
        details: {}
  - name: 'team-DB'
    slack_configs:
      - channel: '#db'
        send_resolved: true
        pretext: '{{ .CommonAnnotations.summary }}'
        title: 'Database'
""".replace("        details: {}\n", "")


@pytest.mark.parametrize("word", ["receiver", "group_by"])
def test_the_context_a_child_gives_is_its_own(word: str) -> None:
    root = tree("""
route:
  receiver: inbox
  routes:
    - {matchers: [a=b], receiver: a, group_by: [x]}
    - {matchers: [a=c], receiver: b, group_by: [y]}
""")
    assert getattr(root.routes[0], word) != getattr(root.routes[1], word)
