"""What a rule test expects is compared with everything that happened, and said so that a person can mend either."""

import pytest

from rulesd.cli.decoding import offline_decoder
from rulesd.runners.expected import MOST_TOLD, offset
from rulesd.runners.simulate import Verdict, play
from tests.config.testing import loaded, rule
from tests.runners.test_simulate import BURST, FIRES, THREE, WHEN, events

ROUTING = b"""
route:
  receiver: inbox
  group_wait: 10s
  routes:
    - {receiver: tickets, matchers: ['severity="high"'], continue: true}
    - {receiver: inbox, matchers: ['owner="team"']}
receivers: [{name: inbox}, {name: tickets}]
"""
SWITCHES = b"switches:\n  lock_tool: {type: boolean, safe: true}\n"


def verdict(tests: str, routing: bytes = ROUTING, **fields: str) -> Verdict:
    values = {"when": WHEN, "detect": BURST, "by": "[tenant]", "tests": f"\n  - {tests}", **fields}
    changed = {"rules/tool/mistake.yaml": rule(**values), "notifiers/routing.yaml": routing}
    if "actions" in fields:
        changed["notifiers/switches.yaml"] = SWITCHES
    found = loaded(changed)
    assert found.plan is not None, found.errors
    (test,) = [t for t in found.tests if t.rule == "tool.mistake"]
    return play(test, found.plan, offline_decoder())


def row(more: str, at: str = "20s", alert: str = "firing") -> str:
    return f"{{at: {at}, alert: {alert}, {more}}}"


INBOX, TICKETS = row("receiver: inbox"), row("receiver: tickets")


def test_a_row_for_each_receiver_of_one_alert() -> None:
    assert verdict(f"{{name: t, {events(THREE)}, expect: [{INBOX}, {TICKETS}]}}").failures == ()


def test_a_page_to_somebody_no_row_names_fails_once_a_row_names_anybody() -> None:
    found = verdict(f"{{name: t, {events(THREE)}, expect: [{INBOX}]}}")
    (said,) = found.failures
    assert "not expected: a page to tickets at 30s about tool.mistake tenant=acme" in said
    assert said.endswith("add to expect: {at: 20s, alert: firing, receiver: tickets}")
    assert verdict(f"{{name: t, {events(THREE)}, expect: [{FIRES}]}}").passed


def test_the_same_row_twice_needs_two_alerts() -> None:
    found = verdict(f"{{name: t, {events(THREE)}, expect: [{INBOX}, {INBOX}, {TICKETS}]}}")
    assert len(found.failures) == 1
    two = f"{{name: t, {events(THREE, THREE.replace('acme', 'globex'))}, expect: [{row('')[:-3]}}}, {row('labels: {tenant: acme}')}]}}"
    assert verdict(two).failures == ()


def test_a_page_that_comes_later_than_group_wait_fails() -> None:
    held = "silences: [{at: 5s, for: 6m, matchers: ['tenant=\"acme\"'], comment: c}]"
    found = verdict(
        f"{{name: t, {events(THREE)}, {held}, until: 20m, expect: [{INBOX}, {TICKETS}]}}",
        keep_firing_for="1h",
    )
    assert len(found.failures) == 2 * 2
    assert "inbox should be paged within 10s, but it was at 10m30s" in found.failures[0]


def test_a_later_alert_of_a_group_that_was_told_may_wait_for_the_group() -> None:
    later = THREE.replace("acme", "globex").replace("at: 0s", "at: 1m")
    rows = f"{INBOX[:-1]}, labels: {{tenant: acme}}}}, {{at: 1m20s, labels: {{tenant: globex}}, receiver: inbox}}"
    routing = ROUTING.replace(b"continue: true", b"continue: false").replace(b"high", b"none")
    found = verdict(
        f"{{name: t, {events(THREE, later)}, until: 10m, expect: [{rows}]}}",
        routing,
        keep_firing_for="1h",
    )
    assert found.failures == ()


def test_an_action() -> None:
    text = f"{{name: t, {events(THREE)}, expect: [{FIRES[:-1]}, action: ACTION}}]}}"
    assert verdict(text.replace("ACTION", "lock_tool"), actions="[lock_tool]").failures == ()
    found = verdict(text.replace("ACTION", "lock_door"), actions="[lock_tool]")
    assert "expected the action lock_door, but lock_tool was asked for" in found.failures[0]
    assert "-        20s  action   lock_door" in found.diff


def test_a_row_nearly_met_is_one_failure_that_says_what_to_write() -> None:
    near = row("severity: low, labels: {tenant: acme}", at="21s")
    (said,) = verdict(f"{{name: t, {events(THREE)}, expect: [{near}]}}").failures
    assert "but it was at: 20s, severity: high. Write that, or mend the rule" in said


def test_a_wrong_severity_and_a_wrong_receiver_are_said_at_once() -> None:
    both = row("severity: low, receiver: phone")
    found = verdict(f"{{name: t, {events(THREE)}, expect: [{both}]}}")
    assert "but it was severity: high" in found.failures[0]
    assert "phone should be paged, but inbox at 30s, tickets at 30s was" in found.failures[1]


@pytest.mark.parametrize("more", ["severity: low, labels: {tenant: globex}, value: 7"])
def test_what_is_another_thing_altogether_is_two(more: str) -> None:
    found = verdict(f"{{name: t, {events(THREE)}, expect: [{row(more)}]}}")
    assert len(found.failures) == 2
    assert "but: firing high at 20s with tenant=acme (value 3)" in found.failures[0]
    assert "If it is right, add to expect: {at: 20s, alert: firing, severity: high, labels: {tenant: acme}}" in found.failures[1]  # fmt: skip


def test_the_difference_reads_in_order_of_time() -> None:
    rows = f"{row('receiver: inbox')}, {{at: 50s, alert: resolved, severity: low}}"
    found = verdict(f"{{name: t, {events(THREE)}, until: 5m, expect: [{rows}]}}")
    assert found.diff == (
        "         20s  firing   high     tenant=acme  value 3",
        "         30s  page     to inbox",
        "+        30s  page     to tickets  tenant=acme",
        "-        50s  resolved low",
        "+      3m30s  resolved high     tenant=acme  value 0",
    )


def test_a_passing_test_has_no_difference() -> None:
    assert verdict(f"{{name: t, {events(THREE)}, expect: [{FIRES}]}}").diff == ()


def test_events_that_are_refused_say_so_once() -> None:
    refused = THREE.replace("tenant: acme", "tenant: ''")
    found = verdict(f"{{name: t, {events(refused)}, expect: []}}")
    assert sum("refused" in said for said in found.failures) <= 1


def test_offsets_are_exact_and_can_be_pasted() -> None:
    assert [offset(n) for n in (0, 1, 20_000, 7 * 86_400_000 + 3_661_005)] == ["0s", "1ms", "20s", "7d1h1m1s5ms"]  # fmt: skip


def test_of_very_much_the_beginning_and_the_end_are_told() -> None:
    many = "{at: 0s, repeat: 900, every: 1s, type: tool.call, tenant: acme, data: {outcome: denied}, id: x}"
    rows = ", ".join(f"{{at: {n}m, alert: firing}}" for n in range(200))
    found = verdict(f"{{name: t, {events(many)}, expect: [{rows}]}}")
    assert len(found.failures) == len(found.diff) == MOST_TOLD + 1
    assert "more" in found.failures[MOST_TOLD // 2]
