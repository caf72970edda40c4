import copy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulesd.config import load, load_archive, load_files
from rulesd.config.files import Files, builtin
from rulesd.config.problems import Code
from rulesd.config.rules import BUILTIN
from tests.config.testing import BASE, files, loaded, rule

SHIPPED = Path(__file__).parents[2]


def test_the_shipped_rules_and_notifiers_load_without_an_error() -> None:
    result = load(SHIPPED / "rules", SHIPPED / "notifiers")
    assert result.plan is not None, "\n".join(str(p) for p in result.errors)
    assert result.own_rules >= 8


def test_the_two_files_that_must_exist() -> None:
    result = loaded({"notifiers/routing.yaml": None, "notifiers/owners.yaml": None})
    assert [(p.path, p.code) for p in result.errors] == [
        ("notifiers/owners.yaml", Code.MISSING_FILE),
        ("notifiers/routing.yaml", Code.MISSING_FILE),
    ]


def test_everything_else_has_a_default() -> None:
    result = loaded(
        {
            "notifiers/receivers.yaml": None,
            "notifiers/switches.yaml": None,
            "rules/risks.yaml": None,
            "notifiers/owners.yaml": "owners: {team: {}}\n",
            "notifiers/routing.yaml": 'route: {receiver: in}\nreceivers: [{name: in, webhook_configs: [{url: "https://x.example.org"}]}]\n',
        }
    )
    assert result.problems == ()
    assert result.plan is not None
    assert result.risks is None


def test_two_files_of_one_name() -> None:
    result = loaded({"notifiers/owners.json": '{"owners": {"team": {}}}'})
    assert [(p.path, p.code) for p in result.errors] == [
        ("notifiers/owners.json", "exclusive_fields")
    ]


def test_notifiers_in_json_and_toml() -> None:
    result = loaded(
        {
            "notifiers/owners.yaml": None,
            "notifiers/owners.toml": '[owners.team.receivers]\ndefault = "inbox"\n',
            "notifiers/routing.yaml": None,
            "notifiers/routing.json": '{"route": {"receiver": "inbox"}, "receivers": [{"name": "inbox"}]}',
        }
    )
    assert result.plan is not None, [str(p) for p in result.errors]


def test_no_rules_of_ones_own_is_no_error_but_can_be_told() -> None:
    result = loaded({"rules/tool/base.yaml": None})
    assert result.plan is not None
    assert result.own_rules == 0
    assert len(result.plan.rules) == 7


def test_an_archive_gives_the_same_plan_without_its_secrets() -> None:
    text = "route: {receiver: inbox}\nreceivers:\n  - name: inbox\n    webhook_configs: [{url: 'https://example.org/very-secret'}]\n"
    first = loaded({"notifiers/routing.yaml": text})
    assert first.plan is not None
    again = load_archive(first.archive)
    assert again.plan is not None, [str(p) for p in again.errors]
    assert again.plan.digest == first.plan.digest
    assert [r.digest for r in again.plan.rules] == [r.digest for r in first.plan.rules]
    assert again.plan.root == first.plan.root
    assert again.plan.routing_yaml == first.plan.routing_yaml
    assert "very-secret" not in str([f for n, f in again.files.content.items()])
    assert load_archive(again.archive).plan is not None
    document = {"type": "tool.call"}
    assert again.plan.match(document) == first.plan.match(document)


def test_a_rotated_secret_makes_another_digest() -> None:
    def digest(secret: str) -> str:
        text = f"route: {{receiver: inbox}}\nreceivers: [{{name: inbox, webhook_configs: [{{url: 'https://example.org/{secret}'}}]}}]\n"
        plan = loaded({"notifiers/routing.yaml": text}).plan
        assert plan is not None
        return plan.digest

    assert digest("one") != digest("two")


def test_the_owner_of_rulesd_itself_is_a_setting_and_kept_in_the_archive() -> None:
    owners = (
        b"owners:\n  first: {receivers: {default: inbox}}\n  team: {receivers: {default: inbox}}\n"
    )
    content = dict(files({"notifiers/owners.yaml": owners}).content)
    result = load_files(Files(content=content, self_owner="team"))
    assert result.plan is not None
    archived = load_archive(result.archive).plan
    assert archived is not None
    for plan in (result.plan, archived):
        assert {r.owner for r in plan.rules if r.id.startswith(BUILTIN)} == {"team"}
    wrong = load_files(Files(content=content, self_owner="nobody"))
    assert [(p.line, p.column, p.code) for p in wrong.errors] == [(1, 1, "unknown_owner")]


