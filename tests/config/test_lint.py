from types import SimpleNamespace

import pytest

from rulesd.config import lint
from tests.config.testing import loaded, rule


def codes(changed: dict[str, str]) -> list[tuple[str, int, str]]:
    return [(p.path.rpartition("/")[2], p.line, p.code) for p in loaded(changed).problems]


def test_a_child_route_that_names_the_owner_serves_it() -> None:
    routing = "route:\n  receiver: hole\n  routes: [{receiver: inbox, matchers: [owner=team]}]\nreceivers: [{name: hole}]\n"
    assert (
        codes({"notifiers/routing.yaml": routing, "notifiers/owners.yaml": "owners: {team: {}}\n"})
        == []
    )
    other = routing.replace("owner=team", "owner=other")
    assert codes(
        {"notifiers/routing.yaml": other, "notifiers/owners.yaml": "owners: {team: {}}\n"}
    ) == [("owners.yaml", 1, "pages_reach_nobody")]


@pytest.mark.parametrize(
    ("child", "reached"),
    [
        ('{receiver: inbox, matchers: [alertname="Watchdog"]}', False),  # another system's alert
        ("{receiver: inbox, matchers: ['alertname=~tool[.].*']}", True),
        ("{receiver: hole, matchers: [severity=high]}", False),  # taken, and told to nobody
        ("{receiver: hole, matchers: [a=b], routes: [{receiver: inbox, matchers: [c=d]}]}", True),
    ],
)
def test_a_child_route_must_be_able_to_take_a_rule_and_tell_somebody(
    child: str, reached: bool
) -> None:
    routing = f"route:\n  receiver: hole\n  routes: [{child}]\nreceivers: [{{name: hole}}]\n"
    found = codes(
        {"notifiers/routing.yaml": routing, "notifiers/owners.yaml": "owners: {team: {}}\n"}
    )
    assert ([code for *_, code in found] == []) is reached


def test_an_owner_without_rules_is_left_alone() -> None:
    owners = (
        "owners:\n  team: {receivers: {default: inbox}}\n  idle: {receivers: {default: hole}}\n"
    )
    assert codes({"notifiers/owners.yaml": owners}) == []


def test_a_catch_all_does_not_matter_when_no_owner_has_receivers() -> None:
    routing = (
        "route:\n  receiver: inbox\n  routes: [{receiver: inbox}]\nreceivers: [{name: inbox}]\n"
    )
    assert (
        codes({"notifiers/routing.yaml": routing, "notifiers/owners.yaml": "owners: {team: {}}\n"})
        == []
    )


def test_what_the_logics_lint_finds_is_a_warning_at_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[object] = []

    def lint_rules(
        rules: dict[str, object], on: dict[str, tuple[str, ...]], schema: dict[str, dict[str, str]]
    ) -> tuple[object, ...]:
        seen.extend((rules, on, schema["tool.call"]["data.tool"]))
        row = {
            "rule": "tool.mistake",
            "code": "missing_guard",
            "severity": "error",
            "pointer": "/===/0/var",
            "message": "m",
            "hint": "h.",
        }
        return (SimpleNamespace(**row), SimpleNamespace(**(row | {"severity": "info"})))

    monkeypatch.setattr(lint, "lint_rules", lint_rules)
    result = loaded({"rules/tool/mistake.yaml": rule(when='{"===": [{var: data.tool}, shell]}')})
    assert [(p.line, p.column, p.code, p.severity) for p in result.problems] == [
        (9, 22, "missing_guard", "warning")
    ]
    assert [(p.line, p.column, p.code, p.severity) for p in result.infos] == [
        (9, 22, "missing_guard", "info")
    ]
    assert result.plan is not None
    assert len(result.plan.warnings) == 1  # what is merely good to know is not carried about
    assert seen == [
        {"tool.mistake": {"===": [{"var": "data.tool"}, "shell"]}},
        {"tool.mistake": ("tool.call",)},
        "label",
    ]
