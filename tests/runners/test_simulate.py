"""Tests of rule files are played by the real engine, and nothing unexpected passes."""

import pytest

from rulesd.cli.decoding import offline_decoder
from rulesd.config.rule_tests import START
from rulesd.model.decision import AlertChanged
from rulesd.runners.simulate import Verdict, play
from tests.config.testing import loaded, rule
from tests.law.tree import ROOT

BURST = "{burst: {count: 3, within: 1m}}"
WHEN = '{"===": [{"var": "data.outcome"}, "denied"]}'


def verdict(tests: str, **fields: str) -> Verdict:
    """The only test of a burst rule by tenant."""
    values = {"when": WHEN, "detect": BURST, "by": "[tenant]", "tests": f"\n  - {tests}", **fields}
    found = loaded({"rules/tool/mistake.yaml": rule(**values)})
    assert found.plan is not None, found.errors
    (test,) = [t for t in found.tests if t.rule == "tool.mistake"]
    return play(test, found.plan, offline_decoder())


def events(*rows: str) -> str:
    return "events: [" + ", ".join(rows) + "]"


THREE = "{at: 0s, repeat: 3, every: 10s, type: tool.call, tenant: acme, data: {outcome: denied}}"
FIRES = "{at: 20s, alert: firing, severity: high, labels: {tenant: acme}}"

GOOD: dict[str, str] = {
    "it fires when it should": f"{{name: t, {events(THREE)}, expect: [{FIRES}]}}",
    "and pages whom it should": f"{{name: t, {events(THREE)}, expect: [{FIRES[:-1]}, receiver: inbox}}]}}",
    "its value": f"{{name: t, {events(THREE)}, expect: [{FIRES[:-1]}, value: 3}}]}}",
    "nothing happens and nothing is expected": "{name: t, events: [{at: 0s, type: tool.call, data: {outcome: denied}}], expect: []}",
    "other rules of the set do not speak": "{name: t, events: [{at: 0s, type: tool.call, tenant: acme}], expect: []}",
    "its end, when that is listed": f"{{name: t, {events(THREE)}, until: 10m, expect: [{FIRES}, {{at: 3m30s, alert: resolved}}]}}",
    "its end need not be listed": f"{{name: t, {events(THREE)}, until: 10m, expect: [{FIRES}]}}",
    "somebody takes it": f"{{name: t, {events(THREE)}, acks: [{{at: 30s, labels: {{tenant: acme}}, by: ana}}], until: 1m, expect: [{FIRES}]}}",
}

QUIET = "silences: [{at: 5s, for: 30m, matchers: ['tenant=\"acme\"'], comment: c}]"
GOOD |= {
    "a silence holds the page back, not the alert": f"{{name: t, {events(THREE)}, {QUIET}, until: 5m, expect: [{FIRES}]}}",
    "one that ended does not": f"{{name: t, {events(THREE)}, {QUIET.replace('30m', '10s')}, until: 5m, expect: [{FIRES[:-1]}, receiver: inbox}}]}}",
    "nor does another tenant's": f"{{name: t, {events(THREE)}, {QUIET.replace('acme', 'globex')}, expect: [{FIRES[:-1]}, receiver: inbox}}]}}",
}

