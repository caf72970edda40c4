"""The tests inside rule files: what passes, and that every kind of mistake is found."""

import pytest

from rulesd.cli.decoding import offline_decoder
from rulesd.config import load_files
from rulesd.config.files import Files
from rulesd.runners.simulate import play

RULE = """\
id: tool.denied
title: Denied
owner: safety
runbook: https://example.org/r
on: [tool.call]
when: {"===": [{"var": "data.outcome"}, "denied"]}
detect: {burst: {count: 3, within: 5m}}
by: [tenant]
severity: high
tests:
  - name: one
"""
EVENTS = "    events: [{at: 0s, repeat: 3, every: 10s, type: tool.call, tenant: acme, data: {outcome: denied}}]\n"


def verdict(test: str) -> tuple[str, ...]:
    files = Files(
        content={
            "rules/tool/denied.yaml": (RULE + test).encode(),
            "notifiers/owners.yaml": b"owners: {safety: {contact: x}}\n",
            "notifiers/routing.yaml": b"route: {receiver: default, group_wait: 30s}\nreceivers: [{name: default, webhook_configs: [{url: http://127.0.0.1:9/}]}, {name: other}]\n",
        }
    )
    loaded = load_files(files)
    assert loaded.plan is not None, loaded.errors
    (test_,) = loaded.tests
    found = play(test_, loaded.plan, offline_decoder())
    assert found.passed is (not found.failures)
    return found.failures


@pytest.mark.parametrize(
    "expect",
    [
        "    expect: [{at: 20s, alert: firing, severity: high, labels: {tenant: acme}, receiver: default}]\n",
        "    expect: [{at: 20s, alert: firing, value: 3}]\n",
        "    until: 1h\n    expect: [{at: 20s, alert: firing}, {at: 11m30s, alert: resolved}]\n",
        "    until: 1h\n    acks: [{at: 1m, labels: {tenant: acme}}]\n    expect: [{at: 20s, alert: firing, receiver: default}]\n",
    ],
)
def test_what_holds_passes(expect: str) -> None:
    assert verdict(EVENTS + expect) == ()


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("    expect: []\n", "not expected: firing high at 20s with tenant=acme"),
        (
            "    expect: [{at: 40s, alert: firing}]\n",
            "expected firing  at 40s with any labels, but: firing high at 20s",
        ),
        ("    expect: [{at: 20s, alert: firing, severity: low}]\n", "expected firing low"),
        ("    expect: [{at: 20s, alert: firing, labels: {tenant: globex}}]\n", "tenant=globex"),
        ("    expect: [{at: 20s, alert: firing, value: 4}]\n", "(value 3)"),
        (
            "    expect: [{at: 20s, alert: firing, receiver: other}]\n",
            "other should be paged, but default at 50s was",
        ),
        (
            "    until: 1h\n    expect: [{at: 20s, alert: firing}, {at: 5m, alert: resolved}]\n",
            "expected resolved",
        ),
        (
            "    silences: [{at: 0s, for: 1h, matchers: ['tenant=\"acme\"'], by: jo, comment: x}]\n    expect: [{at: 20s, alert: firing}]\n",
            "silences in tests are not played yet",
        ),
    ],
)
def test_what_does_not_hold_is_told_with_its_line(expect: str, said: str) -> None:
    failures = verdict(EVENTS + expect)
    assert any(said in f for f in failures), failures
    assert all(f.startswith("rules/tool/denied.yaml:") for f in failures)


def test_an_event_that_cannot_be_taken_is_a_failure_not_a_quiet_pass() -> None:
    bad = (
        "    events: [{at: 0s, type: tool.call, specversion: '0.3', tenant: acme, data: {outcome: ok}}]\n"
        "    expect: []\n"
    )
    assert any("an event is refused" in f for f in verdict(bad))
