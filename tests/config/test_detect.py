import re
from typing import Any

import pytest

from rulesd.config import parameters
from rulesd.config.detect import TABLE, Row, built
from rulesd.config.problems import Code
from tests.config.testing import loaded, rule

WORDS = [
    "never",
    "burst",
    "repeat",
    "rate",
    "shift",
    "spike",
    "rollout",
    "absence",
    "new_value",
    "cardinality",
    "sequence",
    "budget",
    "drift",
    "burn_rate",
    "disagreement",
    "quantile",
    "aggregate",
    "change",
    "accumulation",
    "composite",
]
"The contract's table, 2.3."

EXAMPLES = {
    "never": "{}",
    "burst": "{count: 20, within: 5m, distinct: user_ref, mode: sliding}",
    "repeat": "{same: [tool, args_hash], count: 5, within: 10m}",
    "rate": "{numerator: {var: data.x}, min_denominator: 50, within: 1h, above: 0.2}",
    "shift": "{numerator: {var: data.x}, baseline: 7d, ratio: 2, tolerance: 0.1, direction: up, budget: 1}",
    "spike": "{within: 5m, reference: 7d, min_count: 10, ratio: 3, budget: 1}",
    "rollout": "{numerator: {var: data.x}, change: {var: data.y}, alpha: 0.01, tolerance: 0.1, watch: 2h}",
    "absence": "{period: 1m, missed: 3, schedule: '* * * * *'}",
    "new_value": "{field: tool, learn_for: 1d, forget_after: 7d, share: 0.5}",
    "cardinality": "{field: doc_id, within: 1h, above: 100}",
    "sequence": "{steps: [{name: a, when: true}, {name: b, when: true}], within: 5m, ordered: true, without: false}",
    "budget": "{sum: cost_usd, cap: 100, within: 1d, horizon: 1h}",
    "drift": "{field: score, bins: 10, baseline: 7d, budget: 1}",
    "burn_rate": "{good: {var: data.x}, objective: 0.99, windows: [{long: 1h, short: 5m, burn: 14.4}]}",
    "disagreement": "{left: classifier_label, right: reviewer_label, within: 1d, above: 0.2}",
    "quantile": "{field: latency_ms, q: 0.99, above: 2000, within: 5m}",
    "aggregate": "{field: cost_usd, fn: sum, above: 100, within: 1h, min_count: 5}",
    "change": "{field: policy_version, ignore_null: true, within: 1d}",
    "accumulation": "{half_life: 1h, threshold: 5}",
    "composite": "{all: [tool.base], within: 5m}",
}


def test_the_table_is_the_contracts() -> None:
    assert list(TABLE) == WORDS
    assert set(EXAMPLES) == set(WORDS)


@pytest.mark.parametrize("word", WORDS)
def test_every_detector_is_built_or_says_that_it_is_not(word: str) -> None:
    on = "[alert.state]" if word == "composite" else "[tool.call]"
    detect = f"{{{word}: {EXAMPLES[word]}}}"
    result = loaded({"rules/tool/mistake.yaml": rule(detect=detect, on=on)})
    if word in built():
        assert result.plan is not None, [str(p) for p in result.errors]
        assert result.plan.rules[result.plan.by_id["tool.mistake"]].detector.name == word
    else:
        assert [p.code for p in result.errors] == ["detector_not_built"]
        assert re.search(r"Use one of: never, burst", result.errors[0].hint)


@pytest.mark.parametrize("word", [w for w in WORDS if w != "never"])
def test_every_detector_refuses_a_parameter_it_does_not_know(word: str) -> None:
    text = EXAMPLES[word].removesuffix("}") + ", wrong_one: 1}"
    result = loaded({"rules/tool/mistake.yaml": rule(detect=f"{{{word}: {text}}}")})
    assert "unknown_field" in {p.code for p in result.errors}


@pytest.mark.parametrize(
    "given",
    ["3", "[never]", "{}", "{burst: 5}", "{burst: [1]}", "{burst: }", "{never: {x: 1}}", "burst"],
)
def test_what_is_no_detector(given: str) -> None:
    result = loaded({"rules/tool/mistake.yaml": rule(detect=given)})
    assert result.plan is None
    assert all(p.line == 6 for p in result.errors)


def test_a_word_without_a_builder_is_an_error_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE, "repeat", Row(parameters.Repeat))
    result = loaded(
        {"rules/tool/mistake.yaml": rule(detect="{repeat: {same: tool, count: 2, within: 5m}}")}
    )
    (found,) = result.errors
    assert (found.line, found.column, found.code) == (6, 10, Code.NOT_BUILT)
    assert found.hint == f"Use one of: {', '.join(built())}."


