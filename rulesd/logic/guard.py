"""Refuse a rule that could hurt the process, before anything native sees it.

Law: what leaves here is a plain tree of dict, list, str, int, float, bool and None, finite, of bounded size and depth,
with string keys, and its JSON text. datalogic is only ever given text: it crashes the process on cyclic or very deep
Python objects, where its parser of text refuses them cleanly.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final, TypeAlias

import orjson

from rulesd.logic.errors import RuleError

Logic: TypeAlias = "bool | int | float | str | list[Logic] | dict[str, Logic] | None"
"A JSON Logic expression as plain data."

MAX_DEPTH: Final = 256
"Levels of nesting; datalogic's own parser refuses deeper text."

MAX_NODES: Final = 20_000
"Values in one rule."

MAX_BYTES: Final = 256 * 1024
"Length of one rule as JSON text."

_TOO_BIG: Final = "Split the rule, or keep long lists in a labelled field that services send."


def plain(logic: object) -> tuple[Logic, str]:
    """``logic`` as a private copy of plain JSON data, and as text; or ``RuleError``. A ``str`` is JSON text."""
    if isinstance(logic, str):
        return _checked(_parsed(logic))
    try:
        text = orjson.dumps(logic, option=_STRICT)
    except (
        TypeError
    ):  # Too deep, cyclic, a key that is no string, a value that is no JSON: say where.
        return _checked(_Copy().copy(logic, "", 0))
    if (
        len(text) > MAX_NODES or b"null" in text
    ):  # Perhaps too big, perhaps not finite: look closely.
        return _checked(_Copy().copy(logic, "", 0))
    return orjson.loads(text), text.decode()


_STRICT: Final = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def _checked(logic: Logic) -> tuple[Logic, str]:
    text = orjson.dumps(logic)
    if len(text) > MAX_BYTES:
        raise RuleError(
            f"the rule is {len(text)} bytes of JSON, the limit is {MAX_BYTES}", hint=_TOO_BIG
        )
    return logic, text.decode()


def escape(segment: str) -> str:
    """One step of an RFC 6901 pointer."""
    return segment.replace("~", "~0").replace("/", "~1")


def _parsed(text: str) -> Logic:
    if len(text) > MAX_BYTES:
        raise RuleError(
            f"the rule is {len(text)} characters, the limit is {MAX_BYTES}", hint=_TOO_BIG
        )
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RuleError(
            f"the rule is a string that is not JSON: {error.msg} at character {error.pos}",
            hint="Write the rule as a mapping, or as JSON text.",
        ) from None
    return _Copy().copy(value, "", 0)


class _Copy:
    """One walk over one rule; counts what it has seen."""

    __slots__ = ("nodes", "open")

    def __init__(self) -> None:
        self.nodes = 0
        self.open: list[int] = []

    def copy(self, value: object, pointer: str, depth: int) -> Logic:
        """Copy ``value``; ``open`` holds the identities of the containers around it."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise RuleError(
                f"the rule holds more than {MAX_NODES} values", pointer=pointer[:200], hint=_TOO_BIG
            )
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _text(str(value), pointer)
        if isinstance(value, int):
            return _whole(int(value), pointer)
        if isinstance(value, float):
            return _real(float(value), pointer)
        if isinstance(value, (Mapping, Sequence)) and not isinstance(
            value, (bytes, bytearray, memoryview)
        ):
            return self._container(value, pointer, depth)
        raise RuleError(
            f"a {type(value).__name__} is not JSON",
            pointer=pointer,
            hint="Use text, numbers, true, false, null, lists and mappings.",
        )

    def _container(
        self, value: Mapping[object, object] | Sequence[object], pointer: str, depth: int
    ) -> Logic:
        if id(value) in self.open:
            raise RuleError(
                "the rule contains itself",
                pointer=pointer[:200],
                hint="Write it out as a finite tree.",
            )
        if depth >= MAX_DEPTH:
            raise RuleError(
                f"the rule is nested deeper than {MAX_DEPTH} levels",
                pointer=pointer[:200],
                hint="Flatten nested `and`/`or`.",
            )
        self.open.append(id(value))
        result: Logic
        if isinstance(value, Mapping):
            result = {}
            for key, item in value.items():
                if not isinstance(key, str):
                    raise RuleError(
                        f"a key is a {type(key).__name__}, not a string",
                        pointer=pointer,
                        hint="Quote it: JSON Logic operators and field names are strings.",
                    )
                result[_text(str(key), pointer)] = self.copy(
                    item, f"{pointer}/{escape(key)}", depth + 1
                )
        else:
            result = [self.copy(item, f"{pointer}/{i}", depth + 1) for i, item in enumerate(value)]
        self.open.pop()
        return result


def _text(value: str, pointer: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RuleError(
            "text with half a surrogate pair is not JSON",
            pointer=pointer,
            hint="Write the character itself.",
        ) from None
    return value


def _whole(value: int, pointer: str) -> int | float:
    if -(2**63) <= value < 2**63:
        return value
    if value < 2**64 and value > 0:
        return float(value)  # What datalogic makes of such a number.
    raise RuleError(
        "a whole number does not fit in 64 bits",
        pointer=pointer,
        hint="Write it as a decimal, such as 1e30.",
    )


def _real(value: float, pointer: str) -> float:
    if isfinite(value):
        return value
    raise RuleError(
        "a number is not finite",
        pointer=pointer,
        hint="JSON has no NaN or infinity; write a number.",
    )
