"""switches.yaml: what is read, and what is refused at its place."""

from pathlib import Path

import pytest

from rulesd.config.files import builtin
from rulesd.model.instant import HOUR
from rulesd.model.switch import Approvals, Until
from tests.config.testing import loaded, rule

ROOT = Path(__file__).resolve().parents[2]

FILE = "notifiers/switches.yaml"
FULL = """humans_only: true
switches:
  lock_tool:
    key: "tool.{tool}.enabled"
    safe: false
    scope: [tenant]
    until: review
    priority: 5
    limit_per_hour: 3
    approvals: always
    allow: {tenant: [acme, globex]}
    may_set: [rules, people]
    dry_run: true
    action: webhook
    webhook: {url: "https://example.org/lock", secret: [{env: NEW}, {env: OLD}]}
    owner: team
    description: Locks one tool
"""


def test_a_switch_in_full() -> None:
    plan = loaded({FILE: FULL}).plan
    assert plan is not None
    assert plan.humans_only
    one = plan.switches["lock_tool"]
    assert (one.key, one.type, one.safe, one.default) == (
        "tool.{tool}.enabled",
        "boolean",
        False,
        True,
    )
    assert (one.scope, one.until, one.priority, one.limit_per_hour) == (
        ("tenant",),
        Until.REVIEW,
        5,
        3,
    )
    assert one.approvals is Approvals.ALWAYS
    assert one.allow == {"tenant": ("acme", "globex")}
    assert (one.may_set, one.dry_run, one.action, one.owner) == (
        ("rules", "people"),
        True,
        "webhook",
        "team",
    )
    assert one.settings["secret"] == [{"env": "NEW"}, {"env": "OLD"}]


def test_what_is_not_said_is_cautious() -> None:
    text = "switches:\n  a: {type: string, safe: small-model, ttl: 1h}\n  b: {key: tool-b, type: number, safe: 0}\n"
    plan = loaded({FILE: text}).plan
    assert plan is not None
    assert not plan.humans_only
    one, two = plan.switches["a"], plan.switches["b"]
    assert (one.key, one.ttl, one.default, one.until) == ("a", HOUR, None, Until.TTL)
    assert (two.key, two.ttl, two.limit_per_hour, two.approvals) == (
        "tool-b",
        4 * HOUR,
        20,
        Approvals.WIDE,
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("{safe: yes-please}", "wrong_type"),
        ("{type: number, safe: true}", "wrong_type"),
        ("{type: string, safe: a, default: 3}", "wrong_type"),
        ("{safe: false, default: false}", "invalid_value"),
        ("{safe: false, ttl: 1h, until: review}", "exclusive_fields"),
        ("{safe: false, until: tomorrow}", "invalid_value"),
        ("{safe: false, action: webhook}", "missing_field"),
        ("{safe: false, action: webhook, webhook: {url: nowhere, secret: {env: S}}}", "invalid_url"),
        ("{safe: false, key: 'Tool/{tool}'}", "invalid_value"),
        ("{safe: false, owner: nobody}", "unknown_owner"),
        ("{safe: false, limit_per_hour: 0}", "out_of_range"),
        ("{safe: false, may_set: [cats]}", "invalid_value"),
        ("{safe: false, colour: red}", "unknown_field"),
        ("{default: true}", "missing_field"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_at_its_line(fields: str, code: str) -> None:
    result = loaded({FILE: f"switches:\n  lock_tool: {fields}\n"})
    assert result.plan is None
    assert [(p.line, p.code) for p in result.errors] == [(2, code)]


def test_switches_of_one_key_agree_on_what_holds_while_nothing_is_set() -> None:
    text = "switches:\n  lock_tool: {key: k, safe: false}\n  b: {key: k, type: string, safe: x}\n  c: {key: k, safe: false}\n"
    result = loaded({FILE: text})
    assert [(p.line, p.code) for p in result.errors] == [(3, "exclusive_fields")]


def test_two_keys_that_can_be_one_flag_are_named_where_they_stand() -> None:
    text = (
        'switches:\n  lock_tool: {key: "tool.{tool}.enabled", safe: false}\n'
        '  lock_area: {key: "{area}.shell.enabled", safe: false}\n'
        '  other: {key: "{area}.shell.limit", type: number, safe: 0}\n'
    )
    result = loaded({FILE: text})
    (found,) = result.problems
    assert (found.line, found.column, found.code, found.severity) == (3, 20, "same_flag", "warning")
    assert 'the flag "tool.shell.enabled"' in found.problem
    assert '"tool.{tool}.enabled" of "lock_tool" (line 2)' in found.problem
    assert result.plan is not None
    # With another type or default the services' own reading would hang on the order in the file.
    result = loaded(
        {FILE: text.replace('enabled", safe: false}\n  o', 'enabled", safe: true}\n  o')}
    )
    (found,) = result.problems
    assert (found.severity, found.column, result.plan) == ("error", 20, None)
    assert "type or default" in found.hint
    # A key that is a mistake of its own is told as that, and not twice.
    strange = text.replace("{area}.shell.enabled", "{area}/shell.enabled")
    assert [p.code for p in loaded({FILE: strange}).problems] == ["invalid_value"]


def test_a_key_that_can_be_the_flag_of_a_shipped_switch_in_force() -> None:
    text = "switches:\n  lock_shell: {key: tool.shell.enabled, safe: false}\n"
    named = rule(actions="[lock_tool]", by="[tenant, tool]")
    result = loaded({"rules/tool/mistake.yaml": named, FILE: text})
    (found,) = [p for p in result.problems if p.code == "same_flag"]
    assert (found.path, found.line, found.column, found.severity) == (FILE, 2, 21, "warning")
    assert '"lock_tool" (shipped, and named by a rule)' in found.problem
    assert result.plan is not None
    assert any("same_flag" in said for said in result.plan.warnings)
    # One that nobody names is not in force, and without a file there is nothing to say.
    assert loaded({FILE: text}).problems == ()
    assert loaded({"rules/tool/mistake.yaml": named, FILE: None}).problems == ()


def test_shipped_actions_mean_something_without_a_file_of_ones_own() -> None:
    shipped = (ROOT / "notifiers" / "switches.yaml").read_text()
    packaged = dict(builtin())["builtin/switches.yaml"].decode()
    assert packaged.partition("\nswitches:")[2] == shipped.partition("\nswitches:")[2]
    named = rule(actions="[stop_loop]")
    plan = loaded({"rules/tool/mistake.yaml": named, FILE: None}).plan
    assert plan is not None
    assert list(plan.switches) == ["stop_loop"]
    own = "switches:\n  stop_loop: {safe: true}\n  mine: {safe: true}\n"
    plan = loaded({"rules/tool/mistake.yaml": named, FILE: own}).plan
    assert plan is not None
    assert {name: s.safe for name, s in plan.switches.items()} == {"stop_loop": True, "mine": True}
