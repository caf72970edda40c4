"""The JSON Schema of an event, for editors and producers (``rulesd schema event``).

Law: generated from ``privacy.fields``; there is no second list. The schema describes and does not restrict: unknown types,
fields and values are accepted at the door, so it forbids none of them.
"""

from typing import Any

from rulesd.privacy.fields import (
    ATTRIBUTES,
    COMMON,
    TYPES,
    FieldClass,
    TypeFields,
    fields_of,
    values_of,
)

_ABOUT = {
    "id": "Unique within the source; sending it again is recognised.",
    "source": "The producer, as in /svc/assistant.",
    "type": "ai.safety.<name>.v1, or the bare name.",
    "time": "When it happened (RFC 3339); the receive time when absent.",
    "tenant": "Whose event it is; a tenant the transport vouches for wins.",
    "sampledrate": "How many occurrences this event stands for.",
    "dataref": "Where the raw content can be found by those who may.",
}
_REQUIRED = ["specversion", "id", "source", "type"]


def event_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of the events rulesd reads."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:rulesd:schema:event:1",
        "title": "An AI-safety event (CloudEvents 1.0)",
        "type": "object",
        "required": _REQUIRED,
        "properties": {**_attributes(), "data": {"type": ["object", "null"]}},
        "allOf": [_of_type(name, fields) for name, fields in TYPES.items()],
    }


def _attributes() -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, kind in ATTRIBUTES.items():
        if name == "tenant_claimed":
            continue
        if kind == "number":
            out[name] = {"type": "integer", "minimum": 1}
        else:
            out[name] = {"type": "string"}
        if name in _REQUIRED:
            out[name]["minLength"] = 1
        if name in _ABOUT:
            out[name]["description"] = _ABOUT[name]
    out["specversion"]["const"] = "1.0"
    out["time"]["format"] = "date-time"
    out["type"]["examples"] = [f"ai.safety.{name}.v1" for name in TYPES]
    return out


def _of_type(name: str, own: TypeFields) -> dict[str, Any]:
    """What ``data`` usually holds in events of one type."""
    properties = {field: _field(name, own, field, kind) for field, kind in fields_of(name).items()}
    return {
        "if": {"properties": {"type": {"enum": [name, f"ai.safety.{name}.v1"]}}},
        "then": {"properties": {"data": {"properties": properties}}},
    }


def _field(event_type: str, own: TypeFields, field: str, kind: FieldClass) -> dict[str, Any]:
    out: dict[str, Any] = {"x-class": str(kind)}
    match kind:
        case FieldClass.MEASURE:
            out["type"] = ["number", "boolean", "null"]
        case FieldClass.CONTENT:
            out["description"] = "Raw text: removed before anything is stored."
            out["properties"] = {name: {"x-class": "content"} for name in own.content}
        case _:
            out["maxLength"] = 256
            values = values_of(event_type, field)
            if values:
                out["examples"] = list(values)
            if field in COMMON.labels or field in COMMON.ids:
                out["description"] = "Common to every event type."
    return out
