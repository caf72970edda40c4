from pathlib import Path

from rulesd.cli.decoding import offline_decoder
from rulesd.runners.coverage_tests import Recorder
from rulesd.runners.simulate import play
from tests.runners.recorded import RULE, loaded

MAPPED = RULE.replace(
    "severity: critical\n",
    'severity: [{if: {"===": [{"var": "alert.labels.tenant"}, other]}, then: low}, {then: critical}]\n',
    1,
).replace(
    'when: {"===": [{"var": "data.scope"}, "out"]}',
    'when: {"or": [{"===": [{"var": "data.scope"}, "out"]}, {"===": [{"var": "data.egress"}, "open"]}]}',
)


def missing(folder: Path, rule: str) -> tuple[str, ...]:
    made = loaded(folder, rule)
    assert made.plan is not None
    recorder = Recorder(made.plan)
    verdicts = [play(t, recorder.plan, offline_decoder()) for t in made.tests]
    plain = [play(t, made.plan, offline_decoder()) for t in made.tests]
    assert [v.failures for v in verdicts] == [v.failures for v in plain]
    (one,) = recorder.coverage(verdicts, made.files)
    return one.missing


def test_full_tests_leave_nothing_out(tmp_path: Path) -> None:
    assert missing(tmp_path, RULE) == ()


def test_what_no_test_exercises_is_named(tmp_path: Path) -> None:
    assert missing(tmp_path, MAPPED) == ("severity 1: low", "when: alternative 2")


def test_a_rule_without_tests(tmp_path: Path) -> None:
    assert missing(tmp_path, RULE.split("tests:")[0]) == ("fires", "quiet")


def test_both_answers_of_a_numerator_and_every_step(tmp_path: Path) -> None:
    share = RULE.replace(
        "detect: never",
        'detect: {rate: {numerator: {"===": [{"var": "data.tool"}, "shell"]}, within: 5m, above: 0.5, min_denominator: 5}}',
    )
    assert missing(tmp_path / "a", share) == ("fires", "numerator: false")
    chain = RULE.replace(
        "detect: never",
        'detect: {sequence: {within: 5m, steps: [{name: one, when: {"===": [{"var": "data.tool"}, "shell"]}}, {name: two, when: {"===": [{"var": "data.tool"}, "mail"]}}]}}',
    )
    assert missing(tmp_path / "b", chain) == ("fires", "step: two")