BAD: dict[str, tuple[str, str]] = {
    "a silenced page is missed": (
        f"{{name: t, {events(THREE)}, {QUIET}, until: 5m, expect: [{FIRES[:-1]}, receiver: inbox}}]}}",
        "inbox should be paged, but nobody was",
    ),
    "it does not fire": (
        f"{{name: t, events: [{{at: 0s, type: tool.call, tenant: acme, data: {{outcome: denied}}}}], expect: [{FIRES}]}}",
        "expected firing high at 20s with tenant=acme, but: nothing happened",
    ),
    "it fires at another time": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES.replace('20s', '50s')}]}}",
        "expected firing",
    ),
    "it fires a second earlier": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES.replace('20s', '21s')}]}}",
        "expected firing high at 21s with tenant=acme, but it was at: 20s. Write that, or mend the rule",
    ),
    "and a second later": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES.replace('20s', '19s')}]}}",
        "but it was at: 20s",
    ),
    "another action": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES[:-1]}, action: lock_tool}}]}}",
        "expected the action lock_tool, but none was asked for",
    ),
    "with another severity": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES.replace('high', 'low')}]}}",
        "expected firing low",
    ),
    "with other labels": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES.replace('acme', 'globex')}]}}",
        "tenant=globex",
    ),
    "with another value": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES[:-1]}, value: 4}}]}}",
        "expected firing",
    ),
    "to another receiver": (
        f"{{name: t, {events(THREE)}, expect: [{FIRES[:-1]}, receiver: hole}}]}}",
        "hole should be paged, but inbox at",
    ),
    "and nobody expected it": (
        f"{{name: t, {events(THREE)}, expect: []}}",
        "not expected: firing high at 20s",
    ),
    "twice where once was expected": (
        f"{{name: t, {events(THREE, THREE.replace('acme', 'globex'))}, expect: [{FIRES}]}}",
        "not expected: firing high at 20s with tenant=globex",
    ),
    "a page within the test that nobody expected": (
        f"{{name: t, {events(THREE)}, until: 5m, expect: []}}",
        "not expected: a page to inbox at",
    ),
    "its end came at another time": (
        f"{{name: t, {events(THREE)}, until: 10m, expect: [{FIRES}, {{at: 5m, alert: resolved}}]}}",
        "expected resolved",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_passes(name: str) -> None:
    found = verdict(GOOD[name])
    assert found.failures == ()
    assert found.passed


@pytest.mark.parametrize("name", BAD)
def test_fails_in_words(name: str) -> None:
    text, words = BAD[name]
    found = verdict(text)
    assert not found.passed
    assert any(words in said for said in found.failures), found.failures
    assert all(said.startswith("rules/tool/mistake.yaml:") for said in found.failures)


def test_a_person_who_takes_it_between_two_events_is_heard_before_the_second() -> None:
    text = (
        "{name: t, events: [{at: 0s, type: tool.call, tenant: acme, data: {outcome: denied}}, "
        "{at: 1m, type: tool.call, tenant: acme, data: {outcome: denied}}], "
        "acks: [{at: 30s, labels: {tenant: acme}, by: ana}], until: 2m, "
        "expect: [{at: 0s, alert: firing, labels: {tenant: acme}, receiver: inbox}, "
        "{at: 1m, alert: updated, receiver: inbox}]}"
    )
    found = verdict(text, detect="never")
    reasons = [str(d.reason) for d in found.decisions]
    assert "acknowledged" in reasons
    assert found.passed, found.failures


def test_a_sender_that_claims_another_tenant() -> None:
    text = (
        "{name: t, events: [{at: 0s, type: tool.call, tenant: acme, tenant_claimed: globex}], "
        "expect: [{at: 0s, alert: firing, labels: {tenant: acme}}]}"
    )
    found = verdict(text, detect="never", when='{"===": [{"var": "tenant_claimed"}, "globex"]}')
    assert found.passed, found.failures


ONE = "{at: 10s, type: tool.call, tenant: acme, data: {outcome: denied}}"
NEVER = "expect: [{at: 10s, alert: firing, receiver: inbox}]"


@pytest.mark.parametrize(
    ("silence", "paged"),
    [
        (QUIET, True),
        (QUIET.replace("comment", "approved: true, comment"), False),
        (QUIET.replace("comment", "approved: true, comment").replace("30m", "5h"), True),
    ],
)
def test_a_never_rule_pages_through_a_silence_nobody_approved(silence: str, paged: bool) -> None:
    said = verdict(f"{{name: t, {events(ONE)}, {silence}, {NEVER}}}", detect="never")
    assert said.passed is paged, said.failures


def test_an_acknowledgement_comes_at_its_own_time() -> None:
    test = f"{{name: t, {events(THREE, ONE.replace('10s', '5m'))}, acks: [{{at: 30s}}], until: 6m, expect: [{FIRES}]}}"
    taken = [d for d in verdict(test).decisions if str(d.reason) == "acknowledged"]
    assert taken
    assert {d.at for d in taken} == {START + 30_000}
    assert {d.alert.acknowledged_by for d in taken if isinstance(d, AlertChanged)} == {"on-call"}


def test_the_example_of_the_documentation_passes() -> None:
    page = (ROOT / "docs" / "silences.md").read_text()
    block = page.partition("```yaml\n")[2].partition("```")[0]
    _, _, tests = block.partition("tests:\n  - ")
    said = verdict(tests, detect="{burst: {count: 20, within: 5m}}", by="[tenant, tool]")
    assert said.passed, said.failures
    loud = verdict(tests.replace("severity: high", "severity: high, receiver: inbox"), detect="{burst: {count: 20, within: 5m}}", by="[tenant, tool]")  # fmt: skip
    assert "inbox should be paged, but nobody was" in loud.failures[0]


SIX = THREE.replace("repeat: 3", "repeat: 6")
RISES = '[{if: {">=": [{"var": "alert.count"}, 5]}, then: high}, {then: low}]'
LOW = "{at: 20s, alert: firing, severity: low}"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{at: 40s, alert: updated, severity: high, receiver: inbox}", ""),
        ("{at: 40s, alert: updated, severity: high}", ""),
        ("{at: 30s, alert: updated, severity: high}", "expected updated high at 30s"),
        ("{at: 40s, alert: updated, severity: medium}", "expected updated medium"),
        ("{at: 40s, alert: updated, severity: high, receiver: phone}", "phone should be paged"),
        ("", ""),
    ],
)
def test_a_rise_of_severity_and_its_page_can_be_expected(row: str, said: str) -> None:
    rows = LOW + (f", {row}" if row else "")
    found = verdict(f"{{name: t, {events(SIX)}, until: 10m, expect: [{rows}]}}", severity=RISES)
    if said:
        assert said in "\n".join(found.failures)
    else:
        assert found.failures == ()


def test_a_change_of_severity_that_is_not_listed_fails_beside_one_that_is() -> None:
    falls = RISES.replace(
        "{then: low}", '{if: {">=": [{"var": "alert.count"}, 4]}, then: medium}, {then: low}'
    )
    row = "{at: 40s, alert: updated, severity: high}"
    found = verdict(f"{{name: t, {events(SIX)}, expect: [{LOW}, {row}]}}", severity=falls)
    assert "not expected: updated medium at 30s" in "\n".join(found.failures)
