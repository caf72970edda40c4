"""Names that lead nowhere are told where they stand, and names of one's own are left in peace."""

import pytest

from tests.config.testing import loaded, rule


def told(**fields: str) -> list[str]:
    found = loaded({"rules/tool/mistake.yaml": rule(**fields)})
    assert found.plan is not None, [str(e) for e in found.errors]
    return [f"{p} {p.hint}" for p in (*found.problems, *found.infos)]


@pytest.mark.parametrize(
    ("fields", "place", "said"),
    [
        ({"by": "[tenant, toool]"}, ":9:14", 'has `toool`. Did you mean "tool"?'),
        ({"by": "toool"}, ":9:5", "has `toool`"),
        ({"context": "[data.outcom]"}, ":9:11", "has `data.outcom`"),
        ({"detect": "{quantile: {field: latnecy_ms, q: 0.9, above: 5, within: 5m}}"}, ":6:", "latency_ms"),
        ({"detect": "{repeat: {same: [tool, arghash], count: 5, within: 5m}}"}, ":6:", "args_hash"),
        ({"by": "[data.content.arguments]"}, ":9:6", "raw content, which no rule ever sees"),
        ({"detect": "{burst: {count: 2, within: 5m, distinct: content}}"}, ":6:", "raw content"),
    ],
)  # fmt: skip
def test_a_slip_and_raw_content_are_told_with_their_place(
    fields: dict[str, str], place: str, said: str
) -> None:
    (found,) = told(**fields)
    assert place in found
    assert said in found


def test_names_of_ones_own_are_left_in_peace() -> None:
    (found,) = told(by="[tenant, warehouse_bay]")
    assert "a field of your own may stay" in found
    assert told(by="[warehouse_bay, toool]", on="[our.own.type]") == []
    assert told(by="[toool]", on="[alert.state]") == []
    assert told(by="[tenant, correlationid, data.nested.thing]") == []


def test_conditions_inside_a_detector_are_looked_at_as_well() -> None:
    steps = '{{name: a, when: {{"===": [{{var: data.outcom}}, x]}}}}, {{name: b, when: {guard}}}'
    guarded = '{and: [{exists: [data, latency_ms]}, {"<": [{var: data.latency_ms}, 5]}]}'
    (found,) = told(detect=f"{{sequence: {{steps: [{steps.format(guard=guarded)}], within: 5m}}}}")
    assert "`data.outcom`" in found
    assert ":6:" in found
    unguarded = '{"<": [{var: data.latency_ms}, 5]}'
    rate = f"{{burn_rate: {{good: {unguarded}, objective: 0.99}}}}"
    (found,) = told(detect=rate)
    assert "may be missing" in found
    assert told(detect=rate, when="{exists: [data, latency_ms]}") == []
    assert told(detect=rate, when='\'{"exists": ["data", "latency_ms"]}\'') == []
