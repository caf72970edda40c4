"""Chains as they are written; their mistakes stand in ``mistakes/owners``."""

from rulesd.core.people import Escalation, Target, TargetKind
from rulesd.model.instant import HOUR, MINUTE
from tests.config.testing import loaded

OWNERS = "owners:\n  team: {escalation: standard, receivers: {default: inbox}}\n"


def chains(text: str) -> dict[str, Escalation]:
    result = loaded({"notifiers/owners.yaml": OWNERS + text})
    assert result.plan is not None, [str(p) for p in result.errors]
    return dict(result.plan.escalations)


def receiver(name: str) -> tuple[Target, ...]:
    return (Target(kind=TargetKind.RECEIVER, name=name),)


def test_waits_add_up_to_the_next_step_that_tells_somebody() -> None:
    found = chains(
        "escalations:\n  standard:\n    repeat: 2\n    ack_timeout: 1h\n    steps:\n"
        "      - {wait: 5m}\n      - {wait: 10m}\n      - notify: {receiver: inbox}\n"
        "      - {wait: 20m, notify: [{owner: team}, {receiver: hole}]}\n      - {wait: 30m}\n"
    )["standard"]
    first, second = found.default.steps
    assert (first.wait, first.targets) == (15 * MINUTE, receiver("inbox"))
    assert second.wait == 20 * MINUTE
    assert second.targets == (Target(kind=TargetKind.OWNER, name="team"), *receiver("hole"))
    assert (found.default.last_wait, found.default.repeat) == (30 * MINUTE, 2)
    assert found.default.ack_timeout == HOUR
    assert found.critical is found.default
    assert found.severities == ("critical", "high")


def test_without_a_last_wait_the_longest_one_counts() -> None:
    found = chains(
        "escalations: {standard: {steps: [{wait: 9m, notify: {receiver: inbox}}, "
        "{wait: 3m, notify: {receiver: hole}}]}}\n"
    )["standard"]
    assert found.default.last_wait == 9 * MINUTE


def test_critical_alerts_may_have_a_chain_of_their_own() -> None:
    found = chains(
        "escalations:\n  standard:\n    severities: [critical, high, medium]\n"
        "    steps: [{wait: 30m, notify: {receiver: inbox}}]\n"
        "    critical: {ack_timeout: 20m, steps: [{wait: 5m, notify: {receiver: hole}}]}\n"
    )["standard"]
    assert found.severities == ("critical", "high", "medium")
    assert found.default.steps[0].targets == receiver("inbox")
    assert found.critical.steps[0].targets == receiver("hole")
    assert (found.default.ack_timeout, found.critical.ack_timeout) == (0, 20 * MINUTE)


def test_a_chain_may_go_on_with_another_one() -> None:
    found = chains(
        "escalations:\n"
        "  standard: {then: leads, steps: [{wait: 10m, notify: {receiver: inbox}}]}\n"
        "  other:\n    steps: [{notify: {receiver: inbox}}]\n"
        "    critical: {then: leads, steps: [{notify: {receiver: inbox}}]}\n"
        "  leads:\n    then: last\n    steps: [{notify: {receiver: hole}}]\n"
        "    critical: {steps: [{wait: 1m, notify: {owner: team}}]}\n"
        "  last: {steps: [{wait: 7m, notify: {receiver: inbox}}]}\n"
    )
    standard = found["standard"]
    assert [(s.wait, s.targets[0].name) for s in standard.default.steps] == [
        (10 * MINUTE, "inbox"),
        (10 * MINUTE, "hole"),  # the wait after the last step of the chain before it
        (7 * MINUTE, "inbox"),
    ]
    assert [(s.wait, s.targets[0].name) for s in standard.critical.steps] == [
        (10 * MINUTE, "inbox"),
        (10 * MINUTE, "team"),
    ]
    assert len(found["other"].default.steps) == 1
    assert len(found["other"].critical.steps) == 2
    assert len(found["leads"].default.steps) == 2


def test_two_ways_to_the_same_chain_are_no_loop() -> None:
    found = chains(
        "escalations:\n"
        "  standard:\n    then: b\n    steps: [{notify: {receiver: inbox}}]\n"
        "    critical: {then: c, steps: [{notify: {receiver: inbox}}]}\n"
        "  b: {then: d, steps: [{notify: {receiver: inbox}}]}\n"
        "  c: {then: d, steps: [{notify: {receiver: inbox}}]}\n"
        "  d: {steps: [{notify: {receiver: hole}}]}\n"
    )
    assert len(found["standard"].default.steps) == len(found["standard"].critical.steps) == 3


def test_a_loop_further_on_ends() -> None:
    result = loaded(
        {
            "notifiers/owners.yaml": OWNERS
            + "escalations:\n  standard: {then: b, steps: [{notify: {receiver: inbox}}]}\n"
            "  b: {then: c, steps: [{notify: {receiver: inbox}}]}\n"
            "  c: {then: b, steps: [{notify: {receiver: inbox}}]}\n"
        }
    )
    assert [p.code for p in result.errors] == ["escalation_loop", "escalation_loop"]
