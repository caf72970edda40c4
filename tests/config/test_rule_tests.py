from rulesd.config.rule_tests import START, RuleTest
from rulesd.model.instant import MINUTE, SECOND, format_instant
from tests.config.testing import loaded, rule


def parsed(text: str) -> tuple[RuleTest, ...]:
    result = loaded({"rules/tool/mistake.yaml": rule(tests=text)})
    assert not result.errors, [str(p) for p in result.errors]
    return tuple(t for t in result.tests if t.rule == "tool.mistake")


CONTRACT = """
  - name: twenty denials in five minutes page the owner once
    events:
      - {at: 0s, repeat: 20, every: 10s, type: tool.call, tenant: acme, data: {tool: shell, outcome: denied}}
    expect:
      - {at: 3m10s, alert: firing, severity: high, labels: {tenant: acme, tool: shell}, receiver: platform-safety}
  - name: the same spread over an hour is quiet
    events: [{at: 0s, repeat: 20, every: 3m, type: tool.call, tenant: acme, data: {tool: shell, outcome: denied}}]
    expect: []
"""


def test_the_contracts_example() -> None:
    first, second = parsed(CONTRACT)
    assert (first.name, first.line, len(first.events)) == (
        "twenty denials in five minutes page the owner once",
        9,
        20,
    )
    assert [e.at for e in first.events] == [i * 10 * SECOND for i in range(20)]
    assert first.until == 3 * MINUTE + 10 * SECOND
    (row,) = first.expect
    assert (row.at, row.alert, row.severity, row.labels, row.receiver, row.line) == (
        190 * SECOND, "firing", "high", {"tenant": "acme", "tool": "shell"}, "platform-safety", 13,
    )  # fmt: skip
    assert (second.expect, second.until) == ((), 19 * 3 * MINUTE)


def test_an_event_is_a_whole_cloudevent() -> None:
    (one,) = parsed(
        "[{name: n, events: [{at: 5s, type: tool.call, subject: s, data: {a: 1}}], expect: []}]"
    )
    assert one.events[0].event == {
        "specversion": "1.0",
        "id": "0-0",
        "source": "/test",
        "type": "tool.call",
        "time": format_instant(START + 5000),
        "arrivaltime": format_instant(START + 5000),
        "subject": "s",
        "data": {"a": 1},
    }


def test_ids_are_made_and_given() -> None:
    text = "[{name: n, events: [{at: 0s, type: t, repeat: 2, every: 1s}, {at: 0s, type: t, id: x}, {at: 0s, type: t, id: y, repeat: 2}], expect: []}]"
    (one,) = parsed(text)
    assert sorted(str(e.event["id"]) for e in one.events) == ["0-0-0", "0-0-1", "x", "y-0", "y-1"]
    assert parsed(text) == parsed(text)


def test_the_time_of_an_event_may_differ_from_its_arrival() -> None:
    rows = "{at: 10m, time: 5m, type: t}, {at: 10m, time: -1h, type: t}, {at: 10m, time: '2026-01-05T10:00:00Z', type: t}, {at: 10m, time: 20m, type: t, repeat: 2, every: 1m}"
    (one,) = parsed(f"[{{name: n, events: [{rows}], expect: []}}]")
    times = [e.event["time"] for e in one.events]
    assert times == [format_instant(START + m * MINUTE) for m in (5, -60, 60, 20, 21)]


def test_until_acks_silences_and_deploys() -> None:
    (one,) = parsed("""
  - name: n
    events: [{at: 1m, type: t}]
    deploys: [{at: 30s, tenant: acme, kind: model, component: gate, to_version: '2'}]
    acks: [{at: 2m, labels: {tenant: acme}, by: ann}]
    silences: [{at: 3m, for: 10m, matchers: ['tenant="acme", tool=~"a|b"'], comment: c, approved: true}]
    expect: []
    until: 1h
""")
    assert one.until == 60 * MINUTE
    assert [e.at for e in one.events] == [30 * SECOND, MINUTE]
    deploy = one.events[0].event
    assert (deploy["type"], deploy["tenant"]) == ("deploy.change", "acme")
    assert deploy["data"] == {"kind": "model", "component": "gate", "to_version": "2"}
    (ack,) = one.acks
    assert (ack.at, ack.labels, ack.by) == (2 * MINUTE, {"tenant": "acme"}, "ann")
    (silence,) = one.silences
    assert (silence.at, silence.ends, silence.approved) == (3 * MINUTE, 13 * MINUTE, True)
    assert [str(m) for m in silence.matchers] == ['tenant="acme"', 'tool=~"a|b"']


def test_a_silence_without_matchers_is_a_mistake() -> None:
    result = loaded(
        {"rules/tool/mistake.yaml": rule(tests="[{name: n, silences: [{at: 1m}], expect: []}]")}
    )
    assert [p.code for p in result.errors] == ["invalid_matcher"]


def test_tests_of_a_rule_with_a_mistake_are_still_read() -> None:
    result = loaded({"rules/tool/mistake.yaml": rule(owner="nobody", tests=CONTRACT)})
    assert result.plan is None
    assert len([t for t in result.tests if t.rule == "tool.mistake"]) == 2
