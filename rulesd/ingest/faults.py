"""Say what is wrong with a text or an event, where, and what to send instead.

Law: no message and no pointer holds a value of the event. Nothing here runs for a good event.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from rulesd.model.event import Rejected
from rulesd.model.reasons import ErrorCode
from rulesd.privacy.redact import DEPTH_LIMIT, Redactor

LOWEST, HIGHEST = -(2**63), 2**64 - 1
"The integers an event may hold: those that JSON parsers agree on."


class Fault(NamedTuple):
    """One thing wrong with an event."""

    code: ErrorCode
    pointer: str
    message: str


def refusal(faults: Sequence[Fault], position: int, size: int) -> Rejected:
    """One answer for all that is wrong with an event: the first fault's code and pointer, and every message."""
    first = faults[0]
    message = "; ".join(dict.fromkeys(fault.message for fault in faults))
    return Rejected(position, str(first.code), message, first.pointer, size)


def pointer_part(name: str, redactor: Redactor) -> str:
    """One step of a JSON pointer, its name masked where it might be content."""
    return redactor.name(name).replace("~", "~0").replace("/", "~1")


# ------------------------------------------------------------------------------------- unreadable text

_DEPTH = "depth limit"
_INFINITE = "number is infinity"
_SURROGATE = "surrogate"
_NOT_UTF8 = "not valid UTF-8"
_BOM = "byte order mark"
_WORD = re.compile(r"[-+]?(?:NaN|Inf(?:inity)?)", re.IGNORECASE)


def json_fault(text: bytes) -> Fault:
    """Why orjson refuses this text."""
    if not text.strip():
        return Fault(ErrorCode.EMPTY, "", "the text is empty. Send a CloudEvent as a JSON object")
    reason, at, word = _refused(text)
    if _NOT_UTF8 in reason or _SURROGATE in reason:
        return Fault(
            ErrorCode.UTF8,
            "",
            "the text is not valid UTF-8, or escapes half a surrogate pair. Send JSON in UTF-8",
        )
    if _DEPTH in reason:
        return Fault(ErrorCode.DEPTH, "", _DEPTH_MESSAGE)
    if _INFINITE in reason or word:
        return Fault(
            ErrorCode.NUMBER,
            "",
            f"the number at character {at} is not finite. Send a finite number, or leave the field out",
        )
    if _BOM in reason:
        return Fault(ErrorCode.JSON, "", "the text begins with a byte order mark. Send it without")
    return Fault(
        ErrorCode.JSON,
        "",
        f"the text is not JSON: {reason} (character {at}). Send a CloudEvent as a JSON object",
    )


def _refused(text: bytes) -> tuple[str, int, bool]:
    """The parser's reason in its own words (none of the text's), where, and whether a word such as NaN stands there."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return error.msg, error.pos, _WORD.match(error.doc, error.pos) is not None
    return "it was refused", 0, False


_DEPTH_MESSAGE = (
    f"the event is nested more than {DEPTH_LIMIT} levels deep. Send flat fields in data"
)


# ------------------------------------------------------------------------------------------- numbers


def number_fault(text: bytes, redactor: Redactor) -> Fault | None:
    """Where this event's text holds an integer beyond 64 bits, if it does.

    orjson turns such an integer into a float without a word. msgspec keeps it, so it is the second opinion, asked only
    when a suspiciously large float was seen.
    """
    exact = _exact(text)
    if type(exact) is dict and type(exact.get("data")) is dict:
        exact["data"].pop("content", None)
    return value_fault(exact, redactor)


def data_number_fault(text: bytes, redactor: Redactor) -> Fault | None:
    """The same for a text that is the ``data`` of an event alone."""
    exact = _exact(text)
    if type(exact) is dict:
        exact.pop("content", None)
    return value_fault(exact, redactor)


def _exact(text: bytes) -> Any:
    """The text with its integers as written; infinity where even msgspec gives up, which no event may hold either."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return math.inf


def value_fault(value: Any, redactor: Redactor) -> Fault | None:
    """Where a decoded value holds a number no JSON parser would agree on, if it does."""
    for pointer, number in _numbers(value, "", redactor):
        if type(number) is int and not LOWEST <= number <= HIGHEST:
            return _out_of_range(pointer)
        if type(number) is float and not math.isfinite(number):
            return _out_of_range(pointer)
    return None


def _out_of_range(pointer: str) -> Fault:
    return Fault(
        ErrorCode.NUMBER,
        pointer,
        "a number is outside what JSON readers agree on (-2^63 to 2^64-1, finite)."
        " Send it as a string, or a smaller number",
    )


def _numbers(value: Any, pointer: str, redactor: Redactor) -> Iterator[tuple[str, Any]]:
    if type(value) is dict:
        for name, inner in value.items():
            step = pointer_part(name, redactor) if type(name) is str else "?"
            yield from _numbers(inner, f"{pointer}/{step}", redactor)
    elif type(value) is list:
        for position, inner in enumerate(value):
            yield from _numbers(inner, f"{pointer}/{position}", redactor)
    else:
        yield pointer, value


def kind_of(value: Any) -> str:
    """The JSON word for a value's type."""
    for types, word in (
        (str, "a string"),
        (bool, "a boolean"),
        ((int, float), "a number"),
        (list, "an array"),
        (dict, "an object"),
    ):
        if isinstance(value, types):
            return word
    return "null" if value is None else "something else"