def test_expected_keys_and_schedules_are_checked() -> None:
    def said(parameters: str) -> list[str]:
        name = "rules/tool/mistake.yaml"
        found = loaded({name: rule(detect=f"{{absence: {parameters}}}", by="[tenant, tool]")})
        return [f"{p} {p.hint}" for p in found.errors]

    assert said("{period: 1m, expected: [[a, b]]}") == []
    (wrong,) = said("{period: 1m, expected: [a]}")
    assert "has 1 values, and by has 2 labels" in wrong
    assert "Write one value for each label" in wrong
    (wrong,) = said("{schedule: every day}")
    assert "is no cron line" in wrong
    assert "Write five fields" in wrong


def test_a_condition_inside_a_step_is_reported_where_it_stands() -> None:
    steps = "{steps: [{name: a, when: {nonsense: 1}}, {name: b, when: true}], within: 5m}"
    result = loaded({"rules/tool/mistake.yaml": rule(detect=f"{{sequence: {steps}}}")})
    assert len(result.errors) == 1
    assert "nonsense" in str(result.errors[0])


def test_a_spike_of_a_measure_has_parameters_of_its_own() -> None:
    def read(parameters: str) -> Any:
        detect = f"{{spike: {parameters}}}"
        return loaded({"rules/tool/mistake.yaml": rule(detect=detect)})

    found = read("{field: latency_ms, within: 1h, reference: 7d, budget: 2, direction: up}")
    assert found.plan is not None, [str(p) for p in found.errors]
    built_ = found.plan.rules[found.plan.by_id["tool.mistake"]]
    assert (built_.detector.name, built_.unit) == ("spike", "")
    assert built_.detector.direction == "up"
    for wrong in ("{field: x, within: 1h, ratio: 3}", "{within: 1h, direction: up}"):
        (error,) = read(wrong).errors
        assert error.code == Code.OUT_OF_RANGE
        assert '"field"' in str(error)


def test_a_pinned_baseline_must_fit() -> None:
    def read(parameters: str) -> Any:
        detect = f"{{drift: {parameters}}}"
        return loaded({"rules/tool/mistake.yaml": rule(detect=detect)})

    found = read("{field: label, pinned: {pass: 0.9, fail: 0.1}}")
    assert found.plan is not None, [str(p) for p in found.errors]
    detector = found.plan.rules[found.plan.by_id["tool.mistake"]].detector
    assert detector.pinned == (("pass", 0.9), ("fail", 0.1))
    assert read("{field: score, bins: [0.5], pinned: [0.9, 0.1]}").plan is not None
    for wrong in (
        "{field: label, pinned: {pass: 0.9, fail: 0.2}}",
        "{field: score, bins: [0.5], pinned: [0.9, 0.05, 0.05]}",
        "{field: score, bins: [0.5], pinned: [0.5, 0.1]}",
        "{field: score, bins: 10, pinned: [0.5, 0.5]}",
        "{field: score, bins: [0.5], pinned: {pass: 0.9, fail: 0.1}}",
    ):
        assert '"pinned" does not fit' in str(read(wrong).errors[0])