def test_warnings_are_in_the_plan() -> None:
    result = loaded({"rules/tool/mistake.yaml": rule(tests="")})
    assert result.plan is not None
    assert [w for w in result.plan.warnings if "no_tests" in w]


def test_operators_templates_are_in_the_plan() -> None:
    result = loaded(
        {"notifiers/templates/slack.j2": "{{ title }}", "notifiers/templates/x.md": "no"}
    )
    assert result.plan is not None
    assert result.plan.templates == {"slack.j2": "{{ title }}"}
    bad = loaded({"notifiers/templates/slack.j2": b"\xff"})
    assert bad.plan is None
    wrong = loaded({"notifiers/templates/slack.j2": "one\n{% if %}\n"})
    assert [(p.path, p.line, p.code) for p in wrong.errors] == [
        ("notifiers/templates/slack.j2", 2, "invalid_template")
    ]


def test_a_set_is_refused_whole() -> None:
    assert loaded({"rules/tool/mistake.yaml": rule(severity="worst")}).plan is None


def test_the_same_files_load_the_same_twice() -> None:
    bad = {"rules/tool/mistake.yaml": rule(severity="worst", by="[a, a]")}
    assert loaded(bad).problems == loaded(copy.deepcopy(bad)).problems


NAMES = [
    *BASE,
    "rules/tool/mistake.yaml",
    "rules/severities.yaml",
    "notifiers/hooks.yaml",
    "notifiers/owners.toml",
    "rules/a.json",
]
WORDS = [
    "id: tool.x", "title: T", "owner: team", "runbook: mistake.md", "on: [tool.call]", "detect: never", "severity: high",
    "detect: {burst: {count: 2, within: 5m}}", "by: [tool]", "when: {'===': [1, {var: a}]}", "severity: [{then: low}]", "tests: [{name: a, expect: []}]",
    "route: {receiver: inbox}", "receivers: [{name: inbox}]", "owners: {team: {}}", "a: &x [1]", "b: *x", "x: ", "- y", "[", "{", "tests: 5",
    "owners: [team]", "receivers: {inbox: 5}", "hooks: {a: {may: 3}}", "route: [1]", "severity: {}", "by: {a: 1}", "when: [", "risks: 3",
]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(WORDS), max_size=8).map(lambda rows: "\n".join(rows).encode())
        | st.binary(max_size=60)
        | st.none(),
        max_size=3,
    )
)
def test_whatever_the_files_hold_nothing_is_raised(changed: dict[str, bytes | None]) -> None:
    present = {k: v for k, v in changed.items() if v is not None or k in BASE}
    result = loaded(present)
    assert (result.plan is None) == bool(result.errors)
    assert all(p.line >= 1 and p.column >= 1 for p in result.problems)


VALUES = st.recursive(
    st.sampled_from(
        [
            "null",
            "true",
            "5",
            "-1.5",
            "text",
            "'5m'",
            "0s",
            "[]",
            "{}",
            "never",
            "tool.call",
            "'{{ x'",
            "''",
            "1e400",
            "[[]]",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda v: f"[{', '.join(v)}]")
        | st.lists(
            st.tuples(
                st.sampled_from(["if", "then", "burst", "count", "within", "===", "var", "a"]),
                inner,
            ),
            max_size=3,
            unique_by=lambda p: p[0],
        ).map(lambda v: "{" + ", ".join(f'"{k}": {x}' for k, x in v) + "}")
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "id",
                "title",
                "summary",
                "owner",
                "runbook",
                "maturity",
                "on",
                "when",
                "detect",
                "by",
                "severity",
                "context",
                "lateness",
                "for",
                "keep_firing_for",
                "actions",
                "covers",
                "review",
                "tests",
                "max_keys",
            ]
        ),
        VALUES,
        min_size=1,
        max_size=3,
    )
)
def test_whatever_the_fields_of_a_rule_hold_nothing_is_raised(given_: dict[str, str]) -> None:
    result = loaded({"rules/tool/mistake.yaml": rule(**given_)})
    assert (result.plan is None) == bool(result.errors)


@pytest.mark.parametrize("name", [n for n, _ in builtin()])
def test_the_rules_about_rulesd_itself_stand_in_every_plan(name: str) -> None:
    assert name.startswith("builtin/")
