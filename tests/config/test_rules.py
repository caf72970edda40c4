from dataclasses import fields
from typing import Any

import pytest

from rulesd.config.rules import BUILTIN
from rulesd.core.plan import Maturity, Plan, Rule
from rulesd.model.instant import DAY, HOUR, MINUTE, SECOND
from tests.config.testing import loaded, rule


def compiled(**given: str) -> Rule:
    plan = planned(**given)
    return plan.rules[plan.by_id["tool.mistake"]]


def planned(**given: str) -> Plan:
    result = loaded({"rules/tool/mistake.yaml": rule(**given)})
    assert result.plan is not None, [str(p) for p in result.errors]
    return result.plan


def test_a_full_rule() -> None:
    one = compiled(
        title="'{{ not a template }}'",
        summary="'{{ labels.tool }} again'",
        maturity="shadow",
        on="[ai.safety.tool.call.v1, policy.decision]",
        when='{"===": [{"var": "data.scope"}, "out"]}',
        detect="{burst: {count: 20, within: 5m, distinct: user_ref, mode: tumbling_on_match}}",
        by="[tenant, tool]",
        context="[route, tool]",
        lateness="10s",
        **{"for": "1m", "keep_firing_for": "0s"},
        actions="[lock_tool]",
        covers="[one, leak]",
        review="{sample: 1}",
        max_keys="5",
    )
    assert one.on == ("tool.call", "policy.decision")
    assert [f.label for f in one.by] == ["tenant", "tool"]
    assert [f.label for f in one.context] == ["route"]
    assert one.maturity is Maturity.SHADOW
    assert (one.lateness, one.pending_for, one.keep_firing_for) == (10 * SECOND, MINUTE, 0)
    assert (one.actions, one.covers, one.review_sample, one.max_keys) == (
        ("lock_tool",),
        ("one", "leak"),
        1.0,
        5,
    )
    detector: Any = one.detector
    assert (detector.count, detector.within, detector.distinct.name, detector.tumbling) == (
        20,
        5 * MINUTE,
        "user_ref",
        True,
    )
    assert (one.never, one.worst_severity, one.unit) == (False, "high", "events")
    assert one.path == "rules/tool/mistake.yaml"


def test_the_defaults() -> None:
    one = compiled()
    assert (one.summary, one.never, one.maturity) == ("T", True, Maturity.STABLE)
    assert (one.lateness, one.pending_for, one.keep_firing_for, one.again_after) == (
        30 * SECOND,
        0,
        None,
        15 * MINUTE,
    )
    assert one.detector.hold == DAY
    assert one.runbook.first_five_minutes == "1. Look."


def test_never_may_say_when_it_pages_again() -> None:
    one = compiled(detect="{never: {again_after: 2h}}")
    assert (one.never, one.again_after) == (True, 2 * HOUR)
    assert compiled(detect="{never: }").never


def test_a_title_is_not_a_template() -> None:
    from minijinja import Environment

    one = compiled(title="'{{ labels.tool }} {% raw'")
    assert Environment().render_str(one.summary, labels={}) == "{{ labels.tool }} {% raw"


def test_single_words_are_lists_of_one() -> None:
    one = compiled(on="tool.call", by="tenant", covers="one")
    assert (one.on, [f.name for f in one.by], one.covers) == (("tool.call",), ["tenant"], ("one",))


@pytest.mark.parametrize(
    ("given", "document", "holds"),
    [
        ({}, {"type": "tool.call"}, True),
        ({}, {"type": "policy.decision"}, False),
        ({}, {}, False),
        ({"on": "[a.b, tool.call]"}, {"type": "tool.call"}, True),
        (
            {"when": '{"===": [{"var": "data.scope"}, "out"]}'},
            {"type": "tool.call", "data": {"scope": "out"}},
            True,
        ),
        (
            {"when": '{"===": [{"var": "data.scope"}, "out"]}'},
            {"type": "x", "data": {"scope": "out"}},
            False,
        ),
        (
            {"on": "", "when": '{"===": [{"var": "data.scope"}, "out"]}'},
            {"type": "x", "data": {"scope": "out"}},
            True,
        ),
        (
            {"when": '\'{"===": [{"var": "tenant"}, "a"]}\''},
            {"type": "tool.call", "tenant": "a"},
            True,
        ),
    ],
)
def test_the_condition_is_on_and_when(
    given: dict[str, str], document: dict[str, Any], holds: bool
) -> None:
    plan = planned(**given)
    matched, raised = plan.match(document)
    assert (plan.by_id["tool.mistake"] in matched) is holds
    assert list(raised) == []