def test_a_pinned_share_is_one_for_all_or_one_for_the_keys_with_some_labels() -> None:
    def read(pinned: str, by: str = "[tenant, tool]") -> Any:
        numerator = '{"===": [{"var": "data.outcome"}, "denied"]}'
        detect = f"{{shift: {{numerator: {numerator}, pinned: {pinned}}}}}"
        return loaded({"rules/tool/mistake.yaml": rule(detect=detect, by=by)})

    def shares(found: Any) -> Any:
        assert found.plan is not None, [str(p) for p in found.errors]
        return found.plan.rules[found.plan.by_id["tool.mistake"]].detector.shares

    assert shares(read("0.02")) == (((), 0.02),)
    listed = "[{labels: {tool: shell}, share: 0.1}, {labels: {tenant: acme, tool: x}, share: 0.2}]"
    assert shares(read(listed)) == ((("", "shell"), 0.1), (("acme", "x"), 0.2))
    for wrong, words in (
        ("0", '"pinned" is no share'),
        ("1.0", '"pinned" is no share'),
        ("[]", "mistake.yaml:6"),
        ("[{labels: {}, share: 0.1}]", "mistake.yaml:6"),
        ("[{labels: {tool: x}, share: 1}]", "mistake.yaml:6"),
        ("[{labels: {color: red}, share: 0.1}]", "is no label of this rule"),
    ):
        assert words in str(read(wrong).errors[0]), wrong


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{rate: {numerator: true, above: 5, within: 1h}}", "Write 0.05 for 5 %"),
        ("{rate: {numerator: true, above: 1, within: 1h}}", "Write 0.05 for 5 %"),
        ("{rate: {numerator: true, above: -0.1, within: 1h}}", "Write 0.05 for 5 %"),
        ("{rate: {numerator: true, below: 0, within: 1h}}", "Write 0.05 for 5 %"),
        ("{rate: {numerator: true, below: 1.5, within: 1h}}", "Write 0.05 for 5 %"),
        ("{rate: {numerator: true, below: 0.5, above: 0.1, within: 1h}}", "one of them always holds"),
        ("{cardinality: {field: tool, above: -1, within: 1h}}", "no number of values is below 0"),
        ("{cardinality: {field: tool, below: 0, within: 1h}}", "no number of values is below 0"),
        ("{aggregate: {field: x, fn: sum, below: 3, above: 1, within: 1h}}", "always holds"),
        ("{sequence: {steps: [{name: a, when: true}, {name: a, when: true}], within: 5m}}", "two steps have one name"),
        ("{sequence: {steps: [{name: '', when: true}, {name: a, when: true}], within: 5m}}", "must not be empty"),
        ("{drift: {field: score, bins: [3, 1]}}", "do not rise"),
        ("{drift: {field: score, bins: [1, 1]}}", "do not rise"),
        ("{burn_rate: {good: true, objective: 0.99, windows: [{long: 1h, short: 5m, burn: 100}]}}", "burns 100 times"),
        ("{disagreement: {left: tool, right: tool, within: 1h, above: 0.1}}", "never differs from itself"),
    ],
)  # fmt: skip
def test_a_bound_that_nothing_can_cross_is_refused_with_what_to_write(
    given: str, said: str
) -> None:
    (error,) = loaded({"rules/tool/mistake.yaml": rule(detect=given)}).errors
    assert (error.line, error.code) == (6, Code.OUT_OF_RANGE)
    assert said in f"{error} {error.hint}"


@pytest.mark.parametrize(
    "given",
    [
        "{rate: {numerator: true, above: 0, within: 1h}}",
        "{rate: {numerator: true, above: 0.99, below: 0.5, within: 1h}}",
        "{rate: {numerator: true, below: 1, within: 1h}}",
        "{cardinality: {field: tool, above: 0, within: 1h}}",
        "{drift: {field: score, bins: [-1, 0, 0.5]}}",
        "{burn_rate: {good: true, objective: 0.99, windows: [{long: 1h, short: 5m, burn: 99}]}}",
    ],
)
def test_the_bounds_next_to_those_are_taken(given: str) -> None:
    found = loaded({"rules/tool/mistake.yaml": rule(detect=given)})

    assert [str(e) for e in found.errors] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{drift: {field: score, bins: 1}}", "bins: must be at least 2"),
        ("{drift: {field: score, bins: many}}", "bins: must be a list or a whole number"),
        ("{drift: {field: score, bins: [a, 2]}}", "bins: must be a number"),
        ("{drift: {field: label, pinned: {a: 1}}}", "pinned: needs at least 2"),
        ("{drift: {field: label, pinned: 3}}", "pinned: must be a mapping or a list"),
        ("{shift: {numerator: true, pinned: [{labels: {tool: x}}]}}", 'the field "share" is missing'),
        ("{absence: {expected: [1]}}", "expected: must be text or a list"),
    ],
)  # fmt: skip
def test_where_a_field_may_be_of_two_forms_one_fault_is_told_in_plain_words(
    given: str, said: str
) -> None:
    (error,) = loaded({"rules/tool/mistake.yaml": rule(detect=given)}).errors
    assert said in str(error)
    assert not re.search(r"\[function|constrained|list\[|dict\[", str(error))


@pytest.mark.parametrize(
    ("detect", "unit"),
    [
        ("{new_value: {field: tool}}", "events"),
        ("{new_value: {field: tool, share: 0.1}}", "share"),
        ("{budget: {sum: cost_usd, cap: 5, within: 1h}}", "USD"),
        ("{budget: {sum: data.output_tokens, cap: 5, within: 1h}}", "output tokens"),
        ("{aggregate: {field: queue_depth, fn: min, above: 5, within: 1h}}", "queue depth"),
        ("{aggregate: {field: queue_depth, fn: count, above: 5, within: 1h}}", "events"),
        ("{cardinality: {field: doc_id, above: 5, within: 1h}}", "values"),
    ],
)
def test_a_value_says_what_it_is_counted_in(detect: str, unit: str) -> None:
    plan = loaded({"rules/tool/mistake.yaml": rule(detect=detect)}).plan
    assert plan is not None
    assert plan.rules[plan.by_id["tool.mistake"]].unit == unit
