"""A small plan, made by the real loader from files in memory."""

from functools import cache

from rulesd.config import load_files
from rulesd.config.files import Files
from rulesd.core.plan import Plan

RULE = b"""
id: tool.scope_violation
title: An assistant used a tool outside the user's scope
owner: platform-safety
runbook: scope_violation.md
on: [tool.call]
when: {"===": [{"var": "data.scope"}, "out"]}
detect: never
by: [tenant, tool]
severity: critical
"""
ELSEWHERE = b"""
id: tool.elsewhere
title: Something else
owner: platform-safety
runbook: https://wiki.example.org/elsewhere
on: [tool.call]
when: {"===": [{"var": "data.scope"}, "unknown"]}
detect: never
severity: low
"""
RUNBOOK = b"""# Scope violation

Why it matters.

## First five minutes

1. Acknowledge.
2. Look at **the tool**.

## Contain

- [ ] Lock it
- [x] Told [the team](https://wiki.example.org)

<script>alert(1)</script> [bad](javascript:alert(1))

| a | b |
|---|---|
| 1 | 2 |
"""
HOOKS = b"""
hooks:
  pager: {secret: {env: PAGER}, may: [acknowledge, resolve], mapping: {operation: {var: event.kind}, alert: {var: event.alert}, by: {var: event.user}}}
  two: {secret: [{env: OLD}, {env: NEW}], may: [acknowledge]}
  feed: {secret: {env: FEED}, mode: token, may: [submit_event], mapping: {type: user.feedback, data.kind: report, data.surface: {var: where}, tenant: {var: tenant}}}
  raw: {secret: {env: PAGER}, may: [submit_event]}
  later: {secret: {env: PAGER}, may: [rollout]}
  broken: {secret: {env: MISSING}, may: [acknowledge]}
"""
ROUTING = b"""
route: {receiver: pager}
receivers:
  - name: pager
    webhook_configs: [{url: "https://example.org/hook"}]
"""
OWNERS = b"""
owners:
  platform-safety: {contact: "#safety-oncall"}
"""


@cache
def plan() -> Plan:
    loaded = load_files(
        Files(
            content={
                "rules/tool/scope_violation.yaml": RULE,
                "rules/tool/scope_violation.md": RUNBOOK,
                "rules/tool/elsewhere.yaml": ELSEWHERE,
                "notifiers/hooks.yaml": HOOKS,
                "notifiers/routing.yaml": ROUTING,
                "notifiers/owners.yaml": OWNERS,
            }
        )
    )
    assert loaded.plan is not None, [str(one) for one in loaded.errors]
    return loaded.plan
