from pathlib import Path

from rulesd.cli.decoding import offline_decoder
from rulesd.config import load
from rulesd.runners.coverage_tests import Recorder
from rulesd.runners.simulate import play
from tests.cli.files import make
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


PART = RULE.split("tests:")[0].replace("id: tool.scope", "id: tool.part")
WHOLE = """\
id: tool.whole
title: Whole
owner: safety
runbook: https://example.org/whole
on: [alert.state]
severity: high
detect: {composite: {all: [tool.part], within: 5m}}
tests:
  - name: the part fires
    events: [{at: 0s, type: tool.call, tenant: acme, data: {scope: out, outcome: ok, tool: shell}}]
    expect: [{at: 0s, alert: firing}]
  - name: the part is quiet
    events: [{at: 0s, type: tool.call, tenant: acme, data: {scope: in, outcome: ok, tool: shell}}]
    expect: []
  - name: another type says nothing of the part
    events: [{at: 0s, type: heartbeat, data: {component: x}}]
    expect: []
"""


def test_a_part_of_a_composite_is_exercised_by_the_tests_of_the_composite(tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path, PART)
    (rules / "tool" / "whole.yaml").write_text(WHOLE)
    made = load(rules, notifiers)
    assert made.plan is not None, made.errors
    recorder = Recorder(made.plan)
    verdicts = [play(t, recorder.plan, offline_decoder()) for t in made.tests]
    assert [v.failures for v in verdicts] == [(), (), ()]
    part, whole = recorder.coverage(verdicts, made.files)
    assert (part.rule, part.tests, part.lent, part.missing) == ("tool.part", 0, 2, ())
    assert (whole.rule, whole.tests, whole.lent, whole.missing) == ("tool.whole", 3, 0, ())
    never = recorder.coverage(verdicts[1:], made.files)
    assert [one.missing for one in never] == [("fires",), ("fires",)]


def test_a_composite_is_quiet_when_only_its_part_fires(tmp_path: Path) -> None:
    rules, notifiers = make(tmp_path, PART)
    other = PART.replace("tool.part", "tool.other").replace("out", "unknown")
    (rules / "tool" / "other.yaml").write_text(other)
    both = WHOLE.replace("[tool.part]", "[tool.part, tool.other]")
    (rules / "tool" / "whole.yaml").write_text(both.replace("[{at: 0s, alert: firing}]", "[]"))
    made = load(rules, notifiers)
    assert made.plan is not None, made.errors
    recorder = Recorder(made.plan)
    verdicts = [play(t, recorder.plan, offline_decoder()) for t in made.tests]
    whole = recorder.coverage(verdicts, made.files)[-1]
    assert (whole.rule, whole.missing) == ("tool.whole", ("fires",))
