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
    assert not warned & {"inhibit_rules", "time_intervals", "mute_time_intervals"}
    assert result.plan.resolve_timeout == 5 * MINUTE
    database = result.plan.root.routes[1]
    assert [i.name for i in database.mute] == ["offhours"]
    assert [str(m) for m in result.plan.inhibit_rules[0].source] == ['severity="critical"']
    assert result.plan.inhibit_rules[1].equal == ()
    receiver = result.plan.receivers["team-X-pager"]
    assert [c.name for c in receiver.channels] == ["pagerduty_configs[0]", "email_configs[0]"]
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


def problems(text: str) -> list[tuple[str, str]]:
    result = loaded({"notifiers/routing.yaml": text + RECEIVERS})
    return [(p.code, p.problem) for p in result.problems if p.path.endswith("routing.yaml")]


INTERVALS = "time_intervals: [{name: nights, time_intervals: [{}]}]\n"


def test_intervals_of_a_route_are_its_own_and_not_inherited() -> None:
    root = tree(
        INTERVALS
        + """
route:
  receiver: inbox
  routes:
    - matchers: [a=b]
      mute_time_intervals: [nights]
      active_time_intervals: [nights, nights]
      routes: [{matchers: [c=d]}]
"""
    )
    child = root.routes[0]
    assert [i.name for i in child.mute] == ["nights"]
    assert [i.name for i in child.active] == ["nights", "nights"]
    assert (child.routes[0].mute, child.routes[0].active) == ((), ())
    assert child.mute[0].covers(0)


def test_an_interval_nobody_defined_is_an_error_where_it_is_named() -> None:
    text = (
        INTERVALS
        + """
route:
  receiver: inbox
  routes: [{matchers: [a=b], mute_time_intervals: [night]}]
"""
    )
    assert problems(text) == [("unknown_interval", 'the time interval "night" is not defined')]
    (problem,) = loaded({"notifiers/routing.yaml": text + RECEIVERS}).errors
    assert (problem.line, problem.hint) == (5, 'Did you mean "nights"? Known: nights.')


def test_inhibition_rules_are_compiled_and_their_mistakes_located() -> None:
    text = """
route: {receiver: inbox}
global: {resolve_timeout: 1m}
inhibit_rules:
  - name: fires
    source_match: {severity: critical}
    source_match_re: {team: "x|y"}
    target_matchers: ['severity=~"warning|info"']
    equal: [cluster, region, cluster]
"""
    plan = loaded({"notifiers/routing.yaml": text + RECEIVERS}).plan
    assert plan is not None
    assert plan.resolve_timeout == MINUTE
    (rule,) = plan.inhibit_rules
    assert ([str(m) for m in rule.source], [str(m) for m in rule.target]) == (
        ['severity="critical"', 'team=~"x|y"'],
        ['severity=~"warning|info"'],
    )
    assert (rule.name, rule.equal) == ("fires", ("cluster", "region"))
    bad = text.replace("x|y", "x(").replace("severity=~", "severity")
    assert [code for code, _ in problems(bad)] == ["invalid_regex", "invalid_matcher"]


def test_a_route_nobody_can_reach_is_a_warning() -> None:
    text = """
route:
  receiver: inbox
  routes:
    - {matchers: [a=b], continue: true}
    - {matchers: [a=b]}
    - {matchers: [a=b, c=d], receiver: a}
    - {matchers: [c=d], receiver: a}
    - {receiver: b}
    - {matchers: [e=f]}
"""
    found = [
        p
        for p in loaded({"notifiers/routing.yaml": text + RECEIVERS}).problems
        if p.code == "unreachable_route"
    ]
    assert [(p.line, p.severity, p.problem) for p in found] == [
        (7, "warning", "no alert reaches this route: the route before it takes all it could take"),
        (10, "warning", "no alert reaches this route: the route before it takes every alert"),
    ]
    other = text.replace("{receiver: b}", "{receiver: b, continue: true}")
    assert [
        line
        for line, _, _ in [
            (p.line, 0, 0)
            for p in loaded({"notifiers/routing.yaml": other + RECEIVERS}).problems
            if p.code == "unreachable_route"
        ]
    ] == [7]


def test_what_is_understood_and_has_no_effect_is_said() -> None:
    text = """
route: {receiver: inbox, routes: [{matchers: [a=b], labels: {x: y}}]}
tracing: {endpoint: "localhost:4317"}
"""
    assert sorted(problems(text)) == [
        ("not_acted_on", "labels of routes are not acted on yet"),
        ("not_acted_on", "tracing is not acted on yet"),
    ]


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


def test_a_name_without_a_value_is_one_that_is_not_there() -> None:
    routing = (
        "global:\nroute:\n  receiver: inbox\n  group_by:\n  group_wait:\n  routes:\n"
        "inhibit_rules:\ntime_intervals:\ntemplates:\n"
        "receivers:\n  - name: inbox\n    webhook_configs:\n"
    )
    files = {
        "notifiers/routing.yaml": routing,
        "notifiers/owners.yaml": "owners:\n  team:\n    receivers:\npeople:\n",
        "notifiers/hooks.yaml": "hooks:\n  # none yet\n",
        "notifiers/switches.yaml": "switches:\n",
    }
    result = loaded(files)
    assert [str(p) for p in result.errors] == []
    assert result.plan is not None
    wrong = loaded({**files, "notifiers/routing.yaml": routing + "nonsense:\n"})
    assert [p.code for p in wrong.errors] == ["unknown_field"]
    nobody = loaded({**files, "notifiers/routing.yaml": "route:\nreceivers:\n"})
    assert [p.code for p in nobody.errors] == ["missing_field"]
