"""Decide whether a decoded object is an event: its envelope, the shape of its data, its name.

Law: everything wrong with an event is found in one pass, each fault with its code, its place and what to send. This is the
slow, complete way; ``ingest.event`` asks it only when an event is not plainly good.
"""

import base64
import binascii
import re
from collections import Counter
from typing import Any

import orjson

from rulesd.ingest.faults import Fault, data_number_fault, json_fault, kind_of
from rulesd.ingest.times import read_time
from rulesd.model.instant import Instant
from rulesd.model.reasons import ErrorCode
from rulesd.privacy.fields import ATTRIBUTES
from rulesd.privacy.redact import Redactor, measure_depth

_TYPE = re.compile(r"ai\.safety\.(.+)\.v\d+", re.ASCII)
_NUMERIC = {name for name, kind in ATTRIBUTES.items() if kind == "number"}


def bare_name(event_type: str) -> str:
    """``tool.call`` for ``ai.safety.tool.call.v1``; any other type is its own name."""
    found = _TYPE.fullmatch(event_type)
    return found[1] if found else event_type


def settle(doc: dict[str, Any], redactor: Redactor, notices: Counter[str]) -> list[Fault]:
    """Bring an event to its one form (``data`` an object, no nulls among the attributes) and list every fault."""
    for attribute in [name for name, value in doc.items() if value is None and name != "data"]:
        del doc[attribute]
    if doc.pop("tenant_claimed", None) is not None:
        notices["reserved_attribute"] += 1
    faults = [
        fault
        for fault in (
            _specversion(doc),
            _text(doc, "id", "an id that is unique within the source"),
            _text(doc, "source", "the producer's name, as in /svc/assistant"),
            _text(doc, "type", "a type, as in ai.safety.tool.call.v1"),
            *_attributes(doc),
            _time(doc),
        )
        if fault is not None
    ]
    faults += _data(doc, redactor)
    return faults


def event_time(doc: dict[str, Any], now: Instant, notices: Counter[str]) -> Instant:
    """When the event says it happened; the receive time when it does not say."""
    text = doc.get("time")
    if text is None:
        notices["time_missing"] += 1
        return now
    return read_time(text)


def weight_of(doc: dict[str, Any], highest: int, notices: Counter[str]) -> int:
    """How many occurrences the event stands for: ``sampledrate`` where it makes sense, else 1."""
    rate = doc.get("sampledrate")
    if rate is None:
        return 1
    if type(rate) is not int or rate < 1:
        notices["sampledrate_invalid"] += 1
        return 1
    if rate > highest:
        notices["sampledrate_capped"] += 1
        return highest
    return rate


def _specversion(doc: dict[str, Any]) -> Fault | None:
    version = doc.get("specversion")
    if version is None:
        return Fault(ErrorCode.MISSING, "/specversion", 'specversion is missing. Send "1.0"')
    if type(version) is not str:
        return _wrong_type("specversion", version)
    if version != "1.0":
        return Fault(
            ErrorCode.SPECVERSION, "/specversion", 'specversion is not supported. Send "1.0"'
        )
    return None


def _text(doc: dict[str, Any], attribute: str, hint: str) -> Fault | None:
    value = doc.get(attribute)
    if value is None:
        return Fault(ErrorCode.MISSING, f"/{attribute}", f"{attribute} is missing. Send {hint}")
    if type(value) is not str:
        return _wrong_type(attribute, value)
    if not value:
        return Fault(ErrorCode.VALUE, f"/{attribute}", f"{attribute} is empty. Send {hint}")
    return None


def _attributes(doc: dict[str, Any]) -> list[Fault]:
    checked = {"specversion", "id", "source", "type", "time"}
    return [
        _wrong_type(name, value)
        for name, value in doc.items()
        if name in ATTRIBUTES
        and name not in checked
        and name not in _NUMERIC
        and type(value) is not str
    ]


def _time(doc: dict[str, Any]) -> Fault | None:
    value = doc.get("time")
    if value is None:
        return None
    if type(value) is str:
        try:
            read_time(value)
        except ValueError:
            pass
        else:
            return None
    return Fault(
        ErrorCode.TIME,
        "/time",
        "time is not an RFC 3339 timestamp. Send one as in 2026-01-05T09:00:00.000Z, or none",
    )


def _data(doc: dict[str, Any], redactor: Redactor) -> list[Fault]:
    encoded = doc.pop("data_base64", None)
    data = doc.get("data")
    if encoded is not None:
        if data is not None:
            return [_bad_data("/data", "data and data_base64 are both there. Send only data")]
        if type(encoded) is not str:
            return [_wrong_type("data_base64", encoded)]
        return _open(doc, encoded, redactor)
    if data is None:
        doc["data"] = {}
    elif type(data) is not dict:
        return [
            _bad_data(
                "/data", f"data is {kind_of(data)}. Send a JSON object, with text in data.content"
            )
        ]
    return []


def _open(doc: dict[str, Any], encoded: str, redactor: Redactor) -> list[Fault]:
    """Put the object inside ``data_base64`` where ``data`` belongs."""
    if "json" not in str(doc.get("datacontenttype", "json")).lower():
        return [_bad_data("/data_base64", "data_base64 is not JSON. Send data as a JSON object")]
    try:
        text = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return [_bad_data("/data_base64", "data_base64 is not base64. Send data as a JSON object")]
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        fault = json_fault(text)
        return [fault._replace(pointer="/data_base64", message=f"in data_base64, {fault.message}")]
    if type(data) is not dict:
        return [_bad_data("/data_base64", f"data_base64 holds {kind_of(data)}. Send a JSON object")]
    doc["data"] = data
    measure_depth(data, 2)
    odd = data_number_fault(text, redactor)
    return [odd._replace(pointer="/data_base64")] if odd is not None else []


def _wrong_type(attribute: str, value: Any) -> Fault:
    return Fault(ErrorCode.TYPE, f"/{attribute}", f"{attribute} is {kind_of(value)}. Send a string")


def _bad_data(pointer: str, message: str) -> Fault:
    return Fault(ErrorCode.DATA, pointer, message)
