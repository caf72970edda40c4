"""A small set of rules and notifiers, good or with a mistake."""

from pathlib import Path

RULE = """\
id: tool.scope
title: Out of scope
owner: safety
runbook: scope.md
on: [tool.call]
when: {"===": [{"var": "data.scope"}, "out"]}
detect: never
by: [tenant, tool]
severity: critical
tests:
  - name: it pages
    events: [{at: 0s, type: tool.call, tenant: acme, data: {tool: shell, scope: out}}]
    expect: [{at: 0s, alert: firing, severity: critical, labels: {tenant: acme, tool: shell}, receiver: default}]
  - name: in scope is quiet
    events: [{at: 0s, type: tool.call, tenant: acme, data: {tool: shell, scope: in}}]
    expect: []
"""


def make(folder: Path, rule: str = RULE) -> tuple[Path, Path]:
    """(rules, notifiers) in ``folder``."""
    rules, notifiers = folder / "rules", folder / "notifiers"
    (rules / "tool").mkdir(parents=True)
    notifiers.mkdir()
    (rules / "tool" / "scope.yaml").write_text(rule)
    (rules / "tool" / "scope.md").write_text("# Scope\n\n## First five minutes\n\n1. Look.\n")
    (notifiers / "owners.yaml").write_text("owners: {safety: {contact: safety@example.org}}\n")
    (notifiers / "routing.yaml").write_text(
        "route: {receiver: default}\nreceivers: [{name: default, webhook_configs: [{url: http://127.0.0.1:9/}]}]\n"
    )
    return rules, notifiers
