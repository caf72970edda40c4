"""JSON Schemas for editors and for whoever writes files by program: ``rulesd schema NAME``.

Law: made from the very models that check the files and from the table of fields, so that they cannot say something else.
"""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from rulesd.config.detect import TABLE
from rulesd.config.hooks import HooksFile
from rulesd.config.owners import OwnersFile
from rulesd.config.receivers import ReceiversFile
from rulesd.config.rule_file import RuleFile, SeverityRow, TestEntry
from rulesd.config.switches import SwitchesFile
from rulesd.model.alert import SEVERITIES
from rulesd.model.duration import format_duration
from rulesd.privacy.fields import COMMON, TYPES, TypeFields

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> Schema:
    """The JSON Schema (2020-12) of ``rule``, ``receivers``, ``owners``, ``switches``, ``hooks`` or ``event``.

    Raises:
        KeyError: for any other name; ``NAMES`` lists them.
    """
    return {"$schema": _DRAFT, "$id": f"rulesd:{name}"} | NAMES[name]()


def _model(model: type[Any]) -> Schema:
    made: Schema = TypeAdapter(model).json_schema(by_alias=True)
    _spell(made)
    return made


def _spell(node: object) -> None:
    """Write default lengths of time as people do, not in milliseconds."""
    if isinstance(node, dict):
        default = node.get("default")
        if (
            isinstance(default, int)
            and not isinstance(default, bool)
            and node.get("type") == "string"
        ):
            node["default"] = format_duration(default)
        for value in node.values():
            _spell(value)
    elif isinstance(node, list):
        for value in node:
            _spell(value)


def _rule() -> Schema:
    made = _model(RuleFile)
    defs: Schema = made.setdefault("$defs", {})
    options: list[Schema] = [{"const": "never", "description": "Any matching event"}]
    for word, row in TABLE.items():
        one = _model(row.parameters)
        defs.update(one.pop("$defs", {}))
        about = str(one.get("description", ""))
        if row.build is None:
            about += " (this version cannot run it yet)"
        options.append(
            {
                "type": "object",
                "description": about,
                "properties": {word: one},
                "required": [word],
                "additionalProperties": False,
            }
        )
    rows = _model(SeverityRow)
    defs.update(rows.pop("$defs", {}))
    tests = _model(TestEntry)
    defs.update(tests.pop("$defs", {}))
    made["properties"]["detect"] = {
        "description": "The detector: never, or one word with its parameters",
        "oneOf": options,
    }
    made["properties"]["severity"] = {
        "oneOf": [{"enum": list(SEVERITIES)}, {"type": "array", "minItems": 1, "items": rows}]
    }
    made["properties"]["tests"] = {"type": "array", "items": tests}
    return made


def _event() -> Schema:
    """CloudEvents 1.0 with the contract's fields; unknown types and fields are allowed."""
    text = {"type": "string", "minLength": 1}
    rows = [
        {
            "if": {
                "properties": {"type": {"enum": [name, f"ai.safety.{name}.v1"]}},
                "required": ["type"],
            },
            "then": {"properties": {"data": {"type": "object", "properties": _fields(own)}}},
        }
        for name, own in TYPES.items()
    ]
    return {
        "title": "Event",
        "description": "A CloudEvent as rulesd takes it",
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": text
            | {"description": "ai.safety.<name>.v1 or <name>", "examples": sorted(TYPES)},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": "string"},
            "tenant": {"type": "string"},
            "traceparent": {"type": "string"},
            "correlationid": {"type": "string"},
            "causationid": {"type": "string"},
            "sampledrate": {"type": ["integer", "string"]},
            "dataclassification": {"type": "string"},
            "dataref": {"type": "string"},
            "arrivaltime": {"type": "string", "format": "date-time"},
            "data": {"type": "object", "properties": _fields(COMMON)},
        },
        "allOf": rows,
    }


def _fields(own: TypeFields) -> Schema:
    out: Schema = {}
    for name, values in own.labels.items():
        out[name] = {"description": "label"} | ({"examples": list(values)} if values else {})
    out |= {name: {"description": "id"} for name in own.ids}
    out |= {name: {"description": "measure", "type": ["number", "null"]} for name in own.measures}
    if own.content:
        held = {
            name: {"description": "raw text; removed before it is stored"} for name in own.content
        }
        out["content"] = {"type": "object", "properties": held}
    return out


NAMES: dict[str, Callable[[], Schema]] = {
    "rule": _rule,
    "receivers": lambda: _model(ReceiversFile),
    "owners": lambda: _model(OwnersFile),
    "switches": lambda: _model(SwitchesFile),
    "hooks": lambda: _model(HooksFile),
    "event": _event,
}
"What there is a schema for."
