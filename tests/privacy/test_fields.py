import re
from pathlib import Path

import jsonschema
import pytest

from rulesd.privacy.fields import COMMON, TYPES, FieldClass, fields_of, lint_schema, values_of
from rulesd.privacy.schema import event_schema


def test_every_type_has_the_common_fields_and_content() -> None:
    for name in (*TYPES, "somebody.elses"):
        fields = fields_of(name)
        assert fields["tenant" if "tenant" in fields else "service"] is FieldClass.LABEL
        assert fields["user_ref"] is FieldClass.ID
        assert fields["latency_ms"] is FieldClass.MEASURE
        assert fields["content"] is FieldClass.CONTENT


@pytest.mark.parametrize(
    ("event_type", "field", "kind"),
    [
        ("tool.call", "tool", FieldClass.LABEL),
        ("tool.call", "args_hash", FieldClass.ID),
        ("tool.call", "cost_usd", FieldClass.MEASURE),
        ("retrieval.query", "doc_ids", FieldClass.ID),
        ("usage.cost", "budget_used_ratio", FieldClass.MEASURE),
        ("output.classification", "score_bin", FieldClass.MEASURE),
        ("output.classification", "response_id", FieldClass.ID),
        ("review.outcome", "agree", FieldClass.LABEL),
        ("heartbeat", "interval_s", FieldClass.MEASURE),
        ("near_miss", "stage", FieldClass.LABEL),
    ],
)
def test_field_classes(event_type: str, field: str, kind: FieldClass) -> None:
    assert fields_of(event_type)[field] is kind


def test_a_field_of_one_type_is_undeclared_in_another() -> None:
    assert "tool" not in fields_of("user.feedback")


def test_usual_values() -> None:
    assert values_of("tool.call", "outcome") == ("ok", "denied", "error", "timeout")
    assert values_of("tool.call", "tool") == ()
    assert values_of("unknown", "tool") == ()


def test_the_four_internal_types_are_there() -> None:
    assert {"alert.state", "containment.changed", "action.result", "ingest.rejected"} <= set(TYPES)


def test_no_field_has_two_classes_within_a_type() -> None:
    for name, own in TYPES.items():
        names = [*own.labels, *own.ids, *own.measures]
        assert len(names) == len(set(names)), name
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", field) for field in names)


def test_lint_knows_every_declared_field() -> None:
    schema = lint_schema()
    assert schema["tool.call"]["data.scope"] == "label"
    assert schema["tool.call"]["tenant"] == "label"
    assert schema["tool.call"]["data.content.arguments"] == "content"
    assert set(schema) == set(TYPES)
    kinds = {kind for fields in schema.values() for kind in fields.values()}
    assert kinds == {"label", "id", "measure", "content", "string", "number"}


def test_the_schema_takes_events_and_names_classes() -> None:
    schema = event_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/svc/assistant",
        "type": "ai.safety.tool.call.v1",
        "data": {"tool": "shell", "duration_ms": 3, "content": {"arguments": "rm"}},
    }
    jsonschema.validate(event, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**event, "id": ""}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**event, "data": {"duration_ms": "long"}}, schema)
    branch = next(
        b for b in schema["allOf"] if "tool.call" in b["if"]["properties"]["type"]["enum"]
    )
    fields = branch["then"]["properties"]["data"]["properties"]
    assert set(fields) == set(fields_of("tool.call"))
    assert fields["tool"]["x-class"] == "label"
    assert fields["outcome"]["examples"] == ["ok", "denied", "error", "timeout"]


def test_the_documentation_lists_every_field() -> None:
    text = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    for own in (COMMON, *TYPES.values()):
        for field in (*own.labels, *own.ids, *own.measures, *own.content):
            assert f"`{field}`" in text, field
    for name in TYPES:
        assert f"`{name}`" in text
