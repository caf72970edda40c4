"""Read the HTTP binding of CloudEvents: which framing a request uses, and the binary mode's headers.

Law: header values are unquoted, then percent-decoded once, and must be UTF-8 after that; a header never becomes ``data``.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from rulesd.ingest.faults import Fault, json_fault
from rulesd.model.errors import EventError
from rulesd.model.reasons import ErrorCode


class Framing(StrEnum):
    """How events lie in a body."""

    EVENT = "structured"
    BATCH = "batch"
    LINES = "ndjson"
    BINARY = "binary"
    JSON = "json"
    "Plain JSON: one event or an array of them, by what the text begins with."


_LINES = {
    "application/x-ndjson",
    "application/ndjson",
    "application/x-jsonlines",
    "application/jsonl",
}
_MODES = {
    "application/cloudevents": Framing.EVENT,
    "application/cloudevents+json": Framing.EVENT,
    "application/cloudevents-batch": Framing.BATCH,
    "application/cloudevents-batch+json": Framing.BATCH,
    **dict.fromkeys(_LINES, Framing.LINES),
}
_CHARSETS = {"", "utf-8", "utf8", "us-ascii"}
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]*)", re.IGNORECASE)


def framing_of(content_type: str, headers: Mapping[str, str]) -> Framing:
    """How this request's body is to be read.

    Raises:
        EventError: no known content type and no ``ce-`` headers (415).
    """
    media = _media(content_type)
    charset = _CHARSET.search(content_type)
    known = charset is None or charset[1].lower() in _CHARSETS
    if known and media in _MODES:
        return _MODES[media]
    if known and not media.startswith("application/cloudevents"):
        if any(name.lower().startswith("ce-") for name in headers):
            return Framing.BINARY
        if _is_json(media):
            return Framing.JSON
    raise EventError(
        ErrorCode.MEDIA,
        "the content type is not supported. Send application/cloudevents+json,"
        " application/cloudevents-batch+json, application/x-ndjson, or ce- headers; in UTF-8",
    )


def binary_event(
    content_type: str, headers: Mapping[str, str], body: bytes
) -> tuple[dict[str, Any], list[Fault]]:
    """The event that headers and body describe together, and what is wrong with them."""
    doc: dict[str, Any] = {}
    faults: list[Fault] = []
    for header, value in headers.items():
        name = header.lower()
        if not name.startswith("ce-") or name == "ce-datacontenttype":
            continue
        attribute = name[3:]
        text = header_text(value)
        if attribute in {"data", "data_base64", ""}:
            faults.append(
                Fault(ErrorCode.VALUE, "", "a ce- header names data. Send data as the body")
            )
        elif attribute in doc:
            faults.append(
                Fault(ErrorCode.VALUE, "", "a ce- header is there twice. Send each one once")
            )
        elif text is None:
            faults.append(
                Fault(
                    ErrorCode.UTF8,
                    "",
                    "a ce- header is not UTF-8 after percent-decoding. Percent-encode its UTF-8 bytes",
                )
            )
        else:
            doc[attribute] = _number(text) if attribute in _NUMBERS else text
    faults += _read_body(doc, content_type, body)
    return doc, faults


_NUMBERS = {"sampledrate", "severitynumber"}


def _number(text: str) -> int | str:
    """Headers are text; the two attributes that are numbers become numbers again."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def _read_body(doc: dict[str, Any], content_type: str, body: bytes) -> list[Fault]:
    if not body.strip():
        return []
    media = _media(content_type)
    if media and not _is_json(media):
        return [
            Fault(ErrorCode.DATA, "/data", "the body is not JSON. Send it with application/json")
        ]
    doc["datacontenttype"] = media or "application/json"
    try:
        doc["data"] = orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    else:
        return []
    fault = json_fault(body)
    return [fault._replace(pointer="/data")]


_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


def header_text(value: str) -> str | None:
    """A header's value as the attribute's text; ``None`` when it is not UTF-8."""
    text = value.strip(" \t")
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        text = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    try:
        return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeError:
        return None


def _media(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json(media: str) -> bool:
    return media in {"application/json", "text/json"} or media.endswith("+json")