def test_another_type_never_reaches_a_condition_that_raises() -> None:
    plan = planned(when='{"+": [{"var": "data.n"}, 1]}', on="[tool.call]")
    position = plan.by_id["tool.mistake"]
    assert position in plan.match({"type": "tool.call", "data": {"n": {}}})[1]
    assert list(plan.match({"type": "other", "data": {"n": {}}})[1]) == []


def test_matches_are_positions_in_ascending_order() -> None:
    others = {f"rules/tool/r{i}.yaml": rule(id=f"tool.r{9 - i}") for i in range(9)}
    result = loaded(others)
    assert result.plan is not None
    matched, _ = result.plan.match({"type": "tool.call"})
    assert list(matched) == sorted(matched)
    assert [result.plan.rules[i].id for i in matched] == [
        "tool.base",
        *(f"tool.r{i}" for i in range(1, 10)),
    ]
    assert [r.id for r in result.plan.rules] == sorted(r.id for r in result.plan.rules)


def test_the_digest_is_of_condition_detector_and_by() -> None:
    def digest(**given: str) -> str:
        return compiled(**given).digest

    base = digest(by="[tenant]")
    for same in (
        {
            "title": "Other",
            "severity": "low",
            "context": "[route]",
            "lateness": "1s",
            "owner": "team",
            "keep_firing_for": "1h",
        },
        {"on": "tool.call"},
        {"detect": "{never: {again_after: 1h}}"},
    ):
        assert digest(by="[tenant]", **same) == base
    for other in (
        {"by": "[tool]"},
        {"by": "[tenant]", "when": "true"},
        {"by": "[tenant]", "detect": "{burst: {count: 1, within: 5m}}"},
    ):
        assert digest(**other) != base


def test_the_owner_of_rules_about_rulesd_itself() -> None:
    owners = (
        "owners:\n  first: {receivers: {default: inbox}}\n  team: {receivers: {default: inbox}}\n"
    )
    result = loaded({"notifiers/owners.yaml": owners})
    assert result.plan is not None
    assert {r.owner for r in result.plan.rules if r.id.startswith(BUILTIN)} == {"first"}


def test_a_rule_is_a_value() -> None:
    assert {f.name for f in fields(Rule)} >= {"id", "digest", "never"}
    with pytest.raises(AttributeError):
        compiled().id = "x"  # type: ignore[misc]


def test_alert_transitions_are_fed_back_only_when_a_rule_asks_for_them() -> None:
    assert not planned().watches_alerts
    assert not planned(on="", when="true").watches_alerts
    assert planned(on="[ai.safety.alert.state.v1]").watches_alerts


def test_the_plain_evaluation_stands_beside_the_index() -> None:
    plan = planned()
    assert plan.naive is not None
    document = {"type": "tool.call"}
    matched, raised = plan.naive(document)
    assert list(matched) == [plan.rules[i].id for i in plan.match(document)[0]]
    assert list(raised) == []


def test_a_wrong_field_hides_no_mistake_of_another() -> None:
    text = rule(
        title="",
        owner="nobody",
        runbook="missing.md",
        when='{"=": [1, 2]}',
        detect="{burst: {count: 0, within: 5m}}",
        by="[a.tool, b.tool]",
        covers="[nothing]",
        lateness="30",
    )
    codes = sorted(p.code for p in loaded({"rules/tool/mistake.yaml": text}).errors)
    assert codes == [
        "duplicate_label", "invalid_duration", "missing_field", "missing_runbook", "out_of_range",
        "unknown_operator", "unknown_owner", "unknown_risk",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("on", "{a: 1}", ["wrong_type"]),
        ("by", "{a: 1}", ["wrong_type"]),
        ("owner", "3", ["wrong_type"]),
        ("runbook", "3", ["wrong_type"]),
        ("id", "3", ["wrong_type"]),
    ],
)
def test_nothing_is_said_of_what_stands_in_for_a_wrong_field(
    field: str, text: str, said: list[str]
) -> None:
    wrong = rule(**{"summary": "'{{ labels.tool }}'", "by": "[tool]", field: text})
    found = loaded({"rules/tool/mistake.yaml": wrong})
    assert [p.code for p in found.errors] == said
    assert found.plan is None


def test_what_must_never_happen_does_not_wait() -> None:
    for detect in ("never", "{never: {again_after: 5m}}"):
        (error,) = loaded({"rules/tool/mistake.yaml": rule(detect=detect, **{"for": "1m"})}).errors
        assert (error.code, error.line, error.column) == ("exclusive_fields", 9, 1)
        assert loaded({"rules/tool/mistake.yaml": rule(detect=detect, **{"for": "0s"})}).plan
